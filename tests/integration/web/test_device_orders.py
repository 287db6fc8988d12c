"""An operator has the case's device say where it is: a button, a row, and what the device answered."""

import re

import httpx

from tests.integration.web.test_desk import CLOSING, post
from tests.integration.web.world import World, csrf_of


def order(client: httpx.Client, world: World, incident: int, device: str, what: str) -> httpx.Response:
    return post(client, incident, "tell_device", device=str(world.devices[device]), order=what)


def test_button_is_there_for_what_the_device_has_words_for(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    page = li.get(f"/incidents/{incident}").text
    assert page.count("立即定位") == 1  # the button on the wall stays where it is
    assert "测心率" not in page
    world.heart_rates("watch-wang", [72.0])
    assert li.get(f"/incidents/{incident}").text.count("测心率") == 1
    world.sql("update device set address = 'gps103:86200000000' || id")
    page = li.get(f"/incidents/{incident}").text
    assert "立即定位" in page
    assert "测心率" not in page
    world.sql("update device set address = 'z2m:home7/' || id")
    assert "立即定位" not in li.get(f"/incidents/{incident}").text


def test_press_tells_the_device_and_the_case_says_who_asked(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    assert order(li, world, incident, "watch-wang", "locate").status_code == 303
    row = world.sql(
        "select c.what, c.asked_by, c.incident_id, d.topic, d.payload from device_command c"
        " join downlink d on d.id = c.downlink_id"
    )
    body = b'{"do":{"type":"locate"},"number":1}'
    assert [(what, by, case, topic, bytes(told)) for what, by, case, topic, told in row] == [
        ("locate", f"person:{world.people['li']}", incident, "carehub/watch-wang/command", body)
    ]
    page = li.get(f"/incidents/{incident}").text
    assert "等待设备上线" in page
    assert re.search(r"向设备 \d+ 要求：定位", page)


def test_answer_stands_beside_the_device(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    order(li, world, incident, "watch-wang", "measure")
    world.sql("update device_command set sent_at = hub_now(), tries = 1")
    assert "已送达，等待回应" in li.get(f"/incidents/{incident}").text
    world.sql(
        "insert into telemetry (received_at, device_id, batch, measured_at, heart_rate_bpm)"
        " values (hub_now(), %(d)s, 1, hub_now(), 71.6)",
        d=world.devices["watch-wang"],
    )
    assert "72 bpm" in li.get(f"/incidents/{incident}").text
    assert world.sql("select answered_at is not null from device_command") == [(True,)]


def test_second_press_within_seconds_is_told_so(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    order(li, world, incident, "watch-wang", "locate")
    again = order(li, world, incident, "watch-wang", "locate")
    assert again.status_code == 409
    assert "刚刚已经发出" in again.text
    assert world.sql("select count(*) from device_command") == [(1,)]


def test_someone_elses_device_and_unknown_orders_are_refused(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    assert order(li, world, incident, "watch-zhang", "locate").status_code == 409
    for what in ("reboot", "call", "", "../locate"):
        assert order(li, world, incident, "watch-wang", what).status_code == 422
    assert world.sql("select count(*) from device_command") == [(0,)]


def test_ended_case_tells_devices_nothing(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang", severity=2)
    post(li, incident, "take")
    post(li, incident, "close", **CLOSING)
    assert order(li, world, incident, "watch-wang", "locate").status_code == 409
    assert "立即定位" not in li.get(f"/incidents/{incident}").text


def test_forged_form_and_strangers_tell_nothing(li: httpx.Client, visitor: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    fields = {"device": str(world.devices["watch-wang"]), "order": "locate"}
    forged = li.post(f"/incidents/{incident}/tell_device", data={"csrf": "0" * 32, **fields})
    assert forged.status_code == 403
    stranger = visitor.post(f"/incidents/{incident}/tell_device", data={"csrf": csrf_of(li.get("/").text), **fields})
    assert stranger.status_code in (303, 401, 403)
    assert world.sql("select count(*) from device_command") == [(0,)]
