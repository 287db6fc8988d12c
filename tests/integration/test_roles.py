"""Every role is either one the engine calls or one that only signs in, and a page meets no role it does not know."""

import psycopg

from alerts.model import Role


def test_every_role_is_called_or_only_signs_in(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        (check,) = conn.execute(
            "select pg_get_constraintdef(oid) from pg_constraint where conname = 'person_role_check'"
        ).fetchall()[0]
        roles = set(str(check).split("'")[1::2])
        office = {
            role
            for (role,) in conn.execute("select r from unnest(%s::text[]) r where office_only(r)", (sorted(roles),))
        }
    assert roles - office == {str(role) for role in Role}
    assert office == {"supervisor", "installer", "dispatcher", "administrator", "auditor"}
