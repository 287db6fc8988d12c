"""Silence is an alert within a tick of the deadline: by class, across a restart, for a device that never spoke."""

import asyncio
import time

from hub.ingest import Ingest
from hub.store.pool import connect
from tests.integration.ingest.conftest import eventually, settings
from tests.integration.supervision.conftest import District, add_device

SLOW_S = 10.0  # what a busy machine adds to one tick


async def crash(ingest: Ingest) -> None:
    """End an ingest the way kill -9 does: nothing more is written."""
    for task in ingest._tasks:
        task.cancel()
    await asyncio.gather(*ingest._tasks, return_exceptions=True)
    await ingest._own.drop()


async def test_silence_by_the_clock_is_an_alert_within_a_tick_of_the_deadline(dsn: str) -> None:
    add_device(dsn, "carehub:w1", deadline_s=2)
    async with await connect(dsn) as conn, Ingest(settings(), dsn) as ingest:
        district = District(ingest, conn)
        district.vitals(hr=70)
        await district.done()

        async def told() -> bool:
            return await district.silent_alerts() == [("T3", "carehub:w1")]

        await eventually(told)
        after = "select extract(epoch from a.raised_at - t.received_at)::float8 from alert a, telemetry t"
        assert 2.0 <= await district.one(after) < 2.0 + SLOW_S, "the deadline, and the tick after it"


async def test_silence_of_a_live_watch_is_measured_by_its_class(district: District, dsn: str) -> None:
    add_device(dsn, "watch3g:8800000015")
    add_device(dsn, "z2m:home7/zigbee2mqtt/door")
    add_device(dsn, "carehub:in-a-box", state="claimed")

    async def known() -> bool:
        return len(district.ingest.table) == 3

    await eventually(known)
    await district.pass_until(14 * 60)
    assert await district.silent_alerts() == []
    await district.pass_until(14 * 60 + 50)
    await district.pass_until(15 * 60 + 5)
    assert await district.silent_alerts() == [("T3", "watch3g:8800000015")]


async def test_own_deadline_goes_before_the_class(district: District, dsn: str) -> None:
    add_device(dsn, "watch3g:8800000015", deadline_s=30)

    async def known() -> bool:
        return len(district.ingest.table) == 1

    await eventually(known)
    await district.pass_until(31)
    assert await district.silent_alerts() == [("T3", "watch3g:8800000015")]


async def test_device_that_never_spoke_is_missed_although_the_hub_restarts_all_the_time(dsn: str) -> None:
    add_device(dsn, "carehub:mute", deadline_s=600, bound="now() - interval '590 s'")
    async with await connect(dsn) as conn:
        for _ in range(2):
            first = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
            assert await District(first, conn).silent_alerts() == []
            await crash(first)
        async with Ingest(settings(), dsn) as ingest:
            district = District(ingest, conn)
            await district.pass_until(11)
            assert await district.silent_alerts() == [("T3", "carehub:mute")]


async def test_deadline_that_passed_while_the_hub_restarted_is_told_at_once(dsn: str) -> None:
    add_device(dsn, "carehub:w1", deadline_s=20)
    async with await connect(dsn) as conn:
        first = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        district = District(first, conn)
        district.send("carehub/w1/vitals", {"seq": 1, "hr": 70}, at_ms=int(time.time() * 1000) - 19_000)
        await district.done()
        await crash(first)
        async with await connect(dsn) as clock:
            await clock.execute("update device set bound_at = now() - interval '1 day'")
        async with Ingest(settings(), dsn) as ingest:
            again = District(ingest, conn)
            await again.pass_until(2)
            assert await again.silent_alerts() == [("T3", "carehub:w1")]


async def test_silence_is_written_and_ends_with_two_messages(district: District, dsn: str) -> None:
    device_id = add_device(dsn, "carehub:w1", deadline_s=60)
    district.vitals(hr=70)
    await district.done()
    await district.pass_until(61)
    open_ = "select device_id, loss_id from device_silence where ended_at is null"
    assert await district.rows(open_) == [(device_id, None)]
    for bpm in (71, 72):
        district.send("carehub/w1/vitals", {"hr": bpm}, at_ms=district.ms(61) + bpm)
    await district.done()
    await district.pass_until(62)
    assert await district.rows(open_) == []
    assert await district.one("select count(*) from device_silence") == 1


async def test_device_given_to_somebody_else_is_missed_anew_there(district: District, dsn: str) -> None:
    add_device(dsn, "carehub:w1", deadline_s=60, bound="now() - interval '1 hour'")

    async def known() -> bool:
        return len(district.ingest.table) == 1

    await eventually(known)
    await district.pass_until(1)
    assert len(await district.silent_alerts()) == 1
    await district.conn.execute("update device set bound_at = now()")
    await district.conn.execute("notify carehub_config")

    async def bound() -> bool:
        return int(district.ingest.detection.states["device_health"]["silent"][0]) == 0

    await eventually(bound)
    await district.pass_until(30)
    assert len(await district.silent_alerts()) == 1
    await district.pass_until(62)
    assert len(await district.silent_alerts()) == 2
