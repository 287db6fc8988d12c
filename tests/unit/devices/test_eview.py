"""Eview: a repeated key starts a record, an alarm's own time, doubtful bits call nobody, the receipt asked for."""

import binascii
import struct
from datetime import UTC, datetime

import pytest

from devices.adapter import DecodeError, Message
from devices.adapters.eview import ADAPTER, reply, timed_reply
from devices.framers.eview import Framer
from devices.telemetry import Quality, Telemetry
from tests.unit.devices.captures import RECEIVED_AT

AT = datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)
SECONDS = int(AT.timestamp())


def key(number: int, value: bytes) -> bytes:
    return bytes((len(value) + 1, number)) + value


def frame(kind: int, *keys: bytes, flags: int = 0x10, number: int = 9) -> bytes:
    body = bytes((kind,)) + b"".join(keys)
    return b"\xab" + struct.pack("<BHHH", flags, len(body), binascii.crc_hqx(body, 0), number) + body


IMEI = key(0x01, b"862000000000025")


def state(at: int = SECONDS, charge: int = 64) -> bytes:
    return key(0x24, struct.pack("<II", at, charge << 24))


def alarm(word: int, at: int = SECONDS) -> bytes:
    return key(0x02, struct.pack("<II", word, at))


def hear(sent: bytes) -> list[Telemetry]:
    return list(ADAPTER.decode(Message(topic="tcp/eview", payload=sent, received_at=RECEIVED_AT)))


def test_repeated_key_starts_the_next_record() -> None:
    early, late = hear(frame(1, IMEI, state(SECONDS - 600, 66), alarm(1 << 12, SECONDS - 600), state()))
    assert [one.code for one in early.observations] == ["alarm.sos", "battery.level"]
    assert [one.code for one in late.observations] == ["battery.level", "link.seen"]
    assert late.measured_at == AT
    assert early.device == late.device == "eview:862000000000025"
    assert early.identity == "alarm.sos:20261121T214958"


def test_alarm_alone_has_its_own_time() -> None:
    (said,) = hear(frame(1, IMEI, alarm(1 << 12 | 1)))
    assert said.measured_at == AT
    assert [one.code for one in said.observations[:2]] == ["alarm.sos", "battery.low"]


def test_reading_keeps_the_time_it_was_taken_at() -> None:
    (said,) = hear(frame(1, IMEI, state(), key(0x40, struct.pack("<IB", SECONDS - 60, 72))))
    pulse = next(one for one in said.observations if one.code == "vital.heart_rate")
    assert pulse.measured_at is not None
    assert (AT - pulse.measured_at).seconds == 60
    assert said.measured_at == AT


def test_doubtful_alarm_bits_are_told_and_call_nobody() -> None:
    (said,) = hear(frame(1, IMEI, alarm(1 << 11)))
    assert (said.observations[0].code, said.observations[0].quality) == ("alarm.inactivity", Quality.UNVERIFIED)
    assert said.observations[0].native == "02:00000800"


def test_value_shorter_than_its_key_needs_spoils_no_other() -> None:
    (said,) = hear(frame(1, IMEI, key(0x20, b"\1\2"), alarm(1 << 12)))
    assert said.observations[0].code == "alarm.sos"


def test_receipt_is_sent_where_it_is_asked_for() -> None:
    asked = reply(frame(1, IMEI, state(), number=0x1234))
    assert asked is not None
    assert Framer().feed(asked) == [asked]
    assert (asked[6:8], asked[8:]) == (b"\x34\x12", b"\x7f\x01\x00")
    assert binascii.crc_hqx(asked[8:], 0).to_bytes(2, "little") == asked[4:6]
    assert reply(frame(1, IMEI, state(), flags=0)) is None
    assert reply(frame(0x7F, key(0, b""))) is None
    assert reply(b"\xab") is None


def test_question_for_the_time_is_answered_with_ours_and_that_for_a_place_with_none() -> None:
    asked = frame(3, key(0x12, b""), key(0x21, bytes(7)))
    assert reply(asked) is None
    answer = timed_reply(asked, AT)
    assert answer is not None
    assert answer[8:] == b"\x03" + b"\x05\x12" + SECONDS.to_bytes(4, "little") + b"\x0a\x21" + bytes(9)
    assert timed_reply(frame(1, IMEI), AT) is None


def test_frame_that_is_cut_off_is_refused() -> None:
    with pytest.raises(DecodeError, match="promised"):
        hear(frame(1, IMEI, alarm(1 << 12))[:-1])
