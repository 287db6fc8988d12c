"""The keys of an installation: made once, changed, missed; and what an earlier release wrote in the open."""

from pathlib import Path

import psycopg
import pytest

from hub import sealed
from hub.commands import migrate, people, seal
from hub.errors import HubError
from hub.store import people as store
from hub.store import sealing
from hub.store.pool import connect


@pytest.fixture
def here(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder without any key."""
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    monkeypatch.setenv("CAREHUB_RUN_DIR", str(tmp_path))
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)
    monkeypatch.setattr(sealed, "_place", [])
    return tmp_path


def codes(dsn: str) -> dict[int, str]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return dict(conn.execute("select id, door_code from resident where door_code <> '' order by id").fetchall())


def of_an_earlier_release(dsn: str, code: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("insert into resident (name, door_code, created_at) values ('刘', %s, hub_now())", (code,))


def test_door_code_of_a_new_resident_is_sealed_from_the_first_moment(
    here: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert people.main(["resident", "王秀兰", "--door-code", "5013#"]) == 0
    ((number, kept),) = codes(dsn).items()
    assert "5013" not in kept
    assert sealed.opened("resident.door_code", number, kept) == "5013#"
    with psycopg.connect(dsn) as conn:
        told = conn.execute("select fields::text from registry_change").fetchall()
    assert not any("5013" in row[0] for row in told)


def test_upgrade_says_what_stands_plain_and_seal_plain_seals_it(
    here: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    of_an_earlier_release(dsn, "1939#")
    assert migrate.main([]) == 0
    assert "1 door codes and notes stand plain" in capsys.readouterr().out
    assert seal.main(["plain"]) == 0
    ((number, kept),) = codes(dsn).items()
    assert sealed.opened("resident.door_code", number, kept) == "1939#"
    assert sealed.is_sealed(kept)
    assert seal.main(["plain"]) == 0
    assert capsys.readouterr().out.endswith("0 sealed\n")


def test_rotation_seals_everything_anew_also_what_the_history_keeps(
    here: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    people.main(["resident", "王秀兰", "--door-code", "5013#"])
    first = sealed.ring().current
    assert seal.main(["rotate"]) == 0
    second = sealed.ring().current
    ((number, kept),) = codes(dsn).items()
    assert sealed.key_of(kept) == second != first
    assert sealed.opened("resident.door_code", number, kept) == "5013#"
    with psycopg.connect(dsn) as conn:
        held = conn.execute(
            "select x from registry_change, jsonb_array_elements_text(fields -> 'door_code') as x where x <> ''"
        ).fetchall()
    assert {sealed.key_of(row[0]) for row in held} == {second}
    capsys.readouterr()
    assert seal.main(["show"]) == 0
    assert f"{first}  opens" in capsys.readouterr().out


def test_key_that_was_lost_is_missed_and_no_other_is_made(
    here: Path, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    people.main(["resident", "王秀兰", "--door-code", "5013#"])
    sealed.keys_file().unlink()
    with pytest.raises(HubError, match=r"bring seal\.keys"):
        seal.main(["init"])
    assert seal.main(["show"]) == 1
    assert "NOT HERE" in capsys.readouterr().out
    assert not sealed.keys_file().exists()
    assert people.main(["resident", "李国庆"]) == 0  # who has no code needs no key
    with pytest.raises(HubError, match="nothing can be sealed here"):
        people.main(["resident", "周桂芳", "--door-code", "1"])
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select count(*) from resident").fetchone() == (2,)


@pytest.mark.anyio
async def test_thousand_codes_are_sealed_in_one_go(here: Path, dsn: str) -> None:
    async with await connect(dsn) as conn:
        await conn.execute("insert into resident (name, door_code, created_at)"
                           " select 'r' || n, n || '#', hub_now() from generate_series(1, 1100) n")  # fmt: skip
        assert await sealing.begin(conn, here)
        assert await sealing.seal_plain(conn) == 1100
        census = await sealing.census(conn)
        assert census.plain == 0
        assert sum(census.by_key.values()) == 1100
        assert census.lost({}) == 1100
        number = await store.add_resident(conn, store.Resident(name="last", door_code="x"))
        assert sealed.is_sealed(codes(dsn)[number])
