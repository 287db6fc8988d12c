"""`carehub decode`: every line is answered, one press is counted once, nothing in a line can stop it."""

import io
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.commands.decode import answer, main

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def ask(kind: str, family: str, given_input: dict[str, Any]) -> dict[str, Any]:
    return answer(json.dumps({"id": "x", "kind": kind, "type": family, "input": given_input}).encode(), NOW)


def mqtt(topic: str, **fields: Any) -> dict[str, Any]:
    return {"topic": topic, "payload": json.dumps(fields)}


def counts(*messages: dict[str, Any]) -> dict[str, int]:
    told: dict[str, int] = ask("sequence", "z2m.any", {"messages": list(messages)})["counts"]
    return {name: count for name, count in told.items() if count}


def test_message_is_answered_with_records() -> None:
    told = ask("mqtt", "z2m.sos_button", mqtt("zigbee2mqtt/b", action="emergency", battery=90))
    assert told["error"] is None
    assert {"code": "battery.level", "value": 90, "unit": "%", "native": "battery"} in told["records"]
    assert {"code": "alarm.sos", "value": True, "native": "emergency"} in told["records"]


def test_time_of_the_device_is_a_record_of_its_own() -> None:
    told = ask("mqtt", "z2m.button", mqtt("zigbee2mqtt/b", action="single", last_seen="2026-11-22T05:59:59+08:00"))
    (time,) = [one for one in told["records"] if one["code"] == "device_time"]
    assert time == {"code": "device_time", "value": "2026-11-22T05:59:59+08:00", "time_quality": "device"}


def test_frame_in_text_and_in_hex_mean_the_same() -> None:
    frame = "[3G*4700000017*0008*heart,71]"
    assert ask("tcp", "tcp.watch", {"text": frame}) == ask("tcp", "tcp.watch", {"hex": frame.encode().hex()})


def test_what_nobody_speaks_is_answered_with_an_error() -> None:
    for kind, family, asked in (
        ("tcp", "tcp.nobody", {"hex": "7878"}),
        ("mqtt", "nobody", {"topic": "carehub/w-1/command", "payload": "{}"}),
        ("smoke", "signal", {}),
    ):
        told = ask(kind, family, asked)
        assert told["records"] == []
        assert f"no adapter for {family}" in told["error"]


def test_thing_nobody_knows_is_read_by_common_names_and_not_believed() -> None:
    told = ask("mqtt", "acme.thing", {"topic": "acme/7", "payload": '{"heartRate": 66, "zork": 1}'})
    heart = next(one for one in told["records"] if one["code"] == "vital.heart_rate")
    assert (heart["value"], heart["quality"]) == (66, "unverified")


def test_sequence_reads_topics_that_its_own_discovery_messages_told_of() -> None:
    cord = {"state_topic": "flat7/cord", "name": "SOS cord", "unique_id": "cord7"}
    told = {"topic": "homeassistant/binary_sensor/cord7/config", "payload": json.dumps(cord), "at": 0}
    steps = [{"topic": "flat7/cord", "payload": word, "at": at} for at, word in ((60, "ON"), (61, "ON"), (120, "ON"))]
    messages = {"messages": [told, *steps]}
    assert ask("sequence", "ha.discovery", messages)["counts"]["sos_alarms"] == 2


def test_first_whole_frame_is_found_in_a_stream() -> None:
    stream = b"junk[3G*4700000017*0002*LK][3G*4700000017*0003*TKQ]"
    assert ask("frame", "frame.watch", {"stream_hex": stream.hex()})["frame_hex"] == stream[4:27].hex()
    assert ask("frame", "frame.watch", {"stream_hex": b"[3G*47".hex()})["error"] == "no complete frame"
    assert ask("frame", "frame.nobody", {"stream_hex": "2a"})["error"] == "no framer for frame.nobody"


def test_one_press_heard_three_times_is_one() -> None:
    seen = "2026-11-21T21:00:00Z"
    assert counts(
        mqtt("zigbee2mqtt/b", action="emergency", last_seen=seen),
        mqtt("zigbee2mqtt/b", action="", last_seen=seen),
        {"topic": "zigbee2mqtt/b/action", "payload": "emergency"},
    ) == {"sos_alarms": 1}


def test_call_repeated_until_it_is_cleared_is_one_and_the_next_is_another() -> None:
    held = [{**mqtt("zigbee2mqtt/b", sos=True), "at": f"21:00:{at:02}"} for at in range(0, 30, 5)]
    freed = {**mqtt("zigbee2mqtt/b", sos=False), "at": "21:00:31"}
    again = {**mqtt("zigbee2mqtt/b", sos=True), "at": "21:00:33"}
    assert counts(*held, freed, again)["sos_alarms"] == 2


def test_presses_a_minute_apart_are_two() -> None:
    press = mqtt("zigbee2mqtt/b", action="emergency")
    assert counts({**press, "at": "21:00:00"}, {**press, "at": "21:01:00"}) == {"sos_alarms": 2}


def test_fall_in_stages_is_one_fall() -> None:
    words = ("none", "maybe_fall", "fall", "fall", "none")
    stages = [{**mqtt("zigbee2mqtt/r", fall_down_status=word), "at": at * 50} for at, word in enumerate(words)]
    assert counts(*stages)["fall_alarms"] == 1


def test_clicks_are_told_apart_by_their_times() -> None:
    clicks = [mqtt("zigbee2mqtt/b", action="single", last_seen=f"2026-11-21T21:00:0{at}Z") for at in (0, 1, 1)]
    assert counts(*clicks) == {"button_presses": 2}


def test_door_that_says_the_same_twice_moved_once() -> None:
    door = [mqtt("zigbee2mqtt/d", contact=closed) for closed in (True, True, False, False)]
    told = ask("sequence", "z2m.contact", {"messages": door})
    assert told["counts"]["transitions"] == 1
    assert told["final"]["contact.open"] is True


def test_state_from_before_a_restart_is_not_counted() -> None:
    old = mqtt("zigbee2mqtt/b", sos=True, last_seen="2026-11-18T21:00:00Z")
    live = mqtt("zigbee2mqtt/other", battery=90, last_seen="2026-11-21T21:00:00Z")
    assert counts(old, live) == {}


def test_command_answers_lines_in_order_even_broken_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = b'{"id":1,"kind":"mqtt","type":"t","input":{}}\n\nnot json\n[]\n{"id":2}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert main([]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["id"] for one in told] == [1, None, None, 2]
    assert all(one["error"] for one in told)
    assert main(["file"]) == 2


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("23:59:59"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["topic", "payload", "at", "x"]), inner)
    ),
    max_leaves=8,
)
INPUT = st.dictionaries(
    st.sampled_from(["topic", "payload", "hex", "text", "retain", "received_at", "messages", "stream_hex"]), ANY
) | st.builds(
    lambda at, payload: {"messages": [{"topic": "zigbee2mqtt/b", "payload": payload, "at": one} for one in at]},
    st.lists(ANY, max_size=4),
    ANY,
)


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(["mqtt", "tcp", "frame", "sequence", "other"]), given_input=INPUT)
def test_nothing_in_a_line_can_stop_it(kind: str, given_input: dict[str, Any]) -> None:
    for family in ("z2m.x", "tcp.watch", "frame.watch"):
        told = ask(kind, family, given_input)
        assert told["id"] == "x"
        json.dumps(told, allow_nan=False)
