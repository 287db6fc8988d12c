"""Read a published version of policies from TOML, refusing with line and reason what must not go live."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from alerts.policy_faults import Fault
from alerts.policy_lines import Lines
from alerts.policy_reach import late_steps, shadowed
from alerts.policy_values import At, Words, hours_of, seconds_of

DURATIONS = ("repeat_last", "ack_expires", "arrival_expires", "scene_expires", "closing_every", "hold_max")
POLICY_KEYS = frozenset({"when", "zone", "countdown", "step", *DURATIONS})
WHEN_KEYS = frozenset({"kind", "severity_at_least", "severity", "area", "between", "days"})
ONLY_KEYS = frozenset({"between", "days"})
STEP_KEYS = frozenset({"notify", "wait", "only", "if_empty"})
TARGET_KEYS = frozenset(
    {"role", "order", "channels", "next_after", "nearest", "roster", "fallback", "via", "auto_after"}
)
LONGEST_COUNTDOWN = timedelta(seconds=60)
NOBODY = Step(notify=())  # in place of a step that could not be read


def read(text: str, *, channels: tuple[str, ...], rosters: tuple[str, ...]) -> PolicySet:
    """See `alerts.policy.load`."""
    try:
        table = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number with more digits than Python reads
        raise _refused(_toml_line(str(error), text), "not_toml", error=str(error)) from error
    except RecursionError as error:
        raise _refused(1, "too_deep") from error
    reader = _Reader(Lines(text), channels, rosters)
    version = reader.version(table)
    if reader.found:
        raise PolicyError(reader.found)
    return version


@dataclass(frozen=True)
class _Reader(Words):
    """Reads one table after the other; `lines` knows where each stands in the text.

    A fault is noted and the next table is read, so that all are told at once; what could not be read is left out.
    """

    channels: tuple[str, ...]
    rosters: tuple[str, ...]
    found: list[Fault] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)  # policies of which nobody can say what they are for

    @contextmanager
    def noting(self) -> Iterator[None]:
        try:
            yield
        except PolicyError as error:
            self.found.extend(error.faults)

    def note(self, at: At, code: str, spot: str = "", **facts: Any) -> None:
        with self.noting():
            self.fail(at, code, spot, **facts)

    def version(self, table: Mapping[str, Any]) -> PolicySet:
        self.keys(table, frozenset({"zone", "policy"}), ())
        zone = self.zone(table.get("zone", DEFAULT_ZONE), ("zone",))
        named = table.get("policy")
        if not isinstance(named, dict) or not named:
            self.fail((), "no_policy")
        policies = tuple(self._policy(name, body, zone) for name, body in named.items())
        self._reachable(policies)
        return PolicySet(policies=policies)

    def _policy(self, name: str, body: Any, zone: str) -> EscalationPolicy:
        at = (name,)
        policy = EscalationPolicy(name=name, steps=(NOBODY,), zone=zone)
        self.unread.add(name)
        if not isinstance(body, dict):
            self.note(at, "not_a_policy")
            return policy
        with self.noting():
            policy = replace(policy, when=self._when(body.get("when", {}), (*at, "when")))
            self.unread.discard(name)
        with self.noting():
            self.keys(body, POLICY_KEYS, at)
        with self.noting():
            policy = replace(policy, zone=self.zone(body.get("zone", zone), (*at, "zone")))
        for key in DURATIONS:
            with self.noting():
                if key in body:
                    given: dict[str, Any] = {key: self.duration(body[key], (*at, key))}
                    policy = replace(policy, **given)
        with self.noting():
            if "countdown" in body:
                countdown = self.duration(body["countdown"], (*at, "countdown"), zero=True, longest=LONGEST_COUNTDOWN)
                policy = replace(policy, countdown=countdown)
        steps = policy.steps
        with self.noting():
            steps = self._steps(body.get("step"), policy, at)
        return replace(policy, steps=steps)

    def _steps(self, steps: Any, policy: EscalationPolicy, at: At) -> tuple[Step, ...]:
        if not isinstance(steps, list) or not steps:
            self.fail(at, "no_steps", name=policy.name)
        read = []
        for i, body in enumerate(steps):
            step = NOBODY
            with self.noting():
                step = self._step(body, (*at, i), last=i == len(steps) - 1, policy=policy)
            read.append(step)
        for i, policy_hours, step_hours in late_steps(policy.when.between, read):
            self.note((*at, i, "only"), "step_never", policy=hours_of(policy_hours), step=hours_of(step_hours))
        return tuple(read)

    def _when(self, body: Any, at: At) -> When:
        if not isinstance(body, dict):
            self.fail(at, "bad_when")
        self.keys(body, WHEN_KEYS, at)
        if "severity" in body and "severity_at_least" in body:
            self.fail((*at, "severity"), "severity_twice")
        severities = frozenset(Severity)
        if "severity_at_least" in body:
            worst = self.severity(body["severity_at_least"], (*at, "severity_at_least"))
            severities = frozenset(s for s in Severity if s <= worst)
        elif "severity" in body:
            severities = frozenset(self.severity(s, (*at, "severity")) for s in _list(body["severity"]))
        kinds = _list(body.get("kind", "*"))
        areas = _list(body.get("area", "*"))
        if not kinds or not severities or not areas:
            self.fail(at, "empty_when")
        if not all(isinstance(a, str) for a in areas):
            self.fail((*at, "area"), "bad_area")
        return When(
            kinds=frozenset(AlertKind)
            if "*" in kinds
            else frozenset(self.word(AlertKind, k, (*at, "kind")) for k in kinds),
            severities=severities,
            areas=None if "*" in areas else frozenset(areas),
            between=self.hours(body, at),
        )

    def _step(self, body: Any, at: At, *, last: bool, policy: EscalationPolicy) -> Step:
        if not isinstance(body, dict):
            self.fail(at, "not_a_step")
        self.keys(body, STEP_KEYS, at)
        notify = body.get("notify")
        if not isinstance(notify, list) or not notify:
            self.fail((*at, "notify"), "nobody_named")
        if last and "wait" in body:
            self.note((*at, "wait"), "last_waits")
        if last and "if_empty" in body:
            self.note((*at, "if_empty"), "last_empties")
        if not last and "wait" not in body:
            self.fail(at, "no_wait")
        wait = timedelta(0) if last else self.duration(body["wait"], (*at, "wait"))
        targets = self._targets(notify, at, policy.repeat_last if last else wait)
        only, if_empty = None, IfEmpty.NEXT_NOW
        with self.noting():
            only = self._only(body.get("only"), (*at, "only"))
        with self.noting():
            if_empty = self.word(IfEmpty, body.get("if_empty", "next_now"), (*at, "if_empty"))
        step = Step(notify=targets, wait=wait, only=only, if_empty=if_empty)
        if last:
            self._covered(step, at, whole=len(targets) == len(notify))
        return step

    def _targets(self, notify: Sequence[Any], at: At, window: timedelta) -> tuple[Target, ...]:
        read = []
        for body in notify:
            with self.noting():
                read.append(self._target(body, at, window))
        return tuple(read)

    def _only(self, body: Any, at: At) -> Window | None:
        if body is None:
            return None
        if not isinstance(body, dict) or not body or not set(body) <= ONLY_KEYS:
            self.fail(at, "bad_only")
        return self.hours(body, at)

    def _target(self, body: Any, step: At, window: timedelta) -> Target:
        at = (*step, "notify")
        if not isinstance(body, dict) or "role" not in body:
            self.fail(at, "not_a_target")
        self.keys(body, TARGET_KEYS, at)
        role = self.word(Role, body["role"], at)
        rungs = tuple(self._rung(c, at, window) for c in _list(body.get("channels", [])))
        auto = self.duration(body["auto_after"], at, spot=str(body["auto_after"])) if "auto_after" in body else None
        self._confirmation(body, auto, window, at)
        names = [r.channel for r in rungs]
        if len(set(names)) != len(names):
            self.fail(at, "channel_twice", spot=next(n for n in names if names.count(n) > 1))
        if "channels" in body and not rungs:
            self.fail(at, "empty_ladder", spot="channels")
        late = max((r.delay for r in rungs), default=timedelta(0)) + (auto or timedelta(0))
        if late >= window:
            self.fail(at, "ladder_late", late=seconds_of(late), window=seconds_of(window))
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
            self.fail(at, "bad_via", spot=str(via), via=repr(via))
        if auto is not None and via is None:
            self.fail(at, "auto_without_via", spot="auto_after")
        if auto is not None and auto >= window:
            self.fail(at, "auto_late", spot="auto_after", auto=seconds_of(auto), window=seconds_of(window))

    def _rung(self, written: Any, at: At, window: timedelta) -> Rung:
        if not isinstance(written, str):
            self.fail(at, "bad_rung", spot=str(written))
        name, _, after = written.partition("@")
        if name not in self.channels:
            self.fail(at, "unknown_channel", spot=written, name=repr(name), known=", ".join(self.channels))
        delay = self.duration(after, at, spot=written, zero=True) if "@" in written else timedelta(0)
        if delay >= window:
            self.fail(at, "rung_late", spot=written, written=written, window=seconds_of(window))
        return Rung(channel=name, delay=delay)

    def _roster(self, name: Any, at: At) -> str | None:
        if name is not None and name not in self.rosters:
            known = ", ".join(self.rosters) or ("还没有", "none yet")
            self.fail(at, "unknown_roster", spot=str(name), name=repr(name), known=known)
        return name if name is None else str(name)

    def _count(self, number: Any, at: At) -> int | None:
        if number is not None and (type(number) is not int or number < 1):
            self.fail(at, "bad_nearest", spot="nearest")
        return number if number is None else int(number)

    def _people(self, ids: Any, at: At) -> tuple[int, ...]:
        if not isinstance(ids, list) or not all(type(i) is int for i in ids):
            self.fail(at, "bad_fallback", spot="fallback")
        return tuple(ids)

    def _covered(self, step: Step, at: At, *, whole: bool) -> None:
        """The last step rings until somebody comes, so somebody must be there at three in the morning."""
        if step.only is not None:
            self.note((*at, "only"), "last_only")
        asked = any(t.operator_confirms for t in step.notify)
        if whole and not asked and not any(t.role in ROUND_THE_CLOCK for t in step.notify):
            roles = ", ".join(sorted(r.value for r in ROUND_THE_CLOCK))
            self.note((*at, "notify"), "last_uncovered", roles=roles)

    def _reachable(self, policies: tuple[EscalationPolicy, ...]) -> None:
        for later, earlier in shadowed([p for p in policies if p.name not in self.unread]):
            self.note((later.name,), "policy_never", earlier=", ".join(p.name for p in earlier))
        if not policies[-1].when.everything:
            self.note((policies[-1].name,), "no_catch_all")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _refused(line: int, code: str, **facts: Any) -> PolicyError:
    return PolicyError([Fault(line=line, code=code, facts=facts)])


def _toml_line(message: str, text: str) -> int:
    found = re.search(r"at line (\d+)", message)
    return int(found[1]) if found else text.count("\n") + 1
