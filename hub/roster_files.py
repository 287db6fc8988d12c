"""Duty lists as files: CSV for spreadsheets, iCalendar for calendars. Text in, shifts and faults out.

CSV has the columns roster, person, from, to; `name` is written for people and not read; others are refused. `person` is
a number, sign-in, telephone, e-mail address or a name only one person has. Times are ISO 8601 with an offset, or wall
time in the list's zone (2026-11-22 08:00). An empty `to` is a shift without an end.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events  # type: ignore[import-untyped]

from alerts.duty import EVER, FOREVER, Shift, instant
from alerts.policy import DEFAULT_ZONE
from hub.roster_rules import REPEATED_FOR, REPEATING_LIMIT, Rules

COLUMNS = ("roster", "person", "name", "from", "to")
NEEDED = frozenset(COLUMNS) - {"name"}
LINES_LIMIT = 20_000
FAULTS_SHOWN = 200
LONGEST_SHIFT = timedelta(days=31)
URN = "urn:carehub:person:"
ROSTER_PROPERTY, OPEN_PROPERTY = "X-CAREHUB-ROSTER", "X-CAREHUB-OPEN"


@dataclass(frozen=True, kw_only=True, order=True)
class FileFault:
    """One line that cannot be used; `code` and `what` are said in words by `vocabulary.rosters`."""

    line: int
    code: str
    what: str = ""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a file says: shifts, or the reasons why not one of them is taken."""

    shifts: tuple[Shift, ...] = ()
    faults: tuple[FileFault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class People:
    """Everybody who may be on a list, by everything they are called."""

    names: Mapping[int, str]
    called: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]], mailboxes: Iterable[tuple[int, str]] = ()) -> "People":
        """Take rows of query `names`: id, name, role, login, phone, active."""
        names: dict[int, str] = {}
        called: dict[str, set[int]] = {}
        for number, name, _, login, phone, active in rows:
            names[number] = name
            for word in {str(number), name.lower(), login.lower(), phone.replace(" ", "")} - {""}:
                if active:
                    called.setdefault(word, set()).add(number)
        for number, mailbox in mailboxes:
            if number in names:
                called.setdefault(mailbox, set()).add(number)
        return cls(names=names, called={word: frozenset(numbers) for word, numbers in called.items()})

    def for_lists(self) -> list[tuple[int, str]]:
        """Return who may be put on a list, by name."""
        may: frozenset[int] = frozenset[int]().union(*self.called.values())
        return sorted(((number, name) for number, name in self.names.items() if number in may), key=lambda p: p[1])

    def find(self, text: str) -> frozenset[int]:
        word = text.strip().lower().removeprefix("mailto:").removeprefix("tel:").removeprefix(URN)
        return self.called.get(word) or self.called.get(word.replace(" ", ""), frozenset())


def read_file(text: str, people: People, zones: Mapping[str, str], *, now: datetime, roster: str = "") -> Read:
    """Read a duty list as what it looks like: a calendar, else CSV."""
    if text.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR"):
        return read_ics(text, people, zones, now=now, roster=roster)
    return read_csv(text, people, zones)


# ---- CSV ----


def read_csv(text: str, people: People, zones: Mapping[str, str]) -> Read:
    """Read every line, so that all faults are told at once."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    found = _Found(people=people, zones=zones)
    try:
        head = [cell.strip().lower() for cell in next(rows, [])]
        if faults := tuple(_head_faults(head)):
            return Read(faults=faults)
        for row in rows:
            if any(cell.strip() for cell in row):
                found.csv_row(rows.line_num, dict(zip(head, row, strict=False)), whole=len(row) == len(head))
            if rows.line_num > LINES_LIMIT:
                found.fault(rows.line_num, "too_long", str(LINES_LIMIT))
                break
    except csv.Error as err:
        found.fault(rows.line_num, "not_csv", str(err))
    return found.read()


def _head_faults(head: Sequence[str]) -> Iterator[FileFault]:
    for column in sorted(NEEDED - set(head)):
        yield FileFault(line=1, code="no_column", what=column)
    for column in head:
        if column not in COLUMNS or head.count(column) > 1:
            yield FileFault(line=1, code="odd_column", what=column)


def write_csv(shifts: Iterable[Shift], people: People, zones: Mapping[str, str]) -> str:
    """Return shifts in the wall time of their lists; read again, they are the same."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for shift in sorted(shifts, key=lambda s: (s.roster, s.start, s.end, s.person_id)):
        zone = ZoneInfo(zones.get(shift.roster, DEFAULT_ZONE))
        ends = ["" if t in (EVER, FOREVER) else t.astimezone(zone).isoformat() for t in (shift.start, shift.end)]
        writer.writerow([shift.roster, shift.person_id, _plain(people.names.get(shift.person_id, "")), *ends])
    return out.getvalue()


def _plain(text: str) -> str:
    """A name must not become a formula in somebody's spreadsheet; it is not read back."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


# ---- iCalendar ----


def read_ics(text: str, people: People, zones: Mapping[str, str], *, now: datetime, roster: str = "") -> Read:
    """Read a calendar: repeating entries with their exceptions, from a month ago to a year ahead.

    The list is `roster`, else what each entry or the calendar names. The person is an attendee or the summary.
    """
    found = _Found(people=people, zones=zones)
    lines = [n for n, line in enumerate(text.splitlines(), 1) if line.strip().upper() == "BEGIN:VEVENT"]
    try:
        calendar = icalendar.Calendar.from_ical(text)
        named = roster or str(calendar.get("X-WR-CALNAME", ""))
        events = calendar.walk("VEVENT")
        line_of = {_uid(event): line for line, event in zip(reversed(lines), reversed(events), strict=False)}
        if sum("RRULE" in event for event in events) > REPEATING_LIMIT:
            found.fault(1, "too_long", f"{REPEATING_LIMIT} RRULE")
            return found.read()
        rules = Rules(now=now)
        for event in events:
            _check_times(event, line_of.get(_uid(event), 1), found)
            for code, what in rules.faults(event) if "DTSTART" in event else ():
                found.fault(line_of.get(_uid(event), 1), code, what)
        if found.faults:
            return found.read()
        occurrences = recurring_ical_events.of(calendar).between(now - timedelta(days=31), now + REPEATED_FOR)
        for event in occurrences[: LINES_LIMIT + 1]:
            found.entry(line_of.get(_uid(event), 1), event, named)
        if len(occurrences) > LINES_LIMIT:
            found.fault(1, "too_long", str(LINES_LIMIT))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
    ) as err:  # whatever it trips over
        found.fault(1, "not_ics", str(err)[:120])
    return found.read()


def _check_times(event: Any, line: int, found: "_Found") -> None:
    if event.get("DTSTART") is None:
        found.fault(line, "bad_time", "DTSTART")
    elif event.get("DTEND") is not None and event["DTEND"].dt <= event["DTSTART"].dt:
        found.fault(line, "bad_length")  # said here, because an entry that runs backwards would be turned round


def _uid(event: Any) -> str:
    return f"{event.get('UID', '')}"


def write_ics(shifts: Iterable[Shift], people: People, zones: Mapping[str, str], *, now: datetime, name: str) -> str:
    """Return shifts as a calendar with the time zones it needs; read again, they are the same."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//carehub//duty lists//")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    for shift in sorted(shifts):
        calendar.add_component(_event(shift, people, ZoneInfo(zones.get(shift.roster, DEFAULT_ZONE)), now))
    calendar.add_missing_timezones()
    return str(calendar.to_ical().decode())


def _event(shift: Shift, people: People, zone: ZoneInfo, now: datetime) -> icalendar.Event:
    event = icalendar.Event()
    start = now.replace(microsecond=0) if shift.start == EVER else shift.start
    event.add("uid", f"{shift.person_id}.{start:%Y%m%dT%H%M%SZ}.{shift.roster}@carehub")
    event.add("dtstamp", now)
    event.add("dtstart", start.astimezone(zone))
    event.add("dtend", (start + timedelta(days=1) if shift.end == FOREVER else shift.end).astimezone(zone))
    event.add("summary", people.names.get(shift.person_id, ""))
    event.add("attendee", icalendar.vCalAddress(f"{URN}{shift.person_id}"))
    event.add(ROSTER_PROPERTY, shift.roster)
    if shift.end == FOREVER:
        event.add(OPEN_PROPERTY, "1")
    return event


# ---- what both have in common ----


@dataclass(kw_only=True)
class _Found:
    people: People
    zones: Mapping[str, str]
    shifts: dict[Shift, int] = field(default_factory=dict)  # with the line each stands in
    faults: list[FileFault] = field(default_factory=list)

    def fault(self, line: int, code: str, what: str = "") -> None:
        self.faults.append(FileFault(line=line, code=code, what=what[:80]))

    def read(self) -> Read:
        if self.faults:
            return Read(faults=tuple(sorted(set(self.faults))[:FAULTS_SHOWN]))
        return Read(shifts=tuple(sorted(self.shifts)))

    def csv_row(self, line: int, row: Mapping[str, str], *, whole: bool) -> None:
        if not whole:
            self.fault(line, "columns")
            return
        roster = row["roster"].strip()
        start, end = (self._time(line, row[name], roster) for name in ("from", "to"))
        self._add(line, roster, [row["person"]], start or EVER, end or FOREVER)

    def entry(self, line: int, event: Any, named: str) -> None:
        attendees = event.get("ATTENDEE") or []
        words = [str(a) for a in (attendees if isinstance(attendees, list) else [attendees])]
        roster = str(event.get(ROSTER_PROPERTY, named))
        zone = self._zone(roster)
        start, end = (_moment(event.get(key).dt, zone) for key in ("DTSTART", "DTEND"))
        known = [word for word in words if self.people.find(word)]
        if not known and event.get("SUMMARY"):
            known = [str(event["SUMMARY"])]
        self._add(line, roster, known or words or [""], start, FOREVER if event.get(OPEN_PROPERTY) else end)

    def _add(self, line: int, roster: str, words: Iterable[str], start: datetime, end: datetime) -> None:
        if any(f.line == line for f in self.faults):
            return
        if not roster.strip():
            self.fault(line, "no_roster")
        elif roster not in self.zones:
            self.fault(line, "unknown_roster", roster)
        if not start < end or (end != FOREVER and start != EVER and end - start > LONGEST_SHIFT):
            self.fault(line, "bad_length")
        for word in words:
            numbers = self.people.find(word)
            if len(numbers) != 1:
                self.fault(line, "ambiguous_person" if numbers else "unknown_person", word)
                continue
            shift = Shift(start=start, end=end, person_id=next(iter(numbers)), roster=roster)
            if shift in self.shifts and self.shifts[shift] != line:
                self.fault(line, "twice", str(self.shifts[shift]))
            self.shifts.setdefault(shift, line)

    def _time(self, line: int, text: str, roster: str) -> datetime | None:
        if not text.strip():
            return None
        try:
            moment = datetime.fromisoformat(text.strip())
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
            return instant(self._zone(roster), moment.date(), moment.time())
        except (ValueError, OverflowError):
            self.fault(line, "bad_time", text.strip())
            return None

    def _zone(self, roster: str) -> ZoneInfo:
        return ZoneInfo(self.zones.get(roster, DEFAULT_ZONE))


def _moment(value: date | datetime, zone: ZoneInfo) -> datetime:
    """A date is its midnight, and a time without a zone is on the list's wall."""
    if not isinstance(value, datetime):
        return instant(zone, value, datetime.min.time())
    return instant(zone, value.date(), value.time()) if value.tzinfo is None else value.astimezone(UTC)
