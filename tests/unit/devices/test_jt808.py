"""JT/T 808: what terminals wait for, text to be read out in their own version, times in GMT+8, alarms worst first."""

import struct
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor

import pytest

from devices.adapter import Command, DecodeError, Message, Say
from devices.adapters.jt808 import ADAPTER, parse, readdress, reply
from devices.framers.jt808 import Framer, unescape
from devices.telemetry import Telemetry, TimeQuality
from tests.unit.devices.captures import RECEIVED_AT

PHONE, LONG_PHONE = "013900000017", "00000000013900000018"


def frame(kind: int, body: bytes, *, phone: str = PHONE, serial: int = 7, version: int | None = None) -> bytes:
    attributes = len(body) | (0 if version is None else 1 << 14)
    head = struct.pack(">HH", kind, attributes) + (b"" if version is None else bytes((version,)))
    inner = head + bytes.fromhex(phone) + struct.pack(">H", serial) + body
    return b"\x7e" + inner + bytes((reduce(xor, inner),)) + b"\x7e"


def position(alarm: int = 0, *, status: int = 2, when: str = "261122055958", items: bytes = b"") -> bytes:
    fix = struct.pack(">IIIIHHH", alarm, status, 38_466_700, 106_273_100, 1110, 4, 120)
    return fix + bytes.fromhex(when) + items


def hear(sent: bytes, *, model: str | None = None) -> list[Telemetry]:
    message = Message(topic="tcp/jt808", payload=sent, received_at=RECEIVED_AT, model=model)
    return list(ADAPTER.decode(message))


def alarms(sent: bytes, *, model: str | None = None) -> list[str]:
    said = hear(sent, model=model)[-1].observations
    return [one.code for one in said if one.code.startswith(("alarm.", "battery.low"))]


# -- what is said


def test_time_is_that_of_beijing() -> None:
    (said,) = hear(frame(0x0200, position()))
    assert said.measured_at == datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)
    assert said.time_quality is TimeQuality.DEVICE


def test_half_of_the_globe_stands_in_the_status() -> None:
    (said,) = hear(frame(0x0200, position(status=2 | 4 | 8)))
    place = said.observations[0]
    assert (place.lat, place.lon, place.valid) == (-38.4667, -106.2731, True)


def test_zero_zero_is_no_fix_whatever_the_status_says() -> None:
    body = struct.pack(">IIIIHHH", 0, 2, 0, 0, 0, 0, 0) + bytes.fromhex("261122055958")
    (said,) = hear(frame(0x0200, body))
    assert said.observations[0].valid is False


def test_alarms_come_worst_first() -> None:
    assert alarms(frame(0x0200, position(1 << 20 | 1 << 18 | 1 << 15 | 1))) == [
        "alarm.sos", "alarm.vibration", "alarm.geofence", "battery.low",
    ]  # fmt: skip


def test_models_whose_alarm_word_means_something_else_are_rows_of_a_table() -> None:
    sent = frame(0x0200, position(1))
    assert alarms(sent) == ["alarm.sos"]
    assert alarms(sent, model="G-360P") == ["alarm.removed"]


def test_a_report_that_names_its_model_is_read_as_that_model_means_it() -> None:
    firmware = b"AOVX_AL300-INVENTED"
    items = b"\xf2" + bytes((len(firmware),)) + firmware
    assert alarms(frame(0x0200, position(1 << 16, items=items))) == ["alarm.movement"]


def test_same_alarm_sent_again_has_the_same_identity() -> None:
    (first,) = hear(frame(0x0200, position(1), serial=7))
    (again,) = hear(frame(0x0200, position(1), serial=8))
    assert first.identity == again.identity == "alarm.sos:20261121T215958"
    assert (first.sequence, again.sequence) == (7, 8)


def test_identity_is_made_of_what_rings() -> None:
    (said,) = hear(frame(0x0200, position(1 | 1 << 31)))
    assert said.identity == "alarm.sos:20261121T215958"
    (said,) = hear(frame(0x0200, position(1 << 31)))
    assert said.identity is None


def test_a_reset_clock_names_no_press() -> None:
    (said,) = hear(frame(0x0200, position(1, when="000101000000")))
    assert said.identity is None
    assert said.time_quality is TimeQuality.SUSPECT


def test_batch_gives_each_position_its_own_time() -> None:
    parts = [position(when="261122050000"), position(1, when="261122051000")]
    body = b"\0\x02\x01" + b"".join(struct.pack(">H", len(part)) + part for part in parts)
    early, late = hear(frame(0x0704, body))
    assert late.measured_at is not None
    assert early.measured_at is not None
    assert late.measured_at - early.measured_at == timedelta(minutes=10)
    assert (early.identity, late.identity) == (None, "alarm.sos:20261121T211000")


def test_later_part_of_a_split_message_is_a_sign_of_life() -> None:
    body = position(1)
    inner = struct.pack(">HH", 0x0704, len(body) | 1 << 13) + bytes.fromhex(PHONE) + struct.pack(">HHH", 7, 3, 2) + body
    (said,) = hear(b"\x7e" + inner + bytes((reduce(xor, inner),)) + b"\x7e")
    assert [one.code for one in said.observations] == ["link.seen"]


def test_wrong_check_byte_is_no_reason_to_miss_an_alarm() -> None:
    sent = bytearray(frame(0x0200, position(1)))
    sent[-2] ^= 0xFF
    assert alarms(bytes(sent)) == ["alarm.sos"]


def test_frame_whose_escapes_nobody_undid_is_known_by_its_check_byte() -> None:
    escaped = frame(0x0200, position(1, items=b"\x30\x01\x7d"))[1:-1].replace(b"\x7d", b"\x7d\x01")
    (said,) = hear(b"\x7e" + escaped + b"\x7e")
    assert said.observations[0].code == "alarm.sos"


def test_number_that_is_not_decimal_is_an_imei_without_its_check_digit() -> None:
    number = 86200000000002  # of 15 digits the last is reckoned: Luhn
    sent = frame(0x0002, b"", phone=number.to_bytes(6, "big").hex())
    assert ADAPTER.device_of(sent) == "862000000000023"
    assert ADAPTER.device_of(b"\x7e\x7e") is None


# -- what is answered


def answered(sent: bytes) -> tuple[int, str, bytes]:
    answer = reply(sent)
    assert answer is not None
    (whole,) = Framer().feed(answer)
    told = parse(whole)
    assert reduce(xor, whole[1:-1]) == 0
    return told.kind, told.id.hex(), told.body


@pytest.mark.parametrize("kind", [0x0002, 0x0102, 0x0200, 0x0704, 0x0900])
def test_general_answer_names_the_message_it_answers(kind: int) -> None:
    assert answered(frame(kind, position(), serial=0x7E7D)) == (
        0x8001, PHONE, b"\x7e\x7d" + kind.to_bytes(2, "big") + b"\0",
    )  # fmt: skip


def test_registration_is_answered_with_a_code() -> None:
    assert answered(frame(0x0100, bytes(37))) == (0x8100, PHONE, b"\0\x07\0" + b"13900000017")


def test_terminal_of_2019_is_answered_in_its_own_version() -> None:
    answer = reply(frame(0x0200, position(1), phone=LONG_PHONE, version=1))
    assert answer is not None
    told = parse(unescape(answer))
    assert (told.version, told.id.hex()) == (1, LONG_PHONE)


@pytest.mark.parametrize("sent", [frame(0x0001, b"\0\1\x83\0\0"), frame(0x8001, b""), b"\x7e\x7e", b"(1,2)", b""])
def test_what_is_an_answer_itself_gets_none(sent: bytes) -> None:
    assert reply(sent) is None


# -- text


def spoken(text: str, device: str = "jt808:13900000017") -> bytes:
    command = Command(device=device, say=Say.COMING, text=text, identity=None, incident=3)
    downlink = ADAPTER.encode(command)
    assert downlink is not None
    assert downlink.topic == f"tcp/jt808/{device.removeprefix('jt808:')}"
    return downlink.payload


def test_text_is_shown_and_read_out() -> None:
    told = parse(unescape(spoken("社区正在赶来")))
    assert (told.kind, told.id.hex(), told.body[0]) == (0x8300, PHONE, 0x0C)
    assert told.body[1:].decode("gbk") == "社区正在赶来"


def test_text_is_put_into_the_version_the_terminal_speaks() -> None:
    heard = frame(0x0002, b"", phone=LONG_PHONE, version=1)
    told = parse(unescape(readdress(spoken("收到", "jt808:13900000018"), heard)))
    assert (told.version, told.id.hex(), told.body[:2]) == (1, LONG_PHONE, b"\x0c\x01")
    assert told.body[2:].decode("gbk") == "收到"


def test_long_text_is_cut_and_what_has_no_number_is_told_nothing() -> None:
    told = parse(unescape(spoken("长" * 200)))
    assert len(told.body) == 1 + 2 * 60
    command = Command(device="jt808:unknown", say=Say.RECEIVED, text="x")
    assert ADAPTER.encode(command) is None


def test_id_of_fifteen_digits_becomes_six_bytes_again() -> None:
    told = parse(unescape(spoken("收到", "jt808:862000000000023")))
    assert int.from_bytes(told.id, "big") == 86200000000002


def test_position_that_is_cut_short_is_refused() -> None:
    with pytest.raises(DecodeError, match="expected"):
        hear(frame(0x0200, position(1)[:20]))
