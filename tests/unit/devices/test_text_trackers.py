"""Text trackers: what names a press, whose clock is believed, who a frame is from, what it waits for."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import xor

import pytest

from devices import registry
from devices.adapter import Command, DecodeError, Message, Say
from devices.adapters import gps103, h02, laipac, pt60, queclink, r12w, tk103, trv, wristband
from devices.framers import lines
from devices.protocols import BY_NAME
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality
from tests.unit.devices.captures import RECEIVED_AT, captures

TEXT = (
    "gps103", "h02", "laipac", "megastek", "mictrack", "minifinder", "pt60", "r12w", "tk103", "trv", "wristband",
)  # fmt: skip
IMEI = "860000000000017"
PLACE = "3828.0020,N,10616.3860,E"
BLOCK = "0.4,120,1110.0,106.273100,38.466700,20261121215958,0460,0000,2490,0FF2,"


def hear_all(topic: str, frame: str | bytes) -> Sequence[Telemetry]:
    adapter = registry.adapter_for(topic)
    assert adapter is not None
    payload = frame.encode() if isinstance(frame, str) else frame
    return adapter.decode(Message(topic=topic, payload=payload, received_at=RECEIVED_AT))


def hear(topic: str, frame: str | bytes) -> Telemetry:
    (said,) = hear_all(topic, frame)
    return said


def seen(said: Telemetry, code: str) -> Observation:
    return next(one for one in said.observations if one.code == code)


# -- a press and its name


def test_press_with_a_fix_is_named_by_its_time() -> None:
    said = hear("tcp/h02", f"*HQ,4700000017,V1,215958,A,{PLACE},0.40,120,211126,FFFBFBFF#")
    assert said.identity == "alarm.sos:20261121T215958"
    assert said.time_quality is TimeQuality.DEVICE


def test_press_without_a_fix_has_no_name_since_the_time_may_be_the_last_fixs() -> None:
    said = hear("tcp/h02", f"*HQ,4700000017,V1,215958,V,{PLACE},0.40,120,211126,FFFBFBFF#")
    assert seen(said, "alarm.sos").value is True
    assert said.identity is None


def test_two_presses_at_one_cached_fix_have_two_names() -> None:
    sent = [f"+RESP:GTSOS,1A0401,{IMEI},,0,0,1,0,{BLOCK},64,2026112122000{n},0A1{n}$" for n in (0, 1)]
    first, second = (hear("tcp/gl200text", frame) for frame in sent)
    assert first.measured_at == second.measured_at
    assert first.identity != second.identity
    assert [said.sequence for said in (first, second)] == [0xA10, 0xA11]


def test_report_is_named_alike_when_it_is_sent_again_from_memory() -> None:
    live = f"+RESP:GTSOS,1A0401,{IMEI},,0,0,1,1,{BLOCK},64,20261121220000,0A1F$"
    kept = live.replace("+RESP", "+BUFF")
    assert hear("tcp/gl200text", live).identity == hear("tcp/gl200text", kept).identity is not None


@pytest.mark.parametrize(
    ("topic", "frame"),
    [
        ("tcp/h02", f"*HQ,4700000017,VP1,A,{PLACE},0.48,0.0000,211126#"),  # a date alone
        ("tcp/trv", "IWAPJK,2026-11-21 21:59:58,2,57#"),  # the watch's own clock, no zone
        ("tcp/gps103", f"imei:{IMEI},OBD,261122055958,70430,,,0,49,60.00%,46,19.22%,859,14.00,,,,"),
        ("tcp/h02", f"*HQ,4700000017,V1,215958,A,{PLACE},0.40,120,220902,FFFFFBFF#"),  # the clock was reset
    ],
)
def test_time_that_lacks_something_orders_nothing(topic: str, frame: str) -> None:
    said = hear(topic, frame)
    assert said.measured_at is not None
    assert said.time_quality is TimeQuality.SUSPECT
    assert said.identity is None


def test_report_without_a_time_is_ordered_by_ours() -> None:
    said = hear("tcp/gps103", f"imei:{IMEI},help me,,,L,,,2490,,0ff2,,,")
    assert said.measured_at is None
    assert said.time_quality is TimeQuality.HUB


def test_sos_with_low_battery_is_both_worst_first() -> None:
    said = hear("tcp/minifinder", "!D,21/11/26,21:59:58,38.466700,106.273100,1,120,141041,1110.0,6,7,12,0")
    assert [one.code for one in said.observations][:2] == ["alarm.sos", "battery.low"]


# -- what only hints


def test_bits_that_models_clear_for_their_own_reasons_ring_nobody() -> None:
    said = hear("tcp/h02", f"*HQ,4700000017,V1,215958,A,{PLACE},0.40,120,211126,FFFFFBEF#")
    assert seen(said, "alarm.geofenceEnter").quality is Quality.UNVERIFIED
    adapter = registry.adapter_for("tcp/h02")
    assert adapter is not None
    assert not adapter.urgent("tcp/h02", b"*HQ,4700000017,V1,,V,,N,,E,0.00,0,,FFFFFBEF#")


def test_what_runs_on_its_battery_is_not_cut_off_from_a_supply() -> None:
    said = hear("tcp/h02", f"*HQ,4700000017,V1,215958,A,{PLACE},0.40,120,4,211126,FFF7FBFF#")
    assert seen(said, "alarm.powerCut").quality is Quality.UNVERIFIED
    wired = hear("tcp/h02", f"*HQ,4700000017,V1,215958,A,{PLACE},0.40,120,211126,FFF7FBFF#")
    assert seen(wired, "alarm.powerCut").quality is Quality.OK


def test_word_of_zeros_is_no_status() -> None:
    for status in ("00000000", "0000000A", "12345678"):
        said = hear("tcp/h02", f"*HQ,4700000017,V1,215958,A,{PLACE},0.40,120,211126,{status}#")
        assert {one.code for one in said.observations} == {"location", "link.seen"}


def test_fence_of_a_pendant_is_kept_and_rings_nobody() -> None:
    said = hear("tcp/gl200text", f"+RESP:GTGEO,1A0401,{IMEI},,0,1,1,1,{BLOCK},64,20261121220000,0A1F$")
    assert seen(said, "alarm.geofenceEnter").quality is Quality.UNVERIFIED


# -- places


def test_position_of_the_last_fix_is_not_valid_now() -> None:
    for accuracy, valid in (("0", False), ("1", True), ("", False)):
        frame = f"+RESP:GTFRI,1A0401,{IMEI},,0,0,1,{accuracy},{BLOCK},64,20261121220000,0A1F$"
        assert seen(hear("tcp/gl200text", frame), "location").valid is valid


def test_report_of_two_positions_is_two_and_the_battery_is_the_last_ones() -> None:
    frame = f"+RESP:GTFRI,1A0401,{IMEI},,0,0,2,1,{BLOCK},1,{BLOCK},88,20261121220000,0A1F$"
    first, last = hear_all("tcp/gl200text", frame)
    assert "battery.level" not in {one.code for one in first.observations}
    assert seen(last, "battery.level").value == 88


def test_hemispheres_give_the_sign() -> None:
    said = hear("tcp/tk103", "(047000000017BR00261121A3828.0020S10616.3860W000.4215958120.0000000000L00000000)")
    place = seen(said, "location")
    assert place.lat == pytest.approx(-38.4667)
    assert place.lon == pytest.approx(-106.2731)


def test_place_on_no_globe_is_marked() -> None:
    said = hear("tcp/h02", "*HQ,4700000017,V1,215958,A,9928.0020,N,10616.3860,E,0.40,120,211126,FFFFFBFF#")
    assert seen(said, "location").quality is Quality.IMPLAUSIBLE


def test_padded_fields_are_read() -> None:
    said = hear("tcp/tk103", "(047000000017BR00261121A3828.0020N 0616.3860W  0.4215958 20.0001000000L00000000)")
    assert seen(said, "location").lon == pytest.approx(-6.2731)
    assert said.measured_at == datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)


# -- who it is from


@pytest.mark.parametrize("topic", ["tcp/trv", "tcp/minifinder"])
def test_frame_without_a_name_is_from_whom_the_connection_signed_in_as(topic: str) -> None:
    frame = {"tcp/trv": "IWAP49,68#", "tcp/minifinder": "!5,17,V,50"}[topic]
    scheme = topic.removeprefix("tcp/")
    assert hear(f"{topic}/{IMEI}", frame).device == f"{scheme}:{IMEI}"
    assert hear(topic, frame).device == f"{scheme}:unknown"


def test_heartbeat_that_names_the_watch_says_no_battery() -> None:
    said = hear("tcp/trv", f"IWAP03,{IMEI},0,00,8,600#")
    assert said.device == f"trv:{IMEI}"
    assert {one.code for one in said.observations} == {"link.seen"}


def test_long_form_of_xexun_comes_in_on_its_own_port_and_under_the_same_name() -> None:
    long = captures("xexun")[3]
    assert hear("tcp/xexun_lines", long.payload).device == hear("tcp/xexun", long.payload).device


# -- what is waited for


@pytest.mark.parametrize(
    ("protocol", "frame", "answer"),
    [
        ("h02", "*HQ,4700000017,HTBT,81#", b"*HQ,4700000017,HTBT#"),
        ("h02", f"*HQ,4700000017,V1,215958,A,{PLACE},0.40,120,211126,FFFBFBFF#", None),
        ("trv", "IWAP49,68#", b"IWBP49#"),
        ("trv", "TRVYP14261121A", b"TRVZP14#"),
        ("trv", "IWAPJK,2026-11-21 21:59:58,2,57#", b"IWBPJK,2#"),
        ("trv", "IWAP12,080835,13000000000#", None),  # it answers us
        ("gl200text", f"+RESP:GTSOS,1A0401,{IMEI},,20261121220000,0A1F$", b"+SACK:0A1F$"),
        ("gl200text", f"+ACK:GTHBD,1A0401,{IMEI},,20261121220000,11F0", b"+SACK:GTHBD,1A0401,11F0$"),
        ("gl200text", f"+ACK:GTGEO,1A0401,{IMEI},,0,0008,20261121220000,11F0", None),
        ("gps103", f"##,imei:{IMEI},A", b"LOAD"),
        ("gps103", IMEI, b"ON"),
        ("gps103", f"imei:{IMEI},help me,,,L,,,2490,,0ff2,,,", f"**,imei:{IMEI},E;".encode()),
        ("gps103", f"imei:{IMEI},tracker,,,L,,,2490,,0ff2,,,", None),
        ("tk103", "(047000000017BP00000000047000000017HSO)", b"(047000000017AP01HSO)"),
        ("tk103", "(047000000017BO012261121A)", b"(047000000017AS012)"),
        ("tk103", f"({IMEI},ZC25,211126)", None),
        ("laipac", "$ECHK,99999999,0*35", b"$ECHK,99999999,0*35\r\n"),
        ("minifinder", f"!1,{IMEI}", None),
        (
            "wristband",
            b"\0\1\2\0\5YX860000000000017|V1.0|1|{F01#94,1,100}\r\n\xff\xfe\xfc",
            b'\0\1\2\0"YX860000000000017|V1.0|0|{F01#1}\r\n\xff\xfe\xfc',
        ),
    ],
)
def test_frame_gets_the_answer_its_protocol_has(protocol: str, frame: str | bytes, answer: bytes | None) -> None:
    assert BY_NAME[protocol].reply(frame.encode() if isinstance(frame, str) else frame) == answer


def test_r12w_is_answered_with_a_sum_over_what_stands_before_it() -> None:
    answer = r12w.reply(f"$HX,0001,{IMEI},e92c,9,#,50,".encode())
    assert answer is not None
    body, _, total = answer.rpartition(b",#,")
    assert body == f"$HX,1001,{IMEI},e92c,OK".encode()
    assert int(total[:2], 16) == reduce(xor, body + b",#")


def test_small_letter_asks_for_an_acknowledgement() -> None:
    body = f"AVRMC,47000017,215958,a,{PLACE},0.40,120.00,211126,3,3.727,17,1,0,0*1F"
    answer = laipac.reply(f"${body}".encode())
    assert answer is not None
    assert answer.startswith(b"$EAVACK,3,1F*")
    assert laipac.reply(f"${body.replace(',a,', ',A,')}".encode()) is None


@pytest.mark.parametrize(
    ("answer", "frame", "expected"),
    [
        (trv.login, f"IWAP00{IMEI}#", b"IWBP00,20261121215958,0#"),
        (trv.login, f"TRVAP00{IMEI}#", b"TRVBP0020261121215958#"),
        (trv.login, "IWAP49,68#", None),
        (pt60.answer, f"@G#@,V01,1,{IMEI},9460000000000017,@R#@", b"@G#@,V01,38,20261121215958,@R#@"),
        (pt60.answer, f"@B#@|01|033|{IMEI}|94|0|4|@E#@", f"@B#@|01|034|{IMEI}|0|20261121215958|@E#@".encode()),
        (pt60.answer, "hello", None),
    ],
)
def test_answers_that_set_the_clock_tell_the_time(answer, frame: str, expected: bytes | None) -> None:  # type: ignore[no-untyped-def]
    assert answer(frame.encode(), datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)) == expected


def test_wristband_at_login_is_told_the_time() -> None:
    frame = captures("wristband")[3].message.payload
    told = wristband.login(frame, datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC))
    assert told is not None
    assert b"{F91#2026-11-21-21-59-58|}" in told
    assert int.from_bytes(told[3:5], "big") == len(told) - 8


def test_watch_is_shown_what_the_hub_says() -> None:
    said = Command(device=f"trv:{IMEI}", say=Say.RECEIVED, text="收到", incident=1_000_017)
    told = trv.ADAPTER.encode(said)
    assert told is not None
    assert told.topic == f"tcp/trv/{IMEI}"
    assert told.payload == f"IWBP40,{IMEI},000017,65365230#".encode()
    for device in ("h02:4700000017", "trv:unknown", "trv:", f"trv:{IMEI}#"):
        assert trv.ADAPTER.encode(Command(device=device, say=Say.RECEIVED, text="x")) is None


def test_both_lines_of_a_mictrack_may_come_together() -> None:
    place = f"#3812$GPRMC,215958.00,A,{PLACE},0.4,120.0,211126,,,A*5C"
    said = hear("tcp/mictrack", f"#{IMEI}#MT700#0000#DEF#1\r\n{place}\r\n##")
    assert seen(said, "alarm.removed").value is True
    assert seen(said, "battery.voltage").value == 3.812
    assert seen(said, "location").valid is True
    said = hear("tcp/mictrack", f"#{IMEI}#MT600#0000#DEF#1\r\n{place}\r\n##")
    assert seen(said, "alarm.powerCut").value is True
    assert [one.code for one in hear("tcp/mictrack", "##").observations] == ["link.seen"]


# -- streams


@pytest.mark.parametrize("name", TEXT)
def test_frames_come_out_one_by_one_from_any_chunks(name: str) -> None:
    end = {"gps103": b";", "minifinder": b";"}.get(name, b"\r\n")
    frames = [one.message.payload for one in captures(name) if one.error is None]
    if name == "h02":  # how long its binary frames are shows only when they come whole
        frames = [frame for frame in frames if frame[:1] == b"*"]
    stream = b"".join(frame + end for frame in frames)
    for size in (1, 7, len(stream)):
        framer = BY_NAME[name].framer()
        heard = [one for at in range(0, len(stream), size) for one in framer.feed(stream[at : at + size])]
        assert heard == frames
        assert framer.rejected_bytes == 0


def test_queclinks_text_loses_its_dollar_and_its_binary_keeps_its_length() -> None:
    text = f"+RESP:GTFRI,1A0401,{IMEI},,0,0,1,1,{BLOCK},64,20261121220000,0A1F"
    binary = b"+EVT\x0c\x00\xfc\x1f\xbf\x00\x10" + b"$" * 5
    heard = lines.Queclink().feed(f"{text}$".encode() + binary + f"{text}$".encode())
    assert heard == [text.encode(), binary, text.encode()]


def test_garbage_that_looks_like_a_binary_start_does_not_hide_a_report() -> None:
    sos = f"+RESP:GTSOS,1A0401,{IMEI},,20261121220000,0A1F$".encode()
    assert lines.Queclink().feed(b"+AAAx" + sos) == [sos[:-1]]


def test_binary_h02_frames_are_as_long_as_the_next_start_says() -> None:
    short, long = (captures("h02")[n].message.payload for n in (12, 13))
    assert (len(short), len(long)) == (32, 45)
    for frame in (short, long):
        assert lines.H02().feed(frame * 3) == [frame] * 3


def test_xexuns_alarm_is_whole_at_its_imei() -> None:
    stream = captures("xexun")[3].payload.encode()
    (frame,) = lines.Xexun().feed(stream)
    assert frame.startswith(b"GPRMC,")
    assert frame.endswith(f"imei:{IMEI},".encode())


def test_megasteks_frame_needs_no_line_end() -> None:
    frame = captures("megastek")[1].payload.encode()
    assert lines.Megastek().feed(frame) == [frame]
    old = captures("megastek")[7].payload.encode()
    assert lines.Megastek().feed(old + b"\r\n" + frame) == [old, frame]


@pytest.mark.parametrize("name", [*TEXT, "gl200text", "xexun", "xexun_lines"])
def test_what_never_ends_is_given_up_at_once(name: str) -> None:
    framer = BY_NAME[name].framer()
    framer.feed(b"*HQ,(IWAP+RESP:GTGPRMC$MG@G#@\0\1\2" + b"(+1" * 100_000)
    assert len(framer.take_rejected()) <= 0x10000
    assert framer.rejected_bytes > 100_000


def test_what_is_no_frame_is_refused_and_urgent() -> None:
    for adapter in (gps103, h02, laipac, pt60, queclink, r12w, tk103, trv, wristband):
        topic = f"tcp/{adapter.ADAPTER.scheme}"
        assert adapter.ADAPTER.urgent(topic, b"GET / HTTP/1.0")
        with pytest.raises(DecodeError, match=adapter.NAME):
            hear(topic, b"GET / HTTP/1.0")
        with pytest.raises(DecodeError):
            hear(topic, b"(" + b"1" * 70_000)
