"""A scenario: what happens to whom and when, in a TOML file an official can read and change."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

SHIPPED = Path(__file__).parent / "scenarios"


class ScenarioError(Exception):
    """The file cannot be played. Says in which line and what to write instead."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(f"{source}, line {line}: {reason}")
        self.line = line
        self.reason = reason


class What(StrEnum):
    """What may happen to a resident."""

    PRESSES = "presses for help"
    FALLS = "falls"
    FALLS_AND_CANCELS = "falls and says it was nothing"
    BREATHLESS = "gets short of breath"
    SMOKE = "burns the supper"
    OPENS_DOOR = "opens the door"


class Does(StrEnum):
    """How a responder answers when called."""

    GOES = "goes"
    CANNOT_GO = "cannot go"
    SILENT = "does not answer"


class Plays(StrEnum):
    """Who works the operators' queue."""

    SIMULATED = "simulated"
    BROWSER = "whoever is at the browser"
    COLLEAGUE = "whoever is at the browser, and a colleague who waits"  # she takes what is left lying


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happens."""

    at_s: float
    who: str
    what: What
    with_: str = ""  # which device, when she has several: a word of its name
    times: int = 1  # real presses
    apart_s: float = 4.0
    copies: int = 1  # how often the device sends the same press
    operator_takes_after_s: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How one person, or all of one role, answers."""

    does: Does = Does.GOES
    answers_after_s: float = 2.0
    leaves_after_s: float = 1.0
    arrives_after_s: float = 5.0
    hands_over_after_s: float = 4.0
    hands_over_to: str = "家属"


@dataclass(frozen=True, kw_only=True)
class NowAndThen:
    """Something that keeps happening to somebody while the scenario runs."""

    about_every_s: float
    what: tuple[What, ...]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The whole play. `at_most_s` None: until somebody stops it."""

    title: str
    operator: Plays
    events: tuple[Event, ...]
    people: Mapping[str, Behaviour]  # by name, or by role for everybody else
    at_most_s: float | None = None
    vitals_every_s: float = 60.0
    operator_takes_after_s: float = 3.0  # where an event says nothing else
    now_and_then: tuple[NowAndThen, ...] = ()

    def behaviour(self, name: str, role: str) -> Behaviour:
        """Return how this person answers: her own line, her role's, or simply going."""
        return self.people.get(name) or self.people.get(role) or Behaviour()

    def at_speed(self, speed: float) -> "Scenario":
        """Return the same play with people `speed` times as quick. What devices and the hub wait for stays."""
        return replace(
            self,
            events=tuple(_quicker(event, speed) for event in self.events),
            people={who: _quicker(behaviour, speed) for who, behaviour in self.people.items()},
            now_and_then=tuple(_quicker(each, speed) for each in self.now_and_then),
            vitals_every_s=self.vitals_every_s / speed,
            operator_takes_after_s=self.operator_takes_after_s / speed,
        )

    def patience(self, resident: str) -> float:
        """Return how many seconds the operator lets this resident's case ring before taking it."""
        own = (event.operator_takes_after_s for event in self.events if event.who == resident)
        return next((each for each in own if each is not None), self.operator_takes_after_s)


Timed = TypeVar("Timed", Event, Behaviour, NowAndThen)


def _quicker(timed: Timed, speed: float) -> Timed:
    spans = {f.name: getattr(timed, f.name) for f in fields(timed) if f.name.endswith("_s")}
    return replace(timed, **{name: value / speed for name, value in spans.items() if value is not None})


def find(name: str) -> Path:
    """Return the file of a shipped scenario's name, or `name` itself as a path."""
    shipped = SHIPPED / f"{name}.toml"
    return shipped if shipped.exists() else Path(name)


def read(text: str, source: str, residents: Sequence[str] = ()) -> Scenario:
    """Parse and check a scenario.

    Args:
        text: the TOML.
        source: what errors call it.
        residents: who lives there; empty when unknown, then names are not checked.

    Raises:
        ScenarioError: With the line and the reason.
    """
    return Reader(text, source, residents).scenario(parsed(text, source))


def parsed(text: str, source: str) -> dict[str, Any]:
    """Parse the TOML of a scenario.

    Raises:
        ScenarioError: It is none; with the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise ScenarioError(source, line, f"not TOML: {error}") from error


_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d)$")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


Table: TypeAlias = dict[str, Any]
LineOf: TypeAlias = Callable[[str], int]
Word = TypeVar("Word", bound=StrEnum)


class Reader:
    """Turns tables into values and knows in which line each table stands."""

    def __init__(self, text: str, source: str, residents: Sequence[str]) -> None:
        self._lines = text.splitlines()
        self._source = source
        self._residents = residents

    def scenario(self, table: Table) -> Scenario:
        known = {
            "title", "about", "operator", "operator_takes_after", "vitals_every", "at_most", "event", "responder",
            "now_and_then",
        }  # fmt: skip
        self.known(table, known, self.line_of)
        at_most = table.get("at_most")
        return Scenario(
            title=self.text(table, "title", self.line_of),
            operator=self.word(Plays, table.get("operator", Plays.SIMULATED), self.line_of("operator")),
            vitals_every_s=self.seconds(table.get("vitals_every", "1m"), self.line_of("vitals_every")),
            operator_takes_after_s=self.seconds(
                table.get("operator_takes_after", "3s"), self.line_of("operator_takes_after")
            ),
            at_most_s=None if at_most is None else self.seconds(at_most, self.line_of("at_most")),
            events=tuple(sorted(self.each(table, "event", self._event), key=lambda event: event.at_s)),
            people=dict(self.each(table, "responder", self._person)),
            now_and_then=tuple(self.each(table, "now_and_then", self._now_and_then)),
        )

    def each(self, table: Table, name: str, make: Callable[[Table, LineOf], Any]) -> list[Any]:
        entries = table.get(name, [])
        if not isinstance(entries, list):
            raise self.fault(self.line_of(name), f"write [[{name}]] with two brackets")
        return [make(entry, self.line_in(name, position)) for position, entry in enumerate(entries)]

    def _event(self, entry: Table, line: LineOf) -> Event:
        known = {"at", "who", "what", "with", "times", "apart", "copies", "operator_takes_after", "note"}
        self.known(entry, known, line)
        who = self.text(entry, "who", line)
        if self._residents and who not in self._residents:
            raise self.fault(line("who"), f"nobody here is called {who}; there are {', '.join(self._residents)}")
        return Event(
            at_s=self.seconds(entry.get("at"), line("at")),
            who=who,
            what=self.word(What, entry.get("what"), line("what")),
            with_=str(entry.get("with", "")),
            times=self.count(entry.get("times", 1), line("times")),
            apart_s=self.seconds(entry.get("apart", "4s"), line("apart")),
            copies=self.count(entry.get("copies", 1), line("copies")),
            operator_takes_after_s=self.seconds(entry["operator_takes_after"], line("operator_takes_after"))
            if "operator_takes_after" in entry
            else None,
            note=str(entry.get("note", "")),
        )

    def _person(self, entry: Table, line: LineOf) -> tuple[str, Behaviour]:
        spans = ("answers_after", "leaves_after", "arrives_after", "hands_over_after")
        self.known(entry, {"who", "does", "hands_over_to", *spans}, line)
        given: dict[str, Any] = {f"{span}_s": self.seconds(entry[span], line(span)) for span in spans if span in entry}
        if "hands_over_to" in entry:
            given["hands_over_to"] = str(entry["hands_over_to"])
        does = self.word(Does, entry.get("does", Does.GOES), line("does"))
        return self.text(entry, "who", line), Behaviour(does=does, **given)

    def _now_and_then(self, entry: Table, line: LineOf) -> NowAndThen:
        self.known(entry, {"about_every", "what"}, line)
        words = entry.get("what", [])
        if not isinstance(words, list) or not words:
            raise self.fault(line("what"), 'write what may happen as a list, like what = ["falls"]')
        return NowAndThen(
            about_every_s=self.seconds(entry.get("about_every"), line("about_every")),
            what=tuple(self.word(What, word, line("what")) for word in words),
        )

    def known(self, table: Table, known: set[str], line: LineOf) -> None:
        for key in table:
            if key not in known:
                raise self.fault(line(key), f"{key} is not a word here; there are {', '.join(sorted(known))}")

    def text(self, table: Table, key: str, line: LineOf) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value:
            raise self.fault(line(key), f'{key} is missing: write {key} = "…"')
        return value

    def seconds(self, value: object, line: int) -> float:
        found = _SECONDS.match(value) if isinstance(value, str) else None
        if not found:
            raise self.fault(line, f'{value!r} is no time: write it like "500ms", "20s", "2m" or "1h"')
        return float(found.group(1)) * _UNITS[found.group(2)]

    def count(self, value: object, line: int, most: int = 20) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise self.fault(line, f"{value!r} is no count: write a whole number from 1 to {most}")
        return value

    def word(self, words: type[Word], value: object, line: int) -> Word:
        try:
            return words(str(value))
        except ValueError:
            choice = ", ".join(f'"{word}"' for word in words)
            raise self.fault(line, f"{value!r} is not a word here: write one of {choice}") from None

    def fault(self, line: int, reason: str) -> ScenarioError:
        return ScenarioError(self._source, line, reason)

    def line_of(self, key: str) -> int:
        """Return the line of a key outside any table, else the first line."""
        return self._find(key, 0, len(self._lines), default=0)

    def line_in(self, table: str, position: int, bracket: str = "") -> LineOf:
        """Return a function that finds a key's line in the n-th [[table]], or in the table with this head."""
        head = bracket or f"[[{table}]]"
        heads = [number for number, line in enumerate(self._lines) if line.strip().startswith(head)]
        start = heads[position] if position < len(heads) else 0
        ends = [number for number, line in enumerate(self._lines) if number > start and line.strip().startswith("[")]
        end = ends[0] if ends else len(self._lines)
        return lambda key: self._find(key, start, end, default=start)

    def _find(self, key: str, start: int, end: int, default: int) -> int:
        pattern = re.compile(rf"^\s*\[{{0,2}}{re.escape(key)}\b")
        for number in range(start, end):
            if pattern.match(self._lines[number]):
                return number + 1
        return default + 1
