"""What an organisation's program reads of measurements: under its own bounds, and what was said while it was hers."""

import re

import psycopg
import pytest

from hub.web.bounds import acting
from tests.integration.api.conftest import Client
from tests.integration.web.test_scope import organisation, two
from tests.integration.web.world import World

__all__ = ["two"]  # a fixture
PATHS = ("/residents/{}/observations", "/fhir/Observation?patient={}", "/fhir/Patient/{}/$everything")


@pytest.fixture
def handed_on(two: World) -> World:
    """Wang's watch, with 71 of hers and 99 of the resident in the east to whom it was given half an hour ago."""
    watch = two.devices["watch-wang"]
    two.sql("update device set created_at = created_at - interval '1 day'")
    for ago, bpm in ((50, 71), (10, 99)):
        two.sql(
            "insert into telemetry (received_at, device_id, batch, measured_at, heart_rate_bpm, worn)"
            " select a.at, %(d)s, 1, a.at, %(b)s, true from (select hub_now() - make_interval(mins => %(ago)s)) a (at)",
            d=watch, ago=ago, b=bpm,
        )  # fmt: skip
    for ago, whose in ((120, "wang"), (30, "far")):
        two.sql(
            "insert into device_event (device_id, at, actor, action, state, facts) values (%(d)s,"
            " hub_now() - make_interval(mins => %(ago)s), 'device', 'bind', 'live',"
            " jsonb_build_object('resident', %(r)s::bigint))",
            d=watch, ago=ago, r=two.residents[whose],
        )  # fmt: skip
    two.sql(
        "update device set resident_id = %(r)s, bound_at = hub_now() - interval '30 minutes', room = '东屋'"
        " where id = %(d)s",
        r=two.residents["far"], d=watch,
    )  # fmt: skip
    return two


@pytest.mark.parametrize(("short", "own", "foreign"), [("own", "wang", "far"), ("other", "far", "wang")])
def test_organisation_reads_what_a_device_said_while_it_was_its_residents(
    handed_on: World, client: Client, short: str, own: str, foreign: str
) -> None:
    program = client("observations:read", "fhir:read", organisation_id=organisation(handed_on, short))
    for path in PATHS:
        answer = program.get(path.format(handed_on.residents[own]))
        assert answer.status_code == 200, answer.text
        assert {float(bpm) for bpm in re.findall(r'"value": ?(71|99)\b', answer.text)} == {71 if short == "own" else 99}
        assert ("东屋" in answer.text) <= (short == "other"), "where it stands now is of whoever has it"
        assert program.get(path.format(handed_on.residents[foreign])).status_code == 404


def test_hub_itself_reads_the_same_records_as_the_organisation(handed_on: World, client: Client) -> None:
    path = PATHS[0].format(handed_on.residents["wang"])
    bound = client("observations:read", organisation_id=organisation(handed_on, "own")).get(path).json()["items"]
    whole = client("observations:read").get(path).json()["items"]
    assert [one | {"place": None} for one in bound] == [one | {"place": None} for one in whole]
    assert bound


@pytest.mark.parametrize(("short", "named", "expected"), [
    ("own", "wang", {71}), ("own", "far", set()), ("own", "", set()), ("other", "far", {99}), ("other", "wang", set()),
])  # fmt: skip
def test_measurements_are_of_the_resident_that_is_named_and_seen(
    handed_on: World, short: str, named: str, expected: set[int]
) -> None:
    """Whatever a query asks: the view lets through what was said while a device was that resident's."""
    resident = str(handed_on.residents[named]) if named else ""

    async def ask(conn: psycopg.AsyncConnection[tuple[object, ...]]) -> list[tuple[object, ...]]:
        async with acting(conn, organisation(handed_on, short), handed_on.people[short]), conn.transaction():
            await conn.execute("select set_config('carehub.resident', %s, true)", (resident,))
            return await (await conn.execute("select heart_rate_bpm::int from telemetry_hers")).fetchall()

    assert {row[0] for row in handed_on.run(ask)} == expected
