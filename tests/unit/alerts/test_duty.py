"""Rotations in local wall time, over midnight, clock changes and holidays; overrides and check-ins."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from alerts import duty
from alerts.duty import Calendar, CheckIn, Days, Lists, Override, Rotation, Shift
from hub.holidays import china

WANG, LI, ZHAO = 1, 2, 3
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
NOWHERE = Calendar()
CHINA = china()


def rotation(**changes: object) -> Rotation:
    fields: dict[str, object] = {
        "roster": "物业保安", "zone": "Asia/Shanghai", "people": (WANG, LI), "first_day": date(2026, 9, 7), **changes,
    }  # fmt: skip
    return Rotation(**fields)  # type: ignore[arg-type]


def local(shift: Shift, zone: str) -> tuple[str, str, int]:
    place = ZoneInfo(zone)
    return (f"{shift.start.astimezone(place):%m-%d %H:%M}", f"{shift.end.astimezone(place):%m-%d %H:%M}",
            shift.person_id)  # fmt: skip


def laid_out(of: Rotation, first: date, last: date, calendar: Calendar = NOWHERE) -> list[tuple[str, str, int]]:
    zone = ZoneInfo(of.zone)
    after, before = datetime.combine(first, time(), zone), datetime.combine(last, time(), zone)
    return [local(shift, of.zone) for shift in duty.expand(of, calendar, after, before)]


# ---- turns ----


def test_weekly_rotation_hands_over_on_monday_morning() -> None:
    assert laid_out(rotation(), date(2026, 9, 7), date(2026, 9, 22)) == [
        ("09-07 08:00", "09-14 08:00", WANG), ("09-14 08:00", "09-21 08:00", LI), ("09-21 08:00", "09-28 08:00", WANG),
    ]  # fmt: skip


def test_rotation_has_nobody_before_its_first_day() -> None:
    assert laid_out(rotation(), date(2026, 8, 1), date(2026, 9, 7)) == []


def test_two_week_rotation_is_found_again_after_years() -> None:
    of = rotation(turn_days=14, people=(WANG, LI, ZHAO), first_day=date(2020, 1, 6))
    assert laid_out(of, date(2026, 9, 8), date(2026, 9, 22)) == [  # turns 174 and 175
        ("09-07 08:00", "09-21 08:00", WANG),
        ("09-21 08:00", "10-05 08:00", LI),
    ]


def test_daily_rotation_gives_everybody_his_day() -> None:
    of = rotation(turn_days=1, people=(WANG, LI, ZHAO))
    assert [who for _, _, who in laid_out(of, date(2026, 9, 7), date(2026, 9, 12))] == [1, 2, 3, 1, 2]


def test_rotation_ends_on_its_last_day() -> None:
    of = rotation(turn_days=1, hand_over=time(0), until=date(2026, 9, 9))
    assert [start for start, _, _ in laid_out(of, date(2026, 9, 7), date(2026, 10, 1))] == [
        "09-07 00:00", "09-08 00:00", "09-09 00:00",
    ]  # fmt: skip


def test_night_window_runs_over_midnight_and_belongs_to_the_day_it_begins() -> None:
    of = rotation(turn_days=1, hand_over=time(12), window_from=time(20), window_to=time(8), weekdays=frozenset({5}))
    assert laid_out(of, date(2026, 9, 7), date(2026, 9, 14)) == [("09-11 20:00", "09-12 08:00", WANG)]


def test_hand_over_in_the_middle_of_a_window_splits_it() -> None:
    of = rotation(turn_days=1, hand_over=time(9), window_from=time(8), window_to=time(10))
    assert laid_out(of, date(2026, 9, 8), date(2026, 9, 9)) == [
        ("09-08 08:00", "09-08 09:00", WANG), ("09-08 09:00", "09-08 10:00", LI), ("09-09 08:00", "09-09 09:00", LI),
    ]  # fmt: skip


# ---- clock changes ----


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23), ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23), ("America/New_York", date(2026, 11, 1), 25),
        ("Asia/Shanghai", date(2026, 3, 29), 24),
    ],
)  # fmt: skip
def test_day_shift_keeps_its_wall_time_when_the_clock_changes(zone: str, day: date, hours: int) -> None:
    of = rotation(zone=zone, first_day=day - timedelta(days=3), turn_days=1, hand_over=time(0))
    shifts = duty.expand(of, NOWHERE, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    (long,) = [s for s in shifts if s.start.astimezone(ZoneInfo(zone)).date() == day]
    assert long.end - long.start == hours * HOUR
    assert all(s.start.astimezone(ZoneInfo(zone)).hour == 0 for s in shifts)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"])
@pytest.mark.parametrize("wall", [time(0), time(1, 30), time(2), time(2, 30), time(3)])
def test_turns_meet_without_gap_or_overlap_all_year(zone: str, wall: time) -> None:
    of = rotation(zone=zone, first_day=date(2026, 1, 1), turn_days=1, hand_over=wall, window_from=wall, window_to=wall)
    shifts = duty.expand(of, NOWHERE, datetime(2026, 1, 3, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert len(shifts) > 360
    assert all(a.end == b.start for a, b in pairwise(shifts))


def test_night_guard_whose_hour_is_skipped_begins_at_the_jump() -> None:
    of = rotation(
        zone="Europe/Berlin", first_day=date(2026, 3, 28), turn_days=1, hand_over=time(0),
        window_from=time(2, 30), window_to=time(6),
    )  # fmt: skip
    (shift,) = duty.expand(
        of, NOWHERE, datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC)
    )  # fmt: skip
    assert shift.start == datetime(2026, 3, 29, 1, tzinfo=UTC)  # 03:00 summer time, not 03:30
    assert shift.end == datetime(2026, 3, 29, 4, tzinfo=UTC)


def test_window_that_lies_wholly_in_the_skipped_hour_is_nobodys() -> None:
    of = rotation(
        zone="America/New_York", first_day=date(2026, 3, 8), turn_days=1, hand_over=time(0),
        window_from=time(2, 10), window_to=time(2, 50), until=date(2026, 3, 8),
    )  # fmt: skip
    assert duty.expand(of, NOWHERE, duty.EVER + timedelta(days=2), datetime(2026, 4, 1, tzinfo=UTC)) == ()


def test_hour_that_comes_twice_is_covered_twice() -> None:
    of = rotation(
        zone="Europe/Berlin", first_day=date(2026, 10, 25), turn_days=1, hand_over=time(0),
        window_from=time(2), window_to=time(3), until=date(2026, 10, 25),
    )  # fmt: skip
    (shift,) = duty.expand(of, NOWHERE, datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC))
    assert shift.end - shift.start == 2 * HOUR


# ---- holidays ----


def test_national_day_is_the_holiday_teams_and_the_saturday_after_it_is_worked() -> None:
    week = rotation(
        turn_days=1, hand_over=time(0), window_from=time(8), window_to=time(18), first_day=date(2026, 9, 1),
        people=(WANG,),
    )  # fmt: skip
    work = laid_out(replace(week, days=Days.WORKDAY), date(2026, 9, 30), date(2026, 10, 13), CHINA)
    free = laid_out(replace(week, days=Days.HOLIDAY), date(2026, 9, 30), date(2026, 10, 13), CHINA)
    assert [start[:5] for start, _, _ in work] == ["09-30", "10-08", "10-09", "10-10", "10-12"]
    assert [start[:5] for start, _, _ in free] == [*(f"10-0{n}" for n in range(1, 8)), "10-11"]


def test_make_up_sunday_in_september_is_a_working_day() -> None:
    assert CHINA.works(date(2026, 9, 20))
    assert not CHINA.works(date(2026, 9, 25))  # Mid-Autumn, a Friday


def test_years_nobody_has_announced_count_weekends_and_say_so() -> None:
    of = rotation(days=Days.WORKDAY)
    assert CHINA.works(date(2027, 1, 1))  # a Friday: nobody has announced that it is free
    assert not CHINA.works(date(2027, 1, 2))
    assert duty.unknown_from(of, CHINA, date(2026, 12, 20), date(2027, 1, 3)) == date(2027, 1, 1)
    assert duty.unknown_from(of, CHINA, date(2026, 12, 1), date(2026, 12, 31)) is None
    assert duty.unknown_from(of, NOWHERE, date(2026, 12, 1), date(2026, 12, 31)) == date(2026, 12, 1)
    assert duty.unknown_from(rotation(), NOWHERE, date(2026, 12, 1), date(2026, 12, 31)) is None


# ---- overrides and check-ins ----

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
DAY_SHIFT = Shift(start=NOON - 4 * HOUR, end=NOON + 8 * HOUR, person_id=WANG, roster="社区")


def swap(number: int, off: int | None, on: int | None, start: float = 0, hours: float = 2) -> Override:
    begins = NOON + start * HOUR
    return Override(number=number, roster="社区", start=begins, end=begins + hours * HOUR, off_id=off, on_id=on)


def who(lists: Lists, at: datetime) -> set[int]:
    return {p for p in (WANG, LI, ZHAO) if duty.on_duty(lists, p, "社区", at)}


def test_override_puts_one_in_the_place_of_the_other_and_ends() -> None:
    lists = Lists(shifts=(DAY_SHIFT,), overrides=(swap(1, WANG, LI),))
    assert who(lists, NOON) == {LI}
    assert who(lists, NOON + 2 * HOUR) == {WANG}


def test_latest_word_counts_along_a_chain_of_swaps() -> None:
    lists = Lists(shifts=(DAY_SHIFT,), overrides=(swap(1, WANG, LI), swap(2, LI, ZHAO)))
    assert who(lists, NOON) == {ZHAO}
    assert who(replace(lists, overrides=(*lists.overrides, swap(3, None, WANG))), NOON) == {WANG, ZHAO}


def test_override_of_one_list_says_nothing_about_another() -> None:
    other = replace(DAY_SHIFT, roster="物业")
    lists = Lists(shifts=(DAY_SHIFT, other), overrides=(swap(1, WANG, None),))
    assert not duty.on_duty(lists, WANG, "社区", NOON)
    assert duty.on_duty(lists, WANG, "物业", NOON)


def test_check_in_without_a_shift_is_a_stand_in_until_its_limit() -> None:
    here = CheckIn(person_id=LI, roster="社区", at=NOON, until=NOON + duty.STAND_IN_LIMIT)
    lists = Lists(check_ins=(here,))
    assert who(lists, NOON) == {LI}
    assert who(lists, NOON + duty.STAND_IN_LIMIT) == set()


def test_spans_say_the_same_as_asking_every_quarter_of_an_hour() -> None:
    lists = Lists(
        shifts=(DAY_SHIFT, replace(DAY_SHIFT, person_id=ZHAO, start=NOON - HOUR / 4, end=NOON)),
        overrides=(swap(1, WANG, LI, 1), swap(2, LI, ZHAO, 1.5, 1)),
        check_ins=(CheckIn(person_id=WANG, roster="社区", at=NOON + HOUR, until=NOON + 1.25 * HOUR),),
    )  # fmt: skip
    found = duty.spans(lists, NOON - 6 * HOUR, NOON + 6 * HOUR)
    for quarter in range(48):
        at = NOON - 6 * HOUR + quarter * HOUR / 4
        assert {s.person_id for s in found if s.covers(at)} == who(lists, at)


# ---- a rotation is edited, or a day has passed ----


def stored(shifts: tuple[Shift, ...]) -> list[tuple[int, Shift]]:
    return list(enumerate(shifts, 1))


def test_rotation_laid_out_again_a_day_later_only_adds() -> None:
    of = rotation(turn_days=1)
    at = datetime(2026, 9, 10, 3, tzinfo=UTC)
    before = duty.expand(of, NOWHERE, at, at + 5 * 24 * HOUR)
    later = at + 24 * HOUR
    after = duty.expand(of, NOWHERE, later, later + 5 * 24 * HOUR)
    done = duty.changes([(n, s) for n, s in stored(before) if s.end > later], after, later)
    assert (len(done.new), done.ends, done.gone) == (1, (), ())


def test_edit_in_the_middle_of_a_shift_keeps_what_was_and_changes_what_comes() -> None:
    at = datetime(2026, 9, 10, 3, tzinfo=UTC)
    old = stored(duty.expand(rotation(turn_days=1), NOWHERE, at, at + 3 * 24 * HOUR))
    new = duty.expand(rotation(turn_days=1, people=(ZHAO,)), NOWHERE, at, at + 3 * 24 * HOUR)
    done = duty.changes(old, new, at)
    assert done.ends == ((1, at),)
    assert done.gone == (2, 3, 4)[: len(old) - 1]
    assert {s.person_id for s in done.new} == {ZHAO}
    assert done.new[0].start == at


def test_shift_that_has_begun_keeps_its_beginning_however_often_it_is_laid_out() -> None:
    at = datetime(2026, 9, 10, 3, tzinfo=UTC)
    (first, *_) = duty.expand(rotation(), NOWHERE, at, at + 7 * 24 * HOUR)
    cut = replace(first, start=at)  # the rotation was made in the middle of its first turn
    assert duty.changes([(1, cut)], (first,), at + HOUR) == duty.Changes()
    longer = replace(first, end=first.end + HOUR)
    assert duty.changes([(1, cut)], (longer,), at + HOUR).ends == ((1, longer.end),)
