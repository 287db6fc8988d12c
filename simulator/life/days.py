"""What everybody does minute by minute: a step at a time, each with an end, until the next item of her day is due.

Only who has come to the end of a step is looked at in a minute, so a quiet town costs next to nothing. A resident is in
one room and either in bed or not, so what her home tells of her cannot contradict itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.life import steps
from simulator.life.agenda import DAY, NEVER, OUTINGS, STEP, Agenda, Habits, Item
from simulator.life.dice import Dice
from simulator.life.model import Room
from simulator.life.steps import Step

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BLADDER_MIN = (95.0, 230.0)  # between two visits by day
STALE_MIN = 6 * 60  # somebody who was held until so long into the next day begins that day instead
SHORTEST_OUTING_MIN = 18
_PURPOSE = 2000
_NIGHT_STEPS = (Step.SLEEP, Step.NAP, Step.LIE_AWAKE, Step.NIGHT_TOILET, Step.RISE)
HELD = (Step.FLOOR, Step.HOSPITAL, Step.AWAY, Step.WANDER)  # nobody and nothing calls her from these


@dataclass(frozen=True, slots=True)
class Moves:
    """m residents who go on to another step in this minute; arrays (m,). A resident is in it once."""

    who: Ints
    before: NDArray[np.uint8]  # Step
    after: NDArray[np.uint8]
    room_before: NDArray[np.uint8]
    room_after: NDArray[np.uint8]
    second: NDArray[np.float64]  # of the minute


class Days:
    """Where n residents stand in their days. Minutes are those of `agenda`."""

    def __init__(self, habits: Habits, dice: Dice, now: int) -> None:
        n = len(habits.who)
        self.habits, self._dice = habits, dice
        self.agenda = Agenda(habits, dice)
        self.step = np.full(n, Step.SLEEP, np.uint8)
        self.room = np.full(n, Room.BEDROOM, np.uint8)
        self.until = np.full(n, now, np.int64)
        self.visited_until = np.zeros(n, np.int64)
        self.ill_until = np.zeros(n, np.int64)
        self._bladder = np.full(n, now, np.int64)
        self._home_by = np.zeros(n, np.int64)
        self._leaves_for = np.full(n, Step.CHOOSE, np.uint8)  # what is behind the door, once she is dressed
        self._gone_min = np.zeros(n, np.int64)
        self._forced: dict[int, tuple[Step, int, Room | None]] = {}
        self._begin(now)

    def _begin(self, now: int) -> None:
        """Put everybody where she would be at this time of day."""
        every = np.arange(len(self.step))
        self.agenda.draw(every, now // DAY)
        late = np.flatnonzero(self.agenda.items[:, Item.BED] <= now)
        self.agenda.draw(late, now // DAY + 1)
        self.agenda.forget_until(every, now)
        up = self.agenda.wakes <= now
        self.step[up], self.room[up] = Step.SIT, Room.LIVING
        self._bladder = now + self._between(every, now, 1, 10, 150)
        self.until = np.where(up, now + self._between(every, now, 2, 1, 40), self._sleep_until(every, now))

    @property
    def in_bed(self) -> Bools:
        return steps.IN_BED[self.step]

    @property
    def doing(self) -> NDArray[np.uint8]:
        return steps.DOING[self.step]

    def free(self, k: int) -> bool:
        """Return whether resident k is at home, awake and not held by anything."""
        asleep = self.step[k] in (Step.SLEEP, Step.NAP)
        return bool(self.room[k] != Room.OUT and not asleep and self.step[k] not in HELD)

    def force(self, k: int, step: Step, until: int, room: Room | None = None) -> None:
        """Let resident k begin a step in the coming minute, whatever she does; `room`: not where the table has it."""
        self._forced[k] = (step, until, room)

    def leave(self, k: int, now: int, step: Step, minutes: int) -> None:
        """Let resident k dress and go: SIT_OUT, or AWAY, for so many minutes."""
        self._leaves_for[k], self._gone_min[k] = step, minutes
        self._home_by[k] = now + minutes
        self.force(k, Step.DRESS, now + 4)

    def release(self, k: int, now: int) -> None:
        """Let resident k go on with her day."""
        self.ill_until[k] = 0
        self.until[k] = min(int(self.until[k]), now)

    def live(self, now: int) -> Moves:
        """Let the minute `now` begin: whoever has come to the end of a step begins another."""
        forced = np.array(sorted(self._forced), np.int64)
        due = self.until <= now
        due[forced] = False
        k = np.flatnonzero(due)
        after = self._next(k, self.step[k], now)
        room, until = steps.ROOM[after], self._lasts(k, after, now)
        if len(forced):
            k = np.append(k, forced)
            after, room, until = self._with_forced(forced, now, after, room, until)
        before, room_before = self.step[k], self.room[k]
        self.step[k], self.room[k], self.until[k] = after, room, until
        second = 60.0 * self._dice.roll(self.habits.who[k], now, _PURPOSE + 3)
        return Moves(k, before, after, room_before, room, second)

    def _with_forced(
        self, forced: Ints, now: int, after: NDArray[np.uint8], room: NDArray[np.uint8], until: Ints
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Ints]:
        told = [self._forced.pop(who) for who in forced.tolist()]
        step = np.array([each[0] for each in told], np.uint8)
        where = np.array([steps.ROOM[each[0]] if each[2] is None else each[2] for each in told], np.uint8)
        ends = np.array([max(each[1], now + 1) for each in told], np.int64)
        return np.append(after, step), np.append(room, where), np.append(until, ends)

    def _next(self, k: Ints, before: NDArray[np.uint8], now: int) -> NDArray[np.uint8]:
        """Return (m,) the step that follows each that has ended."""
        after = steps.THEN[before]
        slept = np.isin(before, (Step.SLEEP, Step.LIE_AWAKE, Step.ILL_IN_BED))
        up = self.agenda.wakes[k] <= now
        calls = (self._bladder[k] <= now) & (before != Step.LIE_AWAKE)
        after = np.where(slept, np.where(up, Step.RISE, np.where(calls, Step.NIGHT_TOILET, Step.SLEEP)), after)
        ill = self.ill_until[k] > now
        after = np.where(ill & slept & up, np.where(calls, Step.NIGHT_TOILET, Step.ILL_IN_BED), after)
        hit_outside = (before == Step.FLOOR) & (self.room[k] == Room.OUT)
        after = np.where(hit_outside, Step.WALK_BACK, after)
        leaving = (before == Step.DRESS) & (self._leaves_for[k] != Step.CHOOSE)
        away = leaving & (self._leaves_for[k] == Step.AWAY)
        after = np.where(away, Step.AWAY, after)
        brisk = self._dice.roll(self.habits.who[k], now, _PURPOSE + 4) < self.habits.exercise[k]
        after = np.where((after == Step.SIT_OUT) & brisk, Step.EXERCISE, after).astype(np.uint8)
        free = np.flatnonzero((after == Step.CHOOSE) | ((after == Step.SIT) & (before == Step.FLOOR)))
        if len(free):
            after[free] = self._choose(k[free], now)
        return after

    def _choose(self, k: Ints, now: int) -> NDArray[np.uint8]:
        """Return (m,) what she does next: what her day says, else what the body or the mood wants."""
        stale = k[now >= (self.agenda.day[k] + 1) * DAY + STALE_MIN]
        if len(stale):
            self.agenda.draw(stale, now // DAY)
            self.agenda.forget_until(stale, now)
        chosen = self._idle(k, now)
        which, at = self.agenda.next(k, now)
        due = at <= now
        going = due & np.isin(which, OUTINGS)
        chosen[due] = STEP[which[due]]
        self.agenda.items[k[due], which[due]] = NEVER
        self._set_out(k[going], now)
        guest = self.visited_until[k] > now
        chosen[guest & ~(due & (which == Item.BED))] = Step.RECEIVE
        urgent = (self._bladder[k] <= now) & ~due
        chosen[urgent] = Step.TOILET
        chosen[self.ill_until[k] > now] = Step.ILL_IN_BED
        chosen[self.agenda.wakes[k] > now] = Step.LIE_AWAKE
        bed = due & (which == Item.BED)
        self._to_bed(k[bed], now)
        return chosen

    def _idle(self, k: Ints, now: int) -> NDArray[np.uint8]:
        """Return (m,) sitting or pottering about; the frail sit."""
        roll = self._dice.roll(self.habits.who[k], now, _PURPOSE + 5)
        sits = 0.40 + 0.40 * self.habits.frailty[k]
        share = np.clip((roll - sits) / (1 - sits), 0.0, 0.999)
        rooms = np.array([Step.POTTER_LIVING, Step.POTTER_KITCHEN, Step.POTTER_BEDROOM, Step.POTTER_LIVING])
        return np.where(roll < sits, Step.SIT, rooms[(4 * share).astype(np.int64)]).astype(np.uint8)

    def _set_out(self, k: Ints, now: int) -> None:
        """Say when residents k mean to be back: before the next meal, if that leaves time."""
        _, at = self.agenda.next(k, now)
        wants = self.habits.outing_min[k] * self._dice.between(self.habits.who[k], now, _PURPOSE + 6, 0.5, 1.5)
        minutes = np.maximum(np.minimum(wants, at - now - 10), SHORTEST_OUTING_MIN)
        self._home_by[k] = now + np.rint(minutes).astype(np.int64)
        self._leaves_for[k] = Step.CHOOSE

    def _to_bed(self, k: Ints, now: int) -> None:
        """Tomorrow is made up when today ends."""
        self.visited_until[k] = np.minimum(self.visited_until[k], now)
        day = np.maximum(self.agenda.day[k] + 1, now // DAY)
        for one in np.unique(day).tolist():
            self.agenda.draw(k[day == one], int(one))
        self.agenda.wakes[k] = np.maximum(self.agenda.wakes[k], now + 240)

    def _lasts(self, k: Ints, after: NDArray[np.uint8], now: int) -> Ints:
        """Return (m,) until when each step lasts."""
        low, high = steps.SHORTEST[after], steps.LONGEST[after]
        roll = self._dice.roll(self.habits.who[k], now, _PURPOSE + 7)
        until: Ints = now + np.rint(low + (high - low) * roll**1.3).astype(np.int64)
        _, due = self.agenda.next(k, now)
        idle = np.isin(after, (Step.SIT, Step.POTTER_LIVING, Step.POTTER_KITCHEN, Step.POTTER_BEDROOM, Step.RECEIVE))
        until = np.where(idle, np.minimum(until, due), until)
        until = np.where(after == Step.NAP, now + np.maximum(self.habits.nap[k] * (0.6 + 0.8 * roll), 15), until)
        out = np.isin(after, (Step.WALK_OUT, Step.WALK_BACK))
        until = np.where(out, np.minimum(until, now + np.maximum((self._home_by[k] - now) // 3, 3)), until)
        stays = np.isin(after, (Step.SIT_OUT, Step.EXERCISE))
        until = np.where(stays, np.maximum(self._home_by[k] - 8, now + 3), until)
        until = np.where(after == Step.AWAY, now + self._gone_min[k], until)
        self._relieve(k, after, now)
        until = np.where(after == Step.SLEEP, self._sleep_until(k, now), until)
        ill = np.minimum(self.ill_until[k], np.maximum(self._bladder[k], now + 30))
        until = np.where(after == Step.ILL_IN_BED, ill, until)
        self._leaves_for[k] = np.where(after == Step.DRESS, self._leaves_for[k], Step.CHOOSE)
        return np.maximum(until, now + 1).astype(np.int64)

    def _relieve(self, k: Ints, after: NDArray[np.uint8], now: int) -> None:
        """Whoever goes to the toilet need not for a while; at night as often as is hers."""
        goes = np.isin(
            after, (Step.TOILET, Step.MORNING_TOILET, Step.EVENING_TOILET, Step.NIGHT_TOILET, Step.WALK_BACK)
        )
        by_day = self._between(k, now, 8, *BLADDER_MIN)
        asleep_min = np.maximum(self.agenda.wakes[k] - now, 60)
        wait = -np.log1p(-self._dice.roll(self.habits.who[k], now, _PURPOSE + 9)) * 480 / self.habits.night_toilets[k]
        by_night = now + 45 + np.rint(np.minimum(wait, 2000)).astype(np.int64)
        night = np.isin(after, (Step.EVENING_TOILET, Step.NIGHT_TOILET)) & (asleep_min > 60)
        self._bladder[k] = np.where(goes, np.where(night, by_night, now + by_day), self._bladder[k])

    def _sleep_until(self, k: Ints, now: int) -> Ints:
        return np.maximum(np.minimum(self.agenda.wakes[k], np.maximum(self._bladder[k], now + 20)), now + 1)

    def _between(self, k: Ints, now: int, what: int, low: float, high: float) -> Ints:
        drawn = self._dice.between(self.habits.who[k], now, _PURPOSE + what, low, high)
        return np.rint(drawn).astype(np.int64)


def chatty(step: NDArray[Any]) -> Bools:
    """Return which steps a visitor can ring into: at home, on her feet or in a chair."""
    home = steps.ROOM[step] != Room.OUT
    shut: Bools = np.isin(
        step, (*_NIGHT_STEPS, *HELD, Step.SHOWER, Step.ILL_IN_BED, Step.EVENING_TOILET, Step.EVENING_WASH)
    )
    open_to: Bools = home & ~shut
    return open_to
