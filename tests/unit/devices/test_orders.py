"""What devices are told: every protocol in the words of its maker's document, and nothing that could be misread."""

import base64
import json
import re
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import protocols
from devices.adapter import Command, Say
from devices.orders import Call, Contacts, Find, Interval, Locate, Measure, Order, OrderError, Reboot, Report, Vital
from devices.registry import ADAPTERS, by_scheme
from tests.check_sums import crc

IMEI = "862000000000017"
NUMBER = 0x0102
AT = datetime(2026, 11, 21, 8, 8, 35, tzinfo=UTC)
PHONE = "02150000000"
TWO = Contacts((PHONE, "120"))
HEART_EVERY_10_MIN = Interval(600, Report.HEART_RATE)
EVERY_5_MIN = Interval(300)
ORDERS: tuple[Order, ...] = (
    Locate(), Find(), Reboot(), Call(PHONE), EVERY_5_MIN, HEART_EVERY_10_MIN, TWO, *(Measure(what) for what in Vital),
)  # fmt: skip


def told(device: str, order: Order | None, **more: Any) -> bytes | None:
    adapter = by_scheme(device)
    assert adapter is not None
    downlink = adapter.encode(Command(device=device, order=order, number=NUMBER, at=AT, **more))
    return None if downlink is None else downlink.payload


def jt808(kind: str, body: str) -> bytes:
    inner = bytes.fromhex(f"{kind}{len(body) // 2:04x}0139000000170102{body}")
    return b"\x7e" + inner + bytes((reduce(xor, inner),)) + b"\x7e"


def gt06(words: bytes) -> bytes:
    """The length of all, kind 80, the length of flag and words, the flag, the words, the number, the check sum."""
    inner = bytes((len(words) + 10, 0x80, len(words) + 4)) + b"\0\0\1\2" + words + b"\1\2"
    return b"\x78\x78" + inner + crc(inner).to_bytes(2, "big") + b"\r\n"


def eelink(words: bytes) -> bytes:
    return b"\x67\x67\x80" + (len(words) + 7).to_bytes(2, "big") + b"\1\2\1\0\0\1\2" + words


# Protocol → what each order is in its maker's document. What is not here has no words for it.
WORDS: dict[str, dict[Order, bytes]] = {
    "watch3g:8800000017": {
        Locate(): b"[3G*8800000017*0002*CR]",
        Find(): b"[3G*8800000017*0004*FIND]",
        Reboot(): b"[3G*8800000017*0005*RESET]",
        Call(PHONE): b"[3G*8800000017*0010*CALL,02150000000]",
        EVERY_5_MIN: b"[3G*8800000017*000A*UPLOAD,300]",
        HEART_EVERY_10_MIN: b"[3G*8800000017*000C*hrtstart,600]",
        TWO: b"[3G*8800000017*0014*SOS,02150000000,120,]",
        Measure(): b"[3G*8800000017*000A*hrtstart,1]",
    },
    f"trv:{IMEI}": {
        Locate(): b"IWBP16,862000000000017,000258#",
        Reboot(): b"IWBP18,862000000000017,000258#",
        EVERY_5_MIN: b"IWBP15,862000000000017,000258,300#",
        TWO: b"IWBP12,862000000000017,000258,02150000000,120,#",
        Measure(): b"IWBPXL,862000000000017,000258#",
        Measure(Vital.BLOOD_PRESSURE): b"IWBPXY,862000000000017,000258#",
        Measure(Vital.SPO2): b"IWBPXZ,862000000000017,000258#",
        Measure(Vital.TEMPERATURE): b"IWBPXT,862000000000017,000258#",
    },
    "jt808:13900000017": {
        Locate(): jt808("8201", ""),
        Reboot(): jt808("8105", "04"),
        Call(PHONE): jt808("8400", "00" + PHONE.encode().hex()),
        EVERY_5_MIN: jt808("8103", "01" + "00000029" + "04" + "0000012c"),
    },
    f"gt06:{IMEI}": {
        Locate(): gt06(b"WHERE#"),
        Reboot(): gt06(b"RESET#"),
        EVERY_5_MIN: gt06(b"TIMER,300,300#"),
        TWO: gt06(b"SOS,A,02150000000,120#"),
    },
    f"eelink:{IMEI}": {
        Locate(): eelink(b"WHERE#"),
        Reboot(): eelink(b"RESET#"),
        TWO: eelink(b"SOS,A,02150000000,120#"),
    },
    f"gl200text:{IMEI}": {
        Locate(): b"AT+GTRTO=gl300,1,,,,,,0102$",
        Reboot(): b"AT+GTRTO=gl300,3,,,,,,0102$",
    },
    "h02:8620000017": {EVERY_5_MIN: b"*HQ,8620000017,S71,080835,22,300#"},
    f"gps103:{IMEI}": {
        Locate(): b"**,imei:862000000000017,B;",
        EVERY_5_MIN: b"**,imei:862000000000017,C,05m;",
    },
    "tk103:013612345678": {
        Locate(): b"(013612345678AP00)",
        Reboot(): b"(013612345678AT00)",
        EVERY_5_MIN: b"(013612345678AR00012C0000)",
    },
    "laipac:99999": {
        Locate(): b"$AVREQ,00000000,1*60\r\n",
        Reboot(): b"$AVRESET,99999,00000000*7B\r\n",
    },
    f"topin:{IMEI}": {
        Locate(): b"\x78\x78\x01\x80\r\n",
        Reboot(): b"\x78\x78\x01\x48\r\n",
        EVERY_5_MIN: b"\x78\x78\x03\x97\x01\x2c\r\n",
    },
    "eview:862000000000017": {},
    "minifinder:862000000000017": {},
    "megastek:862000000000017": {},
    "xexun:862000000000017": {},
    "pt60:862000000000017": {},
    "mictrack:862000000000017": {},
    "wristband:862000000000017": {},
}


@pytest.mark.parametrize("device", WORDS)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_order_is_told_in_the_words_of_the_makers_document_or_not_at_all(device: str, order: Order) -> None:
    assert told(device, order) == WORDS[device].get(order)


def test_frame_of_ours_is_a_whole_frame_to_the_protocols_own_framer() -> None:
    """Ours differ in what they say, never in how they are cut; of lines each way has ends of its own."""
    for device, words in WORDS.items():
        protocol = protocols.BY_NAME[device.split(":")[0]]
        if protocol.name in ("watch3g", "trv", "eelink", "gt06", "tk103"):
            for payload in words.values():
                assert protocol.framer().feed(payload) == [payload], payload


def test_carehub_device_is_told_in_json() -> None:
    payload = told("carehub:w-1", Measure(Vital.SPO2))
    assert payload is not None
    assert json.loads(payload) == {"do": {"type": "measure", "what": "spo2"}, "number": NUMBER}
    assert told("carehub:w-1", None) is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(30, b"C,30s"), (90, b"C,90s"), (300, b"C,05m"), (7200, b"C,02h"), (100, None), (601, None)]
)
def test_gps103_interval_that_two_digits_cannot_say_is_not_sent(seconds: int, words: bytes | None) -> None:
    payload = told(f"gps103:{IMEI}", Interval(seconds))
    assert payload == (None if words is None else b"**,imei:%b,%b;" % (IMEI.encode(), words))


@pytest.mark.parametrize(("seconds", "sent"), [(60, False), (299, False), (300, True), (65_535, True), (65_536, False)])
def test_watch_measures_again_and_again_from_five_minutes_on(seconds: int, sent: bool) -> None:
    assert (told("watch3g:8800000017", Interval(seconds, Report.HEART_RATE)) is not None) is sent


def test_model_says_where_a_gt06_is_asked_and_what_a_queclink_obeys() -> None:
    assert told(f"gt06:{IMEI}", Locate(), model="GT06") == gt06(b"DWXX#")
    assert told(f"gl200text:{IMEI}", Locate(), model="Queclink GL500M") == b"AT+GTRTO=gl500,1,,,,,,0102$"


def test_queclink_obeys_the_password_of_the_version_it_reports_with() -> None:
    readdress = protocols.BY_NAME["gl200text"].readdress
    assert readdress is not None
    ours = b"AT+GTRTO=gl300,1,,,,,,0102$"
    assert readdress(ours, b"+RESP:GTFRI,020102,862000000000017,,") == b"AT+GTRTO=gl200,1,,,,,,0102$"
    for unknown in (b"+RESP:GTFRI,FE0102,862000000000017,,", b"", b"\xff" * 40):
        assert readdress(ours, unknown) == ours


def test_jt808_order_keeps_its_body_and_number_in_the_dialect_of_2019() -> None:
    readdress = protocols.BY_NAME["jt808"].readdress
    assert readdress is not None
    heard = bytes.fromhex("7e0002400001000000000139000000170001")
    heard = heard + bytes((reduce(xor, heard[1:]),)) + b"\x7e"
    sent = readdress(jt808("8103", "01" + "00000029" + "04" + "0000012c"), heard)
    inner = bytes.fromhex("8103400a0100000000013900000017" + "0102" + "01" + "00000029" + "04" + "0000012c")
    assert sent == b"\x7e" + inner + bytes((reduce(xor, inner),)) + b"\x7e"


# -- LoRaWAN: the network server's envelope, the maker's bytes

EUI = "24e124136b000017"
CHIRPSTACK = f"application/5f1a/device/{EUI}/event/up"
THINGS = "v3/homes@ttn/devices/badge-17/up"


@pytest.mark.parametrize(
    ("model", "order", "port", "content"),
    [
        ("Milesight WS101", Reboot(), 85, b"\xff\x10\xff"),
        ("Milesight WS101", EVERY_5_MIN, 85, b"\xff\x03\x2c\x01"),
        ("abeeway smart-badge", Locate(), 2, b"\x01\x02"),
    ],
)
def test_sensor_is_told_through_the_network_it_was_heard_on(
    model: str, order: Order, port: int, content: bytes
) -> None:
    adapter = by_scheme("lorawan:x")
    assert adapter is not None
    data = base64.b64encode(content).decode()
    command = Command(device=f"lorawan:{EUI}", order=order, number=NUMBER, model=model, heard_on=CHIRPSTACK)
    down = adapter.encode(command)
    assert down is not None
    assert down.topic == f"application/5f1a/device/{EUI}/command/down"
    assert json.loads(down.payload) == {"devEui": EUI, "confirmed": True, "fPort": port, "data": data}
    command = Command(device=f"lorawan:{EUI}", order=order, number=NUMBER, model=model, heard_on=THINGS)
    down = adapter.encode(command)
    assert down is not None
    assert down.topic == "v3/homes@ttn/devices/badge-17/down/push"
    assert json.loads(down.payload)["downlinks"] == [
        {"f_port": port, "frm_payload": data, "confirmed": True, "priority": "NORMAL"}
    ]


@pytest.mark.parametrize(
    ("model", "order", "heard_on"),
    [
        (None, Reboot(), CHIRPSTACK),
        ("Milesight WS101", Reboot(), None),
        ("Milesight WS101", Locate(), CHIRPSTACK),
        ("Milesight WS101", Interval(30), CHIRPSTACK),
        ("Milesight WS101", None, CHIRPSTACK),
        ("abeeway asset-tracker-3", Locate(), CHIRPSTACK),
        ("Milesight WS101", Reboot(), "application/5f1a/device/24e124136b000099/event/up"),
        ("Milesight WS101", Reboot(), "application/+/device/#/event/up"),
        ("Milesight WS101", Reboot(), "loriot/x"),
    ],
)
def test_sensor_of_unknown_model_or_network_is_told_nothing(
    model: str | None, order: Order | None, heard_on: str | None
) -> None:
    assert told(f"lorawan:{EUI}", order, model=model, heard_on=heard_on) is None


# -- nothing that could be misread


@pytest.mark.parametrize(
    "number",
    ["", "12", "120]", "120#", "120,13900000017", "120\n", "１２０", "120;", "tel:120", "+", "1" * 20, "12 3", "*21#"],
)  # fmt: skip
def test_what_is_no_telephone_number_is_no_call(number: str) -> None:
    with pytest.raises(OrderError, match="no telephone number"):
        Call(number)
    with pytest.raises(OrderError):
        Contacts((number,))


@pytest.mark.parametrize("seconds", [0, -1, 9, 86_401, True, 30.5, "300"])
def test_interval_no_device_can_be_meant_to_keep_is_none(seconds: Any) -> None:
    with pytest.raises(OrderError, match="no interval"):
        Interval(seconds)


def test_four_contacts_are_too_many_and_none_too_few() -> None:
    for numbers in ((), ("120",) * 4):
        with pytest.raises(OrderError, match="numbers"):
            Contacts(numbers)


SCHEMES = sorted({adapter.scheme for adapter in ADAPTERS})
HOSTILE = st.text(max_size=80) | st.sampled_from(
    ["]", "[3G*1*0002*CR]", "#", "\r\n", "*", "7e", "~", ",", ";", "$", ")", "\0", "862000000000017#IWBP18", "\ud800"]
)


@given(
    scheme=st.sampled_from(SCHEMES), native=HOSTILE | st.just(IMEI) | st.just("8800000017"), text=HOSTILE,
    order=st.sampled_from((None, *ORDERS)), number=st.integers(0, 0xFFFF), model=st.none() | HOSTILE,
    heard_on=st.none() | HOSTILE,
)  # fmt: skip
def test_no_address_word_or_model_makes_an_encoder_fail_or_say_two_things(
    *, scheme: str, native: str, text: str, order: Order | None, number: int, model: str | None, heard_on: str | None
) -> None:
    adapter = by_scheme(f"{scheme}:")
    assert adapter is not None
    say = Say.MESSAGE if order is None else None
    command = Command(
        device=f"{scheme}:{native}", say=say, text=text, order=order, number=number, at=AT, model=model,
        heard_on=heard_on,
    )  # fmt: skip
    down = adapter.encode(command)
    if down is None:
        return
    assert not re.search(r"[#+\0]", down.topic)
    protocol = protocols.BY_NAME.get(scheme)
    if protocol is not None:
        assert down.topic == f"tcp/{scheme}/{native}"
        framed = protocol.framer()
        assert len(framed.feed(down.payload)) <= 1


@given(sent=st.sampled_from([p for words in WORDS.values() for p in words.values()]), frame=st.binary(max_size=60))
def test_no_frame_makes_a_matcher_of_answers_fail(sent: bytes, frame: bytes) -> None:
    for protocol in protocols.PROTOCOLS:
        if protocol.answer is not None:
            protocol.answer(sent, frame)
            protocol.answer(sent, sent)
            protocol.answer(frame, sent)
