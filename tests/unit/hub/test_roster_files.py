"""Duty lists as files: what goes out comes in again, and what is wrong is said line by line."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from alerts.duty import EVER, FOREVER, Shift
from hub.catalogue import texts
from hub.roster_files import FileFault, People, read_csv, read_ics, write_csv, write_ics

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
ZONES = {"物业保安": "Asia/Shanghai", "Nachtwache": "Europe/Berlin"}
PEOPLE = People.of(
    [
        (1, "赵师傅", "property", "", "138 0000 0001", True), (2, "周文", "property", "zhou", "", True),
        (3, "王伟", "community", "", "", True), (4, "王伟", "community", "", "", True),
        (5, "gone", "property", "", "", False),
        (6, "=cmd()", "property", "", "", True),
    ],
    [(1, "zhao@example.org")],
)  # fmt: skip
HEAD = "roster,person,from,to\n"


def csv_of(*lines: str) -> str:
    return HEAD + "\n".join(lines) + "\n"


def faults(text: str) -> list[tuple[int, str]]:
    found = read_csv(text, PEOPLE, ZONES)
    assert not (found.faults and found.shifts), "half of a file was taken"
    return [(fault.line, fault.code) for fault in found.faults]


def some_shifts(seed: int) -> tuple[Shift, ...]:
    chance = random.Random(seed)
    made = {
        Shift(
            start=(
                start := datetime(2026, chance.choice([3, 10, 11]), 1, tzinfo=UTC) + chance.randrange(2000) * QUARTER
            ),
            end=start + chance.randrange(1, 200) * HOUR / 4, person_id=chance.choice([1, 2, 3, 6]),
            roster=chance.choice(list(ZONES)),
        )
        for _ in range(20)
    }  # fmt: skip
    return tuple(sorted(made))


# ---- CSV ----


@pytest.mark.parametrize("seed", range(20))
def test_shifts_written_as_csv_are_read_again(seed: int) -> None:
    shifts = some_shifts(seed)
    text = write_csv(shifts, PEOPLE, ZONES)
    assert read_csv(text, PEOPLE, ZONES).shifts == shifts
    assert write_csv(read_csv(text, PEOPLE, ZONES).shifts, PEOPLE, ZONES) == text


def test_open_ends_survive() -> None:
    shifts = (
        Shift(start=EVER, end=NOW, person_id=1, roster="物业保安"),
        Shift(start=NOW, end=FOREVER, person_id=1, roster="物业保安"),
    )
    assert read_csv(write_csv(shifts, PEOPLE, ZONES), PEOPLE, ZONES).shifts == shifts


def test_time_without_an_offset_is_on_the_lists_wall() -> None:
    (shift,) = read_csv(csv_of("Nachtwache,1,2026-11-22 22:00,2026-11-23T06:00"), PEOPLE, ZONES).shifts
    assert shift.start == datetime(2026, 11, 22, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "word", ["1", "赵师傅", "13800000001", "138 0000 0001", "zhao@example.org", "ZHAO@example.org"]
)
def test_person_is_found_by_anything_he_is_called(word: str) -> None:
    (shift,) = read_csv(csv_of(f"物业保安,{word},2026-11-22T08:00Z,2026-11-22T09:00Z"), PEOPLE, ZONES).shifts
    assert shift.person_id == 1


def test_every_faulty_line_is_named_and_nothing_is_taken() -> None:
    text = csv_of(
        "物业保安,1,2026-11-22T08:00Z,2026-11-22T16:00Z",
        "物业保安,nobody,2026-11-22T08:00Z,2026-11-22T16:00Z",
        "物业保安,王伟,2026-11-22T08:00Z,2026-11-22T16:00Z",
        "物业保安,5,2026-11-22T08:00Z,2026-11-22T16:00Z",
        "?,1,2026-11-22T08:00Z,2026-11-22T16:00Z",
        ",1,2026-11-22T08:00Z,2026-11-22T16:00Z",
        "物业保安,1,22.11.2026,2026-11-22T16:00Z",
        "物业保安,1,2026-11-22T16:00Z,2026-11-22T08:00Z",
        "物业保安,1,2026-11-22T16:00Z,2027-11-22T08:00Z",
        "物业保安,1,2026-11-22T16:00Z",
        "",
        "物业保安,1,2026-11-22T16:00+08:00,2026-11-23T00:00+08:00",
    )
    assert faults(text) == [
        (3, "unknown_person"), (4, "ambiguous_person"), (5, "unknown_person"), (6, "unknown_roster"), (7, "no_roster"),
        (8, "bad_time"), (9, "bad_length"), (10, "bad_length"), (11, "columns"), (13, "twice"),
    ]  # fmt: skip


def test_same_shift_twice_is_a_slip() -> None:
    line = "物业保安,1,2026-11-22T08:00Z,2026-11-22T16:00Z"
    assert faults(csv_of(line, line)) == [(3, "twice")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", [(1, "no_column")] * 4), ("roster,person,from\n", [(1, "no_column")]),
        ("a,roster,person,from,to\n", [(1, "odd_column")]),
        ("roster,person,from,to,to\n", [(1, "odd_column")] * 2),
        (HEAD + 'x,"1,2\n', [(2, "not_csv")]),
        ("\ufeff" + HEAD, []), (csv_of("\x00,1,2026-11-22T08:00Z,2026-11-22T09:00Z"), [(2, "unknown_roster")]),
    ],
)  # fmt: skip
def test_file_that_is_no_list_is_refused_at_its_line(text: str, wrong: list[tuple[int, str]]) -> None:
    found = faults(text)
    assert [code for _, code in found] == [code for _, code in wrong]


def test_name_that_is_a_formula_is_written_as_text() -> None:
    text = write_csv([Shift(start=NOW, end=NOW + HOUR, person_id=6, roster="物业保安")], PEOPLE, ZONES)
    assert ",'=cmd()," in text


# ---- iCalendar ----


def calendar(*entries: str) -> str:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "X-WR-CALNAME:物业保安", *entries, "END:VCALENDAR", ""]
    )


def entry(*lines: str, uid: str = "1", summary: str = "赵师傅") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", *lines, "END:VEVENT"])


def read(text: str) -> list[tuple[str, str, int]]:
    found = read_ics(text, PEOPLE, ZONES, now=NOW)
    assert found.faults == ()
    return [(f"{s.start:%m-%d %H:%M}", f"{s.end:%m-%d %H:%M}", s.person_id) for s in found.shifts]


@pytest.mark.parametrize("seed", range(10))
def test_shifts_written_as_calendar_are_read_again(seed: int) -> None:
    shifts = tuple(s for s in some_shifts(seed) if s.start > NOW - 20 * 24 * HOUR)
    text = write_ics(shifts, PEOPLE, ZONES, now=NOW, name="all")
    assert read_ics(text, PEOPLE, ZONES, now=NOW).shifts == shifts
    assert ("BEGIN:VTIMEZONE" in text) == bool(shifts)


def test_open_shift_survives_the_calendar() -> None:
    shifts = (Shift(start=NOW, end=FOREVER, person_id=1, roster="物业保安"),)
    assert read_ics(write_ics(shifts, PEOPLE, ZONES, now=NOW, name=""), PEOPLE, ZONES, now=NOW).shifts == shifts


def test_repeating_entry_with_an_exception_and_a_moved_instance() -> None:
    weekly = entry(
        "DTSTART;TZID=Asia/Shanghai:20261123T080000", "DTEND;TZID=Asia/Shanghai:20261123T180000",
        "RRULE:FREQ=DAILY;COUNT=4", "EXDATE;TZID=Asia/Shanghai:20261124T080000",
    )  # fmt: skip
    moved = entry(
        "RECURRENCE-ID;TZID=Asia/Shanghai:20261125T080000", "DTSTART;TZID=Asia/Shanghai:20261125T120000",
        "DTEND;TZID=Asia/Shanghai:20261125T200000", summary="周文",
    )  # fmt: skip
    assert read(calendar(weekly, moved)) == [
        ("11-23 00:00", "11-23 10:00", 1), ("11-25 04:00", "11-25 12:00", 2), ("11-26 00:00", "11-26 10:00", 1),
    ]  # fmt: skip


def test_calendars_own_time_zone_counts_and_a_duration_is_an_end() -> None:
    zone = "\r\n".join([
        "BEGIN:VTIMEZONE", "TZID:Here", "BEGIN:STANDARD", "DTSTART:20000101T000000", "TZOFFSETFROM:+0900",
        "TZOFFSETTO:+0900", "TZNAME:H", "END:STANDARD", "END:VTIMEZONE",
    ])  # fmt: skip
    assert read(calendar(zone, entry("DTSTART;TZID=Here:20261123T090000", "DURATION:PT8H"))) == [
        ("11-23 00:00", "11-23 08:00", 1)
    ]  # fmt: skip


def test_repeating_night_keeps_its_wall_time_over_the_clock_change() -> None:
    text = calendar(entry(
        "X-CAREHUB-ROSTER:Nachtwache", "DTSTART;TZID=Europe/Berlin:20270326T220000",
        "DTEND;TZID=Europe/Berlin:20270327T060000", "RRULE:FREQ=DAILY;COUNT=3",
    ))  # fmt: skip
    assert [start for start, _, _ in read(text)] == ["03-26 21:00", "03-27 21:00", "03-28 20:00"]


def test_person_is_the_attendee_before_the_summary() -> None:
    times = ("DTSTART:20261123T000000Z", "DTEND:20261123T080000Z")
    assert read(calendar(entry("ATTENDEE:mailto:zhao@example.org", *times, summary="Wache")))[0][2] == 1
    assert read(calendar(entry("ATTENDEE:mailto:other@example.org", *times, summary="周文")))[0][2] == 2


HOURS, MINUTES = (",".join(map(str, range(most))) for most in (24, 60))
DAY = ("DTSTART:20261123T000000Z", "DTEND:20261123T080000Z")


def daily(rule: str, began: str = "20261123") -> str:
    return calendar(entry(f"DTSTART:{began}T000000Z", f"DTEND:{began}T080000Z", f"RRULE:FREQ=DAILY;{rule}"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_ics"), ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "not_ics"), ("roster,person\n", "not_ics"),
        (calendar(entry("DTEND:20261123T080000Z")), "bad_time"),
        (calendar(entry("DTSTART:20261123T000000Z", "DTEND:20261122T000000Z")), "bad_length"),
        (calendar(entry("DTSTART:20261123T000000Z", "DTEND:20261123T080000Z", summary="nobody")), "unknown_person"),
        (calendar(entry("DTSTART:20261123T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY")), "too_often"),
        (daily(f"BYHOUR={HOURS};BYMINUTE={MINUTES};BYSECOND={MINUTES}"), "too_often"),
        (daily("BYHOUR=0,12;BYMINUTE=" + MINUTES), "too_often"),
        (daily("INTERVAL=0"), "too_often"),
        (daily("INTERVAL=1", began="00010101"), "bad_time"),
        (calendar(*(entry(*DAY, "RRULE:FREQ=DAILY", uid=str(n)) for n in range(201))), "too_long"),
        (daily("BYMONTH=2;BYMONTHDAY=30"), "never"),
    ],
)  # fmt: skip
def test_calendar_that_cannot_be_used_says_why(text: str, code: str) -> None:
    found = read_ics(text, PEOPLE, ZONES, now=NOW)
    assert found.shifts == ()
    assert code in {fault.code for fault in found.faults}


def test_fault_of_an_entry_stands_at_its_line() -> None:
    good = entry("DTSTART:20261123T000000Z", "DTEND:20261123T080000Z")
    bad = entry("DTSTART:20261123T000000Z", "DTEND:20261123T080000Z", uid="2", summary="nobody")
    found = read_ics(calendar(good, bad), PEOPLE, ZONES, now=NOW)
    assert found.faults == (FileFault(line=11, code="unknown_person", what="nobody"),)


def test_random_damage_is_answered_with_faults_and_never_with_an_exception() -> None:
    chance = random.Random(7)
    text = write_ics(some_shifts(3), PEOPLE, ZONES, now=NOW, name="all")
    for _ in range(60):
        at = chance.randrange(len(text))
        broken = (
            text[:at]
            + chance.choice(["", "\n", ";", ":", "\x00", "BEGIN:", "9999", "T"])
            + text[at + chance.randrange(6) :]
        )
        read_ics(broken, PEOPLE, ZONES, now=NOW)
        read_csv(broken, PEOPLE, ZONES)


CODES = (
    "no_column", "odd_column", "columns", "not_csv", "not_ics", "no_roster", "unknown_roster", "unknown_person",
    "ambiguous_person", "bad_time", "bad_length", "twice", "too_long", "too_often", "never", "too_many_rules",
)  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_every_fault_has_words(code: str) -> None:
    assert f"roster_fault.{code}" in texts("en")
