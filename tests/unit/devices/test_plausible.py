"""What is believed: one value and a column of them, one clock and a column of them, judged alike."""

import math
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import plausible
from devices.codes import CODES, COLUMN_OF, Kind, unit_of
from devices.columns import Columns
from devices.telemetry import Quality, TimeQuality

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "value", "quality"),
    [
        ("vital.spo2", 0, Quality.IMPLAUSIBLE),
        ("vital.spo2", 69, Quality.IMPLAUSIBLE),
        ("vital.spo2", 70, Quality.OK),
        ("vital.spo2", 101, Quality.IMPLAUSIBLE),
        ("vital.heart_rate", 24, Quality.IMPLAUSIBLE),
        ("vital.heart_rate", 25, Quality.OK),
        ("vital.heart_rate", 220, Quality.OK),
        ("vital.heart_rate", 221, Quality.IMPLAUSIBLE),
        ("vital.heart_rate", math.nan, Quality.IMPLAUSIBLE),
        ("vital.heart_rate", None, Quality.ABSENT),
        ("vital.heart_rate", True, Quality.IMPLAUSIBLE),
        ("vital.heart_rate", "70", Quality.IMPLAUSIBLE),
        ("battery.level", 193, Quality.IMPLAUSIBLE),
        ("contact.open", True, Quality.OK),
        ("presence.posture", "sitting", Quality.OK),
        ("link.quality", math.inf, Quality.IMPLAUSIBLE),
    ],
)
def test_value_is_believed_within_what_a_body_or_part_gives(code: str, value: object, quality: Quality) -> None:
    assert plausible.quality(code, value) is quality  # type: ignore[arg-type]


@given(st.sampled_from(sorted(plausible.LIMITS)), st.floats(allow_nan=True))
def test_column_and_single_value_are_judged_alike(code: str, value: float) -> None:
    kept = plausible.keep(code, np.array([value]))
    assert np.isnan(kept[0]) == (plausible.quality(code, value) is not Quality.OK)


@given(st.integers(86_400, 7_000_000_000))
def test_column_and_single_clock_are_judged_alike(second: int) -> None:
    moment = datetime.fromtimestamp(second, UTC)
    ours, theirs = (int(one.timestamp()) * 1000 for one in (NOW, moment))
    believed = plausible.believed_ms(np.array([theirs]), np.array([ours]))[0]
    assert believed == (theirs if plausible.clock(moment, NOW) is TimeQuality.DEVICE else ours)


@pytest.mark.parametrize(
    ("behind", "quality"),
    [
        (timedelta(0), TimeQuality.DEVICE),
        (timedelta(days=29), TimeQuality.DEVICE),
        (timedelta(days=31), TimeQuality.SUSPECT),
        (timedelta(minutes=-9), TimeQuality.DEVICE),
        (timedelta(minutes=-11), TimeQuality.SUSPECT),
        (timedelta(hours=-8), TimeQuality.SUSPECT),
    ],
)
def test_clock_is_believed_from_thirty_days_behind_to_ten_minutes_ahead(
    behind: timedelta, quality: TimeQuality
) -> None:
    assert plausible.clock(NOW - behind, NOW) is quality


@pytest.mark.parametrize(
    "wrong", [None, True, "", "soon", "x" * 99, [], {}, math.nan, math.inf, 1e300, -1e300, 10**400]
)
def test_what_is_no_time_is_none(wrong: object) -> None:
    assert plausible.instant(wrong) is None


def test_seconds_and_milliseconds_are_told_apart() -> None:
    assert plausible.instant(NOW.timestamp()) == plausible.instant(NOW.timestamp() * 1000) == NOW


def test_columns_named_by_the_vocabulary_exist_and_are_named_once() -> None:
    known = {field.name for field in fields(Columns)}
    assert set(COLUMN_OF.values()) <= known
    assert len(set(COLUMN_OF.values())) == len(COLUMN_OF)
    assert set(plausible.LIMITS) <= set(CODES)


def test_what_is_measured_has_a_unit() -> None:
    assert not [code.name for code in CODES.values() if code.kind is Kind.MEASURE and code.unit is None]
    assert unit_of("vital.heart_rate") == "/min"
    assert unit_of("alarm.sos") is None
    assert unit_of("nobody.says") is None
