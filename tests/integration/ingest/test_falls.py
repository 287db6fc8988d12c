"""A wrist that falls, streamed as a watch streams it, through to the wearer's countdown."""

import base64
import time

import numpy as np

from hub.ingest import Ingest
from hub.store.pool import connect
from simulator.motion import Motion, bursts, fall_of_a_walker, walking
from tests.integration.ingest.conftest import Hub, add_resident, settings


def stream(hub: Hub, motion: Motion, *, until_s: float = 1e9, since_s: float = 0.0, device: str = "w1") -> None:
    """Send a recording burst by burst, 0.5 s each, as if it ended now."""
    start_ms = int((time.time() - motion.seconds) * 1000)
    for part in bursts(motion, 0.5):
        second = part.start / motion.rate_hz
        if since_s <= second < until_s:
            body = {
                "rate_hz": motion.rate_hz, "first": part.start, "seq": part.start,
                "acc_b64": base64.b64encode(motion.accel_mg[part].astype("<i2").tobytes()).decode(),
                "gyro_b64": base64.b64encode(motion.gyro_2mrad[part].astype("<i2").tobytes()).decode(),
            }  # fmt: skip
            hub.send(f"carehub/{device}/accel", body, at_ms=start_ms + int(second * 1000))


async def test_fall_in_the_samples_asks_the_wearer_first(hub: Hub, dsn: str) -> None:
    device_id = add_resident(dsn)
    stream(hub, fall_of_a_walker(np.random.default_rng(7)))
    await hub.done()
    assert await hub.rows("select kind, state, device_id from incident") == [("fall", "confirming", device_id)]
    assert await hub.one("select count(*) from accel_window") > 70


async def test_walk_opens_nothing(hub: Hub, dsn: str) -> None:
    add_resident(dsn)
    stream(hub, walking(30, np.random.default_rng(7)))
    await hub.done()
    assert await hub.one("select count(*) from incident") == 0


async def test_fall_across_a_restart_is_found_once(dsn: str) -> None:
    add_resident(dsn)
    motion = fall_of_a_walker(np.random.default_rng(7), before_s=5.0, after_s=8.0)
    async with await connect(dsn) as conn:
        first = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        hub = Hub(first, conn)
        stream(hub, motion, until_s=6.5)
        await hub.done()
        await first.__aexit__(RuntimeError, RuntimeError("crash"), None)
        async with Ingest(settings(), dsn) as second:
            hub = Hub(second, conn)
            stream(hub, motion, since_s=6.5)
            await hub.done()
        async with Ingest(settings(), dsn) as third:
            await Hub(third, conn).done()
        assert await hub.one("select count(*) from alert where kind = 'fall'") == 1
