"""Hours for months and days for years: the same whoever rolls them up, late data in the day it means.

Where CAREHUB_TEST_DSN names a server with TimescaleDB continuous aggregates keep them, elsewhere the hub does.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.store import hypertables, measured, packing, partitions
from hub.store.partitions import DAY, HOUR, Retention
from hub.store.pool import Connection
from hub.store.registry_erase import Q as ERASE
from tests.integration.storage.days import YINCHUAN, put_away, rolled, say

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nobody_writes_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "PAUSE_S", 0.0)


@pytest.fixture
def midnight(now: datetime) -> datetime:
    """The district's, four days ago: 16:00 of UTC."""
    found = measured.floor(now, DAY, measured.midnight(YINCHUAN, now)) - 4 * DAY
    assert found.astimezone(YINCHUAN).hour == 0
    return found


async def days(conn: Connection, now: datetime, device: int = 1) -> list[dict[str, Any]]:
    return await measured.of_device(conn, device, now - 40 * DAY, now)


async def test_day_of_the_district_holds_what_was_measured_on_it(
    conn: Connection, now: datetime, midnight: datetime
) -> None:
    for minute, bpm in ((-1, 99), (0, 60), (5, 64), (600, 80), (1439, 72), (1440, 98)):
        at = midnight + minute * MINUTE
        await say(conn, at + timedelta(seconds=1), measured_at=at, heart_rate_bpm=bpm, steps=minute % 7, worn=True,
                  battery_pct=90 - minute / 100)  # fmt: skip
    at = midnight + HOUR
    await say(conn, at, heart_rate_bpm=31, worn=False)  # on the table
    await say(conn, at + MINUTE, heart_rate_bpm=None, temperature_c=36.6, steps=None)
    await rolled(conn, now)
    before, day, after = await days(conn, now)
    assert [one["at"] for one in (before, day, after)] == [midnight - DAY, midnight, midnight + DAY]
    assert {"messages": 6, "worn": 4, "off": 1, "steps": 5 + 600 % 7 + 1439 % 7}.items() <= day.items()
    assert day["battery_least"] == pytest.approx(90 - 14.39)
    pulse = [day[f"heart_rate_{what}"] for what in ("n", "least", "most", "mean")]
    assert pulse == [4, 60, 80, (60 + 64 + 80 + 72) / 4]
    assert [day[f"temperature_{what}"] for what in ("n", "least")] == [1, pytest.approx(36.6)]
    assert (day["spo2_n"], day["spo2_mean"]) == (0, None)
    assert (before["heart_rate_most"], after["heart_rate_most"]) == (99, 98)


async def test_what_a_device_kept_for_two_days_counts_for_the_day_it_was_measured_on(
    conn: Connection, now: datetime, midnight: datetime
) -> None:
    await say(conn, midnight + HOUR, heart_rate_bpm=60)
    await rolled(conn, now - DAY)
    came = now - HOUR * 20
    for hour in (2, 3):
        await say(conn, came, measured_at=midnight + hour * HOUR, heart_rate_bpm=90, batch=9_000)
    await say(conn, came, measured_at=came + HOUR, heart_rate_bpm=111)  # a clock that is ahead
    await say(conn, came, measured_at=came - 90 * DAY, heart_rate_bpm=112)  # and one that forgot the year
    await rolled(conn, now + DAY)
    found = {one["at"]: one for one in await days(conn, now + 2 * DAY)}
    assert (found[midnight]["heart_rate_n"], found[midnight]["heart_rate_mean"]) == (3, 80)
    of_arrival = measured.floor(came, DAY, midnight)
    assert (found[of_arrival]["heart_rate_n"], found[of_arrival]["heart_rate_least"]) == (2, 111)
    assert set(found) == {midnight, of_arrival}


async def test_what_is_committed_late_is_counted_and_what_is_done_again_changes_nothing(
    conn: Connection, now: datetime
) -> None:
    day = measured.floor(now, DAY, measured.midnight(YINCHUAN, now))
    await say(conn, day - HOUR, heart_rate_bpm=60)
    await rolled(conn, now)
    before = await days(conn, now)
    await rolled(conn, now)
    assert await days(conn, now) == before
    await say(conn, day - 2 * HOUR, heart_rate_bpm=80, batch=7)  # received then, committed now
    await rolled(conn, now + HOUR)
    assert [(one["at"], one["heart_rate_n"], one["heart_rate_mean"]) for one in await days(conn, now)] == [
        (day - DAY, 2, 70)
    ]


async def test_hours_are_told_as_well_and_the_day_that_goes_on_is_not(conn: Connection, now: datetime) -> None:
    hour = measured.floor(now, HOUR, measured.midnight(YINCHUAN, now)) - 2 * HOUR
    for minute in range(0, 60, 10):
        await say(conn, hour + minute * MINUTE, spo2_pct=95 + minute / 20)
    await rolled(conn, now)
    (found,) = await measured.of_device(conn, 1, now - DAY, now, by="hour")
    assert (found["at"], found["spo2_n"], found["spo2_least"], found["spo2_most"]) == (hour, 6, 95, 97.5)
    assert await days(conn, now) == []


async def test_years_stay_when_telemetry_and_hours_go(conn: Connection, now: datetime, midnight: datetime) -> None:
    old = midnight - 20 * DAY
    await partitions.ensure(conn, old)
    await partitions.ensure(conn, old + DAY)
    await partitions.ensure(conn, now)
    for at in (old + HOUR, midnight + HOUR):
        await say(conn, at, heart_rate_bpm=66)
    await rolled(conn, now)
    await put_away(conn, now)
    kept = Retention(telemetry=14 * DAY, measured_hour=14 * DAY)
    await partitions.sweep(conn, now, kept)
    await partitions.sweep(conn, now, kept)
    await rolled_as_the_policy(conn, now)
    assert [one["at"] for one in await measured.of_device(conn, 1, old - DAY, now)] == [old, midnight]
    hours = await measured.of_device(conn, 1, old - DAY, now, by="hour")
    assert [one["at"] for one in hours] == [midnight + HOUR]
    await partitions.sweep(conn, now + 3_800 * DAY, Retention())
    assert await measured.of_device(conn, 1, old - DAY, now) == []


async def rolled_as_the_policy(conn: Connection, now: datetime) -> None:
    """Refresh as far back as the extension's own jobs do: what was dropped further back is none of theirs."""
    if "telemetry" not in await hypertables.are(conn):
        return
    begins = measured.midnight(YINCHUAN, now)
    for kind, reach, size in zip(measured.KINDS, measured.ONLY_NEWER, (HOUR, DAY), strict=True):
        until = measured.floor(now, size, begins)
        assert await hypertables.refreshed(conn, f"measured_{kind}_kept", until - reach, until)


async def test_policies_reach_less_far_back_than_their_source_is_kept(conn: Connection, now: datetime) -> None:
    if not await hypertables.are(conn):
        pytest.skip("no TimescaleDB on this server")
    await rolled(conn, now)
    rows = await conn.execute(
        "select (config ->> 'start_offset')::interval from timescaledb_information.jobs"
        " where proc_name = 'policy_refresh_continuous_aggregate' order by 1"
    )
    assert [reach for (reach,) in await rows.fetchall()] == [7 * DAY, 7 * DAY, 14 * DAY]


async def test_another_zone_later_does_not_move_the_days(conn: Connection, now: datetime, midnight: datetime) -> None:
    await say(conn, midnight + HOUR)
    await rolled(conn, now)
    await say(conn, now - MINUTE)
    while await measured.refresh(conn, now + 2 * DAY, midnight + 3 * HOUR):
        pass
    row = await (await conn.execute(measured.Q.mark)).fetchone()
    assert row is not None
    assert (row[2] - midnight) % DAY == timedelta()


async def test_erased_wearer_has_no_hours_and_days_and_the_next_keeps_hers(
    conn: Connection, now: datetime, midnight: datetime
) -> None:
    for back in (3, 2, 1, 0):
        await say(conn, midnight - back * DAY + HOUR, heart_rate_bpm=70 + back)
        await say(conn, midnight - back * DAY + HOUR, device=2)
    await rolled(conn, now)
    await put_away(conn, now)
    spans = [(1, midnight - 60 * DAY, midnight - 2 * DAY + 2 * HOUR)]
    async with conn.transaction():
        await partitions.erase(conn, "telemetry", spans)
        await packing.erase(conn, spans)
        device, begins, ends = ([one[place]] for one in spans for place in (0, 1, 2))
        for query in (ERASE.measured_hours, ERASE.measured_days):
            await conn.execute(query, {"devices": device, "begins": begins, "ends": ends})
    assert [one["at"] for one in await days(conn, now)] == [midnight - DAY, midnight]
    assert len(await days(conn, now, device=2)) == 4
    hours = await measured.of_device(conn, 1, now - 40 * DAY, now, by="hour")
    assert [one["at"] for one in hours] == [midnight - DAY + HOUR, midnight + HOUR]
