"""The small words of a policy file, each checked where it stands: durations, hours, zones, names."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, NoReturn, TypeAlias
from zoneinfo import ZoneInfo

from alerts.model import AlertKind, Role, Severity
from alerts.policy import DEFAULT_ZONE, IfEmpty, Order, PolicyError, Window
from alerts.policy_lines import Lines

At: TypeAlias = tuple[Any, ...]  # policy, number of the step or key, key: see Lines.find
WORDS: Mapping[type[Any], str] = {AlertKind: "kind", Role: "role", Order: "order", IfEmpty: "if_empty"}
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = timedelta(hours=24)


@dataclass(frozen=True)
class Words:
    """Reads single values; whatever is wrong is a PolicyError with its line."""

    lines: Lines

    def keys(self, body: Mapping[str, Any], known: frozenset[str], at: At) -> None:
        for key in body:
            if key not in known:
                inside = at and at[-1] in ("when", "notify", "only")
                where = at if inside else (*at, key)
                self.fail(where, f"unknown key {key!r}; known: {', '.join(sorted(known))}", spot=key)

    def word(self, words: type[Any], word: Any, at: At) -> Any:
        if not isinstance(word, str) or word not in {w.value for w in words}:
            known = ", ".join(w.value for w in words)
            self.fail(at, f"unknown {WORDS[words]} {word!r}; known: {known}", spot=str(word))
        return words(word)

    def severity(self, word: Any, at: At) -> Severity:
        words = {s.name.lower(): s for s in Severity}
        if not isinstance(word, str) or word not in words:
            self.fail(at, f"unknown severity {word!r}; known: {', '.join(words)}", spot=str(word))
        return words[word]

    def zone(self, name: Any, at: At) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, TypeError, OSError):
            self.fail(at, f"unknown time zone {name!r}; write it like {DEFAULT_ZONE!r}", spot=str(name))
        return str(name)

    def window(self, body: Any, at: At) -> Window:
        if not isinstance(body, list) or len(body) != 2:
            self.fail(at, 'hours are written ["07:00", "22:00"]')
        start, end = (self.clock(t, at) for t in body)
        if start == end:
            self.fail(at, "hours that end when they begin never come: this could never be reached")
        return Window(start=start, end=end)

    def clock(self, written: Any, at: At) -> time:
        if isinstance(written, time):
            return written
        try:
            parsed = time.fromisoformat(written)
        except (TypeError, ValueError):
            self.fail(at, f'{written!r} is no time of day: write "22:00"', spot=str(written))
        if parsed.tzinfo is not None:
            self.fail(at, "hours are the resident's wall time, without a zone", spot=str(written))
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
            self.fail(at, f'{written!r} is no duration: write "30s", "5m" or "1h"', spot=spot)
        seconds = float(found[1]) * UNITS_S[found[2]]
        if not math.isfinite(seconds) or seconds > longest.total_seconds():
            self.fail(at, f"{written} is longer than {seconds_of(longest)}", spot=spot)
        if seconds < (0 if zero else 1):
            self.fail(at, f"{written} is too short: at least 1s", spot=spot)
        return timedelta(seconds=seconds)

    def fail(self, at: At, reason: str, spot: str = "") -> NoReturn:
        raise PolicyError(self.lines.find(at, spot), reason)


def seconds_of(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"
