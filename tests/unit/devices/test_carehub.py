"""carehub's own profile: what a press is recognised by, what a wrong value costs, what the device hears back."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from devices.adapter import Command, DecodeError, Message, Say
from devices.adapters.carehub import ADAPTER, press_id
from devices.telemetry import Quality, Stage, Telemetry, TimeQuality

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def hear(kind: str, fields: dict[str, Any], *, retained: bool = False) -> Telemetry:
    message = Message(
        topic=f"carehub/w-0417/{kind}", payload=json.dumps(fields).encode(), received_at=NOW, retained=retained
    )
    (said,) = ADAPTER.decode(message)
    return said


def test_press_repeated_under_its_id_is_the_same_press() -> None:
    first = hear("event", {"event": "sos", "id": "81", "seq": 5, "at": "2026-11-21T21:59:58Z"})
    again = hear("event", {"event": "sos", "id": "81", "seq": 6, "at": "2026-11-21T22:00:03Z"})
    other = hear("event", {"event": "sos", "id": "82", "seq": 7})
    assert first.identity == again.identity != other.identity


def test_press_with_a_broken_id_still_rings() -> None:
    for broken in (None, "", True, 3.5, ["81"], "x" * 65, "a:b", "line\nbreak", 10**30):
        said = hear("event", {"event": "sos", "id": broken})
        assert said.identity is None
        assert said.observations[0].code == "alarm.sos"
        assert said.observations[0].value is True


def test_press_with_an_unknown_stage_still_rings() -> None:
    (sos,) = hear("event", {"event": "sos", "id": "81", "stage": "whatever"}).observations
    assert (sos.value, sos.stage) == (True, None)


def test_fall_first_suspected_then_confirmed_is_two_reports() -> None:
    suspected = hear("event", {"event": "fall", "id": "9", "stage": "suspected"})
    confirmed = hear("event", {"event": "fall", "id": "9", "stage": "confirmed"})
    assert suspected.identity != confirmed.identity
    assert confirmed.observations[0].stage is Stage.CONFIRMED


def test_cancel_takes_back_only_what_it_names() -> None:
    named = hear("event", {"event": "cancel", "of": "fall", "id": "9"})
    assert [(one.code, one.value, one.stage) for one in named.observations] == [("alarm.fall", False, Stage.CANCELLED)]
    unnamed = hear("event", {"event": "cancel", "id": "9"})
    assert {one.code for one in unnamed.observations} == {"alarm.sos", "alarm.fall"}
    assert all(one.value is False for one in unnamed.observations)


def test_cancel_is_not_taken_for_a_repeat_of_its_press() -> None:
    assert hear("event", {"event": "cancel", "id": "9"}).identity != hear("event", {"event": "sos", "id": "9"}).identity


def test_unknown_event_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(DecodeError, match="sos, fall"):
        hear("event", {"event": "zap", "id": "1"})
    with pytest.raises(DecodeError, match="unknown event None"):
        hear("event", {"id": "1"})


@pytest.mark.parametrize(("accuracy", "fix"), [
    (None, True), (8, True), (50, True), (50.5, False), (3000, False), (-1, False), ("near", True),
])  # fmt: skip
def test_position_less_exact_than_50_m_is_no_fix(accuracy: object, fix: bool) -> None:
    told = {} if accuracy is None else {"accuracy_m": accuracy}
    for kind, more in (("vitals", {"hr": 70}), ("event", {"event": "sos", "id": "1"})):
        said = hear(kind, {**more, "lat": 38.48, "lon": 106.23, **told}).observations
        (place,) = [one for one in said if one.code == "location"]
        assert (place.lat, place.lon, place.valid) == (38.48, 106.23, fix)
        assert place.accuracy_m == (accuracy if accuracy in (8, 50, 50.5, 3000) else None), "what nobody can be off by"


def test_retained_press_never_rings_as_new() -> None:
    assert hear("event", {"event": "sos", "id": "1"}, retained=True).observations[0].quality is Quality.STALE


def test_retained_status_says_how_the_line_is() -> None:
    assert hear("status", {"online": False}, retained=True).observations[0].quality is Quality.OK


@pytest.mark.parametrize(
    ("at", "quality"),
    [
        ("2026-11-21T22:00:00Z", TimeQuality.DEVICE),
        ("2026-11-22T06:00:00+08:00", TimeQuality.DEVICE),
        (1795298400000, TimeQuality.DEVICE),
        (1795298400, TimeQuality.DEVICE),  # seconds
        ("2026-11-21T22:00:00", TimeQuality.SUSPECT),  # whose zone?
        ("2026-11-22T06:00:00Z", TimeQuality.SUSPECT),  # local time sold as UTC
        (0, TimeQuality.SUSPECT),
        ("yesterday", TimeQuality.SUSPECT),
        (True, TimeQuality.SUSPECT),
        (None, TimeQuality.HUB),
    ],
)
def test_device_time_is_believed_only_from_a_working_clock(at: object, quality: TimeQuality) -> None:
    said = hear("vitals", {"at": at, "hr": 70})
    assert said.time_quality is quality
    assert said.observations[0].value == 70


def test_burst_comes_out_the_same_listed_and_packed() -> None:
    listed = hear("accel", {"rate_hz": 50, "first": 7, "acc": [[0, 0, 1000], [-5, 3, 998]]}).accel
    packed = hear("accel", {"rate_hz": 50, "first": 7, "acc_b64": "AAAAAOgD+/8DAOYD"}).accel
    assert listed is not None
    assert packed is not None
    assert np.array_equal(listed.accel_mg, packed.accel_mg)
    assert listed.accel_mg.dtype == np.int16
    assert (listed.rate_hz, listed.first, listed.gyro_2mrad) == (50.0, 7, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_hz": 5},
        {"rate_hz": "50"},
        {"first": -1},
        {"acc": []},
        {"acc": [[0, 0, 99999]]},
        {"acc": [[0, 0, float("nan")]]},
        {"acc": [[0, 0, "x"]]},
        {"acc": {"x": 1}},
        {"acc": [[0, 0, 1]] * 5000},
        {"acc": None, "acc_b64": "AAA"},
        {"acc": None, "acc_b64": 7},
        {"acc": None},
    ],
)
def test_burst_that_cannot_be_used_says_why(wrong: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        hear("accel", {"rate_hz": 50, "first": 0, "acc": [[0, 0, 1000]], **wrong})


@pytest.mark.parametrize("gyro", [[[1, 2, 3], [4, 5, 6]], "fast", [[0, 0, float("nan")]], [[1, 2]]])
def test_wrong_gyro_does_not_cost_the_acceleration(gyro: object) -> None:
    said = hear("accel", {"rate_hz": 50, "first": 0, "acc": [[0, 0, 1000]], "gyro": gyro})
    assert said.accel is not None
    assert said.accel.gyro_2mrad is None
    assert [(one.code, one.quality) for one in said.observations] == [("accel.gyro", Quality.IMPLAUSIBLE)]


def test_device_hears_its_press_id_back() -> None:
    pressed = hear("event", {"event": "sos", "id": "81"})
    told = ADAPTER.encode(
        Command(device=pressed.device, say=Say.RECEIVED, text="收到，正在呼叫", identity=pressed.identity, incident=7)
    )
    assert told is not None
    assert told.topic == "carehub/w-0417/command"
    assert json.loads(told.payload) == {"say": "received", "text": "收到，正在呼叫", "id": "81", "incident": 7}
    assert told.retain is False


def test_press_id_is_what_stands_between_event_and_stage() -> None:
    assert press_id("fall:9:confirmed") == "9"
    assert press_id("sos:w1-81") == "w1-81"


@pytest.mark.parametrize("device", ["z2m:x", "carehub:responder", "carehub:a/b", "carehub:+"])
def test_no_command_goes_where_no_device_of_ours_listens(device: str) -> None:
    assert ADAPTER.encode(Command(device=device, say=Say.CLOSED, text="x")) is None
