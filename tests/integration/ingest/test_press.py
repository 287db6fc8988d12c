"""Presses: one transaction each, once each, whoever sends them."""

import time
from datetime import UTC, datetime, timedelta

from tests.integration.ingest.conftest import Hub, add_resident, eventually


async def known(hub: Hub, dsn: str, address: str = "carehub:w1", **columns: object) -> int:
    device_id = add_resident(dsn, address, **columns)

    async def loaded() -> bool:
        return address in hub.ingest.table.row_of

    await eventually(loaded)
    return device_id


async def test_press_opens_an_incident_for_the_resident(hub: Hub, dsn: str) -> None:
    device_id = await known(hub, dsn)
    token = hub.press(id="7")
    await hub.done()
    assert hub.line.acknowledged == [token]
    rows = await hub.rows("select kind, severity, area, device_id, presses, resident_id is not null from incident")
    assert rows == [("sos", 1, "yinchuan", device_id, 1, True)]


async def test_press_is_told_received_with_its_own_id(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    hub.press(id="7")
    await hub.done()
    (payload,) = (
        bytes(p) for (p,) in await hub.rows("select payload from downlink where topic = 'carehub/w1/command'")
    )
    assert b'"say":"received"' in payload
    assert b'"id":"7"' in payload


async def test_same_press_again_changes_nothing_but_is_answered_again(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    first = hub.press(id="7")
    await hub.done()
    before = await hub.rows("select version, presses from incident")
    again = hub.press(id="7")
    await hub.done()
    assert hub.line.acknowledged == [first, again]
    assert await hub.rows("select version, presses from incident") == before
    assert await hub.one("select count(*) from downlink where topic = 'carehub/w1/command'") == 2
    assert await hub.one("select count(*) from alert") == 1


async def test_new_press_attaches_and_is_counted(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    hub.press(id="7")
    hub.press(id="8")
    await hub.done()
    assert await hub.rows("select presses from incident") == [(2,)]


async def test_presses_without_identity_within_ten_seconds_are_one(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    start = int(time.time() * 1000)
    for offset in (0, 4_000, 9_900):
        hub.send("carehub/w1/event", {"event": "sos"}, at_ms=start + offset)
    await hub.done()
    assert await hub.rows("select presses from incident") == [(1,)]
    # Ten seconds run from the press that was counted: a button that repeats itself is not one press for ever.
    hub.send("carehub/w1/event", {"event": "sos"}, at_ms=start + 12_000)
    await hub.done()
    assert await hub.rows("select presses from incident") == [(2,)]


async def test_button_that_sends_its_press_as_state_and_as_action_is_one_press(hub: Hub) -> None:
    now_ms = int(time.time() * 1000)
    seen = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat()
    hub.send("zigbee2mqtt/button", {"action": "emergency", "last_seen": seen}, at_ms=now_ms)
    await hub.done()
    hub.send("zigbee2mqtt/button/action", b"emergency", at_ms=now_ms + 60)
    hub.send("zigbee2mqtt/button", {"action": "", "last_seen": seen}, at_ms=now_ms + 70)
    await hub.done()
    assert await hub.rows("select presses from incident") == [(1,)]


async def test_detector_that_says_smoke_and_two_faults_opens_both_cases_once(hub: Hub) -> None:
    now_ms = int(time.time() * 1000)
    seen = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat()
    said = {"smoke": True, "tamper": True, "battery_low": True}
    for topic, more in (("named", {"last_seen": seen}), ("nameless", {})):
        for late_ms in (0, 2_000):
            hub.send(f"zigbee2mqtt/{topic}", said | more, at_ms=now_ms + late_ms)
            await hub.done()
    rows = await hub.rows(
        "select d.address, a.kind, a.rule from alert a join device d on d.id = a.device_id order by d.address, a.rule"
    )
    both = [("smoke", "E1"), ("device", "T2"), ("device", "T5")]
    assert rows == [(f"z2m:zigbee2mqtt/{name}", *what) for name in ("named", "nameless") for what in both]
    assert await hub.one("select count(*) from incident") == 4


async def test_fall_a_moment_ago_does_not_swallow_a_press_without_identity(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    hub.send("carehub/w1/event", {"event": "fall", "id": "3", "stage": "confirmed"})
    hub.press()
    await hub.done()
    assert await hub.rows("select presses from incident") == [(1,)]
    assert await hub.rows("select kind from alert order by kind") == [("fall",), ("sos",)]


async def test_repeated_press_is_no_second_line_of_telemetry(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    now_ms = int(time.time() * 1000)
    press = {"event": "sos", "id": "7", "seq": 5, "at": now_ms, "battery": 60}
    for late_ms in (0, 40, 3000):
        hub.send("carehub/w1/event", press, at_ms=now_ms + late_ms)
        await hub.done()
    assert await hub.one("select count(*) from telemetry") == 1


async def test_unknown_devices_press_opens_an_orphan_incident(hub: Hub) -> None:
    token = hub.press("stranger", id="1")
    await hub.done()
    assert hub.line.acknowledged == [token]
    rows = await hub.rows(
        "select i.resident_id, d.address, d.state from incident i join device d on d.id = i.device_id"
    )
    assert rows == [(None, "carehub:stranger", "seen")]


async def test_gateway_that_invents_devices_fills_no_queue_and_every_call_rings(hub: Hub) -> None:
    for number in range(40):
        hub.send(f"zigbee2mqtt/invented {number}", {"action": "emergency"})
    hub.send("home7/zigbee2mqtt/real", {"action": "emergency"})
    await hub.done()
    assert await hub.one("select count(*) from incident") == 31
    assert await hub.one("select count(*) from alert where kind = 'sos'") == 41
    assert await hub.one("select sum(presses) from incident") == 41
    assert await hub.one("select count(*) from alert where evidence->>'from' like 'z2m:zigbee2mqtt/invented %%'") == 10


async def test_retained_alarm_never_rings(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    token = hub.send("carehub/w1/event", {"event": "sos", "id": "1"}, retained=True)
    await hub.done()
    assert hub.line.acknowledged == [token]
    assert await hub.one("select count(*) from incident") == 0
    assert await hub.rows("select code, quality from observation") == [("alarm.sos", "stale")]


async def test_press_in_test_mode_is_marked_as_test(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, test_until=datetime.now(UTC) + timedelta(minutes=5))
    hub.press(id="1")
    await hub.done()
    assert await hub.rows("select test from incident") == [(True,)]


async def test_wearer_cancels_a_suspected_fall(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    hub.send("carehub/w1/event", {"event": "fall", "id": "3", "stage": "suspected"})
    await hub.done()
    assert await hub.rows("select kind, state from incident") == [("fall", "confirming")]
    hub.send("carehub/w1/event", {"event": "cancel", "of": "fall"})
    await hub.done()
    assert await hub.rows("select state from incident") == [("cancelled",)]


async def test_cancel_key_does_not_end_a_press(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    hub.press(id="1")
    hub.send("carehub/w1/event", {"event": "cancel"})
    await hub.done()
    assert await hub.rows("select state from incident") == [("open",)]


async def test_what_stands_beside_the_press_is_kept(hub: Hub, dsn: str) -> None:
    device_id = await known(hub, dsn)
    hub.press(id="1", battery=41, hr=88)
    await hub.done()
    rows = await hub.rows("select device_id, battery_pct, heart_rate_bpm, spo2_pct from telemetry")
    assert rows == [(device_id, 41.0, 88.0, None)]
    assert await hub.one("select messages from raw_batch") == 1


async def test_unreadable_event_calls_a_technician(hub: Hub, dsn: str) -> None:
    await known(hub, dsn)
    token = hub.send("carehub/w1/event", b"\x00\xff not json")
    await hub.done()
    assert hub.line.acknowledged == [token]
    assert await hub.rows("select topic, payload from unreadable") == [("carehub/w1/event", b"\x00\xff not json")]
    assert await hub.rows("select severity, kind from incident") == [(5, "device")]


async def test_z2m_button_rings(hub: Hub) -> None:
    hub.send("home7/zigbee2mqtt/Bathroom button", {"action": "emergency", "battery": 90})
    await hub.done()
    assert await hub.one("select count(*) from incident where kind = 'sos'") == 1


async def test_watch_given_to_somebody_else_calls_for_her_from_then_on(hub: Hub, dsn: str) -> None:
    device = add_resident(dsn)
    hub.press(id="1")
    await hub.done()
    row = hub.ingest.table.row_of_id(device)
    her: int
    for name in ("她", "又一位"):  # the second change must be noticed as well
        her = await hub.one("insert into resident (name, created_at) values (%s, now()) returning id", name)
        await hub.conn.execute("update device set resident_id = %s where id = %s", (her, device))
        await hub.conn.execute("notify carehub_config")

        async def hers(wanted: int = her) -> bool:
            return hub.ingest.table.resident(row) == wanted

        await eventually(hers)
    hub.press(id="2")
    await hub.done()
    assert await hub.one("select resident_id from incident order by id desc limit 1") == her
