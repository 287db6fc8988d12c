"""GT06: alerts in two places, makers' variants told apart, login and time answered with good check sums."""

from datetime import UTC, datetime

import pytest

from devices.adapter import DecodeError, Message
from devices.adapters.gt06 import ADAPTER, reply, timed_reply
from devices.framers.gt06 import crc, seal
from devices.telemetry import Quality, Telemetry
from tests.unit.devices.captures import RECEIVED_AT

IMEI = "862000000000017"
TOPIC = f"tcp/gt06/{IMEI}"
LOGIN = seal(0x01, bytes.fromhex("0" + IMEI), 1)
FIX = bytes((26, 11, 21, 21, 59, 58, 0xC9)) + (69_240_060).to_bytes(4, "big") + (191_291_580).to_bytes(4, "big")
PLACE = FIX + b"\x04\x14\x78"
CELL = bytes.fromhex("01cc0024900ff2") + b"\x01"


def hear(frame: bytes, *, topic: str = TOPIC, model: str | None = None) -> Telemetry:
    (said,) = ADAPTER.decode(Message(topic=topic, payload=frame, received_at=RECEIVED_AT, model=model))
    return said


def alarm(terminal: int, alert: int, *, kind: int = 0x26, charge: int = 4) -> bytes:
    return seal(kind, PLACE + b"\x09" + CELL + bytes((terminal, charge, 4, alert, 2)), 5)


def alarms(said: Telemetry) -> list[str]:
    return [one.code for one in said.observations if one.code.startswith(("alarm.", "battery.low"))]


def test_who_sent_a_frame_is_known_from_the_login() -> None:
    assert ADAPTER.device_of(LOGIN) == IMEI
    assert ADAPTER.device_of(alarm(0, 1)) is None
    assert hear(alarm(0, 1)).device == f"gt06:{IMEI}"
    assert hear(alarm(0, 1), topic="tcp/gt06").device == "gt06:unknown"
    assert hear(LOGIN, topic="tcp/gt06").device == f"gt06:{IMEI}"


def test_sos_is_heard_in_either_place_and_once_if_in_both() -> None:
    assert alarms(hear(alarm(0x20, 0))) == ["alarm.sos"]
    assert alarms(hear(alarm(0x00, 1))) == ["alarm.sos"]
    assert alarms(hear(alarm(0x20, 1))) == ["alarm.sos"]


def test_sos_and_low_battery_are_both_told_worst_first() -> None:
    assert alarms(hear(alarm(0x18, 1))) == ["alarm.sos", "battery.low"]
    assert alarms(hear(alarm(0x20, 0x19))) == ["alarm.sos", "battery.low"]


def test_same_alarm_sent_again_has_the_same_identity() -> None:
    assert hear(alarm(0, 1)).identity == hear(alarm(0x20, 1)).identity == "alarm.sos:20261121T215958"
    assert hear(seal(0x13, bytes((0x20, 4, 4, 0, 2)), 5)).identity is None, "a heartbeat has no time"


def test_an_alert_nobody_has_written_down_is_told_and_calls_nobody() -> None:
    said = hear(alarm(0, 0x77)).observations[0]
    assert (said.code, said.quality, said.native) == ("alarm.general", Quality.UNVERIFIED, "alert 77")
    assert alarms(hear(alarm(0, 0xFE))) == []
    assert alarms(hear(alarm(0x20, 0x77))) == ["alarm.sos"], "the other place says why"


def test_models_whose_alerts_differ_are_rows_of_a_table() -> None:
    assert alarms(hear(alarm(0, 0x19))) == ["battery.low"]
    assert alarms(hear(alarm(0, 0x19), model="LW3G")) == ["alarm.hardAcceleration"]
    assert alarms(hear(alarm(0, 0x09), model="VL103")) == ["alarm.tow"]


@pytest.mark.parametrize(("level", "pct"), [(0, 0), (1, 16), (4, 66), (6, 100), (7, 7), (62, 62), (100, 100)])
def test_charge_is_in_steps_or_in_per_cent(level: int, pct: int) -> None:
    values = [one.value for one in hear(alarm(0, 1, charge=level)).observations if one.code == "battery.level"]
    assert values == [pct]


def test_charge_above_a_hundred_is_not_told() -> None:
    assert not [one for one in hear(alarm(0, 1, charge=240)).observations if one.code == "battery.level"]


def test_frame_of_which_servers_disagree_calls_for_help_and_for_nothing_else() -> None:
    wide = bytes.fromhex("81cc0000" + "00002490" + "0000000000000ff2")
    sent = seal(0xA4, PLACE + b"\x11" + wide + bytes((0x20, 4, 4, 0x11, 1, 255)), 5)
    said = {one.code: one.quality for one in hear(sent).observations if one.code.startswith("alarm.")}
    assert said == {"alarm.sos": Quality.OK, "alarm.powerOff": Quality.UNVERIFIED}


def test_place_in_the_answer_to_a_question_is_read() -> None:
    words = b"Current position!Lat:N38.46670,Lon:E106.27310,Course:1.00,Speed:0.00,DateTime:2026-11-21  21:59:58"
    said = hear(seal(0x21, bytes(4) + b"\x01" + words, 5, long=True))
    assert (said.observations[0].lat, said.observations[0].lon) == (38.4667, 106.2731)
    assert said.measured_at == datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)


def good(frame: bytes | None) -> bytes:
    assert frame is not None
    assert crc(frame[2:-4]) == int.from_bytes(frame[-4:-2], "big")
    return frame


def test_login_is_answered_as_the_document_shows_it() -> None:
    assert good(reply(LOGIN)) == bytes.fromhex("7878050100 01 d9dc 0d0a")


@pytest.mark.parametrize("kind", [0x13, 0x16, 0x19, 0x23, 0x26, 0x27, 0xA4])
def test_heartbeats_and_alarms_get_their_kind_and_number_back(kind: int) -> None:
    answer = good(reply(seal(kind, PLACE, 0x0203)))
    assert (answer[3], answer[4:6]) == (kind, b"\x02\x03")


def test_long_frames_are_answered_in_the_form_they_wait_for() -> None:
    assert good(reply(seal(0x33, PLACE, 9, long=True)))[:2] == b"yy"
    assert good(reply(seal(0x70, b"", 9, long=True)))[:2] == b"xx"
    assert reply(seal(0x94, b"\0\1\2", 9, long=True)) is None


def test_question_for_the_address_is_answered_with_none() -> None:
    assert b"NA&&NA&&0##" in good(reply(seal(0x2A, PLACE, 9)))


def test_question_for_the_time_is_answered_in_utc() -> None:
    asked = seal(0x8A, b"", 6)
    assert reply(asked) is None
    assert good(timed_reply(asked, datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)))[4:10] == bytes(
        (26, 11, 21, 22, 0, 30)
    )
    assert timed_reply(LOGIN, RECEIVED_AT) is None


@pytest.mark.parametrize("damaged", [b"", b"xx", b"xx\x05\x13", alarm(0, 1)[:-2], b"\0" * 20])
def test_what_is_no_frame_is_refused_and_not_answered(damaged: bytes) -> None:
    with pytest.raises(DecodeError):
        hear(damaged)
    assert reply(damaged) is timed_reply(damaged, RECEIVED_AT) is None
    assert ADAPTER.device_of(damaged) is None
