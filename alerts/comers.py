"""Who could come to one resident, hour by hour: each with minutes, duty list and the policy's step that calls them.

An hour is told by its worst moment, as coverage judges it: when nobody is there, or else when the nearest is farthest.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np

from alerts.asked import Steps, press
from alerts.coverage import Area, Cover
from alerts.model import Role
from alerts.town import HOUR, Helper, Town
from alerts.values import replace


@dataclass(frozen=True, kw_only=True)
class Comer:
    """Somebody who could come. `lists` are the duty lists he is on then, "" for duty without one; empty when he is off
    duty and agreed to be called. None for whoever keeps no hours."""

    person_id: int
    role: Role
    minutes: float | None
    lists: tuple[str, ...] | None
    step: int  # of the policy, from 0: the first that calls him


@dataclass(frozen=True, kw_only=True)
class Run:
    """Consecutive hours with the same people, the nearest first."""

    first_hour: datetime
    hours: int
    code: Cover
    policy: str
    people: tuple[Comer, ...]

    @property
    def minutes(self) -> float:
        """Those of the nearest; inf where nobody comes or nobody knows how far."""
        return min((c.minutes for c in self.people if c.minutes is not None), default=math.inf)


def comers(town: Town, resident_id: int) -> tuple[Run, ...]:
    """Return all hours of one resident in runs; none when the town has no such resident."""
    runs = []
    for _, group in groupby(hours(town, resident_id), key=lambda run: (run.code, run.policy, run.people)):
        alike = list(group)
        runs.append(replace(alike[0], hours=len(alike)))
    return tuple(runs)


def hours(town: Town, resident_id: int) -> Iterator[Run]:
    """Yield every hour by itself."""
    home = next((h for h in town.households if h.resident_id == resident_id), None)
    if home is None:
        return
    area = Area(town, home.area, (home,), {h.person_id: h for h in town.helpers})
    codes = area.judge()[0][0]
    known = list(area.comers())
    for hour, cut in enumerate(_worst(area, known)):
        at = area.cuts[cut]
        found = [_comer(area, helper, way, int(steps[cut]), at) for helper, way, steps in known if steps[cut] >= 0]
        yield Run(
            first_hour=town.from_hour + hour * HOUR, hours=1, code=Cover(int(codes[hour])),
            policy=town.policies.choose(press(home.area, at), at).name, people=tuple(sorted(found, key=_nearness)),
        )  # fmt: skip


def _worst(area: Area, known: list[tuple[Helper, float, Steps]]) -> Iterator[int]:
    """Yield the worst cut of every hour: one with nobody, or else the first at which the nearest is farthest."""
    anybody, best = np.zeros(len(area.cuts), bool), np.full(len(area.cuts), np.inf)
    for _, way, steps in known:
        anybody |= steps >= 0
        if not math.isnan(way):
            best[steps >= 0] = np.minimum(best[steps >= 0], way)
    ends = [*area.hour_at[1:], len(area.cuts)]
    for first, last in zip(area.hour_at, ends, strict=True):
        empty = np.flatnonzero(~anybody[first:last])
        yield int(first + (empty[0] if empty.size else best[first:last].argmax()))


def _comer(area: Area, helper: Helper, way: float, step: int, at: datetime) -> Comer:
    keeps = helper.keeps_hours and helper.role is not Role.FAMILY
    on = sorted({s.roster for s in area.duty.get(helper.person_id, ()) if s.covers(at)})
    return Comer(
        person_id=helper.person_id, role=helper.role, minutes=None if math.isnan(way) else float(np.float32(way)),
        lists=tuple(on) if keeps else None, step=step,
    )  # fmt: skip


def _nearness(comer: Comer) -> tuple[float, int, int]:
    return math.inf if comer.minutes is None else comer.minutes, comer.step, comer.person_id
