"""A lost gateway is one alert, however many hang behind it; when it is back, who stays silent alerts for itself."""

import json

from hub.ingest import Ingest
from hub.store.pool import connect
from tests.integration.ingest.conftest import eventually, settings
from tests.integration.supervision.conftest import BASE, BRIDGE, District, add_device, add_flat
from tests.integration.supervision.test_silence import crash

FORTY = 40
STATE = f"{BASE}/bridge/state"
OPEN_LOSS = "select gateway, why, members, silent from gateway_loss where ended_at is null"


async def heard(district: District, names: list[str]) -> None:
    """Every device says something, and is known to hang behind the gateway."""

    async def known() -> bool:
        return len(district.ingest.table) >= len(names)

    await eventually(known)
    for name in names:
        district.sensor(name, contact=True)
    await district.done()


async def test_forty_devices_silent_together_are_one_alert(district: District, dsn: str) -> None:
    await heard(district, add_flat(dsn, FORTY))
    await district.pass_until(61)
    await district.pass_until(70)
    assert await district.silent_alerts() == [("T3G", BRIDGE)]
    assert await district.rows(OPEN_LOSS) == [(BRIDGE, "silent", FORTY, FORTY)]
    assert await district.one("select count(*) from incident") == 1
    evidence = await district.one("select evidence from alert where rule = 'T3G'")
    assert (evidence["devices"], evidence["silent"]) == (FORTY, FORTY)
    assert evidence["named"].endswith("… +30")
    assert (
        await district.one("select count(*) from device_silence where loss_id is not null and ended_at is null") == 40
    )


async def test_gateway_that_says_offline_and_stays_away_is_one_alert(district: District, dsn: str) -> None:
    await heard(district, add_flat(dsn, 5, deadline_s=7200))
    district.send(STATE, {"state": "offline"})
    await district.done()
    await district.pass_until(170)
    assert await district.silent_alerts() == []
    await district.pass_until(185)
    await district.pass_until(186)
    assert await district.silent_alerts() == [("T3G", BRIDGE)]
    assert await district.rows(OPEN_LOSS) == [(BRIDGE, "said", 5, 0)]
    await district.pass_until(7300)
    assert len(await district.silent_alerts()) == 1, "its devices' silence is explained"


async def test_bridge_that_only_restarts_is_no_alert(district: District, dsn: str) -> None:
    await heard(district, add_flat(dsn, 5, deadline_s=7200))
    district.send(STATE, {"state": "offline"})
    district.send(STATE, {"state": "online"})
    await district.done()
    await district.pass_until(600)
    assert await district.silent_alerts() == []


async def test_loss_ends_when_the_gateway_is_back_and_its_open_case_says_so(district: District, dsn: str) -> None:
    await heard(district, add_flat(dsn, 5, deadline_s=7200))
    district.send(STATE, {"state": "offline"})
    await district.done()
    await district.pass_until(185)
    district.send(STATE, {"state": "online"})
    await district.done()
    await district.pass_until(1)
    assert await district.rows(OPEN_LOSS) == []
    assert await district.one("select count(*) from incident") == 1
    rules = await district.rows("select rule from alert order by raised_at, alert_id")
    assert rules == [("T3G",), ("T3G.back",)]


async def test_device_that_stays_silent_after_the_gateway_is_back_alerts_for_itself(
    district: District, dsn: str
) -> None:
    names = add_flat(dsn, 5)
    await heard(district, names)
    await district.pass_until(61)
    assert await district.silent_alerts() == [("T3G", BRIDGE)]
    for name in names[1:]:
        district.sensor(name, contact=True)
    await district.done()
    assert await district.one("select count(*) from gateway_loss where ended_at is null") == 0
    for name in names[1:]:
        district.sensor(name, contact=False)
    await district.done()
    assert await district.silent_alerts() == [("T3G", BRIDGE)], "its deadline begins when the gateway is back"
    for seconds in (65, 100, 118):
        for name in names[1:]:
            district.send(f"{BASE}/{name}", {"linkquality": seconds}, at_ms=district.ms(seconds))
        await district.pass_until(seconds)
    await district.pass_until(125)
    assert await district.silent_alerts() == [("T3G", BRIDGE), ("T3", f"z2m:{BASE}/{names[0]}")]


async def test_one_dead_sensor_among_many_is_no_loss(district: District, dsn: str) -> None:
    names = add_flat(dsn, 6)
    await heard(district, names)
    for name in names[1:]:
        district.send(f"{BASE}/{name}", {"contact": False}, at_ms=district.ms(50))
    await district.done()
    await district.pass_until(62)
    assert await district.silent_alerts() == [("T3", f"z2m:{BASE}/{names[0]}")]
    assert await district.rows(OPEN_LOSS) == []


async def test_press_behind_a_lost_gateway_rings(district: District, dsn: str) -> None:
    names = add_flat(dsn, 4)
    await heard(district, names)
    await district.pass_until(61)
    district.sensor(names[0], action="emergency")
    await district.done()
    assert await district.one("select count(*) from incident where severity = 1") == 1


async def test_loss_and_what_it_counts_survive_a_crash(dsn: str) -> None:
    async with await connect(dsn) as conn:
        first = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        district = District(first, conn)
        await heard(district, add_flat(dsn, 5))
        await district.pass_until(61)
        assert await district.silent_alerts() == [("T3G", BRIDGE)]
        await crash(first)
        async with Ingest(settings(), dsn) as ingest:
            again = District(ingest, conn)
            await again.pass_until(80)
            await again.pass_until(90)
            assert await again.silent_alerts() == [("T3G", BRIDGE)]
            again.send(STATE, {"state": "online"})
            await again.done()
            await again.pass_until(91)
            assert await again.rows(OPEN_LOSS) == []


async def test_tasmota_bridge_whose_will_came_is_lost_with_what_it_bridges(district: District, dsn: str) -> None:
    for short in ("0x1A01", "0x1A02"):
        add_device(dsn, f"tasmota:bridge-3/{short}", deadline_s=7200)

    async def known() -> bool:
        return len(district.ingest.table) >= 2

    await eventually(known)
    for short in ("0x1A01", "0x1A02"):
        district.send("tele/bridge-3/SENSOR", {"ZbReceived": {short: {"Device": short, "Contact": 1}}})
    district.send("tele/bridge-3/LWT", b"Offline")
    await district.done()
    await district.pass_until(185)
    assert await district.silent_alerts() == [("T3G", "tasmota:bridge-3")]


async def test_lorawan_sensors_are_behind_the_gateway_that_heard_them_best(district: District, dsn: str) -> None:
    euis = [f"70b3d5ff00000{number:03}" for number in range(4)]
    for eui in euis:
        add_device(dsn, f"lorawan:{eui}", deadline_s=60)

    async def known() -> bool:
        return len(district.ingest.table) >= 4

    await eventually(known)
    for number, eui in enumerate(euis):
        district.send(f"application/1/device/{eui}/event/up", _uplink(eui, number))
    await district.done()
    await district.pass_until(61)
    assert await district.silent_alerts() == [("T3G", "lorawan:gateway/0016c001ff10a235")]


def _uplink(eui: str, counter: int) -> bytes:
    heard_by = [
        {"gatewayId": "0016c001ff10ffff", "rssi": -117, "snr": -9.0},
        {"gatewayId": "0016c001ff10a235", "rssi": -71, "snr": 8.5},
    ]
    body = {
        "deviceInfo": {"devEui": eui, "deviceProfileName": "EM300-TH"}, "devAddr": "01ab23cd", "fCnt": counter,
        "fPort": 85, "data": "A2cBAQRoYQ==", "rxInfo": heard_by,
    }  # fmt: skip
    return json.dumps(body).encode()


async def test_devices_of_one_account_that_fall_silent_together_are_one_alert(district: District, dsn: str) -> None:
    for number in range(3):
        add_device(dsn, f"shelly:shellyplus1-aa{number}", deadline_s=60)

    async def known() -> bool:
        return len(district.ingest.table) >= 3

    await eventually(known)
    district.line.account = "account:home9"  # type: ignore[attr-defined]
    for number in range(3):
        name = f"shellyplus1-aa{number}"
        body = {"src": name, "dst": f"{name}/events", "method": "NotifyStatus", "params": {"input:0": {"state": True}}}
        district.send(f"{name}/events/rpc", body)
    await district.done()
    await district.pass_until(61)
    assert await district.silent_alerts() == [("T3G", "account:home9")]


async def test_alert_of_a_gateway_reaches_people_like_any_other(district: District, dsn: str) -> None:
    await heard(district, add_flat(dsn, 3))
    await district.pass_until(61)
    assert await district.one("select count(*) from timer") == 1


async def test_three_flat_batteries_behind_a_gateway_that_works_are_three_alerts(district: District, dsn: str) -> None:
    names = add_flat(dsn, 20)
    await heard(district, names)
    for now_s in range(20, 240, 20):
        dead = 1 if now_s < 40 else 2 if now_s < 60 else 3
        for name in names[dead:]:
            district.sensor(name, contact=True)
        await district.done()
        await district.pass_until(now_s)
        for name in names[dead:]:
            district.sensor(name, contact=True)
        await district.done()
    told = [address for rule, address in await district.silent_alerts() if rule == "T3"]
    assert told == [f"z2m:{BASE}/{name}" for name in names[:3]]


async def test_dead_button_behind_a_gateway_that_restarts_every_night_alerts(district: District, dsn: str) -> None:
    names = add_flat(dsn, 4, deadline_s=600)
    await heard(district, names)
    for night in range(4):
        for name in names[1:]:
            district.sensor(name, contact=True)
        district.send(STATE, {"state": "offline"}, at_ms=district.ms(district.passed_s))
        await district.done()
        await district.pass_until(400 * night + 240)
        district.send(STATE, {"state": "online"}, at_ms=district.ms(district.passed_s))
        for name in names[1:]:
            district.sensor(name, contact=True)
        await district.done()
        await district.pass_until(400 * night + 400)
    assert ("T3", f"z2m:{BASE}/{names[0]}") in await district.silent_alerts()
