"""Whom the policy of a press would call, and in which step first, at each time at which anything about it changes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from alerts import duty
from alerts.duty import Shift
from alerts.model import Alert, AlertKind, Role, Severity
from alerts.policy import EscalationPolicy, PolicySet, Target, Window
from alerts.town import HOUR, NOT_COMING, Helper, Town

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Steps: TypeAlias = npt.NDArray[np.int16]  # number of a policy's step, or -1


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a policy asks of a person: alike targets of several steps are one."""

    role: Role
    roster: str | None
    channels: frozenset[str]
    fallback: frozenset[int]

    def heard_by(self, helper: Helper) -> bool:
        """Whether one of his channels is among those it calls by."""
        return bool(helper.channels & self.channels or (helper.channels and not self.channels))


def cuts_of(town: Town, shifts: Iterable[Shift]) -> tuple[list[datetime], npt.NDArray[np.intp]]:
    """Return the times at which anything changes, every full hour among them, and where in them each hour begins."""
    until = town.from_hour + town.hours * HOUR
    hours = [town.from_hour + n * HOUR for n in range(town.hours)]
    times = {t for s in shifts for t in (s.start, s.end)} | set(_policy_times(town.policies, town.from_hour, until))
    hours[0] = max(hours[0], town.since or hours[0])
    cuts = sorted({*hours, *(t for t in times if hours[0] < t < until)})
    return cuts, np.searchsorted(in_seconds(cuts), in_seconds(hours))


def _policy_times(policies: PolicySet, after: datetime, before: datetime) -> Iterator[datetime]:
    """Yield when a policy or a step begins or ends to be for its hours, in the wall time of its zone."""
    windows = {
        (policy.zone, wall)
        for policy in policies
        for window in (policy.when.between, *(step.only for step in policy.steps))
        if isinstance(window, Window)
        for wall in (window.start, window.end, time(0))
    }
    for zone, wall in windows:
        day = after.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        while (at := duty.instant(ZoneInfo(zone), day, wall)) < before:
            yield at
            day += timedelta(days=1)


def asks_of(policies: PolicySet, area: str, cuts: Sequence[datetime]) -> dict[Ask, Steps]:
    """Return whom the policy of a press in this area asks for, and in which step first at each cut."""
    found: dict[Ask, Steps] = {}
    for number, at in enumerate(cuts):
        policy = policies.choose(press(area, at), at)
        for step, target in _targets(policy, at):
            ask = Ask(
                role=target.role, roster=target.roster, channels=frozenset(r.channel for r in target.channels),
                fallback=frozenset(target.fallback),
            )  # fmt: skip
            steps = found.setdefault(ask, np.full(len(cuts), -1, np.int16))
            if steps[number] < 0:
                steps[number] = step
    return found


def _targets(policy: EscalationPolicy, at: datetime) -> Iterator[tuple[int, Target]]:
    for number, step in enumerate(policy.steps):
        if policy.open_now(number, at):
            yield from ((number, t) for t in step.notify if t.role not in NOT_COMING)


def press(area: str, at: datetime) -> Alert:
    """Return a press as the policies are asked about it."""
    return Alert(alert_id="", kind=AlertKind.SOS, severity=Severity.CRITICAL, raised_at=at, area=area)


def in_seconds(times: Sequence[datetime]) -> npt.NDArray[np.float64]:
    """Return times as numbers: [times]."""
    return np.array([(t - EPOCH).total_seconds() for t in times])
