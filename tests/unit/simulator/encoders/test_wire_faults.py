"""Messages that suffered on their way: the hub's grammars refuse what cannot be read, and nothing falls over."""

import random
from datetime import timedelta

import pytest

from devices.adapter import Message
from devices.protocols import BY_NAME
from devices.telemetry import TimeQuality
from simulator.encoders import wire_faults
from simulator.encoders.encoder import STATES, Body, Messages, Transport
from simulator.encoders.registry import ENCODERS
from tests.unit.simulator.encoders.heard import (
    AT,
    HOME,
    device_of,
    messages_of,
    observations,
    refused,
    saying,
    telemetry,
)

MORE = {
    "press": "81", "fall": "81", "cancel": "81", "low_battery": "81", "taken_off": "81", "battery": 40, "steps": 9,
    "meter": 40_125, "position": HOME, "vitals": Body(heart_rate_bpm=72, spo2_pct=97),
}  # fmt: skip
OVER_TCP = [name for name, encoder in ENCODERS.items() if encoder.transport is Transport.TCP]


def all_said(name: str) -> Messages:
    """Return something of every word the family has."""
    encoder, said = ENCODERS[name], list[Messages]()
    for word in sorted(encoder.says):
        more = [True] if word in STATES else [MORE[word]] if word in MORE else []
        said.append(getattr(encoder, word)(device_of(encoder, word), AT, *more))
    return tuple(one for messages in said for one in messages)


@pytest.mark.parametrize("name", ENCODERS)
def test_damaged_message_is_read_or_refused_and_nothing_else(name: str) -> None:
    draw = random.Random(f"damage {name}")
    device = device_of(ENCODERS[name])
    for one in all_said(name):
        for damaged in wire_faults.damages(one, draw, 12):
            if one.transport is Transport.MQTT:
                refused(Message(topic=one.topic, payload=damaged.payload, received_at=AT, model=device.model or None))
                continue
            topic = f"tcp/{device.address.partition(':')[0]}/{device.native}"
            refused(Message(topic=topic, payload=damaged.payload, received_at=AT))
            for message in messages_of([damaged], device):
                refused(message)


@pytest.mark.parametrize("name", OVER_TCP)
def test_stream_in_pieces_is_cut_into_the_same_frames(name: str) -> None:
    said = all_said(name)
    protocol = BY_NAME[said[0].topic]
    whole = [frame for one in said for frame in protocol.framer().feed(one.payload)]
    joined, slow = protocol.framer(), protocol.framer()
    assert joined.feed(wire_faults.stream(said)) == whole
    draw = random.Random(f"pieces {name}")
    assert [
        frame for piece in wire_faults.pieces(wire_faults.stream(said), draw) for frame in slow.feed(piece)
    ] == whole
    assert joined.rejected_bytes == slow.rejected_bytes


@pytest.mark.parametrize("name", sorted(set(wire_faults.CHECK_SUMS) & set(saying("press"))))
def test_frame_with_a_wrong_check_sum_still_calls_for_help(name: str) -> None:
    """Makers get theirs wrong and TCP has its own: a press is not refused for it."""
    encoder = ENCODERS[name]
    assert encoder.press is not None
    device = device_of(encoder)
    (press,) = encoder.press(device, AT, "81")
    wrong = wire_faults.wrong_check_sum(press)
    assert wrong is not None
    assert wrong.payload != press.payload
    assert len(wrong.payload) == len(press.payload)
    assert "alarm.sos" in {one.code for one in observations(encoder, (wrong,), device)}


@pytest.mark.parametrize("name", saying("press"))
def test_repeated_press_is_understood_as_the_same(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.press is not None
    device = device_of(encoder)
    once = encoder.press(device, AT, "81")
    first = telemetry(encoder, once, device)
    again = telemetry(encoder, wire_faults.repeated(once, 3), device)
    assert {one.identity for one in again} == {one.identity for one in first}
    assert len(again) == 3 * len(first)


@pytest.mark.parametrize("name", saying("press"))
def test_clock_that_is_wrong_by_years_is_not_believed(name: str) -> None:
    encoder = ENCODERS[name]
    ahead = wire_faults.skewed(encoder, timedelta(days=3 * 365))
    assert ahead.press is not None
    device = device_of(encoder)
    for one in telemetry(encoder, ahead.press(device, AT, "81"), device):
        assert one.measured_at is None or one.time_quality is not TimeQuality.DEVICE, f"{name}: {one.measured_at}"


@pytest.mark.parametrize("name", ["carehub", "gt06", "jt808", "trv", "zigbee2mqtt"])
def test_clock_that_is_a_minute_slow_says_a_minute_less(name: str) -> None:
    encoder = ENCODERS[name]
    slow = wire_faults.skewed(encoder, timedelta(minutes=-1))
    assert slow.press is not None
    device = device_of(encoder)
    told = {one.measured_at for one in telemetry(encoder, slow.press(device, AT, "81"), device)}
    assert told - {None} == {AT - timedelta(minutes=1)}


def test_network_that_comes_back_hands_everything_over_in_disorder() -> None:
    encoder = ENCODERS["watch3g"]
    assert encoder.battery is not None
    device = device_of(encoder)
    kept = [encoder.battery(device, AT, pct) for pct in range(50, 0, -1)]
    burst = wire_faults.late(kept, random.Random(3))
    assert sorted(one.payload for one in burst) == sorted(one.payload for messages in kept for one in messages)
    assert [one.payload for one in burst] != [one.payload for messages in kept for one in messages]
    assert burst == wire_faults.late(kept, random.Random(3)), "the same seed, the same disorder"


def test_protocol_without_a_check_sum_cannot_have_a_wrong_one() -> None:
    assert [wire_faults.wrong_check_sum(one) for one in (all_said("trv")[0], all_said("carehub")[0])] == [None, None]


def test_some_of_what_is_sent_is_lost() -> None:
    said = all_said("gt06") * 50
    left = wire_faults.lost(said, 0.2, random.Random(1))
    assert 0.7 < len(left) / len(said) < 0.9


def test_too_many_copies_are_no_repeat() -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        wire_faults.repeated(all_said("gt06"), 101)


def test_a_bit_and_a_cut_change_what_they_say() -> None:
    (login,) = all_said("r12w")[:1]
    assert wire_faults.cut(login, 3).payload == b"$HX"
    assert wire_faults.flipped(login, 8).payload[:3] == b"$IX"
