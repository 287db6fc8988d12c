"""A batch is made of messages: what counts as a sign of life, what rings, whose it is, what is kept all the same."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from devices import registry
from devices.adapter import DecodeError
from hub.device_table import DeviceTable
from hub.gather import Gatherer, read
from hub.gathered import merged
from hub.ingress.arrival import Arrival
from hub.store import raw

START_MS = 1_790_000_000_000


class Line:
    """A connection nobody listens on."""

    name = "listener"
    unsettled = 0

    def settle(self, token: int) -> None: ...

    def refuse(self, token: int) -> None: ...

    def flush(self) -> None: ...


LINE = Line()


def said(topic: str, body: Any, *, at_ms: int = START_MS, retained: bool = False) -> Arrival:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Arrival(topic=topic, payload=payload, received_ms=at_ms, origin=LINE, token=1, retained=retained)


@pytest.fixture
def table() -> DeviceTable:
    """Two watches, device numbers 11 and 12."""
    table = DeviceTable()
    table.put([(11 + row, f"carehub:w{row}", "", "", 1, "", None, None, "live") for row in range(2)])
    return table


def topics_of(body: bytes) -> list[str]:
    return [topic for _, topic, _ in raw.unpack(body)]


async def test_vitals_and_words_of_two_watches_go_to_their_devices(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    batch = [said("carehub/w1/vitals", {"hr": 61}), said("carehub/w0/status", {"online": True, "battery": 40})]
    found = gatherer.finish(await gatherer.decode(batch))
    assert found.columns.device.tolist() == [12, 11]
    assert found.rows.tolist() == [1, 0]
    assert found.columns.heart_rate_bpm[0] == 61
    assert found.columns.battery_pct[1] == 40


@pytest.mark.parametrize(
    "dead",
    [
        said("carehub/w0/vitals", {"hr": 61}, retained=True),
        said("carehub/w0/status", {"online": True}, retained=True),
        said("carehub/w0/status", {"online": False}),
    ],
    ids=["retained vitals", "retained status", "last will"],
)
async def test_what_the_device_did_not_say_just_now_is_no_sign_of_life_but_kept(
    table: DeviceTable, dead: Arrival
) -> None:
    gatherer = Gatherer(table)
    found = gatherer.finish(await gatherer.decode([dead, said("carehub/w1/vitals", {"hr": 61})]))
    assert found.rows.tolist() == [1]
    ((count, body),) = found.bodies
    assert (count, len(topics_of(body))) == (2, 2)


async def test_press_among_telemetry_is_set_apart_and_leaves_the_batch(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    press = said("carehub/w0/event", {"event": "sos", "id": "1"})
    batch = await gatherer.decode([said("carehub/w0/vitals", {"hr": 61}), press])
    found = gatherer.finish(batch)
    assert [arrival for arrival, _ in batch.ringing] == [press]
    assert [arrival.topic for arrival in found.arrivals] == topics_of(found.bodies[0][1]) == ["carehub/w0/vitals"]


async def test_retained_press_stays_in_the_batch_and_rings_nobody(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    batch = await gatherer.decode([said("carehub/w0/event", {"event": "sos", "id": "1"}, retained=True)])
    assert (batch.ringing, len(batch.arrivals)) == ([], 1)


async def test_stranger_is_asked_for_once_and_kept_raw_only_when_not_let_in(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    batch = await gatherer.decode([said("carehub/new/vitals", {"hr": hr}) for hr in (60, 61)])
    assert list(batch.strangers()) == ["carehub:new"]
    found = gatherer.finish(batch)
    assert (len(found.rows), found.strange) == (0, 2)
    assert topics_of(found.bodies[0][1]) == ["carehub/new/vitals"] * 2


async def test_stranger_let_in_between_is_stored_with_the_message_that_made_it_known(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    batch = await gatherer.decode([said("carehub/new/vitals", {"hr": 60}), said("carehub/new/status", {"battery": 9})])
    table.put([(13, "carehub:new", "", "", None, "", None, None, "seen")])
    found = gatherer.finish(batch)
    assert (found.columns.device.tolist(), found.strange) == ([13, 13], 0)


async def test_topic_of_a_watch_replaced_leads_to_the_new_one_once_forgotten(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    message = said("carehub/w0/vitals", {"hr": 61})
    assert gatherer.finish(await gatherer.decode([message])).columns.device.tolist() == [11]
    table.put([(11, "carehub:w0-old", "", "", None, "", None, None, "retired")])
    table.put([(13, "carehub:w0", "", "", 1, "", None, None, "live")])
    gatherer.forget()
    assert gatherer.finish(await gatherer.decode([message])).columns.device.tolist() == [13]


async def test_unreadable_message_is_kept_with_its_error_beside_the_readable(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    batch = [said("carehub/w0/vitals", b"{"), said("nobody/speaks/here", b"?"), said("carehub/w1/vitals", {"hr": 61})]
    found = gatherer.finish(await gatherer.decode(batch))
    assert sorted(line.topic for line in found.unreadable) == ["carehub/w0/vitals", "nobody/speaks/here"]
    assert all(line.error for line in found.unreadable)
    assert found.rows.tolist() == [1]


async def test_topic_that_discovery_told_of_is_read_from_then_on(table: DeviceTable) -> None:
    table.put([(13, "ha:home7/cord7", "", "", 1, "", None, None, "live")])
    gatherer = Gatherer(table)
    state = said("home7/flat7/cord", b"ON")
    assert gatherer.finish(await gatherer.decode([state])).unreadable, "nobody has said what speaks there"
    config = {"state_topic": "flat7/cord", "device_class": "safety", "device": {"identifiers": ["cord7"]}}
    batch = await gatherer.decode(
        [said("home7/homeassistant/binary_sensor/cord7/config", config, retained=True), state]
    )
    assert [telemetry.device for _, telemetries in batch.ringing for telemetry in telemetries] == ["ha:home7/cord7"]
    assert not batch.unreadable


EUI = "70b3d57ed0060b32"


def uplink(data: str, profile: str = "Class A, EU868") -> Arrival:
    """A LoRaWAN frame as ChirpStack 4 publishes it."""
    info = {"deviceProfileName": profile, "deviceName": "room 4", "devEui": EUI, "tags": {}}
    topic = f"application/wards/device/{EUI}/event/up"
    return said(topic, {"deviceInfo": info, "fCnt": 7, "fPort": 85, "data": data})


def words(gatherer: Gatherer, arrival: Arrival) -> set[tuple[str, Any]]:
    return {(o.code, o.value) for one in gatherer.read(arrival) for o in one.observations}


DOUBLE_PRESS, CONTACT_OPEN = "/y4D", "AwAB"


def bound(model: str, state: str = "live", address: str = f"lorawan:{EUI}") -> Gatherer:
    table = DeviceTable()
    table.put([(21, address, "", model, 1, "", None, None, state)])
    return Gatherer(table)


def test_button_behind_a_profile_that_names_no_model_is_read_by_the_model_it_is_registered_as() -> None:
    assert ("button.press", "double") in words(bound("Milesight WS101"), uplink(DOUBLE_PRESS))
    assert ("provision.candidate", EUI) not in words(bound("Milesight WS101"), uplink(DOUBLE_PRESS))
    assert ("provision.candidate", EUI) in words(bound(""), uplink(DOUBLE_PRESS)), "nobody said what it is"


def test_model_that_only_a_message_once_named_does_not_stand_above_what_the_network_says_now() -> None:
    gatherer = bound("milesight.ws101", state="seen")
    assert ("contact.open", True) in words(gatherer, uplink(CONTACT_OPEN, "Milesight WS301"))


def test_model_that_cannot_have_sent_the_bytes_is_told_unless_the_network_knew_it() -> None:
    with pytest.raises(DecodeError, match=r"as milesight\.ws101"):
        bound("Milesight WS101").read(uplink(CONTACT_OPEN))
    assert ("contact.open", True) in words(bound("Milesight WS101"), uplink(CONTACT_OPEN, "Milesight WS301"))


def test_word_that_is_no_model_changes_nothing() -> None:
    assert words(bound("call-button"), uplink(DOUBLE_PRESS)) == words(bound(""), uplink(DOUBLE_PRESS))
    assert words(bound("the white one"), uplink(DOUBLE_PRESS)) == words(bound(""), uplink(DOUBLE_PRESS))


def test_tracker_of_a_stated_model_says_each_of_its_reports_once() -> None:
    line = b"[3G*8800000015*0008*LK,50,3,86]"
    gatherer = bound("GW-1000", address="watch3g:8800000015")
    (first,) = gatherer.read(said("tcp/watch3g", line))
    assert first == read(said("tcp/watch3g", line))[0]


def test_adapter_that_fails_makes_its_message_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name = "broken/1"

        def decode(self, _: object) -> None:
            raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(registry, "adapter_for", lambda _: Broken())
    with pytest.raises(DecodeError, match="ZeroDivisionError"):
        read(said("carehub/w0/event", {}))


async def test_parts_of_a_surge_keep_their_order(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    parts = [
        gatherer.finish(await gatherer.decode([said(f"carehub/w{row}/vitals", {"seq": at}, at_ms=START_MS + at)]))
        for at, row in enumerate((1, 0, 1))
    ]
    whole = merged(parts)
    assert whole.rows.tolist() == [1, 0, 1]
    assert whole.columns.sequence.tolist() == [0, 1, 2]
    assert [count for count, _ in whole.bodies] == [1, 1, 1]
    assert whole.received_at == parts[0].received_at


async def test_value_no_body_shows_marks_its_message_through_every_way_of_joining(table: DeviceTable) -> None:
    table.put([(13, "watch3g:4700000017", "", "", 1, "", None, None, "live")])
    gatherer = Gatherer(table)
    slow = [
        said("tcp/watch3g", b"[3G*4700000017*0009*heart,255]"),
        said("tcp/watch3g", b"[3G*4700000017*0007*PULSE,0]"),
    ]
    alone = gatherer.finish(await gatherer.decode(slow)).columns
    assert alone.implausible is not None
    assert alone.implausible.tolist() == [True, False]
    assert gatherer.finish(await gatherer.decode([said("carehub/w0/vitals", {"hr": 61})])).columns.implausible is None
    sent = [said("carehub/w0/vitals", {"hr": 61}), said("carehub/w1/vitals", {"spo2": 12})]
    parts = [gatherer.finish(await gatherer.decode(part)) for part in (sent, sent[:1])]
    together = merged(parts)
    assert together.columns.implausible is not None
    assert together.columns.implausible.tolist() == [False, True, False]
    assert np.all(together.only(together.rows == 1).columns.implausible == [True])


async def test_sensor_whose_clock_is_behind_is_stored_at_the_time_it_means(table: DeviceTable) -> None:
    gatherer = Gatherer(table)
    table.behind_ms[0] = 8 * 3_600_000
    told = [said(f"carehub/w{row}/status", {"online": True, "at": START_MS - 8 * 3_600_000 - 400}) for row in range(2)]
    found = gatherer.finish(await gatherer.decode(told))
    ours, theirs = (next(o for o in found.observations if o.device_id == 11 + row) for row in range(2))
    assert ours.received_at - ours.measured_at == timedelta(milliseconds=400)
    assert (ours.device_at, theirs.device_at) == (theirs.measured_at, None)
    assert ours.device_at == ours.measured_at - timedelta(hours=8)
