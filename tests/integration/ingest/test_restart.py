"""After a restart: the same state, the same findings once, and no device forgotten."""

import asyncio
import time
from typing import Any

from hub.ingest import Ingest
from hub.store.pool import Connection, connect
from tests.integration.ingest.conftest import Hub, add_resident, eventually, settings
from tests.patience import PATIENCE_S

MINUTE = 60_000


def racing_heart(hub: Hub, start_ms: int, minutes: range) -> None:
    """A resting heart rate of 150, minute by minute: rule V2 after five minutes of rest."""
    for minute in minutes:
        at = start_ms + minute * MINUTE
        body = {"seq": minute, "at": at, "hr": 150, "steps": 0, "worn": True}
        hub.send("carehub/w1/vitals", body, at_ms=at)


async def crash(ingest: Ingest) -> None:
    """End an ingest without its goodbye: no drain, no checkpoint."""
    await ingest.__aexit__(RuntimeError, RuntimeError("crash"), None)


async def alerts(conn: Connection) -> list[tuple[Any, ...]]:
    found = await conn.execute("select alert_id, rule from alert where rule like 'V%%' order by alert_id")
    return await found.fetchall()


async def test_racing_heart_opens_one_incident_and_a_replay_opens_no_second(dsn: str) -> None:
    add_resident(dsn)
    start = int(time.time() * 1000) - 60 * MINUTE
    async with await connect(dsn) as conn:
        ingest = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        hub = Hub(ingest, conn)
        racing_heart(hub, start, range(30))
        await hub.done()
        found = await alerts(conn)
        assert len(found) == 1
        await crash(ingest)
        async with Ingest(settings(), dsn) as again:
            await Hub(again, conn).done()
            assert await alerts(conn) == found
            assert await hub.one("select count(*) from incident where kind = 'vitals'") == 1


async def test_state_from_before_a_crash_is_replayed(dsn: str) -> None:
    """The restart falls into the middle of the story; it ends as if nothing had happened."""
    add_resident(dsn)
    start = int(time.time() * 1000) - 60 * MINUTE
    async with await connect(dsn) as conn:
        first = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        hub = Hub(first, conn)
        racing_heart(hub, start, range(14))
        await hub.done()
        before = await alerts(conn)
        await crash(first)
        async with Ingest(settings(), dsn) as second:
            hub = Hub(second, conn)
            racing_heart(hub, start, range(14, 30))
            await hub.done()
            after = await alerts(conn)
    assert len(after) == 1
    assert set(before) <= set(after)


async def test_saved_state_is_restored_without_a_replay(dsn: str) -> None:
    add_resident(dsn)
    start = int(time.time() * 1000) - 60 * MINUTE
    async with await connect(dsn) as conn:
        async with Ingest(settings(), dsn) as first:
            hub = Hub(first, conn)
            racing_heart(hub, start, range(30))
            await hub.done()
            kept = {name: {k: c.copy() for k, c in s.items()} for name, s in first.detection.states.items()}
        await conn.execute("truncate telemetry")
        async with Ingest(settings(), dsn) as second:
            for name, state in second.detection.states.items():
                for key, column in state.items():
                    if key not in {"ticked_ms", "away_ms"}:
                        assert (column == kept[name][key]).all(), f"{name}.{key}"


async def test_repeat_from_before_the_restart_is_recognised(dsn: str) -> None:
    add_resident(dsn)
    at = int(time.time()) - 30
    async with await connect(dsn) as conn:
        ingest = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        hub = Hub(ingest, conn)
        hub.vitals(seq=1, at=at, hr=70)
        await hub.done()
        await crash(ingest)
        async with Ingest(settings(), dsn) as again:
            hub = Hub(again, conn)
            hub.vitals(seq=1, at=at, hr=70)
            await hub.done()
        assert await hub.one("select count(*) from telemetry") == 1


async def test_missed_heartbeat_is_noticed_across_a_restart(dsn: str) -> None:
    device_id = add_resident(dsn, deadline_s=20)
    async with await connect(dsn) as conn:
        ingest = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        hub = Hub(ingest, conn)
        heard = int(time.time() * 1000) - 15_000
        hub.send("carehub/w1/vitals", {"seq": 1, "hr": 70}, at_ms=heard)
        await hub.done()
        await crash(ingest)
        async with Ingest(settings(), dsn) as again:
            await again.observer.tick(heard + 19_000)
            await Hub(again, conn).done()
            assert await hub.one("select count(*) from incident") == 0
            await again.observer.tick(heard + 21_000)
            await again.observer.tick(heard + 25_000)
            await Hub(again, conn).done()
            assert await hub.rows("select kind, device_id from incident") == [("silence", device_id)]


async def test_successor_waits_until_the_devices_are_free(dsn: str) -> None:
    async with await connect(dsn) as conn:
        first = await Ingest(settings(), dsn).__aenter__()
        second = Ingest(settings(), dsn)
        entering = asyncio.create_task(second.__aenter__())

        async def waiting() -> bool:
            found = await conn.execute("select 1 from pg_locks where locktype = 'advisory' and not granted")
            return await found.fetchone() is not None

        await eventually(waiting)
        assert not entering.done()
        await first.__aexit__(None, None, None)
        async with asyncio.timeout(PATIENCE_S):
            await entering
        hub = Hub(second, conn)
        hub.press(id="1")
        await hub.done()
        assert len(hub.line.acknowledged) == 1
        await second.__aexit__(None, None, None)


async def test_device_registered_while_running_is_known_at_once(hub: Hub, dsn: str) -> None:
    add_resident(dsn, "carehub:late", deadline_s=600)

    async def known() -> bool:
        row = hub.ingest.table.row_of.get("carehub:late")
        return row is not None and int(hub.ingest.detection.states["device_health"]["deadline_s"][row]) == 600

    await eventually(known)


async def test_goodbye_commits_and_acknowledges_what_is_here(dsn: str) -> None:
    async with await connect(dsn) as conn:
        async with Ingest(settings(batch_wait_ms=600_000), dsn) as ingest:
            hub = Hub(ingest, conn)
            tokens = [hub.vitals(seq=number, hr=70) for number in range(3)]
            ingest.stop_reading()
            assert ingest.full
        assert hub.line.acknowledged == tokens
        assert await hub.one("select count(*) from telemetry") == 3
        assert await hub.one("select count(*) from checkpoint where part = 'all'") == 1
