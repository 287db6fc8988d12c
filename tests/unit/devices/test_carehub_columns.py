"""The hot path: many payloads at once come out as each of them alone would, and no payload reaches into another."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.adapters.carehub import decode_vitals
from devices.columns import ABSENT

NOW_MS = int(datetime(2026, 11, 21, 22, 0, tzinfo=UTC).timestamp() * 1000)


def payloads(*messages: dict[str, Any]) -> list[bytes]:
    return [json.dumps(message).encode() for message in messages]


def test_every_field_finds_its_column() -> None:
    message = {
        "seq": 9, "at": NOW_MS, "hr": 70, "spo2": 97.5, "rr": 15, "temp": 36.5, "sys": 120, "dia": 70, "steps": 12,
        "battery": 80, "worn": True,
    }  # fmt: skip
    batch = decode_vitals(payloads(message), np.array([NOW_MS]))
    assert (batch.sequence[0], batch.measured_ms[0]) == (9, NOW_MS)
    measured = (
        batch.heart_rate_bpm, batch.spo2_pct, batch.respiration_rpm, batch.temperature_c, batch.systolic_mmhg,
        batch.diastolic_mmhg, batch.battery_pct,
    )  # fmt: skip
    assert [float(column[0]) for column in measured] == [70, 97.5, 15, 36.5, 120, 70, 80]
    assert (batch.steps[0], batch.worn[0]) == (12, 1)
    assert batch.heart_rate_bpm.dtype == np.float32
    assert batch.ok.all()
    assert not batch.errors


def test_what_is_not_said_is_absent_not_zero() -> None:
    batch = decode_vitals(payloads({}, {"hr": None, "worn": None}), np.array([NOW_MS, NOW_MS]))
    assert np.isnan(batch.heart_rate_bpm).all()
    assert (batch.steps == ABSENT).all()
    assert (batch.worn == ABSENT).all()
    assert (batch.sequence == ABSENT).all()
    assert (batch.measured_ms == NOW_MS).all()
    assert batch.ok.all()


def test_what_no_living_body_shows_is_absent() -> None:
    batch = decode_vitals(payloads({"hr": 300, "spo2": 0, "steps": 9999, "battery": 193}, {"hr": 24, "spo2": 69}))
    assert np.isnan(batch.heart_rate_bpm).all()
    assert np.isnan(batch.spo2_pct).all()
    assert batch.steps[0] == ABSENT
    assert np.isnan(batch.battery_pct[0])


def test_one_broken_payload_costs_only_itself() -> None:
    good = payloads({"hr": 70}, {"hr": 71}, {"hr": 72})
    batch = decode_vitals([good[0], b'{"hr":', good[1], b"", b"[]", good[2]])
    assert batch.ok.tolist() == [True, False, True, True, False, True]
    assert set(batch.errors) == {1, 4}
    assert batch.heart_rate_bpm[[0, 2, 5]].tolist() == [70, 71, 72]


def test_one_wrong_value_costs_only_itself() -> None:
    batch = decode_vitals([b'{"hr":"72","spo2":96,"seq":-4}', b'{"hr":NaN,"spo2":95}', b'{"spo2":94}'])
    assert batch.ok.all()
    assert batch.spo2_pct.tolist() == [96, 95, 94]
    assert np.isnan(batch.heart_rate_bpm).all()
    assert batch.errors[0].reason == "wrong type or range: seq, hr"


@pytest.mark.parametrize(
    "crafted",
    [
        [b'{"x":[{}', b'{"hr":70}', b"{}]},{},{}"],  # would swallow its neighbour if joined by commas
        [b'{"hr":1}\n{"hr":2}', b'{"hr":70}'],
        [b'{"x":"}', b'{"hr":70}', b'"}'],
        [b'{"hr":99} {', b'{"hr":70}', b'}{"hr":98}'],
    ],
)
def test_no_payload_reaches_into_another(crafted: list[bytes]) -> None:
    batch = decode_vitals(crafted)
    rates = batch.heart_rate_bpm
    assert rates[1] == 70
    assert batch.ok[1]
    assert not batch.ok[0]


def test_times_are_read_in_milliseconds_seconds_and_iso_and_checked() -> None:
    told = [NOW_MS - 5000, NOW_MS // 1000 - 5, "2026-11-21T21:59:55Z", "2026-11-22T05:59:55+08:00"]
    untold: list[object] = [0, "2026-11-21T21:59:55", 4102444800000, NOW_MS + 3_600_000, -7, 1e300]
    batch = decode_vitals(payloads(*({"at": at} for at in told + untold)), np.full(10, NOW_MS))
    assert (batch.measured_ms[:4] == NOW_MS - 5000).all()
    assert (batch.measured_ms[4:] == NOW_MS).all()


NUMBER = st.none() | st.integers(-10, 400) | st.floats(allow_nan=True) | st.text(max_size=3) | st.booleans()
NAMES = ["seq", "at", "hr", "spo2", "rr", "temp", "sys", "dia", "steps", "battery", "worn", "other"]
MESSAGE = st.dictionaries(st.sampled_from(NAMES), NUMBER)


@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGE, min_size=1, max_size=8))
def test_together_and_alone_give_the_same(messages: list[dict[str, Any]]) -> None:
    received = np.full(len(messages), NOW_MS)
    together = decode_vitals(payloads(*messages), received)
    for at, message in enumerate(messages):
        alone = decode_vitals(payloads(message), received[:1])
        for name in together.__dataclass_fields__:
            if name != "errors":
                np.testing.assert_array_equal(getattr(together, name)[at], getattr(alone, name)[0])
        assert (at in together.errors) == (0 in alone.errors)


def test_vital_sign_no_body_shows_marks_its_message_and_zero_or_nothing_does_not() -> None:
    told = [{"hr": 250}, {"hr": 0, "spo2": 0}, {"hr": 70}, {}, {"hr": 70, "spo2": 12}, {"battery": 193, "steps": 9999}]
    assert decode_vitals(payloads(*told)).implausible.tolist() == [True, False, False, False, True, False]
