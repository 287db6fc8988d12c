"""Telemetry: every column right, repeats recognised, raw bytes kept."""

import base64
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hub.store import raw
from hub.store.telemetry import moment
from tests.integration.ingest.conftest import Hub, add_resident

COLUMNS = (
    "sequence, heart_rate_bpm, spo2_pct, respiration_rpm, temperature_c, systolic_mmhg, diastolic_mmhg, steps,"
    " battery_pct, worn"
)


async def test_every_column_is_stored_as_sent(hub: Hub, dsn: str) -> None:
    device_id = add_resident(dsn)
    at = int(time.time()) - 60
    sent: dict[str, Any] = {
        "seq": 9,
        "at": at,
        "hr": 71,
        "spo2": 96,
        "rr": 15,
        "temp": 36.5,
        "sys": 131,
        "dia": 79,
        "steps": 12,
    }
    hub.vitals(**sent, battery=83, worn=True)
    await hub.done()
    (row,) = await hub.rows(f"select device_id, measured_at, {COLUMNS} from telemetry")
    assert row == (device_id, datetime.fromtimestamp(at, UTC), 9, 71, 96, 15, 36.5, 131, 79, 12, 83, True)


async def test_what_was_not_sent_is_null(hub: Hub) -> None:
    now = int(time.time() * 1000)
    hub.send("carehub/w1/vitals", {"hr": 71}, at_ms=now)
    hub.send("carehub/w2/vitals", {"worn": False, "seq": 0}, at_ms=now)
    hub.send("carehub/w3/vitals", {"hr": None, "spo2": 400}, at_ms=now)
    await hub.done()
    rows = await hub.rows(f"select {COLUMNS} from telemetry order by device_id")
    assert rows == [
        (None, 71.0, *[None] * 8),
        (0, *[None] * 8, False),
        (None,) * 10,
    ]
    assert await hub.rows("select distinct received_at, measured_at from telemetry") == [(moment(now), moment(now))]


async def test_rows_of_one_batch_keep_their_order(hub: Hub) -> None:
    for number in range(50):
        hub.send("carehub/w1/vitals", {"seq": number, ("hr" if number % 2 else "spo2"): 97})
    await hub.done()
    rows = await hub.rows("select sequence, heart_rate_bpm is null from telemetry")
    assert rows == [(number, number % 2 == 0) for number in range(50)]


async def test_repeated_telemetry_is_stored_once_and_acknowledged_twice(hub: Hub) -> None:
    at = int(time.time()) - 5
    tokens = [hub.vitals(seq=1, at=at, hr=70), hub.vitals(seq=1, at=at, hr=70), hub.vitals(seq=2, at=at + 1, hr=71)]
    await hub.done()
    tokens.append(hub.vitals(seq=2, at=at + 1, hr=71))
    await hub.done()
    assert hub.line.acknowledged == tokens
    assert await hub.rows("select sequence from telemetry order by sequence") == [(1,), (2,)]
    assert await hub.one("select sum(messages) from raw_batch") == 4


async def test_repeat_of_a_message_that_came_within_its_own_millisecond_is_recognised(hub: Hub) -> None:
    now_ms = int(time.time() * 1000)
    for late_ms in (0, 1500):
        hub.send("carehub/w1/vitals", {"seq": 4, "at": now_ms, "hr": 71}, at_ms=now_ms + late_ms)
        await hub.done()
    assert await hub.one("select count(*) from telemetry") == 1


async def test_counter_that_starts_again_is_no_repeat(hub: Hub) -> None:
    at = int(time.time()) - 300
    hub.vitals(seq=0, at=at, hr=70)
    await hub.done()
    hub.vitals(seq=0, at=at + 120, hr=75)
    await hub.done()
    assert await hub.one("select count(*) from telemetry") == 2


async def test_same_message_of_two_devices_is_two(hub: Hub) -> None:
    hub.vitals("w1", seq=1, hr=70)
    hub.vitals("w2", seq=1, hr=70)
    await hub.done()
    assert await hub.one("select count(*) from telemetry") == 2


async def test_raw_bytes_are_kept_as_they_came(hub: Hub) -> None:
    hub.send("carehub/w1/vitals", b'{"hr": 70}', at_ms=1_790_000_000_001)
    hub.send("carehub/w1/status", b"online", at_ms=1_790_000_000_002)
    await hub.done()
    bodies = [bytes(body) for (body,) in await hub.rows("select body from raw_batch order by batch")]
    kept = [message for body in bodies for message in raw.unpack(body)]
    assert kept == [
        (1_790_000_000_001, "carehub/w1/vitals", b'{"hr": 70}'),
        (1_790_000_000_002, "carehub/w1/status", b"online"),
    ]


async def test_states_without_a_column_become_observations(hub: Hub) -> None:
    hub.send("home7/zigbee2mqtt/Front door", {"contact": False, "battery": 77, "linkquality": 120})
    await hub.done()
    rows = await hub.rows("select code, number from observation where code = 'contact.open'")
    assert rows == [("contact.open", 1.0)]
    assert await hub.rows("select battery_pct from telemetry") == [(77.0,)]


async def test_unknown_device_is_registered_as_seen(hub: Hub) -> None:
    hub.vitals("new", seq=1, hr=70)
    await hub.done()
    assert await hub.rows("select address, state, resident_id from device") == [("carehub:new", "seen", None)]
    assert await hub.one("select count(*) from telemetry") == 1


async def test_unknown_devices_beyond_the_hourly_limit_are_kept_raw_only(hub: Hub) -> None:
    hub.ingest._newcomers.per_hour = 2
    tokens = [hub.vitals(f"n{number}", seq=1, hr=70) for number in range(5)]
    await hub.done()
    assert hub.line.acknowledged == tokens
    assert await hub.one("select count(*) from device") == 2
    assert await hub.one("select count(*) from telemetry") == 2
    assert await hub.one("select sum(messages) from raw_batch") == 5


async def test_acceleration_bursts_are_stored(hub: Hub) -> None:
    samples = np.arange(75, dtype="<i2").reshape(25, 3)
    body = {"rate_hz": 25, "first": 100, "acc_b64": base64.b64encode(samples.tobytes()).decode()}
    hub.send("carehub/w1/accel", body)
    await hub.done()
    ((first, rate, accel, gyro),) = await hub.rows("select first, rate_hz, accel, gyro from accel_window")
    assert (first, rate, gyro) == (100, 25.0, None)
    assert np.array_equal(np.frombuffer(accel, "<i2").reshape(-1, 3), samples)


async def test_press_hurries_the_telemetry_before_it(dsn: str, hub: Hub) -> None:
    hub.ingest._telemetry._wait_s = 3600.0
    tokens = [hub.vitals(seq=1, hr=70), hub.press(id="1")]
    await hub.ingest._urgent.drained()
    await hub.ingest._telemetry._idle.wait()
    assert sorted(hub.line.acknowledged) == tokens
