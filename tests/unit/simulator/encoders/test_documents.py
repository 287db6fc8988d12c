"""The makers' own examples, byte by byte. The numbers in them are the documents' (123456789012345) or invented."""

import json
from datetime import UTC, datetime

import pytest

from simulator.encoders import checks, gt06, jt808, laipac, lorawan_bytes, r12w, xexun2, xexun3
from simulator.encoders.encoder import Body, Device, Fix, Messages
from simulator.encoders.registry import ENCODERS

AT = datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)


def device(address: str, serial: int = 0, **more: object) -> Device:
    """Return a device whose next message has the number after `serial`."""
    made = Device(address=address, **more)  # type: ignore[arg-type]
    made.serial = serial
    return made


def only(said: Messages) -> bytes:
    (one,) = said
    return one.payload


# Check sums: the values every table of CRCs gives for "123456789".


def test_check_sums_are_those_of_the_tables() -> None:
    assert checks.itu(b"123456789") == 0x906E
    assert checks.xmodem(b"123456789") == 0x31C3
    assert checks.ccitt_false(b"123456789") == 0x29B1
    assert checks.xored(b"GPGLL,5300.97914,N,00259.98174,E,125926,A") == 0x28


# Concox GT06N, 2015.


def test_gt06_login_is_the_document_s() -> None:
    said = gt06.login(device("gt06:123456789012345"), AT)
    assert only(said).hex() == "78780d01012345678901234500018cdd0d0a"


def test_gt06_heartbeat_is_the_document_s() -> None:
    assert gt06.frame(0x0F, gt06.HEARTBEAT, bytes.fromhex("4004040001")).hex() == "78780a134004040001000fdcee0d0a"


def test_gt06_position_is_the_document_s() -> None:
    fix = Fix(lat=0x027AC7EB / 1_800_000, lon=0x0C465849 / 1_800_000, course_deg=143, satellites=15)
    place = gt06.gps(datetime(2011, 8, 29, 17, 46, 16, tzinfo=UTC), fix)
    whole = gt06.frame(3, gt06.POSITION, place + bytes.fromhex("01cc00287d001fb8"))
    assert whole.hex() == "78781f120b081d112e10cf027ac7eb0c46584900148f01cc00287d001fb8000380810d0a"


def test_gt06_alarm_of_a_press_is_the_document_s_but_for_its_place() -> None:
    frame = gt06.frame(0x36, gt06.ALARM, bytes.fromhex(
        "0b0b0f0e241dcf027ac8870c4657e60014020901cc00287d001f726506040101"
    ))  # fmt: skip
    assert frame.hex().endswith("1f72650604010100" + "3656a40d0a")


def test_gt06_server_s_answer_to_a_login_is_the_document_s() -> None:
    one = device("gt06:123456789012345")
    gt06.login(one, AT)
    assert gt06.acknowledged(one, bytes.fromhex("787805010001d9dc0d0a"))
    assert not gt06.acknowledged(one, bytes.fromhex("787805010002d9dc0d0a"))


# JT/T 808-2013.


def test_jt808_heartbeat_has_its_bytes_xored() -> None:
    assert only(jt808.heartbeat(device("jt808:13900000017", 6), AT)).hex() == "7e0002000001390000001700072a7e"


def test_jt808_marks_within_a_message_are_escaped_as_the_standard_s_example() -> None:
    # 30 7E 08 7D 55 is sent as 7E 30 7D 02 08 7D 01 55 7E.
    assert jt808.unescaped(bytes.fromhex("7e307d02087d01557e")).hex() == "307e087d55"
    wire = jt808.frame(0x0002, "13900000017", 0x7E7D, b"")
    assert b"\x7d\x02\x7d\x01" in wire
    assert b"\x7e" not in wire[1:-1]


def test_jt808_press_writes_beijing_time_in_bcd() -> None:
    said = ENCODERS["jt808"].press
    assert said is not None
    plain = jt808.unescaped(only(said(device("jt808:13900000017"), AT, "81")))
    assert plain[12:16].hex() == "00000001"
    assert plain[34:40].hex() == "261122055958"


# Sentences and brackets.


def test_iw_watch_s_lines_are_the_document_s() -> None:
    iw = ENCODERS["trv"]
    watch = device(
        "trv:353456789012345", battery_pct=80, steps=5555, fix=Fix(lat=22.54968, lon=114.08226, satellites=9)
    )
    assert iw.login is not None
    assert iw.heartbeat is not None
    assert iw.vitals is not None
    assert only(iw.login(watch, AT)) == b"IWAP00353456789012345#"
    assert only(iw.heartbeat(watch, AT)) == b"IWAP03,06000908000102,5555,0#"
    body = Body(heart_rate_bpm=60, systolic_mmhg=130, diastolic_mmhg=85, spo2_pct=95, temperature_c=36.5)
    assert only(iw.vitals(watch, AT, body)) == b"IWAPHP,60,130,85,95,,36.5,,,,,,,#"


def test_iw_position_is_the_document_s_but_for_its_cell() -> None:
    iw = ENCODERS["trv"].position
    assert iw is not None
    at = datetime(2008, 5, 24, 6, 18, 30, tzinfo=UTC)
    fix = Fix(lat=22 + 32.9806 / 60, lon=114 + 4.9355 / 60, speed_kmh=0.1, course_deg=323, satellites=9)
    said = only(iw(device("trv:353456789012345", battery_pct=80), at, fix))
    assert said.startswith(b"IWAP01080524A2232.9806N11404.9355E000.1061830323.0006000908000102,460,0,")


def test_coban_report_has_local_date_and_utc_hour() -> None:
    report, login = ENCODERS["gps103"].position, ENCODERS["gps103"].login
    assert report is not None
    assert login is not None
    at = datetime(2008, 9, 23, 11, 29, 9, tzinfo=UTC)
    fix = Fix(lat=22 + 34.4669 / 60, lon=113 + 54.3287 / 60, speed_kmh=0.11 * 1.852)
    tracker = device("gps103:359587010124900")
    assert only(login(tracker, at)) == b"##,imei:359587010124900,A;"
    assert only(report(tracker, at, fix)) == (
        b"imei:359587010124900,tracker,080923192909,,F,112909.000,A,2234.4669,N,11354.3287,E,0.11,0;"
    )


def test_coban_press_without_satellites_names_the_cell() -> None:
    press = ENCODERS["gps103"].press
    assert press is not None
    said = only(press(device("gps103:359587010124900", fix=Fix(lat=1, lon=2, valid=False)), AT, "81"))
    assert said == b"imei:359587010124900,help me,261122055958,,L,,,2490,,0ff2,,,;"


def test_tk103_press_is_the_document_s_form() -> None:
    press = ENCODERS["tk103"].press
    assert press is not None
    fix = Fix(lat=59 + 55.9527 / 60, lon=28 + 9.5231 / 60)
    at = datetime(2011, 6, 1, 2, 31, 0, tzinfo=UTC)
    assert only(press(device("tk103:013612345678", fix=fix), at, "81")) == (
        b"(013612345678BO012110601A5955.9527N02809.5231E000.0023100000.0000000000L00000000)"
    )


def test_h02_press_takes_a_bit_away() -> None:
    press = ENCODERS["h02"].press
    assert press is not None
    fix = Fix(lat=38 + 28.002 / 60, lon=106 + 16.386 / 60, course_deg=120)
    assert only(press(device("h02:4700000017", fix=fix), AT, "81")) == (
        b"*HQ,4700000017,V1,215958,A,3828.0020,N,10616.3860,E,0.00,120,211126,FFFFFBFD,460,00,9360,4082#"
    )


def test_queclink_press_has_the_document_s_fields_in_order() -> None:
    press = ENCODERS["gl200text"].press
    assert press is not None
    fix = Fix(lat=31.222073, lon=121.354335, speed_kmh=4.3, course_deg=92, altitude_m=70)
    said = only(press(device("gl200text:135790246811220", 0x11EF, battery_pct=87, fix=fix), AT, "81"))
    assert said == (
        b"+RESP:GTSOS,1A0102,135790246811220,,0,0,1,1,4.3,92,70.0,121.354335,31.222073,20261121215958,"
        b"0460,0000,2490,0FF2,,87,20261121215958,11F0$"
    )


def test_laipac_and_r12w_sum_up_their_sentences() -> None:
    assert laipac.sentence("GPGLL,5300.97914,N,00259.98174,E,125926,A") == (
        b"$GPGLL,5300.97914,N,00259.98174,E,125926,A*28\r\n"
    )
    assert r12w.sentence("$HX,#") == b"$HX,#,3b,\r\n"


def test_3g_watch_s_alarm_of_a_fall_has_bit_21() -> None:
    fall = ENCODERS["watch3g"].fall
    assert fall is not None
    assert b",00200000,1,0,460,0,9360,4082,131,0]" in only(fall(device("watch3g:8800000015"), AT, "81"))


# Binary trackers of whose documents only the fields are known.


def test_xexun2_check_sum_is_all_bytes_turned() -> None:
    assert xexun2.checksum(b"\x01") == 0xFFFE  # as in the answer a server gives
    assert xexun2.frame(0x14, 2, "862000000000058", b"\x01").hex() == (
        "faaf0014000286200000000005800001fffe01faaf"
    )  # fmt: skip


def test_xexun2_writes_degrees_and_minutes_in_one_number() -> None:
    assert xexun2.degrees_minutes(22.5666667) == pytest.approx(2234.0, abs=1e-4)
    assert xexun2.degrees_minutes(-0.5) == pytest.approx(-30.0)


def test_xexun3_login_counts_from_its_version() -> None:
    assert xexun3.frame(1, 4, "862000000000066", b"").hex() == "fc000b03010408620000000000669e1ccf"


def test_eview_press_is_bit_12_little_endian() -> None:
    press = ENCODERS["eview"].press
    assert press is not None
    said = only(press(device("eview:862000000000025", 8), AT, "81"))
    assert said[:4].hex() == "ab102600"
    assert said[6:8].hex() == "0900"
    assert said.hex()[16:50] == "0110" + "01" + "383632303030303030303030303235"[:28]
    assert said[-10:].hex() == "0902" + "00100000" + int(AT.timestamp()).to_bytes(4, "little").hex()


# MQTT.


def test_helmet_s_messages_are_the_document_s() -> None:
    helmet = ENCODERS["helmet"]
    at = datetime.fromtimestamp(1608618462, UTC)
    one = device("helmet:1/1", battery_pct=80, fix=Fix(lat=43.23333, lon=122.23333))
    assert helmet.heartbeat is not None
    assert helmet.press is not None
    (heart,) = helmet.heartbeat(one, at)
    assert heart.topic == "info/1/heart"
    assert heart.payload == (
        b'{"user_id":1,"tenant_id":1,"timestamp":1608618462,"battery":80,"battery_charging":false,"mode":"NORMAL",'
        b'"network":"4G","version":"1.0"}'
    )
    (alarm,) = helmet.press(one, at, "81")
    assert alarm.topic == "info/1/alarm"
    assert alarm.payload == (
        b'{"user_id":1,"tenant_id":1,"timestamp":1608618462,"lng":122.23333,"lat":43.23333,"alarm_type":"SOS",'
        b'"additional":""}'
    )


def test_kati_heartbeat_is_the_document_s() -> None:
    beat = ENCODERS["watch_json"].heartbeat
    assert beat is not None
    fix = Fix(lat=1, lon=2, satellites=4)
    watch = device("watchjson:865067123456789", battery_pct=67, steps=999, fix=fix)
    (said,) = beat(watch, datetime(2025, 6, 16, 5, 30, 45, tzinfo=UTC))
    assert said.topic == "iMEDE_watch/hb"
    assert json.loads(said.payload) == {
        "IMEI": "865067123456789", "signalGSM": 80, "battery": 67, "satellites": 4, "workingMode": 2,
        "timeStamps": "16/06/2025 12:30:45", "step": 999,
    }  # fmt: skip


def test_qube_vital_s_cuff_is_the_document_s() -> None:
    vitals = ENCODERS["ble_gateway"].vitals
    assert vitals is not None
    body = Body(heart_rate_bpm=71, systolic_mmhg=120, diastolic_mmhg=78)
    (said,) = vitals(device("ble:ff2209083131"), datetime.fromtimestamp(1739360702, UTC), body)
    assert said.topic == "CM4_BLE_GW_TX"
    assert json.loads(said.payload)["data"] == {
        "attribute": "WBP_JUMPER", "ble_mac": "FF:22:09:08:31:31", "value": {"bp_high": 120, "bp_low": 78, "pr": 71},
    }  # fmt: skip


def test_carelink_answer_is_the_specification_s() -> None:
    cancel = ENCODERS["carelink"].cancel
    assert cancel is not None
    (said,) = cancel(device("carelink:bracelet7", fix=Fix(lat=38.7, lon=-9.1)), AT, "81")
    assert said.topic == "bracelet7/fall/confirmation"
    assert said.payload == (
        b'{"status":false,"timestamp":"2026-11-21T21:59:58Z","location":{"lat":38.7,"lon":-9.1,"alt":0.0},'
        b'"batteryLevel":320}'
    )


def test_shelly_button_counts_its_pushes() -> None:
    press = ENCODERS["shelly1"].press
    assert press is not None
    button = device("shelly1:shellies/shellybutton1-A1B2C3D4E5F6")
    assert [only(press(button, AT, "81")) for _ in range(2)] == [
        b'{"event":"S","event_cnt":1}', b'{"event":"S","event_cnt":2}',
    ]  # fmt: skip


def test_esphome_cord_is_pulled_and_let_go() -> None:
    press = ENCODERS["esphome"].press
    assert press is not None
    said = press(device("esphome:wc"), AT, "81")
    assert [(one.topic, one.payload) for one in said] == [
        ("wc/binary_sensor/sos_cord/state", b"ON"), ("wc/binary_sensor/sos_cord/state", b"OFF"),
    ]  # fmt: skip


# LoRaWAN.


def test_milesight_s_examples_are_its_readme_s() -> None:
    sensor = device("lorawan:70b3d57ed0060a11", battery_pct=100)
    assert lorawan_bytes.milesight_leak(sensor, True).data.hex() == "017564030001"
    assert lorawan_bytes.milesight_leak(sensor, False).data.hex() == "017564030000"
    assert lorawan_bytes.milesight_button(sensor).data.hex() == "ff2e01"


def test_milesight_smoke_detector_s_bytes_add_up_to_nothing() -> None:
    # Its example is 221E64001C40, a test with a good battery.
    sensor = device("lorawan:70b3d57ed0060a11", battery_pct=100)
    assert sum(bytes.fromhex("221e64001c40")) & 0xFF == 0
    assert lorawan_bytes.milesight_smoke(sensor, True).data.hex() == "2211643c1815"


def test_netvox_emergency_button_fills_eleven_bytes() -> None:
    sensor = device("lorawan:70b3d57ed0060b76", battery_pct=100)
    assert lorawan_bytes.netvox_button(sensor).data.hex() == "014d012401000000000000"
    assert lorawan_bytes.netvox_low(sensor).data.hex() == "014d01a400000000000000"


def test_things_stack_leaves_out_what_is_zero() -> None:
    join, press = ENCODERS["lorawan.things_stack"].login, ENCODERS["lorawan.things_stack"].press
    assert join is not None
    assert press is not None
    sensor = device("lorawan:70b3d57ed0060a11")
    join(sensor, AT)
    first, second = (json.loads(only(press(sensor, AT, "81")))["uplink_message"] for _ in range(2))
    assert "f_cnt" not in first
    assert second["f_cnt"] == 1
    assert first["f_port"] == 85
