"""What simulated devices put on the wire, byte by byte as the makers' documents have it."""

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from simulator.encoders import carehub, watch3g, zigbee2mqtt
from simulator.physiology import Doing, Minute

AT = datetime(2026, 11, 21, 18, 14, 7, 250_000, tzinfo=UTC)
HOME = watch3g.Fix(lat=38.4869, lon=106.2321)


def test_3g_keepalive_counts_its_content_in_four_hex_digits() -> None:
    frame = watch3g.keepalive("8800000015", steps=50, tumbles=0, battery_pct=100)
    assert frame == b"[3G*8800000015*000B*LK,50,0,100]"


def test_3g_position_has_its_fields_in_the_sheet_s_order() -> None:
    frame = watch3g.position("8800000015", AT, HOME, battery_pct=74, steps=1200)
    assert frame == (
        b"[3G*8800000015*006B*UD,211126,181407,A,38.486900,N,106.232100,E,0.00,0.0,0.0,7,100,74,1200,0,00000000,"
        b"1,0,460,0,9360,4082,131,0]"
    )


def test_3g_sos_is_bit_16_of_an_alarm() -> None:
    frame = watch3g.alarm("8800000015", AT, HOME, battery_pct=9, steps=0)
    assert frame.startswith(b"[3G*8800000015*")
    assert b"*AL,211126,181407,A,38.486900,N," in frame
    assert b",9,0,0,00010000,1,0,460," in frame


def test_3g_watch_indoors_sends_its_last_place_marked_v() -> None:
    frame = watch3g.position("88", AT, watch3g.Fix(lat=-1.5, lon=-2.25, valid=False), battery_pct=1, steps=2)
    assert b",V,1.500000,S,2.250000,W,0.00,0.0,0.0,0," in frame


def test_3g_vital_signs_are_two_words() -> None:
    assert watch3g.pulse("88", 72) == b"[3G*88*0008*heart,72]"
    assert watch3g.oxygen("88", 97) == b"[3G*88*000B*oxygen,0,97]"


def test_3g_answers_are_cut_out_of_the_stream_whole() -> None:
    stream = bytearray(b"noise[3G*8800000015*0002*LK][3G*8800000015*0002*AL][3G*88000")
    assert list(watch3g.answers(stream)) == ["LK", "AL"]
    assert bytes(stream) == b"[3G*88000"


def test_3g_watch_that_hears_only_garbage_forgets_it() -> None:
    stream = bytearray(b"x" * (watch3g.MAX_FRAME_BYTES + 1))
    assert list(watch3g.answers(stream)) == []
    assert not stream


def test_zigbee_press_arrives_three_times() -> None:
    local = AT.astimezone(timezone(timedelta(hours=8)))
    three = zigbee2mqtt.emergency("home7/zigbee2mqtt", "浴室 SOS", local, battery_pct=97, linkquality=120)
    common = {"battery": 97, "last_seen": "2026-11-22T02:14:07.250+08:00", "linkquality": 120}
    assert [each.topic for each in three] == [
        "home7/zigbee2mqtt/浴室 SOS", "home7/zigbee2mqtt/浴室 SOS/action", "home7/zigbee2mqtt/浴室 SOS",
    ]  # fmt: skip
    assert json.loads(three[0].payload) == {"action": "emergency", **common}
    assert three[1].payload == b"emergency"
    assert json.loads(three[2].payload) == {"action": "", **common}
    assert not any(each.retain for each in three)


def test_zigbee_bridge_and_availability_are_retained() -> None:
    assert zigbee2mqtt.bridge_online("z").payload == b'{"state":"online"}'
    assert zigbee2mqtt.bridge_offline("z").payload == b'{"state":"offline"}'
    said = zigbee2mqtt.availability("z", "Front door", online=True)
    assert (said.topic, said.payload, said.retain) == ("z/Front door/availability", b'{"state": "online"}', True)


def test_zigbee_closed_door_is_contact_true() -> None:
    said = zigbee2mqtt.contact("z", "Front door", AT, closed=True, battery_pct=80, linkquality=9)
    assert json.loads(said.payload) == {
        "contact": True, "battery": 80, "last_seen": "2026-11-21T18:14:07.250+00:00", "linkquality": 9,
    }  # fmt: skip


def test_carehub_vitals_leave_out_what_was_not_measured() -> None:
    minute = Minute(heart_rate_bpm=68, spo2_pct=None, respiration_rpm=None, steps=12, doing=Doing.POTTERING)
    payload = carehub.vitals(1201, AT, minute, battery_pct=83.4)
    assert payload == (b'{"seq":1201,"at":"2026-11-21T18:14:07.250Z","hr":68,"steps":12,"battery":83,"worn":true}')


def test_carehub_press_carries_its_identity() -> None:
    payload = carehub.event(7, AT, "sos", "81", battery=82)
    assert payload == b'{"seq":7,"at":"2026-11-21T18:14:07.250Z","event":"sos","id":"81","battery":82}'


def test_carehub_burst_is_little_endian_triples_in_base64() -> None:
    samples = np.array([[1, -2, 1000], [0, 0, 256]], dtype=np.int16)
    payload = carehub.accel(3000, 50.0, samples)
    assert payload == b'{"first":3000,"rate_hz":50.0,"acc_b64":"AQD+/+gDAAAAAAAB"}'


def test_watch_reads_a_command_and_forgives_nonsense() -> None:
    assert carehub.said(b'{"say":"received","id":"81"}') == {"say": "received", "id": "81"}
    assert carehub.said(b"\xff") == {}
    assert carehub.said(b"[1]") == {}


def test_carehub_topics_are_those_of_the_profile() -> None:
    assert carehub.topic("w-0401", "vitals") == "carehub/w-0401/vitals"
