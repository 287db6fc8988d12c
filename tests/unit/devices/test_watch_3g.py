"""The 3G watch: frames out of a stream, alarms that never wait, the replies it insists on, text on its screen."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.adapter import Command, Message, Say
from devices.adapters.watch_3g import ADAPTER, TOPIC, id_of, readdress, reply
from devices.framers.watch_3g import Framer, escape, unescape
from devices.telemetry import Telemetry, TimeQuality
from tests.unit.devices.captures import RECEIVED_AT, captures

LK = b"[3G*4700000017*0009*LK,0,0,90]"
TAIL = ",38.466700,N,106.273100,E,0.40,120.0,1110,9,80,64,2310,4,"


def position(
    command: str, status: str, *, when: str = "211126,215958", rest: str = ",0,0", declared: str = ""
) -> bytes:
    content = f"{command},{when},A{TAIL}{status}{rest}"
    return f"[3G*4700000017*{declared or f'{len(content):04X}'}*{content}]".encode()


def hear(frame: bytes) -> Telemetry:
    (said,) = ADAPTER.decode(Message(topic=TOPIC, payload=frame, received_at=RECEIVED_AT))
    return said


# -- framing


def test_frames_come_out_one_by_one_from_any_chunks() -> None:
    stream = LK + position("AL", "00010000") + b"\r\n" + LK
    framer = Framer()
    frames = [frame for at in range(len(stream)) for frame in framer.feed(stream[at : at + 1])]
    assert frames == [LK, position("AL", "00010000"), LK]


def test_wrong_length_field_is_not_trusted() -> None:
    for declared in ("0001", "0FFF", "0000"):
        assert Framer().feed(position("UD", "00000000", declared=declared) + LK) == [
            position("UD", "00000000", declared=declared),
            LK,
        ]


def test_wifi_name_with_brackets_does_not_end_a_frame() -> None:
    balanced = position("UD", "00000000", rest=",0,0,2,[Home]5G,02:00:00:00:00:01,-60,x[1],02:00:00:00:00:02,-70")
    opened = position("UD", "00000000", rest=",0,0,1,Home [5G,02:00:00:00:00:01,-60")
    closed = position("UD", "00000000", rest=",0,0,1,Home 5G],02:00:00:00:00:01,-60")
    assert Framer().feed(balanced + opened + closed + LK) == [balanced, opened, closed, LK]


def test_alarm_does_not_wait_for_bytes_that_may_not_come() -> None:
    alarm = position("AL", "00010000", rest=",0,0,1,Home [5G,02:00:00:00:00:01,-60", declared="0FFF")
    assert Framer().feed(alarm) == [alarm]


def test_alarm_cut_off_by_the_next_frame_still_rings() -> None:
    cut = position("AL", "00010000")[:-30]
    frames = Framer().feed(cut + LK)
    assert frames == [cut, LK]
    assert hear(cut).observations[0].code == "alarm.general"


def test_cut_off_position_is_given_up_and_kept_as_rejected() -> None:
    framer = Framer()
    cut = position("UD", "00000000")[:-30]
    assert framer.feed(b"noise]" + cut + LK) == [LK]
    assert framer.take_rejected() == b"noise]" + cut
    assert framer.take_rejected() == b""
    assert framer.rejected_bytes == len(cut) + 6


def test_head_split_between_chunks_is_not_lost() -> None:
    framer = Framer()
    assert framer.feed(b"garbage[3G*47") == []
    assert framer.feed(b"00000017*0002*LK") == []
    assert framer.feed(b"]") == [b"[3G*4700000017*0002*LK]"]


def test_binary_content_is_unescaped_and_back() -> None:
    voice = b"#!AMR}[],*\x00\x7d\x05"
    frame = b"[3G*4700000017*0010*TK," + escape(voice) + b"]"
    assert Framer().feed(frame) == [b"[3G*4700000017*0010*TK," + voice + b"]"]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_escape_and_unescape_are_inverse(content: bytes) -> None:
    assert unescape(escape(content)) == content
    assert not set(b"[],*") & set(escape(content))


# -- meaning


def test_alarms_come_worst_first() -> None:
    codes = [one.code for one in hear(position("AL", "00310001")).observations]
    assert codes[:4] == ["alarm.sos", "alarm.fall", "alarm.removed", "battery.low"]


@pytest.mark.parametrize("state", ["00000001", "00000002", "00000004", "00004000"])
def test_press_with_only_a_state_bit_is_heard_as_a_press(state: str) -> None:
    """Low on battery, out of the fence, unplugged: how things are is not what the frame alarms about."""
    pressed = hear(position("AL", state))
    assert pressed.observations[0].code == "alarm.general"
    assert pressed.identity is not None
    assert pressed.identity.startswith("alarm.")
    assert "alarm.general" not in {one.code for one in hear(position("UD", state)).observations}


def test_low_battery_alarm_is_no_press() -> None:
    for status in ("00020001", "0001"):  # old firmware has one half for both
        assert "alarm.general" not in {one.code for one in hear(position("AL", status)).observations}


def test_same_alarm_sent_again_has_the_same_identity() -> None:
    assert hear(position("AL", "00010000")).identity == hear(position("AL", "00010000")).identity
    later = hear(position("AL", "00010000", when="211126,220004"))
    assert later.identity not in (None, hear(position("AL", "00010000")).identity)


def test_watch_without_a_clock_gives_its_presses_no_identity() -> None:
    for when in ("010170,000000", "010120,000012", "999999,999999", "221126,055958"):  # the last is local time
        said = hear(position("AL", "00010000", when=when))
        assert said.identity is None
        assert said.time_quality is TimeQuality.SUSPECT
        assert said.observations[0].code == "alarm.sos"


@pytest.mark.parametrize(
    ("content", "lat", "lon"),
    [
        ("12.500000,S,71.250000,W", -12.5, -71.25),
        ("12.500000,S,-71.250000,W", -12.5, -71.25),
        ("12.500000,N, 9.1500000,E", 12.5, 9.15),
        ("12.500000,N,71.250000,", 12.5, 71.25),
    ],
)
def test_coordinates_in_every_form_seen(content: str, lat: float, lon: float) -> None:
    frame = f"[3G*4700000017*0000*UD,211126,215958,A,{content},0,0,0,9,80,64,2310,4,00000000,0,0]".encode()
    (place,) = [one for one in hear(frame).observations if one.code == "location"]
    assert (place.lat, place.lon, place.valid) == (lat, lon, True)


def test_device_time_is_kept_beside_ours() -> None:
    said = hear(position("UD", "00000000"))
    assert said.measured_at == datetime(2026, 11, 21, 21, 59, 58, tzinfo=UTC)
    assert said.time_quality is TimeQuality.DEVICE


def test_only_alarms_are_urgent() -> None:
    urgent = {capture.name: ADAPTER.urgent(TOPIC, capture.message.payload) for capture in captures("watch_3g")}
    assert urgent["SOS"]
    assert urgent["alarm without anything"]
    assert urgent["SOS bit in a plain position"]
    assert urgent["no head"]
    assert not urgent["position"]
    assert not urgent["heart rate"]
    assert not urgent["keepalive with numbers"]


# -- what the watch hears


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (b"[3G*4700000017*000D*LK,50,100,100]", b"[3G*4700000017*0002*LK]"),
        (b"[ZJ*4700000017*0007*0002*LK]", b"[ZJ*4700000017*0007*0002*LK]"),
        (b"[CS*4700000017*0006*AL_LTE]", b"[CS*4700000017*0002*AL]"),
        (b"[SG*4700000017*0003*TKQ]", b"[SG*4700000017*0003*TKQ]"),
        (b"[SG*4700000017*0004*TKQ2]", b"[SG*4700000017*0004*TKQ2]"),
        (b"[SG*4700000017*0004*INIT]", b"[SG*4700000017*0006*INIT,1]"),
        (b"[SG*4700000017*0008*heart,70]", None),
        (b"nonsense", None),
    ],
)
def test_watch_gets_the_reply_it_waits_for(frame: bytes, answer: bytes | None) -> None:
    assert reply(frame) == answer


def test_text_goes_out_as_hex_of_its_characters_in_the_watchs_own_letters() -> None:
    told = ADAPTER.encode(Command(device="watch3g:4700000017", say=Say.RECEIVED, text="收到"))
    assert told is not None
    assert told.topic == "tcp/watch3g/4700000017"
    assert told.payload == b"[3G*4700000017*0010*MESSAGE,65365230]"
    assert readdress(told.payload, b"[ZJ*4700000017*0007*0002*LK]") == b"[ZJ*4700000017*0001*0010*MESSAGE,65365230]"


def test_no_text_goes_to_what_is_no_watch() -> None:
    for device in ("carehub:x", "watch3g:", "watch3g:1*2", "watch3g:12]"):
        assert ADAPTER.encode(Command(device=device, say=Say.RECEIVED, text="x")) is None


def test_frame_names_its_watch() -> None:
    assert id_of(LK) == "4700000017"
    assert id_of(b"[]") is None
