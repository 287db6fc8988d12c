"""Read a published version of policies from TOML, refusing with line and reason what must not go live."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from alerts.model import AlertKind, Role, Severity
from alerts.policy import (
    DEFAULT_ZONE,
    ROUND_THE_CLOCK,
    EscalationPolicy,
    IfEmpty,
    Order,
    PolicyError,
    PolicySet,
    Rung,
    Step,
    Target,
    When,
    Window,
)
from alerts.policy_lines import Lines

DURATIONS = ("repeat_last", "ack_expires", "arrival_expires", "scene_expires", "closing_every", "hold_max")
POLICY_KEYS = frozenset({"when", "zone", "countdown", "step", *DURATIONS})
WHEN_KEYS = frozenset({"kind", "severity_at_least", "severity", "area", "between"})
STEP_KEYS = frozenset({"notify", "wait", "only", "if_empty"})
TARGET_KEYS = frozenset(
    {"role", "order", "channels", "next_after", "nearest", "roster", "fallback", "via", "auto_after"}
)
WORDS: Mapping[type[Any], str] = {AlertKind: "kind", Role: "role", Order: "order", IfEmpty: "if_empty"}
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = timedelta(hours=24)
LONGEST_COUNTDOWN = timedelta(seconds=60)


def read(text: str, *, channels: tuple[str, ...], rosters: tuple[str, ...]) -> PolicySet:
    """See `alerts.policy.load`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(_toml_line(str(error), text), f"not TOML: {error}") from error
    return _Reader(Lines(text), channels, rosters).version(table)


@dataclass(frozen=True)
class _Reader:
    """Reads one table after the other; `lines` knows where each stands in the text."""

    lines: Lines
    channels: tuple[str, ...]
    rosters: tuple[str, ...]

    def version(self, table: Mapping[str, Any]) -> PolicySet:
        self._keys(table, frozenset({"zone", "policy"}), ())
        zone = self._zone(table.get("zone", DEFAULT_ZONE), ("zone",))
        named = table.get("policy")
        if not isinstance(named, dict) or not named:
            self._fail((), 'no policy: write [policy."name"] with its steps')
        policies = tuple(self._policy(name, body, zone) for name, body in named.items())
        self._reachable(policies)
        return PolicySet(policies=policies)

    def _policy(self, name: str, body: Any, zone: str) -> EscalationPolicy:
        at = (name,)
        if not isinstance(body, dict):
            self._fail(at, "a policy is a table with steps")
        self._keys(body, POLICY_KEYS, at)
        given: dict[str, Any] = {k: self._duration(body[k], (*at, k)) for k in DURATIONS if k in body}
        countdown = None
        if "countdown" in body:
            countdown = self._duration(body["countdown"], (*at, "countdown"), zero=True, longest=LONGEST_COUNTDOWN)
        policy = EscalationPolicy(
            name=name,
            steps=(),
            when=self._when(body.get("when", {}), (*at, "when")),
            zone=self._zone(body.get("zone", zone), (*at, "zone")),
            countdown=countdown,
            **given,
        )
        steps = body.get("step")
        if not isinstance(steps, list) or not steps:
            self._fail(at, f"policy {name} has no steps: nobody would be called")
        count = len(steps)
        read = tuple(self._step(s, (*at, i), last=i == count - 1, policy=policy) for i, s in enumerate(steps))
        self._covered(read[-1], (*at, count - 1))
        return replace(policy, steps=read)

    def _when(self, body: Any, at: tuple[Any, ...]) -> When:
        if not isinstance(body, dict):
            self._fail(at, "when is a table: { kind = [...], severity_at_least = ..., area = ..., between = [...] }")
        self._keys(body, WHEN_KEYS, at)
        if "severity" in body and "severity_at_least" in body:
            self._fail((*at, "severity"), "give severity or severity_at_least, not both")
        severities = frozenset(Severity)
        if "severity_at_least" in body:
            worst = self._severity(body["severity_at_least"], (*at, "severity_at_least"))
            severities = frozenset(s for s in Severity if s <= worst)
        elif "severity" in body:
            severities = frozenset(self._severity(s, (*at, "severity")) for s in _list(body["severity"]))
        kinds = _list(body.get("kind", "*"))
        areas = _list(body.get("area", "*"))
        if not kinds or not severities or not areas:
            self._fail(at, 'an empty list matches nothing: leave the key out, or write "*"')
        if not all(isinstance(a, str) for a in areas):
            self._fail((*at, "area"), "areas are names")
        return When(
            kinds=frozenset(AlertKind)
            if "*" in kinds
            else frozenset(self._word(AlertKind, k, (*at, "kind")) for k in kinds),
            severities=severities,
            areas=None if "*" in areas else frozenset(areas),
            between=self._window(body["between"], (*at, "between")) if "between" in body else None,
        )

    def _step(self, body: Any, at: tuple[Any, ...], *, last: bool, policy: EscalationPolicy) -> Step:
        if not isinstance(body, dict):
            self._fail(at, "a step is a table")
        self._keys(body, STEP_KEYS, at)
        notify = body.get("notify")
        if not isinstance(notify, list) or not notify:
            self._fail((*at, "notify"), "a step notifies somebody: notify = [ { role = ... } ]")
        if last and "wait" in body:
            self._fail((*at, "wait"), "the last step repeats every repeat_last: take wait away")
        if last and "if_empty" in body:
            self._fail((*at, "if_empty"), "nothing comes after the last step: take if_empty away")
        if not last and "wait" not in body:
            self._fail(at, 'say how long to wait before the next step: wait = "60s"')
        wait = timedelta(0) if last else self._duration(body["wait"], (*at, "wait"))
        window = policy.repeat_last if last else wait
        return Step(
            notify=tuple(self._target(t, at, window) for t in notify),
            wait=wait,
            only=self._only(body.get("only"), (*at, "only")),
            if_empty=self._word(IfEmpty, body.get("if_empty", "next_now"), (*at, "if_empty")),
        )

    def _only(self, body: Any, at: tuple[Any, ...]) -> Window | None:
        if body is None:
            return None
        if not isinstance(body, dict) or set(body) != {"between"}:
            self._fail(at, 'write only = { between = ["07:00", "22:00"] }')
        return self._window(body["between"], at)

    def _target(self, body: Any, step: tuple[Any, ...], window: timedelta) -> Target:
        at = (*step, "notify")
        if not isinstance(body, dict) or "role" not in body:
            self._fail(at, "each to notify is { role = ... }")
        self._keys(body, TARGET_KEYS, at)
        role = self._word(Role, body["role"], at)
        rungs = tuple(self._rung(c, at, window) for c in _list(body.get("channels", [])))
        auto = self._duration(body["auto_after"], at, token=str(body["auto_after"])) if "auto_after" in body else None
        self._confirmation(body, auto, window, at)
        names = [r.channel for r in rungs]
        if len(set(names)) != len(names):
            self._fail(at, "a channel is named twice in one ladder", token=next(n for n in names if names.count(n) > 1))
        if "channels" in body and not rungs:
            self._fail(
                at, "an empty ladder reaches nobody: leave channels out to use every way a person has", "channels"
            )
        late = max((r.delay for r in rungs), default=timedelta(0)) + (auto or timedelta(0))
        if late >= window:
            self._fail(at, f"with auto_after the ladder takes {_s(late)}, and the step only waits {_s(window)}")
        return Target(
            role=role,
            order=self._word(Order, body.get("order", "parallel"), at),
            channels=rungs,
            next_after=self._duration(body.get("next_after", "20s"), at, token=str(body.get("next_after"))),
            nearest=self._count(body.get("nearest"), at),
            roster=self._roster(body.get("roster"), at),
            fallback=self._people(body.get("fallback", []), at),
            operator_confirms="via" in body,
            auto_after=auto,
        )

    def _confirmation(
        self, body: Mapping[str, Any], auto: timedelta | None, window: timedelta, at: tuple[Any, ...]
    ) -> None:
        via = body.get("via")
        if via is not None and via != "operator_confirm":
            self._fail(at, f"unknown via {via!r}; known: operator_confirm", token=str(via))
        if auto is not None and via is None:
            self._fail(at, 'auto_after needs via = "operator_confirm"', token="auto_after")  # noqa: S106
        if auto is not None and auto >= window:
            self._fail(at, f"auto_after {_s(auto)} is not before the step's end after {_s(window)}", token="auto_after")  # noqa: S106

    def _rung(self, written: Any, at: tuple[Any, ...], window: timedelta) -> Rung:
        if not isinstance(written, str):
            self._fail(at, 'a channel is written "webhook" or "webhook@10s"', token=str(written))
        name, _, after = written.partition("@")
        if name not in self.channels:
            self._fail(at, f"unknown channel {name!r}; known: {', '.join(self.channels)}", token=written)
        delay = self._duration(after, at, token=written, zero=True) if "@" in written else timedelta(0)
        if delay >= window:
            self._fail(at, f"{written} rings when the step is over: it waits {_s(window)}", token=written)
        return Rung(channel=name, delay=delay)

    def _roster(self, name: Any, at: tuple[Any, ...]) -> str | None:
        if name is not None and name not in self.rosters:
            known = ", ".join(self.rosters) or "none yet"
            self._fail(at, f"unknown roster {name!r}; known: {known}", token=str(name))
        return name if name is None else str(name)

    def _count(self, number: Any, at: tuple[Any, ...]) -> int | None:
        if number is not None and (type(number) is not int or number < 1):
            self._fail(at, "nearest is a whole number from 1", token="nearest")  # noqa: S106
        return number if number is None else int(number)

    def _people(self, ids: Any, at: tuple[Any, ...]) -> tuple[int, ...]:
        if not isinstance(ids, list) or not all(type(i) is int for i in ids):
            self._fail(at, "fallback is a list of person numbers", token="fallback")  # noqa: S106
        return tuple(ids)

    def _covered(self, step: Step, at: tuple[Any, ...]) -> None:
        """The last step rings until somebody comes, so somebody must be there at three in the morning."""
        if step.only is not None:
            self._fail((*at, "only"), "the last step must ring around the clock: take only away")
        asked = any(t.operator_confirms for t in step.notify)
        if not asked and not any(t.role in ROUND_THE_CLOCK for t in step.notify):
            roles = ", ".join(sorted(r.value for r in ROUND_THE_CLOCK))
            self._fail((*at, "notify"), f"nobody covers the last step around the clock: add one of {roles}")

    def _reachable(self, policies: tuple[EscalationPolicy, ...]) -> None:
        for i, later in enumerate(policies):
            for earlier in policies[:i]:
                if earlier.when.covers(later.when) and not (earlier.when.between and earlier.zone != later.zone):
                    self._fail((later.name,), f"never reached: {earlier.name} is for all its alerts and comes first")
        if not policies[-1].when.everything:
            self._fail((policies[-1].name,), "no catch-all: the last policy must be for everything, without when")

    def _keys(self, body: Mapping[str, Any], known: frozenset[str], at: tuple[Any, ...]) -> None:
        for key in body:
            if key not in known:
                inside = at and at[-1] in ("when", "notify", "only")
                where = at if inside else (*at, key)
                self._fail(where, f"unknown key {key!r}; known: {', '.join(sorted(known))}", token=key)

    def _word(self, words: type[Any], word: Any, at: tuple[Any, ...]) -> Any:
        if not isinstance(word, str) or word not in {w.value for w in words}:
            known = ", ".join(w.value for w in words)
            self._fail(at, f"unknown {WORDS[words]} {word!r}; known: {known}", token=str(word))
        return words(word)

    def _severity(self, word: Any, at: tuple[Any, ...]) -> Severity:
        words = {s.name.lower(): s for s in Severity}
        if not isinstance(word, str) or word not in words:
            self._fail(at, f"unknown severity {word!r}; known: {', '.join(words)}", token=str(word))
        return words[word]

    def _zone(self, name: Any, at: tuple[Any, ...]) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, TypeError, OSError):
            self._fail(at, f"unknown time zone {name!r}; write it like {DEFAULT_ZONE!r}", token=str(name))
        return str(name)

    def _window(self, body: Any, at: tuple[Any, ...]) -> Window:
        if not isinstance(body, list) or len(body) != 2:
            self._fail(at, 'hours are written ["07:00", "22:00"]')
        start, end = (self._clock(t, at) for t in body)
        if start == end:
            self._fail(at, "hours that end when they begin never come: this could never be reached")
        return Window(start=start, end=end)

    def _clock(self, written: Any, at: tuple[Any, ...]) -> time:
        if isinstance(written, time):
            return written
        try:
            parsed = time.fromisoformat(written)
        except (TypeError, ValueError):
            self._fail(at, f'{written!r} is no time of day: write "22:00"', token=str(written))
        if parsed.tzinfo is not None:
            self._fail(at, "hours are the resident's wall time, without a zone", token=str(written))
        return parsed

    def _duration(
        self,
        written: Any,
        at: tuple[Any, ...],
        *,
        token: str = "",
        zero: bool = False,
        longest: timedelta = LONGEST,
    ) -> timedelta:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", written) if isinstance(written, str) else None
        if found is None:
            self._fail(at, f'{written!r} is no duration: write "30s", "5m" or "1h"', token=token)
        seconds = float(found[1]) * UNITS_S[found[2]]
        if not math.isfinite(seconds) or seconds > longest.total_seconds():
            self._fail(at, f"{written} is longer than {_s(longest)}", token=token)
        if seconds < (0 if zero else 1):
            self._fail(at, f"{written} is too short: at least 1s", token=token)
        return timedelta(seconds=seconds)

    def _fail(self, at: tuple[Any, ...], reason: str, token: str = "") -> NoReturn:
        raise PolicyError(self.lines.find(at, token), reason)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _s(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"


def _toml_line(message: str, text: str) -> int:
    found = re.search(r"at line (\d+)", message)
    return int(found[1]) if found else text.count("\n") + 1
