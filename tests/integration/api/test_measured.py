"""Years of a resident by the API: days that were hers whole, the same for the hub and for an organisation's program."""

from datetime import datetime, timedelta

import pytest

from hub.store import measured, partitions
from hub.store.partitions import DAY, HOUR
from hub.store.pool import Connection, hub_now
from tests.integration.api.conftest import Client
from tests.integration.storage.days import YINCHUAN, rolled, say
from tests.integration.web.test_scope import organisation, two
from tests.integration.web.world import World

__all__ = ["two"]  # a fixture


@pytest.fixture
def days(two: World) -> list[datetime]:
    """Wang's watch went to the east in the middle of the third of five days."""
    watch = two.devices["watch-wang"]

    async def lived(conn: Connection) -> list[datetime]:
        now = await hub_now(conn)
        first = measured.floor(now, DAY, measured.midnight(YINCHUAN, now)) - 5 * DAY
        for back in range(6):
            await partitions.ensure(conn, now - back * DAY)
        for day in range(5):
            await say(conn, first + day * DAY + HOUR, watch, heart_rate_bpm=70 + day, steps=10)
        await rolled(conn, now)
        return [first + day * DAY for day in range(5)]

    days = two.run(lived)
    given = days[2] + timedelta(hours=12)
    two.sql("update device set created_at = %(at)s where id = %(d)s", at=days[0] - DAY, d=watch)
    for at, whose in ((days[0] - DAY, "wang"), (given, "far")):
        two.sql(
            "insert into device_event (device_id, at, actor, action, state, facts) values (%(d)s, %(at)s,"
            " 'device', 'bind', 'live', jsonb_build_object('resident', %(r)s::bigint))",
            d=watch, at=at, r=two.residents[whose],
        )  # fmt: skip
    two.sql(
        "update device set resident_id = %(r)s, bound_at = %(at)s where id = %(d)s",
        r=two.residents["far"], at=given, d=watch,
    )  # fmt: skip
    return days


@pytest.mark.parametrize(("short", "whose"), [("own", ("wang", "far", (0, 1))), ("other", ("far", "wang", (3, 4)))])
def test_days_are_hers_whole_within_the_bounds_and_without(
    days: list[datetime], client: Client, two: World, short: str, whose: tuple[str, str, tuple[int, ...]]
) -> None:
    own, foreign, hers = whose
    program = client("observations:read", organisation_id=organisation(two, short))
    path = "/residents/{}/measured"
    answer = program.get(path.format(two.residents[own]))
    assert answer.status_code == 200, answer.text
    assert [datetime.fromisoformat(one["at"]) for one in answer.json()] == [days[place] for place in hers]
    assert [one["vitals"]["heart_rate"] for one in answer.json()] == [
        {"n": 1, "least": 70 + place, "most": 70 + place, "mean": 70 + place} for place in hers
    ]
    assert client("observations:read").get(path.format(two.residents[own])).json() == answer.json()
    assert program.get(path.format(two.residents[foreign])).status_code == 404


def test_hours_are_asked_for_and_too_long_a_time_is_refused(two: World, client: Client, days: list[datetime]) -> None:
    program = client("observations:read")
    path = f"/residents/{two.residents['wang']}/measured"
    hours = program.get(path, params={"by": "hour"}).json()
    assert [datetime.fromisoformat(one["at"]) for one in hours] == [day + HOUR for day in days[:3]]
    assert {one["steps"] for one in hours} == {10}
    for asked in ({"since": "1950-01-01T00:00:00Z"}, {"by": "hour", "since": (days[0] - 200 * DAY).isoformat()},
                  {"since": days[1].isoformat(), "until": days[0].isoformat()}):  # fmt: skip
        assert program.get(path, params=asked).status_code == 422
