"""Who could come, for every resident and every hour, and in how many minutes – worked out before anything happens.

Exact, not sampled: time is cut wherever anybody's duty or a policy's hours begin or end, and an hour is as bad as the
worst part of it. Residents of one area share everything but distance and family, so all is arrays of [residents, cuts].
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from alerts import nearness
from alerts.asked import Ask, Steps, asks_of, cuts_of, in_seconds
from alerts.duty import Shift
from alerts.model import Role
from alerts.town import AREA_WIDE, NOT_COMING, Helper, Household, Town

Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float32]
Codes: TypeAlias = npt.NDArray[np.uint8]


class Cover(IntEnum):
    """How well one hour of one resident is covered; a greater number is worse."""

    COVERED = 0  # somebody within the radius
    UNKNOWN = 1  # somebody, and nobody knows how far away
    FAR = 2
    ONLY_FAMILY_FAR = 3
    LAST_RESORT = 4  # only the county centre
    NOBODY = 5


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Row i is `residents[i]`, column j the j-th hour. Minutes are those of the nearest in the worst part of the hour;
    inf where nobody comes or nobody knows how far."""

    residents: npt.NDArray[np.int64]  # [residents]
    areas: tuple[str, ...]  # [residents]
    from_hour: datetime
    codes: Codes  # [residents, hours]
    minutes: Floats  # [residents, hours]
    mute: Mapping[int, frozenset[int]] = field(default_factory=dict)  # unreachable person → residents who lose by it

    @property
    def covered(self) -> float:
        """Share of residents × hours with somebody within the radius; 1 with no residents."""
        return float((self.codes == Cover.COVERED).mean()) if self.codes.size else 1.0


def coverage(town: Town) -> Coverage:
    """Work out who could come. 10,000 residents × 336 hours take about a second."""
    ordered = sorted(town.households, key=lambda h: (h.area, h.resident_id))
    by_id = {h.person_id: h for h in town.helpers}
    areas = [Area(town, area, tuple(homes), by_id) for area, homes in groupby(ordered, key=lambda h: h.area)]
    parts = [area.judge() for area in areas]
    shape = (0, town.hours)
    mute: dict[int, set[int]] = {}
    for area in areas:
        for person_id, residents in area.mute.items():
            mute.setdefault(person_id, set()).update(residents)
    return Coverage(
        residents=np.array([h.resident_id for h in ordered], np.int64), areas=tuple(h.area for h in ordered),
        from_hour=town.from_hour,
        codes=np.concatenate([np.zeros(shape, np.uint8), *(codes for codes, _ in parts)]),
        minutes=np.concatenate([np.zeros(shape, np.float32), *(minutes for _, minutes in parts)]),
        mute={person_id: frozenset(residents) for person_id, residents in mute.items()},
    )  # fmt: skip


class Area:
    """The residents of one area: `cuts` are the times at which anything about them changes."""

    def __init__(self, town: Town, area: str, homes: tuple[Household, ...], by_id: Mapping[int, Helper]) -> None:
        self.town, self.homes = town, homes
        self.mute: dict[int, set[int]] = {}
        self.helpers = [h for h in town.helpers if h.role in AREA_WIDE and _serves(h, area)]
        self.links = [
            (row, by_id[link.person_id], link.minutes)
            for row, home in enumerate(homes)
            for link in home.circle
            if link.person_id in by_id
        ]
        concerned = {h.person_id for h in self.helpers} | {h.person_id for _, h, _ in self.links}
        self.duty: dict[int, list[Shift]] = {}
        for shift in town.duty:
            if shift.person_id in concerned:
                self.duty.setdefault(shift.person_id, []).append(shift)
        self.cuts, self.hour_at = cuts_of(town, (s for shifts in self.duty.values() for s in shifts))
        self.times = in_seconds(self.cuts)
        self.asks = asks_of(town.policies, area, self.cuts)
        self._alike: dict[Any, tuple[Bools, bool]] = {}

    def judge(self) -> tuple[Codes, Floats]:
        """Return codes and minutes [residents, hours]; `mute` says afterwards who could not be reached."""
        state = _State.empty(len(self.homes), len(self.cuts))
        self._add_area(state)
        self._add_circles(state)
        codes, minutes = state.codes(self.town.radius_min)
        return (
            np.maximum.reduceat(codes, self.hour_at, axis=1),
            np.maximum.reduceat(minutes, self.hour_at, axis=1),
        )

    def _add_area(self, state: "_State") -> None:
        """Those who serve the whole area: who is there at each cut is the same for all, only the way is not."""
        if not self.helpers:
            return
        everybody = [h.resident_id for h in self.homes]
        there = np.stack([self._there(h, everybody) for h in self.helpers])  # [helpers, cuts]
        ways = self._ways()  # [residents, helpers]
        patterns, which = np.unique(there, axis=1, return_inverse=True)
        known = np.nan_to_num(ways, nan=np.inf).astype(np.float32)
        best = np.stack([known[:, p].min(axis=1, initial=np.inf) for p in patterns.T], axis=1)
        lost = np.stack([np.isnan(ways[:, p]).any(axis=1) for p in patterns.T], axis=1)
        near = np.array([h.role is not Role.COUNTY_CENTRE for h in self.helpers])
        state.best[:] = best[:, which.ravel()]
        state.unknown[:] = lost[:, which.ravel()]
        state.anybody[:] = there.any(axis=0)
        state.near[:] = state.not_family[:] = there[near].any(axis=0)

    def _add_circles(self, state: "_State") -> None:
        """Family and neighbours, each for one home. Whoever serves the area was counted with it."""
        serving = {h.person_id for h in self.helpers}
        for row, helper, told in self.links:
            if helper.person_id in serving or helper.role in NOT_COMING:
                continue
            home = self.homes[row]
            there = self._there(helper, [home.resident_id])
            way = nearness.minutes_away(helper.role, told, (helper.lat, helper.lon), (home.lat, home.lon))
            state.add(row, there, way, family=helper.role is Role.FAMILY)

    def _there(self, helper: Helper, residents: Iterable[int]) -> Bools:
        """At which cuts this person would be called and could hear it; whoever never could is noted as mute."""
        named = any(helper.person_id in ask.fallback for ask in self.asks)
        own = helper.person_id if named or helper.person_id in self.duty else None
        key = (own, helper.role, helper.channels, helper.keeps_hours)
        if key not in self._alike:
            asked, heard = np.zeros(len(self.cuts), bool), np.zeros(len(self.cuts), bool)
            for ask, called in self._called(helper):
                asked |= called
                if ask.heard_by(helper):
                    heard |= called
            self._alike[key] = heard, bool(asked.any() and not heard.any())
        heard, mute = self._alike[key]
        if mute:
            self.mute.setdefault(helper.person_id, set()).update(residents)
        return heard

    def _called(self, helper: Helper) -> Iterator[tuple[Ask, Bools]]:
        for ask, steps in self.asks.items():
            if ask.role is helper.role:
                yield ask, (steps >= 0) & (self._on_duty(helper, ask.roster) | self._last_one(helper, ask))

    def comers(self) -> Iterator[tuple[Helper, float, Steps]]:
        """Whoever could come to the first home: his minutes, NaN where nobody knows, and what calls him at each cut."""
        ways = self._ways()[0] if self.helpers else np.empty(0)
        home = self.homes[0]
        for helper, way in zip(self.helpers, ways, strict=True):
            yield helper, float(way), self._first_step(helper)
        serving = {h.person_id for h in self.helpers}
        for row, helper, told in self.links:
            if row == 0 and helper.person_id not in serving and helper.role not in NOT_COMING:
                known = nearness.minutes_away(helper.role, told, (helper.lat, helper.lon), (home.lat, home.lon))
                yield helper, _or_nan(known), self._first_step(helper)

    def _first_step(self, helper: Helper) -> Steps:
        """The first step that calls him so that he hears it, at each cut."""
        never = np.iinfo(np.int16).max
        first = np.full(len(self.cuts), never, np.int16)
        for ask, called in self._called(helper):
            if ask.heard_by(helper):
                first = np.where(called, np.minimum(first, self.asks[ask]), first)
        return np.where(first == never, np.int16(-1), first)

    def _on_duty(self, helper: Helper, roster: str | None) -> Bools:
        if helper.role is Role.FAMILY or not helper.keeps_hours:
            return np.full(len(self.cuts), roster is None)
        on = np.zeros(len(self.cuts), bool)
        for shift in self.duty.get(helper.person_id, ()):
            if roster is None or shift.roster == roster:
                first, last = np.searchsorted(self.times, in_seconds([shift.start, shift.end]))
                on[first:last] = True
        return on

    def _last_one(self, helper: Helper, ask: Ask) -> Bools:
        """Off duty, but named for when nobody else of his role can be called."""
        if helper.person_id not in ask.fallback or not helper.channels:
            return np.zeros(len(self.cuts), bool)
        busy = [self._on_duty(h, ask.roster) for h in self.helpers if h.role is helper.role and h.channels]
        return ~np.any(busy, axis=0) if busy else np.ones(len(self.cuts), bool)

    def _ways(self) -> npt.NDArray[np.float64]:
        """Minutes of every helper of the area to every home, NaN where nobody knows: [residents, helpers]."""
        lat = np.array([_or_nan(h.lat) for h in self.homes])
        lon = np.array([_or_nan(h.lon) for h in self.homes])
        ways = np.stack([
            nearness.model_of(h.role).minutes(nearness.distance_km(_or_nan(h.lat), _or_nan(h.lon), lat, lon))
            for h in self.helpers
        ], axis=1)  # fmt: skip
        column = {h.person_id: n for n, h in enumerate(self.helpers)}
        for row, helper, told in self.links:
            if told is not None and helper.person_id in column:
                ways[row, column[helper.person_id]] = told
        return ways


@dataclass(frozen=True, kw_only=True)
class _State:
    """Who could come to each home at each cut: [residents, cuts] each."""

    best: Floats  # minutes of the nearest whose way is known
    anybody: Bools
    unknown: Bools  # somebody whose way nobody knows
    near: Bools  # somebody who is not the county centre
    not_family: Bools  # … and no family either

    @classmethod
    def empty(cls, homes: int, cuts: int) -> "_State":
        def no() -> Bools:
            return np.zeros((homes, cuts), bool)

        return cls(
            best=np.full((homes, cuts), np.inf, np.float32), anybody=no(), unknown=no(), near=no(), not_family=no()
        )

    def add(self, row: int, there: Bools, way: float | None, *, family: bool) -> None:
        if way is None:
            self.unknown[row] |= there
        else:
            np.minimum(self.best[row], np.where(there, np.float32(way), np.float32(np.inf)), out=self.best[row])
        self.anybody[row] |= there
        self.near[row] |= there
        if not family:
            self.not_family[row] |= there

    def codes(self, radius_min: float) -> tuple[Codes, Floats]:
        far = np.where(self.not_family, np.uint8(Cover.FAR), np.uint8(Cover.ONLY_FAMILY_FAR))
        codes = np.where(self.unknown, np.uint8(Cover.UNKNOWN), far)
        codes[~self.near] = Cover.LAST_RESORT
        codes[self.best <= radius_min] = Cover.COVERED
        codes[~self.anybody] = Cover.NOBODY
        return codes, self.best


def _serves(helper: Helper, area: str) -> bool:
    """As the press asks: '' serves everywhere, but a volunteer serves his own area."""
    return helper.area == area if helper.area else helper.role is not Role.NEIGHBOUR


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
