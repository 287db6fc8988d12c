"""What happens to people, unasked or as a scenario wants it: it takes hold of body, day, watch or home, and ends."""

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from simulator.life.agenda import NEVER
from simulator.life.bodies import Physiology
from simulator.life.chances import Chances, fall_kind, lies, local_minute
from simulator.life.days import HELD, Days
from simulator.life.dice import Dice
from simulator.life.house import Houses
from simulator.life.model import CHINA, Doing, Episode, FallKind, Illness, Resident, Room, Sensor, What
from simulator.life.steps import Step
from simulator.life.truth import Truth
from simulator.life.watches import Watches

How = dict[str, Any]
FOR_GOOD = int(NEVER)
OFFSET_MIN = 480  # China is ahead of UTC by
_PURPOSE = 5000
USUAL: dict[What, timedelta | None] = {
    What.FALLS: None, What.FEVER: timedelta(days=3), What.BREATHLESS: timedelta(hours=6),
    What.FAST_HEART: timedelta(hours=2), What.SLOW_HEART: timedelta(hours=1), What.GOES_OUT: timedelta(hours=1),
    What.GOES_AWAY: timedelta(days=3), What.TO_HOSPITAL: timedelta(days=6), What.VISITED: timedelta(hours=2),
    What.STAYS_IN_BED: timedelta(days=1), What.WANDERS: timedelta(minutes=40), What.WATCH_OFF: timedelta(hours=3),
    What.SOMEBODY_ELSE: timedelta(hours=8), What.SMOKE: timedelta(minutes=4), What.GAS: timedelta(minutes=6),
    What.TAP_RUNNING: timedelta(hours=3), What.HELPED: timedelta(0), What.DIES: None,
}  # fmt: skip
LIES_ILL_C = 1.2  # with so much fever people stay in bed


class LifeError(Exception):
    """Something that cannot happen was to happen."""


class Happenings:
    """Everything that has begun, is to begin and is to end. Minutes are those of `agenda`."""

    def __init__(
        self, residents: Sequence[Resident], dice: Dice, chances: Chances, *, days: Days, bodies: Physiology,
        watches: Watches, houses: Houses,
    ) -> None:  # fmt: skip
        self.residents, self._dice, self._chances = residents, dice, chances
        self._days, self._bodies, self._watches, self._houses = days, bodies, watches, houses
        self.truth = Truth(len(residents))
        self.rings: list[int] = []  # at whose door somebody rings or leaves in this minute
        self.alarms: list[tuple[int, Sensor, bool]] = []
        self._to_come: list[tuple[int, int, int, What, datetime, How]] = []
        self._to_end: list[tuple[int, int]] = []
        self._asked = 0
        self._holds: dict[tuple[int, What], int] = {}  # the episode that a resident's state is of

    def ask(self, now: int, resident: int, what: What, at: datetime, how: How) -> None:
        """Note what a scenario wants.

        Raises:
            LifeError: There is no such resident, or the time is past.
        """
        if not 0 <= resident < len(self.residents):
            raise LifeError(f"no resident {resident}: there are {len(self.residents)}")
        if local_minute(at) < now:
            raise LifeError(f"{what} at {at:%Y-%m-%d %H:%M} is past: it is {time_of(now):%Y-%m-%d %H:%M}")
        self._asked += 1
        heapq.heappush(self._to_come, (local_minute(at), self._asked, resident, what, at, how))

    def live(self, now: int) -> tuple[Episode, ...]:
        """End what is over, begin what a scenario wants of this minute and what comes by itself."""
        self.rings, self.alarms = [], []
        self._end_due(now)
        began = []
        while self._to_come and self._to_come[0][0] <= now:
            _, _, k, what, at, how = heapq.heappop(self._to_come)
            began.append(self._start(now, k, what, at, how, scripted=True))
        for k, what, how in self._chances.begin(now, self._days):
            if not self._bodies.dead[k] and (k, what) not in self._holds:
                at = time_of(now) + timedelta(seconds=round(60 * self._draw(k, now, 0), 1))
                began.append(self._start(now, k, what, at, how, scripted=False))
        return tuple(began)

    def _start(self, now: int, k: int, what: What, at: datetime, how: How, *, scripted: bool) -> Episode:
        how = self._completed(now, k, dict(how)) if what is What.FALLS else how
        lasts = how.get("lies") if what is What.FALLS else how.get("lasts", USUAL[what])
        until = None if lasts is None else at + lasts
        number = len(self.truth.episodes)
        episode = Episode(number=number, resident=k, what=what, at=at, until=until, scripted=scripted, how=how)
        self.truth.begin(episode)
        ends = FOR_GOOD if until is None else max(local_minute(until), now + 1)
        self._holds[k, what] = number
        BEGINS[what](self, k, now, ends, how)
        if until is not None:
            heapq.heappush(self._to_end, (ends, number))
        return episode

    def _completed(self, now: int, k: int, how: How) -> How:
        """Add what was not said: how she falls, doing what, and how long she lies."""
        doing, one = Doing(int(self._days.doing[k])), self._draw(k, now, 1)
        said = {"kind": fall_kind(doing, one), "lies": lies(self._draw(k, now, 2), one), "hurt": False}
        where = {"doing": doing.name.lower(), "room": Room(int(self._days.room[k])).name.lower()}
        return {**said, **where, **how}

    def _draw(self, k: int, now: int, what: int) -> float:
        return float(self._dice.roll(np.array([self.residents[k].number]), now, _PURPOSE + what)[0])

    def _end_due(self, now: int) -> None:
        while self._to_end and self._to_end[0][0] <= now:
            _, number = heapq.heappop(self._to_end)
            episode = self.truth.episodes[number]
            if self._holds.get((episode.resident, episode.what)) == number:
                del self._holds[episode.resident, episode.what]
                end = ENDS.get(episode.what)
                if end:
                    end(self, episode.resident)

    def falls(self, k: int, now: int, ends: int, how: How) -> None:
        room = Room.BEDROOM if how["kind"] is FallKind.OUT_OF_BED else Room(int(self._days.room[k]))
        self._days.force(k, Step.FLOOR, ends, room)

    def fever(self, k: int, now: int, ends: int, how: How) -> None:
        self._bodies.fever_c[k] = how.get("degrees", 1.6)
        if self._bodies.fever_c[k] >= LIES_ILL_C:
            self.stays_in_bed(k, now, ends, how)

    def breathless(self, k: int, now: int, ends: int, how: How) -> None:
        self._bodies.short_points[k] = how.get("points", 6.0)
        self._sits(k, min(ends, now + 90))

    def fast_heart(self, k: int, now: int, ends: int, how: How) -> None:
        self._bodies.fast_bpm[k] = how.get("rise_bpm", 45.0)
        self._bodies.fibrillates[k] |= Illness.ATRIAL_FIBRILLATION in self.residents[k].illnesses
        self._sits(k, min(ends, now + 60))

    def slow_heart(self, k: int, now: int, ends: int, how: How) -> None:
        self._bodies.slow_bpm[k] = how.get("bpm", 36.0)
        self._sits(k, min(ends, now + 60))

    def goes_out(self, k: int, now: int, ends: int, how: How) -> None:
        self._days.leave(k, now, Step.SIT_OUT, ends - now)

    def goes_away(self, k: int, now: int, ends: int, how: How) -> None:
        self._days.leave(k, now, Step.AWAY, ends - now)

    def to_hospital(self, k: int, now: int, ends: int, how: How) -> None:
        self._days.force(k, Step.HOSPITAL, ends)

    def wanders(self, k: int, now: int, ends: int, how: How) -> None:
        self._days.force(k, Step.WANDER, ends)

    def visited(self, k: int, now: int, ends: int, how: How) -> None:
        self.rings.append(k)
        self._days.visited_until[k] = ends
        if self._days.free(k):
            self._days.force(k, Step.RECEIVE, min(ends, now + 25))

    def stays_in_bed(self, k: int, now: int, ends: int, how: How) -> None:
        self._days.ill_until[k] = ends
        if self._days.free(k):
            self._days.force(k, Step.ILL_IN_BED, min(ends, now + 150))

    def watch_off(self, k: int, now: int, ends: int, how: How) -> None:
        self._watches.take_off(k, ends)

    def somebody_else(self, k: int, now: int, ends: int, how: How) -> None:
        self._watches.elsewhere_bpm[k] = how.get("resting_bpm", 58.0)

    def smoke(self, k: int, now: int, ends: int, how: How) -> None:
        self.alarms.append((k, Sensor.SMOKE, True))

    def gas(self, k: int, now: int, ends: int, how: How) -> None:
        self.alarms.append((k, Sensor.GAS, True))

    def tap_running(self, k: int, now: int, ends: int, how: How) -> None:
        self._houses.tap[k] = how.get("litres_a_minute", 8.0)

    def helped(self, k: int, now: int, ends: int, how: How) -> None:
        """Somebody is with her: what she could not end by herself is over."""
        for what in (What.FALLS, What.WANDERS):
            number = self._holds.pop((k, what), None)
            if number is not None:
                self.truth.end(number, time_of(now))
        if self._days.step[k] in HELD:
            self._days.release(k, now)

    def dies(self, k: int, now: int, ends: int, how: How) -> None:
        self._bodies.dead[k] = True
        step = Step.SLEEP if self._days.in_bed[k] else Step.FLOOR
        self._days.force(k, step, FOR_GOOD, Room(int(self._days.room[k])))

    def _sits(self, k: int, until: int) -> None:
        if self._days.free(k) and not self._days.in_bed[k]:
            self._days.force(k, Step.SIT, until)

    def cools(self, k: int) -> None:
        self._bodies.fever_c[k] = 0

    def breathes(self, k: int) -> None:
        self._bodies.short_points[k] = 0

    def calms(self, k: int) -> None:
        self._bodies.fast_bpm[k] = self._bodies.slow_bpm[k] = 0
        self._bodies.fibrillates[k] = self._bodies.permanent[k]

    def recovers(self, k: int) -> None:
        """She comes home from hospital well enough."""
        for end in (self.cools, self.breathes, self.calms):
            end(k)

    def gives_back(self, k: int) -> None:
        self._watches.elsewhere_bpm[k] = 0

    def turns_off(self, k: int) -> None:
        self._houses.tap[k] = 0

    def smoke_clears(self, k: int) -> None:
        self.alarms.append((k, Sensor.SMOKE, False))

    def gas_clears(self, k: int) -> None:
        self.alarms.append((k, Sensor.GAS, False))


_H = Happenings
BEGINS: dict[What, Callable[[Happenings, int, int, int, How], None]] = {
    What.FALLS: _H.falls, What.FEVER: _H.fever, What.BREATHLESS: _H.breathless, What.FAST_HEART: _H.fast_heart,
    What.SLOW_HEART: _H.slow_heart, What.GOES_OUT: _H.goes_out, What.GOES_AWAY: _H.goes_away,
    What.TO_HOSPITAL: _H.to_hospital, What.VISITED: _H.visited, What.STAYS_IN_BED: _H.stays_in_bed,
    What.WANDERS: _H.wanders, What.WATCH_OFF: _H.watch_off, What.SOMEBODY_ELSE: _H.somebody_else, What.SMOKE: _H.smoke,
    What.GAS: _H.gas, What.TAP_RUNNING: _H.tap_running, What.HELPED: _H.helped, What.DIES: _H.dies,
}  # fmt: skip
ENDS: dict[What, Callable[[Happenings, int], None]] = {
    What.FEVER: _H.cools, What.BREATHLESS: _H.breathes, What.FAST_HEART: _H.calms, What.SLOW_HEART: _H.calms,
    What.TO_HOSPITAL: _H.recovers, What.SOMEBODY_ELSE: _H.gives_back, What.TAP_RUNNING: _H.turns_off,
    What.SMOKE: _H.smoke_clears, What.GAS: _H.gas_clears,
}  # fmt: skip


def time_of(minute: int) -> datetime:
    """Return the beginning of a minute of `agenda`."""
    return datetime.fromtimestamp((minute - OFFSET_MIN) * 60, UTC).astimezone(CHINA)
