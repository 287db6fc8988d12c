"""An organisation's token: what it reads the database itself holds back."""

import re

import pytest

from hub.api.caller import Caller
from hub.api.scopes import CENTRE, SCOPES, SUPERVISOR
from hub.store.pool import Connection, open_pool
from tests.integration.api.conftest import Client, Issue
from tests.integration.web.world import World


@pytest.fixture
def guards(world: World) -> int:
    """An organisation that serves 和平社区, and one who is cared for elsewhere."""
    world.sql("insert into area (name) values ('和平社区'), ('别处')")
    ((made,),) = world.sql(
        "insert into organisation (name, kind, created_at) values ('和平物业', 'property', hub_now()) returning id"
    )
    world.sql("insert into organisation_area values (%(o)s, '和平社区')", o=made)
    world.sql("update resident set area = '别处' where id = %(r)s", r=world.residents["zhang"])
    return int(made)


def test_query_without_a_where_returns_its_own_rows_alone(world: World, guards: int, issue: Issue) -> None:
    made = issue(organisation_id=guards, scopes=("residents:read",))
    world.alert("watch-wang")
    world.alert("watch-zhang", area="别处")

    async def asked(_: Connection) -> tuple[set[str], set[str], int]:
        async with open_pool(world.dsn, name="test") as pool:
            parts = type("Parts", (), {"pool": pool})()
            who = Caller(
                token_id=made.id, name="x", scopes=frozenset(), person_id=made.person_id, role="dispatcher",
                organisation_id=guards, parts=parts, reads=True,
            )  # fmt: skip
            async with who.connection() as conn:
                residents = {r[0] for r in await (await conn.execute("select area from resident")).fetchall()}
                cases = {r[0] for r in await (await conn.execute("select area from incident")).fetchall()}
            async with pool.connection() as conn:
                everybody = await (await conn.execute("select count(*) from resident")).fetchone()
            assert everybody is not None
            return residents, cases, int(everybody[0])

    residents, cases, everybody = world.run(asked)
    assert (residents, cases) == ({"和平社区"}, {"和平社区"})
    assert everybody == 4


def test_every_reading_operation_answers_an_organisation(
    world: World, guards: int, client: Client, issue: Issue
) -> None:
    incident = world.alert("watch-wang")
    far = world.alert("watch-zhang", area="别处")
    world.heart_rates("watch-wang", [70, 71])
    scopes = tuple(SCOPES.keys() - SUPERVISOR - CENTRE)
    program = client(token=issue(organisation_id=guards, scopes=scopes, per_minute=6000).token)
    described = program.get("/openapi.json").json()["paths"]
    numbers = {
        "resident_id": world.residents["wang"],
        "device_id": world.devices["watch-wang"],
        "incident_id": incident,
    }
    for path in (path for path, methods in described.items() if "get" in methods):
        known = re.sub(r"\{(\w+)\}", lambda m: str(numbers.get(m[1], 1)), path)
        answer = program.get(known, params={"patient": numbers["resident_id"]} if path.endswith("/Observation") else {})
        assert answer.status_code in (200, 403, 404), (path, answer.text)
        if "resident_id" in path or "incident_id" in path:
            hers = {
                "resident_id": world.residents["zhang"],
                "incident_id": far,
                "device_id": world.devices["watch-zhang"],
            }
            other = program.get(re.sub(r"\{(\w+)\}", lambda m: str(hers.get(m[1], 1)), path))  # noqa: B023
            assert other.status_code in (403, 404), (path, other.text)
