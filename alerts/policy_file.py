"""Read a published version of policies from TOML, refusing with line and reason what must not go live."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from alerts.model import AlertKind, Severity
from alerts.policy import (
    DEFAULT_ZONE,
    ROUND_THE_CLOCK,
    EscalationPolicy,
    IfEmpty,
    PolicyError,
    PolicySet,
    Step,
    Target,
    When,
    Window,
)
from alerts.policy_faults import Fault
from alerts.policy_lines import Lines
from alerts.policy_reach import late_steps, shadowed
from alerts.policy_target import Targets
from alerts.policy_values import LONGEST, At, hours_of

DURATIONS = ("repeat_last", "ack_expires", "arrival_expires", "scene_expires", "closing_every", "hold_max")
POLICY_KEYS = frozenset({"when", "zone", "countdown", "step", *DURATIONS})
WHEN_KEYS = frozenset({"kind", "severity_at_least", "severity", "area", "between", "days"})
ONLY_KEYS = frozenset({"between", "days"})
STEP_KEYS = frozenset({"notify", "wait", "only", "if_empty"})
LONGEST_COUNTDOWN = timedelta(seconds=60)
NOBODY = Step(notify=(), wait=LONGEST)  # in place of a step that could not be read


def read(text: str, *, channels: tuple[str, ...], rosters: tuple[str, ...]) -> PolicySet:
    """See `alerts.policy.load`."""
    try:
        table = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number with more digits than Python reads
        raise _refused(_toml_line(str(error), text), "not_toml", error=str(error)) from error
    except RecursionError as error:
        raise _refused(1, "too_deep") from error
    reader = _Reader(Lines(text), channels, rosters)
    version = PolicySet(policies=())
    with reader.noting():
        version = reader.version(table)
    if reader.found:
        raise PolicyError(reader.found)
    return version


@dataclass(frozen=True)
class _Reader(Targets):
    """Reads one table after the other; `lines` knows where each stands in the text."""

    unread: set[str] = field(default_factory=set, kw_only=True)  # policies of which nobody can say what they are for

    def version(self, table: Mapping[str, Any]) -> PolicySet:
        with self.noting():
            self.keys(table, frozenset({"zone", "policy"}), ())
        zone = DEFAULT_ZONE
        with self.noting():
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
        when = self._when(body.get("when", {}), (*at, "when"))
        if when is not None:
            policy = replace(policy, when=when)
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
        read = [self._step(step, (*at, i), policy, last=i == len(steps) - 1) for i, step in enumerate(steps)]
        for i, policy_hours, step_hours in late_steps(policy.when.between, read):
            self.note((*at, i, "only"), "step_never", policy=hours_of(policy_hours), step=hours_of(step_hours))
        return tuple(read)

    def _when(self, body: Any, at: At) -> When | None:
        """Return what a policy is for; None when nobody can say."""
        so_far = len(self.found)
        if not isinstance(body, dict):
            self.note(at, "bad_when")
            return None
        when = When()
        with self.noting():
            self.keys(body, WHEN_KEYS, at)
        with self.noting():
            when = replace(when, severities=self._severities(body, at))
        with self.noting():
            when = replace(when, kinds=self._kinds(_list(body.get("kind", "*")), at))
        with self.noting():
            when = replace(when, areas=self._areas(_list(body.get("area", "*")), at))
        with self.noting():
            when = replace(when, between=self.hours(body, at))
        return when if len(self.found) == so_far else None

    def _severities(self, body: Mapping[str, Any], at: At) -> frozenset[Severity]:
        if "severity" in body and "severity_at_least" in body:
            self.fail((*at, "severity"), "severity_twice")
        if "severity_at_least" in body:
            worst = self.severity(body["severity_at_least"], (*at, "severity_at_least"))
            return frozenset(s for s in Severity if s <= worst)
        if "severity" not in body:
            return frozenset(Severity)
        written = _list(body["severity"]) or self.fail(at, "empty_when", spot="severity")
        return frozenset(self.all_of(lambda word: self.severity(word, (*at, "severity")), written))

    def _kinds(self, written: list[Any], at: At) -> frozenset[AlertKind]:
        if not written:
            self.fail(at, "empty_when", spot="kind")
        if "*" in written:
            return frozenset(AlertKind)
        return frozenset(self.all_of(lambda word: self.word(AlertKind, word, (*at, "kind")), written))

    def _areas(self, written: list[Any], at: At) -> frozenset[str] | None:
        if not written:
            self.fail(at, "empty_when", spot="area")
        if not all(isinstance(area, str) for area in written):
            self.fail((*at, "area"), "bad_area")
        return None if "*" in written else frozenset(written)

    def _step(self, body: Any, at: At, policy: EscalationPolicy, *, last: bool) -> Step:
        if not isinstance(body, dict):
            self.note(at, "not_a_step")
            return NOBODY
        with self.noting():
            self.keys(body, STEP_KEYS, at)
        wait = self._wait(body, at, last=last)
        only, if_empty = None, IfEmpty.NEXT_NOW
        with self.noting():
            only = self._only(body.get("only"), (*at, "only"))
        with self.noting():
            if_empty = self.word(IfEmpty, body.get("if_empty", "next_now"), (*at, "if_empty"))
        targets, whole = self._notify(body.get("notify"), at, policy.repeat_last if last else wait)
        if last:
            self._covered(targets, at, whole=whole, always="only" not in body)
        return Step(notify=targets, wait=LONGEST if wait is None else wait, only=only, if_empty=if_empty)

    def _wait(self, body: Mapping[str, Any], at: At, *, last: bool) -> timedelta | None:
        """Return how long to wait before the next step; None when nobody can say."""
        if last and "wait" in body:
            self.note((*at, "wait"), "last_waits")
        if last and "if_empty" in body:
            self.note((*at, "if_empty"), "last_empties")
        wait = timedelta(0) if last else None
        if not last and "wait" not in body:
            self.note(at, "no_wait")
        elif not last:
            with self.noting():
                wait = self.duration(body["wait"], (*at, "wait"))
        return wait

    def _notify(self, notify: Any, at: At, window: timedelta | None) -> tuple[tuple[Target, ...], bool]:
        """Return whom a step notifies, and whether all of them could be read."""
        if not isinstance(notify, list) or not notify:
            self.note((*at, "notify"), "nobody_named")
            return (), False
        targets = self.targets(notify, at, window)
        return targets, len(targets) == len(notify)

    def _only(self, body: Any, at: At) -> Window | None:
        if body is None:
            return None
        if not isinstance(body, dict) or not body or not set(body) <= ONLY_KEYS:
            self.fail(at, "bad_only")
        return self.hours(body, at)

    def _covered(self, targets: tuple[Target, ...], at: At, *, whole: bool, always: bool) -> None:
        """The last step rings until somebody comes, so somebody must be there at three in the morning."""
        if not always:
            self.note((*at, "only"), "last_only")
        asked = any(t.operator_confirms for t in targets)
        if whole and not asked and not any(t.role in ROUND_THE_CLOCK for t in targets):
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
