"""From the first message of an unknown device to the day it is out of use, through the running hub."""

import asyncio

import psycopg
import pytest

from hub.commands import devices as commands
from hub.device_life import Check, RefusedError, State
from hub.errors import HubError
from hub.store import device_life, devices
from hub.store.devices import UnknownResidentError
from hub.store.pool import Connection, hub_now
from tests.integration.ingest.conftest import Hub, add_resident, eventually

BY = "command:installer"
WATCH = "carehub:w1"


async def resident(conn: Connection, name: str = "长者甲") -> int:
    row = await (await conn.execute(
        "insert into resident (name, area, created_at) values (%s, '示例社区', now()) returning id", (name,)
    )).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


async def state(conn: Connection) -> State:
    return (await device_life.hold(conn, WATCH)).state


async def seen(hub: Hub) -> None:
    hub.vitals(hr=61)
    await hub.done()


async def bound(hub: Hub) -> int:
    """A watch that was heard, claimed and given to somebody; returns to whom."""
    await seen(hub)
    whose = await resident(hub.conn)
    await device_life.claim(hub.conn, await device_life.hold(hub.conn, WATCH), BY, model="W-1")
    await device_life.bind(hub.conn, await device_life.hold(hub.conn, WATCH), BY, resident_id=whose, room="浴室")

    async def followed() -> bool:
        return bool(hub.ingest.table.resident(hub.ingest.table.row_of[WATCH]) == whose)

    await eventually(followed)
    return whose


async def test_first_real_press_under_installation_rings_and_is_its_test(hub: Hub) -> None:
    await bound(hub)
    hub.press(id="7")
    await hub.done()
    assert await hub.rows("select test, presses from incident") == [(False, 1)], "she may have meant it"
    await device_life.settle(hub.conn)  # or the hub has, a moment ago
    device = await device_life.hold(hub.conn, WATCH)
    assert device.state is State.TESTED
    last = (await device_life.history(hub.conn, device.id))[0]
    assert (last.action, last.actor, last.facts["press"]) == ("press", "device", "sos:7")
    assert await device_life.settle(hub.conn) == []


async def test_press_in_test_mode_counts_too_and_calls_nobody(hub: Hub) -> None:
    await bound(hub)
    device = await device_life.hold(hub.conn, WATCH)
    await devices.test(hub.conn, device.id, 30)
    row = hub.ingest.table.row_of[WATCH]

    async def grey() -> bool:
        return bool(hub.ingest.table.test_until_ms[row])

    await eventually(grey)
    hub.press(id="8")
    await hub.done()
    assert await hub.rows("select test from incident") == [(True,)]
    await device_life.settle(hub.conn)
    assert await state(hub.conn) is State.TESTED


async def test_real_press_right_after_the_installers_trial_is_no_echo_of_it(hub: Hub) -> None:
    """Neither has a name of its own: the trial came a second before the test mode ended, she pressed a second after."""
    await bound(hub)
    row = hub.ingest.table.row_of[WATCH]
    hub.ingest.table.test_until_ms[row] = 2**52
    hub.send(f"{WATCH.replace(':', '/')}/event", {"event": "sos"})
    await hub.done()
    hub.ingest.table.test_until_ms[row] = 0
    hub.send(f"{WATCH.replace(':', '/')}/event", {"event": "sos"})
    await hub.done()
    assert await hub.rows("select test, presses from incident") == [(False, 2)]


async def test_press_before_it_was_given_to_this_resident_is_no_test_of_it(hub: Hub) -> None:
    hub.press(id="1")
    await hub.done()
    await bound(hub)
    await device_life.settle(hub.conn)
    assert await state(hub.conn) is State.BOUND


async def test_running_hub_notices_the_test_by_itself(hub: Hub) -> None:
    await bound(hub)
    hub.press(id="7")
    await hub.done()
    await hub.conn.execute("notify carehub_config")

    async def tested() -> bool:
        return await state(hub.conn) is State.TESTED

    await eventually(tested)


async def test_sensor_with_nothing_to_press_is_tested_by_its_first_word(hub: Hub) -> None:
    whose = await bound(hub)
    other = await resident(hub.conn, "长者乙")
    device = await device_life.hold(hub.conn, WATCH)
    await device_life.bind(hub.conn, device, BY, resident_id=other, no_button=True)
    await device_life.settle(hub.conn)
    assert await state(hub.conn) is State.BOUND
    await seen(hub)
    await device_life.settle(hub.conn)
    assert await state(hub.conn) is State.TESTED
    assert whose != other


async def test_device_is_live_only_when_nothing_stands_against_it(hub: Hub) -> None:
    await bound(hub)
    with pytest.raises(RefusedError, match="press it"):
        await device_life.live(hub.conn, await device_life.hold(hub.conn, WATCH), BY, await hub_now(hub.conn))
    hub.press(id="7")
    await hub.done()
    await device_life.settle(hub.conn)
    device = await device_life.hold(hub.conn, WATCH)
    with pytest.raises(HubError, match="no key to sign in with"):
        await device_life.live(hub.conn, device, BY, await hub_now(hub.conn))
    await devices.issue_credential(hub.conn, "w1", "device", "carehub/w1/", device_id=device.id)
    await device_life.check(hub.conn, device, BY, Check.VOICE, passed=False, note="nothing to hear")
    with pytest.raises(HubError, match="a trial failed: voice"):
        await device_life.live(hub.conn, device, BY, await hub_now(hub.conn))
    await device_life.check(hub.conn, device, BY, Check.VOICE, passed=True)
    await device_life.live(hub.conn, device, BY, await hub_now(hub.conn))
    assert await state(hub.conn) is State.LIVE


async def test_retired_device_signs_in_no_more_and_is_nobodys(hub: Hub) -> None:
    whose = await bound(hub)
    device = await device_life.hold(hub.conn, WATCH)
    await devices.issue_credential(hub.conn, "w1", "device", "carehub/w1/", device_id=device.id)
    await device_life.retire(hub.conn, device, BY, why="broken")
    assert await hub.rows("select state, resident_id from device") == [("retired", None)]
    assert await hub.rows("select active from credential") == [(False,)]
    last = (await device_life.history(hub.conn, device.id))[0]
    assert (last.action, last.note, last.facts) == ("retire", "broken", {"resident": whose})


async def test_press_is_never_said_to_have_come_by_hand(hub: Hub) -> None:
    await bound(hub)
    with pytest.raises(HubError, match="counts when it arrives"):
        await device_life.check(hub.conn, await device_life.hold(hub.conn, WATCH), BY, Check.SOS, passed=True)


async def test_last_messages_of_a_device_are_shown_decoded_and_raw_and_no_others(
    hub: Hub, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.vitals(hr=61, battery=40)
    hub.vitals("w2", hr=99)
    hub.press(id="7")
    await hub.done()
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    assert await asyncio.to_thread(commands.main, ["show", WATCH]) == 0
    shown = capsys.readouterr().out
    assert "vital.heart_rate=61" in shown
    assert '{"hr": 61, "battery": 40}' in shown
    assert "alarm.sos" in shown
    assert "99" not in shown.partition("last messages")[2]
    assert await asyncio.to_thread(commands.main, ["list"]) == 0
    assert "40 %" in capsys.readouterr().out


async def test_nobody_gets_a_device_who_is_not_registered(hub: Hub, dsn: str) -> None:
    await seen(hub)
    await device_life.claim(hub.conn, await device_life.hold(hub.conn, WATCH), BY)
    with pytest.raises(UnknownResidentError):
        await device_life.bind(hub.conn, await device_life.hold(hub.conn, WATCH), BY, resident_id=999)
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select state from device").fetchall() == [("claimed",)]


SMOKE = "z2m:zigbee2mqtt/Hall"


async def hung(hub: Hub, dsn: str, address: str, model: str) -> None:
    """A device that was bound a moment ago and not tried yet."""
    add_resident(dsn, address, model=model, state="bound")

    async def loaded() -> bool:
        return address in hub.ingest.table.row_of

    await eventually(loaded)


async def state_once_heard(hub: Hub, address: str) -> State:
    await hub.done()
    await device_life.settle(hub.conn)
    return (await device_life.hold(hub.conn, address)).state


async def test_button_is_not_tested_by_what_it_finds_by_itself(hub: Hub) -> None:
    await bound(hub)
    hub.send("carehub/w1/event", {"event": "fall", "id": "3", "stage": "confirmed"})
    assert await state_once_heard(hub, WATCH) is State.BOUND
    hub.press(id="4")
    assert await state_once_heard(hub, WATCH) is State.TESTED


@pytest.mark.parametrize("said", [{"smoke": True}, {"test": True, "smoke": False}])
async def test_smoke_detector_is_tested_by_its_own_alarm_or_its_test_key(
    hub: Hub, dsn: str, said: dict[str, bool]
) -> None:
    await hung(hub, dsn, SMOKE, "HS1SA-E smoke detector")
    hub.send("zigbee2mqtt/Hall", {"battery": 90, "test": False, "smoke": False})
    assert await state_once_heard(hub, SMOKE) is State.BOUND
    hub.send("zigbee2mqtt/Hall", said)
    assert await state_once_heard(hub, SMOKE) is State.TESTED


async def test_call_button_that_says_smoke_is_not_tested(hub: Hub, dsn: str) -> None:
    await hung(hub, dsn, SMOKE, "call-button")
    hub.send("zigbee2mqtt/Hall", {"smoke": True})
    assert await state_once_heard(hub, SMOKE) is State.BOUND


async def test_claim_without_a_model_leaves_open_what_it_is_until_somebody_says(hub: Hub) -> None:
    def stated() -> str:
        table = hub.ingest.table
        return table.stated_model[table.row_of[SMOKE]]

    said = {"smoke": False, "device": {"model": "HS1SA-E"}}
    hub.send("zigbee2mqtt/Hall", said)
    await hub.done()
    await device_life.claim(hub.conn, await device_life.hold(hub.conn, SMOKE), BY)
    assert await hub.rows("select model, model_told, state from device") == [("HS1SA-E", False, "claimed")]
    await devices.register(hub.conn, SMOKE, resident_id=await resident(hub.conn))
    assert stated() == ""
    await device_life.retire(hub.conn, await device_life.hold(hub.conn, SMOKE), BY)
    await device_life.claim(hub.conn, await device_life.hold(hub.conn, SMOKE), BY, model="HS3SA")

    async def known() -> bool:
        return stated() == "HS3SA"

    await eventually(known)
