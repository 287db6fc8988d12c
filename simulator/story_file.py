"""A town's story as a file in TOML, which a civil servant writes.

The same reader as a play's (scenario.py): a mistake is told with its line and the words there are. A file with a [town]
is a town's story.
"""

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulator import expect
from simulator.expect import Expect
from simulator.quirks import Quirk
from simulator.scenario import LineOf, Reader, Table, parsed
from simulator.story import (
    ZONE,
    Answers,
    Breaks,
    Desk,
    Event,
    Fault,
    Happens,
    Manners,
    Named,
    Script,
    Span,
    Story,
    TownPlan,
    Whom,
)

MOST_RESIDENTS = 20_000
MOST_DAYS = 60
MOST_TIMES = 5_000


def is_story(text: str) -> bool:
    """Whether this is a town's scenario, rather than a play for a browser."""
    return re.search(r"^\s*\[town\]", text, re.MULTILINE) is not None


def read(text: str, source: str) -> Story:
    """Parse and check a town's story.

    Raises:
        ScenarioError: With the line and the reason.
    """
    return _StoryReader(text, source, ()).story(parsed(text, source))


_WHOM = re.compile(r"^(?:(\d+) residents?|(a resident|everybody|residents))(?: of (.+))?$")
_CLOCK = re.compile(r"^(?:day (\d+) )?(\d{1,2}):(\d{2})(?::(\d{2}))?$")
_SHARES = ("alone", "door", "motion", "water", "bed", "gas", "smoke", "wears", "presses")


class _StoryReader(Reader):
    """Turns the tables of a story into values."""

    _begins: datetime
    _ends_s: float
    _communities: tuple[str, ...]
    _names: frozenset[str]

    def story(self, table: Table) -> Story:
        known = {"title", "about", "town", "resident", "event", "trouble", "people", "operators", "expect"}
        self.known(table, known, self.line_of)
        town = self._town(self._one(table, "town"), self.line_in("town", 0, bracket="[town]"))
        self._begins, self._communities = town.begins, town.communities
        self._ends_s = (town.ends - town.begins).total_seconds()
        residents = tuple(self.each(table, "resident", self._resident))
        self._names = frozenset(each.name for each in residents)
        return Story(
            title=self.text(table, "title", self.line_of),
            about=str(table.get("about", "")).strip(),
            town=town,
            residents=residents,
            events=tuple(sorted(self.each(table, "event", self._happening), key=lambda each: each.at_s)),
            faults=tuple(sorted(self.each(table, "trouble", self._fault), key=lambda each: each.at_s)),
            people=tuple(self.each(table, "people", self._manners)),
            desk=self._desk(self._one(table, "operators"), self.line_in("operators", 0, bracket="[operators]")),
            expect=self._expect(table),
        )

    def _town(self, table: Table, line: LineOf) -> TownPlan:
        own = {"residents", "communities", "starts", "days", "reports", "wrist", "button", "lives_by_itself",
               "wrist_bursts_a_day", "homes_a_gateway", "steps", "makers",
               "forgets_to_charge"}  # fmt: skip
        self.known(table, own | set(_SHARES), line)
        names = table.get("communities", ["和平社区"])
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise self.fault(line("communities"), 'write the communities as a list, like ["和平社区", "兴旺社区"]')
        every = self._minutes(table.get("reports", "5m"), line("reports"))
        days = table.get("days", 1)
        if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days <= MOST_DAYS:
            raise self.fault(line("days"), f"{days!r} are no days: write a number up to {MOST_DAYS}")
        return TownPlan(
            residents=self.count(table.get("residents"), line("residents"), MOST_RESIDENTS),
            communities=tuple(names),
            begins=self._start(table.get("starts"), line("starts")),
            days=float(days),
            reports_every_min=every,
            steps_min=self._minutes(table.get("steps", "1m"), line("steps")),
            lives_by_itself=bool(table.get("lives_by_itself", True)),
            motion_a_day=self._number(table.get("wrist_bursts_a_day", 0), line("wrist_bursts_a_day"), 200),
            shares={name: self._share(table[name], line(name)) for name in _SHARES if name in table},
            wrist=self._weights(table.get("wrist", {}), line("wrist")),
            button=self._weights(table.get("button", {}), line("button")),
            homes_a_gateway=self.count(table.get("homes_a_gateway", 10), line("homes_a_gateway"), 100),
            forgets_to_charge=self._share(table.get("forgets_to_charge", 0.0), line("forgets_to_charge")),
            makers=self._makers(table.get("makers", []), line("makers")),
        )

    def _resident(self, entry: Table, line: LineOf) -> Named:
        self.known(
            entry, {"name", "community", "age", "wears", "language", "door_code", "key_place", "risks"}, line
        )  # fmt: skip
        risks = entry.get("risks", [])
        if not isinstance(risks, list):
            raise self.fault(line("risks"), 'write risks as a list, like ["heart_failure"]')
        return Named(
            name=self.text(entry, "name", line),
            community=self._community(entry.get("community", ""), line("community")),
            age=self.count(entry["age"], line("age"), 120) if "age" in entry else None,
            wears=entry.get("wears"),
            language=str(entry.get("language", "普通话")),
            door_code=entry.get("door_code"),
            key_place=entry.get("key_place"),
            risks=tuple(str(risk) for risk in risks),
        )

    def _happening(self, entry: Table, line: LineOf) -> Event:
        self.known(entry, {"at", "who", "what", "within", "lasts", "times", "apart", "every", "note"}, line)
        return Event(
            at_s=self._at(entry.get("at"), line("at")),
            who=self._whom(self.text(entry, "who", line), line("who")),
            what=self.word(Happens, entry.get("what"), line("what")),
            within_s=self.seconds(entry.get("within", "0s"), line("within")),
            lasts_s=self.seconds(entry["lasts"], line("lasts")) if "lasts" in entry else None,
            times=self.count(entry.get("times", 1), line("times"), MOST_TIMES),
            apart_s=self.seconds(entry.get("apart", "4s"), line("apart")),
            every_s=self.seconds(entry["every"], line("every")) if "every" in entry else None,
            note=str(entry.get("note", "")),
            line=line("what"),
        )

    def _fault(self, entry: Table, line: LineOf) -> Fault:
        own = {"at", "who", "what", "lasts", "share", "by", "times", "note", "devices", "quirk", "ppm"}
        self.known(entry, own, line)
        return Fault(
            at_s=self._at(entry.get("at"), line("at")),
            who=self._whom(str(entry.get("who", "everybody")), line("who")),
            what=self.word(Breaks, entry.get("what"), line("what")),
            lasts_s=self.seconds(entry["lasts"], line("lasts")) if "lasts" in entry else None,
            share=self._share(entry.get("share", 1.0), line("share")),
            by_s=self._signed(entry.get("by", "0s"), line("by")),
            times=self.count(entry.get("times", 1), line("times"), MOST_TIMES),
            devices=str(entry.get("devices", "")),
            quirk=self.word(Quirk, entry["quirk"], line("quirk")) if "quirk" in entry else None,
            ppm=self._number(entry.get("ppm", 0.0), line("ppm"), 100_000),
            note=str(entry.get("note", "")),
            line=line("what"),
        )

    def _manners(self, entry: Table, line: LineOf) -> Manners:
        spans = {"answers_after": "answers", "leaves_after": "leaves", "arrives_after": "arrives", "stays": "stays"}
        shares = ("cannot_go", "silent", "flat_phone", "gives_up", "leaves_early", "wrong_button", "old_page",
                  "wrong_code", "elsewhere", "comes_too", "ends_with_shift")  # fmt: skip
        self.known(entry, {"who", "of", "does", "number", "hands_over_to", "on_duty", *spans, *shares}, line)
        given: dict[str, Any] = {own: self._span(entry[key], line(key)) for key, own in spans.items() if key in entry}
        given |= {name: self._share(entry[name], line(name)) for name in shares if name in entry}
        if "number" in entry:
            given["number"] = self.count(entry["number"], line("number"), 50)
        if "hands_over_to" in entry:
            given["hands_over_to"] = self.text(entry, "hands_over_to", line)
        if "on_duty" in entry:
            given["shift"] = self._shift(entry["on_duty"], line("on_duty"))
        return Manners(
            who=self.text(entry, "who", line), of=self._community(entry.get("of", ""), line("of")),
            does=self.word(Answers, entry.get("does", Answers.GOES), line("does")), **given,
        )  # fmt: skip

    def _desk(self, entry: Table, line: LineOf) -> Desk:
        self.known(entry, {"number", "takes_after", "script", "works", "holds", "supervisor"}, line)
        return Desk(
            number=self.count(entry.get("number", 2), line("number")),
            takes=self._span(entry.get("takes_after", "5s to 30s"), line("takes_after")),
            script=self.word(Script, entry.get("script", Script.USUAL), line("script")),
            works=self._span(entry.get("works", "20s to 90s"), line("works")),
            holds_s=self.seconds(entry.get("holds", "5m"), line("holds")),
            supervisor=entry.get("supervisor", False) is True,
        )

    def _expect(self, table: Table) -> Expect | None:
        if "expect" not in table:
            return None
        line = self.line_in("expect", 0, bracket="[expect]")
        return expect.read(self._one(table, "expect"), line, self, tuple(Happens))

    # ---- words ----

    def _one(self, table: Table, name: str) -> Table:
        entry = table.get(name, {})
        if not isinstance(entry, dict):
            raise self.fault(self.line_of(name), f"write [{name}] with one bracket, once")
        return entry

    def _minutes(self, value: object, line: int) -> int:
        seconds = self.seconds(value, line)
        if seconds < 60 or seconds % 60 or seconds > 3600:
            raise self.fault(line, f"{value}: write whole minutes up to an hour, 1m, 5m, 15m …")
        return round(seconds / 60)

    def _start(self, value: object, line: int) -> datetime:
        """A local date and time; TOML's own or text."""
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                value = None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            raise self.fault(line, 'write when it begins, like starts = "2026-02-16 18:00"')
        return value if value.tzinfo else value.replace(tzinfo=ZoneInfo(ZONE))

    def _at(self, value: object, line: int) -> float:
        """Seconds after the beginning, of "+90m", "02:14", "02:14:07" or "day 2 06:30"."""
        if isinstance(value, str) and value.startswith("+"):
            at_s = self.seconds(value[1:], line)
        elif isinstance(value, str) and (found := _CLOCK.match(value)):
            at_s = self._clock(found, line)
        else:
            raise self.fault(line, f'{value!r} is no time: write "02:14", "day 2 06:30:00", or "+90m" after the start')
        if at_s > self._ends_s:
            raise self.fault(line, f"{value} is after the end of the town's days")
        return at_s

    def _clock(self, found: "re.Match[str]", line: int) -> float:
        hour, minute, second = (int(part or 0) for part in found.groups()[1:])
        if hour > 23 or minute > 59 or second > 59:
            raise self.fault(line, f"{found.group()} is no time of day")
        wanted = self._begins.replace(hour=hour, minute=minute, second=second, microsecond=0)
        if found.group(1):
            wanted += timedelta(days=int(found.group(1)) - 1)
            if wanted < self._begins:
                raise self.fault(line, f"{found.group()} is before the town begins")
        elif wanted < self._begins:
            wanted += timedelta(days=1)
        return (wanted - self._begins).total_seconds()

    def _whom(self, value: str, line: int) -> Whom:
        found = _WHOM.match(value)
        if found:
            number = int(found.group(1)) if found.group(1) else 1 if found.group(2) == "a resident" else None
            return Whom(number=number, community=self._community(found.group(3) or "", line), line=line)
        if value not in self._names:
            there = f"; there are {', '.join(sorted(self._names))}" if self._names else ""
            raise self.fault(
                line, f'nobody here is called {value}: write a name of a [[resident]]{there}, or "20 residents of '
                f'{self._communities[0]}", "a resident", "everybody"',
            )  # fmt: skip
        return Whom(name=value, line=line)

    def _community(self, value: object, line: int) -> str:
        if value and value not in self._communities:
            raise self.fault(line, f"{value} is no community here; there are {', '.join(self._communities)}")
        return str(value or "")

    def _span(self, value: object, line: int) -> Span:
        parts = str(value).split(" to ")
        if len(parts) > 2:
            raise self.fault(line, f'{value!r} is no span: write "40s", or "20s to 3m"')
        low, high = (self.seconds(part.strip(), line) for part in (parts[0], parts[-1]))
        if high < low:
            raise self.fault(line, f"{value}: the first time is the shorter one")
        return Span(low_s=low, high_s=high)

    def _shift(self, value: object, line: int) -> tuple[str, str]:
        found = re.match(r"^(\d{2}:\d{2}) to (\d{2}:\d{2})$", str(value))
        if not found:
            raise self.fault(line, f'{value!r} is no shift: write "07:00 to 19:00"')
        return found.group(1), found.group(2)

    def _share(self, value: object, line: int) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.fault(line, f"{value!r} is no share: write a number from 0 to 1, 0.2 for one in five")
        return float(value)

    def _number(self, value: object, line: int, most: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise self.fault(line, f"{value!r} is no number from 0 to {most:g}")
        return float(value)

    def _weights(self, value: object, line: int) -> dict[str, float]:
        if not isinstance(value, dict):
            raise self.fault(line, "write the mix of devices as { carehub = 0.6, watch_3g = 0.4 }")
        return {str(name): self._number(weight, line, 1_000_000) for name, weight in value.items()}

    def _makers(self, value: object, line: int) -> tuple[str, ...]:
        given = ["every"] if value == "every" else value
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise self.fault(line, 'write makers = "every", or a list of them, like ["gt06", "esphome"]')
        return tuple(given)

    def _signed(self, value: object, line: int) -> float:
        text = str(value)
        sign = -1.0 if text.startswith("-") else 1.0
        return sign * self.seconds(text.lstrip("+-"), line)
