"""What the hub answers is what the device was waiting for; another's answer is not."""

import pytest

from devices.protocols import BY_NAME
from simulator.encoders.encoder import Awaits, Device, Messages
from simulator.encoders.registry import ENCODERS
from tests.unit.simulator.encoders.heard import AT, device_of, every, messages_of

WAITING = [name for name, encoder in ENCODERS.items() if encoder.awaits is Awaits.REPLY]


def answers(said: Messages, device: Device) -> list[bytes]:
    """Return what the gateway writes back, frame by frame."""
    protocol, found = BY_NAME[said[0].topic], list[bytes]()
    for message in messages_of(said, device):
        timed = protocol.timed_reply(message.payload, AT) if protocol.timed_reply else None
        reply = timed or protocol.reply(message.payload)
        if reply:
            found.append(reply)
    return found


# What a device sends and forgets, though others of its frames are answered.
UNANSWERED = {("h02", "press"), ("topin", "heartbeat")}
ANSWERED = [
    (name, word) for name, word in every(("login", "heartbeat", "press", "fall"))
    if name in WAITING and (name, word) not in UNANSWERED
]  # fmt: skip


@pytest.mark.parametrize(("name", "word"), ANSWERED)
def test_hub_answers_what_the_device_waits_for(name: str, word: str) -> None:
    encoder = ENCODERS[name]
    say = getattr(encoder, word)
    device = device_of(encoder)
    said = say(device, AT, *(("81",) if word in ("press", "fall") else ()))
    assert device.owed, f"{name} waits for nothing after {word}"
    assert encoder.acknowledged is not None
    told = answers(said, device)
    assert told, f"{name} waits after {word}, and nothing comes"
    assert any(encoder.acknowledged(device, one) for one in told), f"{name} {word}: {told!r} for {device.owed!r}"


@pytest.mark.parametrize(("name", "word"), sorted(UNANSWERED))
def test_what_is_sent_and_forgotten_waits_for_nothing(name: str, word: str) -> None:
    device = device_of(ENCODERS[name])
    getattr(ENCODERS[name], word)(device, AT, *(("81",) if word == "press" else ()))
    assert not device.owed


@pytest.mark.parametrize("name", WAITING)
def test_noise_and_silence_settle_nothing(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.acknowledged is not None
    device = device_of(encoder)
    for noise in (b"", b"\x00", b"OK", b"\x7e\x00\x7e", b"\x78\x78\x05\x01\x00\x00\x00\x00\x0d\x0a"):
        assert not encoder.acknowledged(device, noise)


@pytest.mark.parametrize("name", ["gt06", "eelink", "eview", "jt808", "xexun2", "xexun3", "gl200text", "r12w"])
def test_answer_to_an_earlier_frame_does_not_settle_a_later_one(name: str) -> None:
    encoder = ENCODERS[name]
    word = "press" if encoder.press else "login"
    say = getattr(encoder, word)
    assert encoder.acknowledged is not None
    device = device_of(encoder)
    more = ("81",) if word == "press" else ()
    earlier = answers(say(device, AT, *more), device)
    say(device, AT, *more)
    assert not any(encoder.acknowledged(device, one) for one in earlier)


def test_jt808_terminal_keeps_the_code_it_was_given_and_signs_in_with_it() -> None:
    encoder = ENCODERS["jt808"]
    assert encoder.login is not None
    assert encoder.acknowledged is not None
    device = device_of(encoder)
    (registration,) = encoder.login(device, AT)
    assert registration.payload[1:3] == b"\x01\x00"
    (registered,) = answers((registration,), device)
    assert encoder.acknowledged(device, registered)
    (signing_in,) = encoder.login(device, AT)
    assert signing_in.payload[1:3] == b"\x01\x02"
    assert device.memory["code"] in signing_in.payload
