"""What comes by itself: falls, fevers, bad days of the lungs, a heart out of step, a burnt supper, a walk in the night.

Rates are a day's. Falls: about 0.6 a person-year among people over 65 who live at home, several times that among the
frail; one in ten who fall cannot get up alone (Fleming and Brayne 2008 found more among the oldest).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from simulator.life.days import Days
from simulator.life.dice import Dice
from simulator.life.model import CHINA, Doing, FallKind, Illness, Resident, Room, What

Found = tuple[int, What, dict[str, Any]]
_PURPOSE = 4000
KINDS = (What.FALLS, What.FEVER, What.BREATHLESS, What.FAST_HEART, What.WANDERS, What.SMOKE)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FALLS_ON_FEET = (
    (FallKind.FORWARD, 0.32), (FallKind.BACKWARD, 0.18), (FallKind.SIDE, 0.26), (FallKind.SLIP, 0.14),
    (FallKind.FAINT, 0.10),
)  # fmt: skip
UP_AT_ONCE, UP_LATER = 0.68, 0.9  # shares that get up within minutes, within the hour; the rest lies until found
COOKING_SHARE = 1 / 20  # of a day


class Chances:
    """Draws what begins in a minute. `times`: as often as usual, 0 = never."""

    def __init__(self, residents: Sequence[Resident], dice: Dice, times: float) -> None:
        self._dice = dice
        self._who = np.array([each.number for each in residents], np.int64)
        rates = np.array([_rates(each) for each in residents]).reshape(-1, len(KINDS)) * times
        self._until = np.cumsum(rates, axis=1)  # of one roll a minute
        self._a_minute = self._until[:, -1] / 1440
        self._flutters = np.array([Illness.ATRIAL_FIBRILLATION in each.illnesses for each in residents])

    def begin(self, now: int, days: Days) -> list[Found]:
        """Return what comes to whom in this minute; what cannot come to her now does not come."""
        roll = self._dice.roll(self._who, now, _PURPOSE)
        found: list[Found] = []
        for k in np.flatnonzero(roll < self._a_minute).tolist():
            which = int(np.searchsorted(self._until[k], roll[k] * 1440, side="right"))
            what = KINDS[min(which, len(KINDS) - 1)]
            how = self._how(k, now, what, days)
            if how is not None:
                found.append((k, what, how))
        leaving = [k for k in np.flatnonzero(days.agenda.journey_at == now).tolist() if days.free(k)]
        lasts = [timedelta(minutes=int(days.agenda.journey_min[k])) for k in leaving]
        return found + [(k, What.GOES_AWAY, {"lasts": each}) for k, each in zip(leaving, lasts, strict=True)]

    def _how(self, k: int, now: int, what: What, days: Days) -> dict[str, Any] | None:
        doing = Doing(int(days.doing[k]))
        night = doing is Doing.ASLEEP and now % 1440 < 300 and days.room[k] != Room.OUT
        can = {
            What.FALLS: doing not in (Doing.AWAY, Doing.IN_HOSPITAL, Doing.ON_THE_FLOOR),
            What.WANDERS: night, What.SMOKE: doing is Doing.COOKING,
        }  # fmt: skip
        if not can.get(what, True):
            return None
        one, two, three = (self._draw(k, now, i) for i in (1, 2, 3))
        hows: dict[What, dict[str, Any]] = {
            What.FALLS: {"kind": fall_kind(doing, one), "lies": lies(two, three), "hurt": two > 0.93},
            What.FEVER: {"degrees": round(0.9 + 1.6 * one, 1), "lasts": (1.2 + 3.5 * two) * DAY},
            What.BREATHLESS: {"points": round(2.5 + 4.5 * one, 1), "lasts": (1.0 + 30 * two) * HOUR},
            What.FAST_HEART: {"rise_bpm": round(22 + 40 * one), "lasts": (0.4 + 9 * two**2) * HOUR},
            What.WANDERS: {"lasts": timedelta(minutes=round(15 + 60 * one))},
            What.SMOKE: {"lasts": timedelta(minutes=round(2 + 6 * one))},
        }
        return hows[what]

    def _draw(self, k: int, now: int, what: int) -> float:
        return float(self._dice.roll(self._who[k : k + 1], now, _PURPOSE + what)[0])


def fall_kind(doing: Doing, roll: float) -> FallKind:
    """Return how somebody falls who does this."""
    if doing in (Doing.ASLEEP, Doing.AWAKE_IN_BED):
        return FallKind.OUT_OF_BED
    if doing in (Doing.RESTING, Doing.EATING, Doing.SITTING_OUT, Doing.ON_TOILET, Doing.RECEIVING) and roll < 0.7:
        return FallKind.FROM_SITTING
    if doing in (Doing.SHOWERING, Doing.WASHING) and roll < 0.75:
        return FallKind.SLIP
    total = 0.0
    for kind, share in FALLS_ON_FEET:
        total += share
        if roll < total:
            return kind
    return FallKind.SIDE


def lies(roll: float, length: float) -> timedelta:
    """Return how long somebody lies who fell: mostly a minute or two, seldom for hours, until found."""
    if roll < UP_AT_ONCE:
        return timedelta(seconds=round(8 + 130 * length**2))
    if roll < UP_LATER:
        return timedelta(minutes=round(3 + 40 * length**2))
    return timedelta(minutes=round(60 + 660 * length))


def local_minute(at: Any) -> int:
    """Return the minute of a time, counted as in `agenda`."""
    return int(at.timestamp() + CHINA.utcoffset(None).total_seconds()) // 60


def _rates(each: Resident) -> tuple[float, ...]:
    """Return how often a day each of KINDS comes to her; smoke and wandering where their hour has to be met."""
    ill, frailty = each.illnesses, each.constitution.frailty
    lungs = (Illness.COPD in ill) / 130 + (Illness.HEART_FAILURE in ill) / 220
    return (
        0.0011 + 0.0055 * frailty**2 + 0.001 * (Illness.PARKINSON in ill),
        1 / 240,
        lungs,
        (Illness.ATRIAL_FIBRILLATION in ill) / 50,
        (Illness.DEMENTIA in ill) / 60 * (24 / 5),
        1 / 500 / COOKING_SHARE,
    )
