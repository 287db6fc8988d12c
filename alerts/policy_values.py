"""The small words of a policy file, each checked where it stands: durations, hours, zones, names."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from typing import Any, NoReturn, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from alerts.model import AlertKind, Role, Severity
from alerts.policy import DEFAULT_ZONE, Day, IfEmpty, Order, PolicyError, Window
from alerts.policy_faults import Fault
from alerts.policy_lines import Lines

T = TypeVar("T")
At: TypeAlias = tuple[Any, ...]  # policy, number of the step or key, key, number in its list: see Lines.find
WORDS: Mapping[type[Any], str] = {AlertKind: "kind", Role: "role", Order: "order", IfEmpty: "if_empty", Day: "day"}
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = timedelta(hours=24)
INLINE = frozenset({"when", "notify", "only"})  # tables within one key: their own keys begin no line


@dataclass(frozen=True)
class Words:
    """Reads single values; whatever is wrong is a PolicyError with its line."""

    lines: Lines

    def all_of(self, read: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
        """Read every item, or refuse with the faults of all of them."""
        done: list[T] = []
        faults: list[Fault] = []
        for item in items:
            try:
                done.append(read(item))
            except PolicyError as error:
                faults.extend(error.faults)
        if faults:
            raise PolicyError(faults)
        return done

    def keys(self, body: Mapping[str, Any], known: frozenset[str], at: At) -> None:
        inside = not INLINE.isdisjoint(map(str, at[1:]))

        def refuse(key: str) -> None:
            where = at if inside or not at else (*at, key)
            self.fail(where, "unknown_key", spot=key, key=repr(key), known=", ".join(sorted(known)))

        self.all_of(refuse, (key for key in body if key not in known))

    def word(self, words: type[Any], word: Any, at: At) -> Any:
        if not isinstance(word, str) or word not in {w.value for w in words}:
            known = ", ".join(w.value for w in words)
            self.fail(at, "unknown_word", spot=str(word), what=WORDS[words], word=repr(word), known=known)
        return words(word)

    def severity(self, word: Any, at: At) -> Severity:
        words = {s.name.lower(): s for s in Severity}
        if not isinstance(word, str) or word not in words:
            self.fail(at, "unknown_word", spot=str(word), what="severity", word=repr(word), known=", ".join(words))
        return words[word]

    def zone(self, name: Any, at: At) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, TypeError, OSError):
            self.fail(at, "bad_zone", spot=str(name), name=repr(name), like=repr(DEFAULT_ZONE))
        return str(name)

    def window(self, body: Any, at: At) -> Window:
        if not isinstance(body, list) or len(body) != 2:
            self.fail(at, "bad_hours")
        start, end = self.all_of(lambda written: self.clock(written, at), body)
        if start == end:
            self.fail(at, "hours_never")
        return Window(start=start, end=end)

    def days(self, body: Any, at: At) -> frozenset[Day]:
        named = body if isinstance(body, list) else [body]
        if not named:
            self.fail(at, "bad_days")
        return frozenset(self.all_of(lambda day: self.word(Day, day, at), named))

    def hours(self, body: Mapping[str, Any], at: At) -> Window | None:
        """Read `between` and `days` of a table; None: always."""

        def read(key: str) -> Any:
            return (self.window if key == "between" else self.days)(body[key], (*at, key))

        given = [key for key in ("between", "days") if key in body]
        found = dict(zip(given, self.all_of(read, given), strict=True))
        window = found.get("between", Window())
        return replace(window, days=found["days"]) if "days" in found else window if found else None

    def clock(self, written: Any, at: At) -> time:
        if isinstance(written, time):
            return written
        try:
            parsed = time.fromisoformat(written)
        except (TypeError, ValueError):
            self.fail(at, "bad_clock", spot=str(written), written=repr(written))
        if parsed.tzinfo is not None:
            self.fail(at, "clock_zone", spot=str(written))
        return parsed

    def duration(
        self,
        written: Any,
        at: At,
        *,
        spot: str = "",
        zero: bool = False,
        longest: timedelta = LONGEST,
    ) -> timedelta:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", written) if isinstance(written, str) else None
        if found is None:
            self.fail(at, "bad_duration", spot=spot, written=repr(written))
        seconds = float(found[1]) * UNITS_S[found[2]]
        if not math.isfinite(seconds) or seconds > longest.total_seconds():
            self.fail(at, "too_long", spot=spot, written=written, limit=seconds_of(longest))
        if seconds < (0 if zero else 1):
            self.fail(at, "too_short", spot=spot, written=written)
        return timedelta(seconds=seconds)

    def fail(self, at: At, code: str, spot: str = "", **facts: Any) -> NoReturn:
        raise PolicyError([Fault(line=self.lines.find(at, spot), code=code, facts=facts)])


@dataclass(frozen=True)
class Noting(Words):
    """Notes a fault and reads on, so that all of a file are told at once; what could not be read is left out."""

    found: list[Fault] = field(default_factory=list, kw_only=True)

    @contextmanager
    def noting(self) -> Iterator[None]:
        try:
            yield
        except PolicyError as error:
            self.found.extend(error.faults)

    def note(self, at: At, code: str, spot: str = "", **facts: Any) -> None:
        with self.noting():
            self.fail(at, code, spot, **facts)


def seconds_of(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"


def hours_of(window: Window) -> str:
    """Return hours as they are written in a sentence: 22:00–06:00."""
    return f"{window.start.isoformat('minutes')}–{window.end.isoformat('minutes')}"
