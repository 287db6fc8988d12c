"""Read a published version of policies from TOML, refusing with line and reason what must not go live."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

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
from alerts.policy_values import At, Words, seconds_of

DURATIONS = ("repeat_last", "ack_expires", "arrival_expires", "scene_expires", "closing_every", "hold_max")
POLICY_KEYS = frozenset({"when", "zone", "countdown", "step", *DURATIONS})
WHEN_KEYS = frozenset({"kind", "severity_at_least", "severity", "area", "between"})
STEP_KEYS = frozenset({"notify", "wait", "only", "if_empty"})
TARGET_KEYS = frozenset(
    {"role", "order", "channels", "next_after", "nearest", "roster", "fallback", "via", "auto_after"}
)
LONGEST_COUNTDOWN = timedelta(seconds=60)


def read(text: str, *, channels: tuple[str, ...], rosters: tuple[str, ...]) -> PolicySet:
    """See `alerts.policy.load`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(_toml_line(str(error), text), f"not TOML: {error}") from error
    except RecursionError as error:
        raise PolicyError(1, "nested too deep for a policy") from error
    return _Reader(Lines(text), channels, rosters).version(table)


@dataclass(frozen=True)
class _Reader(Words):
    """Reads one table after the other; `lines` knows where each stands in the text."""

    channels: tuple[str, ...]
    rosters: tuple[str, ...]

    def version(self, table: Mapping[str, Any]) -> PolicySet:
        self.keys(table, frozenset({"zone", "policy"}), ())
        zone = self.zone(table.get("zone", DEFAULT_ZONE), ("zone",))
        named = table.get("policy")
        if not isinstance(named, dict) or not named:
            self.fail((), 'no policy: write [policy."name"] with its steps')
        policies = tuple(self._policy(name, body, zone) for name, body in named.items())
        self._reachable(policies)
        return PolicySet(policies=policies)

    def _policy(self, name: str, body: Any, zone: str) -> EscalationPolicy:
        at = (name,)
        if not isinstance(body, dict):
            self.fail(at, "a policy is a table with steps")
        self.keys(body, POLICY_KEYS, at)
        given: dict[str, Any] = {k: self.duration(body[k], (*at, k)) for k in DURATIONS if k in body}
        countdown = None
        if "countdown" in body:
            countdown = self.duration(body["countdown"], (*at, "countdown"), zero=True, longest=LONGEST_COUNTDOWN)
        policy = EscalationPolicy(
            name=name,
            steps=(),
            when=self._when(body.get("when", {}), (*at, "when")),
            zone=self.zone(body.get("zone", zone), (*at, "zone")),
            countdown=countdown,
            **given,
        )
        steps = body.get("step")
        if not isinstance(steps, list) or not steps:
            self.fail(at, f"policy {name} has no steps: nobody would be called")
        count = len(steps)
        read = tuple(self._step(s, (*at, i), last=i == count - 1, policy=policy) for i, s in enumerate(steps))
        self._covered(read[-1], (*at, count - 1))
        return replace(policy, steps=read)

    def _when(self, body: Any, at: At) -> When:
        if not isinstance(body, dict):
            self.fail(at, "when is a table: { kind = [...], severity_at_least = ..., area = ..., between = [...] }")
        self.keys(body, WHEN_KEYS, at)
        if "severity" in body and "severity_at_least" in body:
            self.fail((*at, "severity"), "give severity or severity_at_least, not both")
        severities = frozenset(Severity)
        if "severity_at_least" in body:
            worst = self.severity(body["severity_at_least"], (*at, "severity_at_least"))
            severities = frozenset(s for s in Severity if s <= worst)
        elif "severity" in body:
            severities = frozenset(self.severity(s, (*at, "severity")) for s in _list(body["severity"]))
        kinds = _list(body.get("kind", "*"))
        areas = _list(body.get("area", "*"))
        if not kinds or not severities or not areas:
            self.fail(at, 'an empty list matches nothing: leave the key out, or write "*"')
        if not all(isinstance(a, str) for a in areas):
            self.fail((*at, "area"), "areas are names")
        return When(
            kinds=frozenset(AlertKind)
            if "*" in kinds
            else frozenset(self.word(AlertKind, k, (*at, "kind")) for k in kinds),
            severities=severities,
            areas=None if "*" in areas else frozenset(areas),
            between=self.window(body["between"], (*at, "between")) if "between" in body else None,
        )

    def _step(self, body: Any, at: At, *, last: bool, policy: EscalationPolicy) -> Step:
        if not isinstance(body, dict):
            self.fail(at, "a step is a table")
        self.keys(body, STEP_KEYS, at)
        notify = body.get("notify")
        if not isinstance(notify, list) or not notify:
            self.fail((*at, "notify"), "a step notifies somebody: notify = [ { role = ... } ]")
        if last and "wait" in body:
            self.fail((*at, "wait"), "the last step repeats every repeat_last: take wait away")
        if last and "if_empty" in body:
            self.fail((*at, "if_empty"), "nothing comes after the last step: take if_empty away")
        if not last and "wait" not in body:
            self.fail(at, 'say how long to wait before the next step: wait = "60s"')
        wait = timedelta(0) if last else self.duration(body["wait"], (*at, "wait"))
        window = policy.repeat_last if last else wait
        return Step(
            notify=tuple(self._target(t, at, window) for t in notify),
            wait=wait,
            only=self._only(body.get("only"), (*at, "only")),
            if_empty=self.word(IfEmpty, body.get("if_empty", "next_now"), (*at, "if_empty")),
        )

    def _only(self, body: Any, at: At) -> Window | None:
        if body is None:
            return None
        if not isinstance(body, dict) or set(body) != {"between"}:
            self.fail(at, 'write only = { between = ["07:00", "22:00"] }')
        return self.window(body["between"], at)

    def _target(self, body: Any, step: At, window: timedelta) -> Target:
        at = (*step, "notify")
        if not isinstance(body, dict) or "role" not in body:
            self.fail(at, "each to notify is { role = ... }")
        self.keys(body, TARGET_KEYS, at)
        role = self.word(Role, body["role"], at)
        rungs = tuple(self._rung(c, at, window) for c in _list(body.get("channels", [])))
        auto = self.duration(body["auto_after"], at, spot=str(body["auto_after"])) if "auto_after" in body else None
        self._confirmation(body, auto, window, at)
        names = [r.channel for r in rungs]
        if len(set(names)) != len(names):
            self.fail(at, "a channel is named twice in one ladder", spot=next(n for n in names if names.count(n) > 1))
        if "channels" in body and not rungs:
            self.fail(
                at, "an empty ladder reaches nobody: leave channels out to use every way a person has", "channels"
            )
        late = max((r.delay for r in rungs), default=timedelta(0)) + (auto or timedelta(0))
        if late >= window:
            self.fail(at, f"the ladder takes {seconds_of(late)} with auto_after, the step only {seconds_of(window)}")
        return Target(
            role=role,
            order=self.word(Order, body.get("order", "parallel"), at),
            channels=rungs,
            next_after=self.duration(body.get("next_after", "20s"), at, spot=str(body.get("next_after"))),
            nearest=self._count(body.get("nearest"), at),
            roster=self._roster(body.get("roster"), at),
            fallback=self._people(body.get("fallback", []), at),
            operator_confirms="via" in body,
            auto_after=auto,
        )

    def _confirmation(self, body: Mapping[str, Any], auto: timedelta | None, window: timedelta, at: At) -> None:
        via = body.get("via")
        if via is not None and via != "operator_confirm":
            self.fail(at, f"unknown via {via!r}; known: operator_confirm", spot=str(via))
        if auto is not None and via is None:
            self.fail(at, 'auto_after needs via = "operator_confirm"', spot="auto_after")
        if auto is not None and auto >= window:
            self.fail(
                at,
                f"auto_after {seconds_of(auto)} is not before the step's end after {seconds_of(window)}",
                spot="auto_after",
            )

    def _rung(self, written: Any, at: At, window: timedelta) -> Rung:
        if not isinstance(written, str):
            self.fail(at, 'a channel is written "webhook" or "webhook@10s"', spot=str(written))
        name, _, after = written.partition("@")
        if name not in self.channels:
            self.fail(at, f"unknown channel {name!r}; known: {', '.join(self.channels)}", spot=written)
        delay = self.duration(after, at, spot=written, zero=True) if "@" in written else timedelta(0)
        if delay >= window:
            self.fail(at, f"{written} rings when the step is over: it waits {seconds_of(window)}", spot=written)
        return Rung(channel=name, delay=delay)

    def _roster(self, name: Any, at: At) -> str | None:
        if name is not None and name not in self.rosters:
            known = ", ".join(self.rosters) or "none yet"
            self.fail(at, f"unknown roster {name!r}; known: {known}", spot=str(name))
        return name if name is None else str(name)

    def _count(self, number: Any, at: At) -> int | None:
        if number is not None and (type(number) is not int or number < 1):
            self.fail(at, "nearest is a whole number from 1", spot="nearest")
        return number if number is None else int(number)

    def _people(self, ids: Any, at: At) -> tuple[int, ...]:
        if not isinstance(ids, list) or not all(type(i) is int for i in ids):
            self.fail(at, "fallback is a list of person numbers", spot="fallback")
        return tuple(ids)

    def _covered(self, step: Step, at: At) -> None:
        """The last step rings until somebody comes, so somebody must be there at three in the morning."""
        if step.only is not None:
            self.fail((*at, "only"), "the last step must ring around the clock: take only away")
        asked = any(t.operator_confirms for t in step.notify)
        if not asked and not any(t.role in ROUND_THE_CLOCK for t in step.notify):
            roles = ", ".join(sorted(r.value for r in ROUND_THE_CLOCK))
            self.fail((*at, "notify"), f"nobody covers the last step around the clock: add one of {roles}")

    def _reachable(self, policies: tuple[EscalationPolicy, ...]) -> None:
        for i, later in enumerate(policies):
            for earlier in policies[:i]:
                if earlier.when.covers(later.when) and not (earlier.when.between and earlier.zone != later.zone):
                    self.fail((later.name,), f"never reached: {earlier.name} is for all its alerts and comes first")
        if not policies[-1].when.everything:
            self.fail((policies[-1].name,), "no catch-all: the last policy must be for everything, without when")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _toml_line(message: str, text: str) -> int:
    found = re.search(r"at line (\d+)", message)
    return int(found[1]) if found else text.count("\n") + 1
