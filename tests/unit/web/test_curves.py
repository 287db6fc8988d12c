"""Curves as they are drawn: a gap is a gap, one value is a dot, and every scale has round numbers."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.web.curves import HEAD, HEIGHT, LEFT, WIDTH, Axis, Band, bars, curve
from hub.web.measured import SPANS, Slots

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 4, 17, tzinfo=UTC)  # 12:17 there, a Monday
BAND: Band = (60.0, 70.0, 90.0)


def drawn(line: list[Band | None], **more: float) -> str:
    return str(curve([line], Axis(slots=len(line), marks=[(0, "11-<b>")]), said='a "said" <thing>', room=20, **more))


def numbers(svg: str) -> list[float]:
    return [float(n) for n in re.findall(r'curve-axis"[^>]*>([\d.-]+)<', svg)]


def test_whole_line_is_one_band_and_one_mean() -> None:
    svg = drawn([BAND] * 5)
    assert (svg.count("<polygon"), svg.count("<polyline"), svg.count("<circle")) == (1, 1, 0)


def test_nobody_draws_through_a_gap_and_what_stands_alone_is_a_dot_in_its_span() -> None:
    svg = drawn([BAND, BAND, None, BAND, None, BAND, BAND])
    assert (svg.count("<polygon"), svg.count("<polyline"), svg.count("<circle")) == (2, 2, 1)


@pytest.mark.parametrize("value", [0.0, 36.6, 72.0, 100.0, 240.0])
def test_one_value_has_a_scale_with_room_and_stands_inside(value: float) -> None:
    svg = drawn([None, (value, value, value), None])
    scale = numbers(svg)
    assert scale[0] <= value <= scale[-1]
    assert scale[-1] - scale[0] >= 19
    ((x, y),) = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert LEFT < float(x) < WIDTH
    assert HEAD <= float(y) <= HEIGHT


def test_oxygen_ends_at_a_hundred() -> None:
    scale = numbers(drawn([(96.0, 98.0, 100.0)] * 3, most=100))
    assert scale[-1] == 100


def test_every_value_lies_between_the_ends_of_its_scale() -> None:
    for least, most in ((41.0, 187.0), (35.9, 38.2), (88.0, 100.0), (0.1, 0.2), (3.0, 31000.0)):
        scale = numbers(drawn([(least, (least + most) / 2, most)] * 2))
        assert scale[0] <= least
        assert scale[-1] >= most
        assert 3 <= len(scale) <= 7
        assert scale == sorted(set(scale))


def test_columns_stand_on_zero_and_an_hour_without_steps_is_seen_as_none() -> None:
    svg = str(bars([0.0, None, 900.0], Axis(slots=3, marks=[]), said="steps", room=100))
    assert svg.count('class="curve-bar"') == 2
    assert numbers(svg)[0] == 0


def test_words_cannot_become_markup() -> None:
    svg = drawn([BAND])
    assert "<b>" not in svg
    assert "<thing>" not in svg


def test_week_goes_by_the_hour_to_the_last_one_that_is_over_with_its_nights() -> None:
    slots = Slots(SPANS["week"], NOW, ZONE)
    assert (slots.count, slots.name(0), slots.name(167)) == (168, "11-16 12:00", "11-23 11:00")
    assert slots.of(datetime(2026, 11, 23, 3, tzinfo=UTC)) == 167
    axis = slots.axis()
    assert [name for _, name in axis.marks] == [f"11-{day}" for day in range(17, 24)]
    assert axis.nights[0] == (10, 18)
    assert len(axis.nights) == 7


def test_month_ends_yesterday() -> None:
    slots = Slots(SPANS["month"], NOW, ZONE)
    assert (slots.count, slots.name(0), slots.name(30)) == (31, "10-23", "11-22")
    assert slots.of(datetime(2026, 11, 21, 16, tzinfo=UTC)) == 30, "midnight of the 22nd there"


def test_year_is_weeks_that_begin_on_mondays_and_ten_years_are_months() -> None:
    year = Slots(SPANS["year"], NOW, ZONE)
    assert year.at(0).weekday() == 0
    assert year.of_day(date(2026, 11, 22)) == year.count - 1
    decade = Slots(SPANS["decade"], NOW, ZONE)
    assert (decade.name(0), decade.name(decade.count - 1), decade.count) == ("2016-11", "2026-11", 121)
    assert len(decade.axis().marks) == 5


def test_district_whose_days_began_an_hour_off_midnight_counts_them_on_the_right_date() -> None:
    berlin = Slots(SPANS["month"], datetime(2026, 11, 10, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    summer = berlin.of(datetime(2026, 10, 14, 23, tzinfo=UTC))  # 01:00 there, by the clock of winter
    assert berlin.name(summer) == "10-15"
