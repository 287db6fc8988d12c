"""Eelink, Topin and Xexun: who a frame is from, what is answered, and what is easily got wrong in each."""

import struct
from datetime import UTC, datetime

import pytest

from devices.adapter import DecodeError, Message
from devices.adapters import eelink, topin, xexun2, xexun3
from devices.framers import xexun2 as xexun2_framer
from devices.framers import xexun3 as xexun3_framer
from devices.protocols import BY_NAME
from devices.telemetry import Telemetry
from tests.unit.devices.captures import RECEIVED_AT, captures

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)


def hear(name: str, frame: bytes) -> list[Telemetry]:
    adapter = {"eelink": eelink, "topin": topin, "xexun2": xexun2, "xexun3": xexun3}[name].ADAPTER
    return list(adapter.decode(Message(topic=f"tcp/{name}", payload=frame, received_at=RECEIVED_AT)))


def capture(name: str, called: str) -> bytes:
    return next(one.message.payload for one in captures(name) if one.name == called)


@pytest.mark.parametrize(
    ("name", "imei"), [("eelink", "862000000000033"), ("topin", "862000000000041"), ("xexun3", "862000000000066")]
)
def test_login_names_the_device(name: str, imei: str) -> None:
    assert BY_NAME[name].device_of(capture(name, "login")) == imei


def test_warning_of_an_eelink_gets_its_kind_and_number_back() -> None:
    sent = capture("eelink", "SOS")
    assert eelink.reply(sent) == b"gg\x14\x00\x02" + sent[5:7]
    assert eelink.reply(capture("eelink", "position in the old form")) is None


def test_login_of_an_eelink_is_answered_with_the_time() -> None:
    sent = capture("eelink", "login")
    assert eelink.reply(sent) is None
    assert eelink.timed_reply(sent, NOW) == b"gg\x01\x00\x09" + sent[5:7] + int(NOW.timestamp()).to_bytes(
        4, "big"
    ) + bytes((0, 1, 0))
    assert eelink.timed_reply(capture("eelink", "SOS"), NOW) is None


def test_envelope_of_an_eelink_holds_records_with_their_own_times() -> None:
    early, late = hear("eelink", capture("eelink", "two packages in an envelope"))
    assert early.measured_at is not None
    assert late.measured_at is not None
    assert (late.measured_at - early.measured_at).seconds == 600


def test_topin_gets_back_what_it_sent() -> None:
    state, place = capture("topin", "state"), capture("topin", "position")
    assert topin.reply(state) == state
    assert topin.reply(place) == b"xx" + place[2:4] + place[4:10] + b"\r\n"
    assert topin.reply(capture("topin", "shaken")) is None


def test_topin_is_welcomed_and_told_the_time() -> None:
    answer = topin.timed_reply(capture("topin", "login"), NOW)
    assert answer is not None
    welcome, clock = topin_frames(answer)
    assert welcome[3:5] == b"\x01\x01"
    assert clock[3:11] == b"\x30\x07\xea" + bytes((11, 21, 22, 0, 30))
    assert topin.timed_reply(b"xx\x01\x30\r\n", NOW) == clock


def topin_frames(answer: bytes) -> list[bytes]:
    return BY_NAME["topin"].framer().feed(answer)


def test_south_and_west_of_the_second_topin_form_stand_in_a_half_byte() -> None:
    content = bytes((26, 11, 21, 21, 59, 58)) + bytes((38,)) + (1 << 20 | 466_700).to_bytes(3, "big")
    content += bytes((106,)) + (1 << 20 | 273_100).to_bytes(3, "big") + bytes(11)
    (said,) = hear("topin", b"xx" + bytes((len(content), 8)) + content + b"\r\n")
    assert (said.observations[0].lat, said.observations[0].lon) == (-38.4667, -106.2731)


def test_degrees_and_minutes_of_a_xexun_are_one_number_in_the_west_too() -> None:
    body = b"\x01\x00\x13" + b"\x01" + struct.pack(">IBHB", 1795298398, 25, 64, 2) + b"\x01\x09"
    body += struct.pack(">ff", -10616.386, -3828.002)
    sent = xexun2_framer.MARK + b"\0\x14\0\2" + bytes.fromhex("8620000000000580") + bytes(4) + body + xexun2_framer.MARK
    (said,) = hear("xexun2", sent)
    place = next(one for one in said.observations if one.code == "location")
    assert place.lat == pytest.approx(-38.4667, abs=1e-4)
    assert place.lon == pytest.approx(-106.2731, abs=1e-4)


def test_xexun_of_2021_gets_a_receipt_that_survives_its_own_escapes() -> None:
    sent = bytearray(capture("xexun2", "SOS"))
    sent[4:6] = xexun2_framer.MARK  # a running number like the mark
    answer = xexun2.reply(bytes(sent))
    assert answer is not None
    (whole,) = xexun2_framer.Framer().feed(answer)
    assert whole[2:14] == sent[2:14]
    assert whole[-3:-2] == b"\x01"


def test_xexun_of_2025_gets_a_receipt_with_a_good_check_sum() -> None:
    answer = xexun3.reply(capture("xexun3", "fall and low battery"))
    assert answer is not None
    assert xexun3_framer.Framer().feed(answer) == [answer]
    assert xexun3_framer.crc(answer[3:-3]) == int.from_bytes(answer[-3:-1], "big")


@pytest.mark.parametrize("name", ["eelink", "topin", "xexun2", "xexun3"])
@pytest.mark.parametrize(
    "damaged", [b"", b"gg", b"xx\x01", b"\xfa\xaf", b"\xfc\0\x0b\x03", b"EL" + bytes(4), b"\0" * 40]
)
def test_what_is_no_frame_is_refused_and_not_answered(name: str, damaged: bytes) -> None:
    protocol = BY_NAME[name]
    if damaged:
        with pytest.raises(DecodeError):
            hear(name, damaged)
    assert protocol.device_of(damaged) is None
    assert protocol.reply(damaged) is None
    assert protocol.timed_reply is None or protocol.timed_reply(damaged, NOW) is None
