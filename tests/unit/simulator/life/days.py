"""Days of invented residents, lived once for all tests of this folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np

from simulator.life import Life, invent
from simulator.life.model import CHINA, Illness, Minutes, Mix, Sensor

MIDNIGHT = datetime(2026, 3, 9, tzinfo=CHINA)  # a Monday, no holiday near
EVERYTHING = Mix(door=1.0, motion=1.0, water=1.0, bed=1.0, gas=1.0, smoke=1.0, wears=1.0, alone=1.0)
HEALTHY: dict[Illness, float] = dict.fromkeys(Illness, 0.0)


@dataclass(frozen=True, slots=True)
class Lived:
    """A life and every minute of it."""

    life: Life
    minutes: tuple[Minutes, ...]

    def column(self, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return (minutes, residents) of a column of Minutes, Bodies (`bodies.`) or Readings (`readings.`)."""
        part, _, of = name.rpartition(".")
        return np.array([getattr(getattr(m, part) if part else m, of) for m in self.minutes], np.float64)

    def events(self, sensor: Sensor) -> list[tuple[float, int, int, float]]:
        """Return (second since the beginning, resident, room, value) of one kind of sensor, in order."""
        found = []
        for k, minute in enumerate(self.minutes):
            mine = minute.events.sensor == sensor
            found += [
                (60 * k + float(second), int(who), int(room), float(value))
                for second, who, room, value in zip(
                    minute.events.second[mine], minute.events.resident[mine], minute.events.room[mine],
                    minute.events.value[mine], strict=True,
                )
            ]  # fmt: skip
        return found


def lived(life: Life, minutes: int) -> Lived:
    return Lived(life, tuple(life.minute() for _ in range(minutes)))


@cache
def two_days() -> Lived:
    """Sixty people who live alone with every sensor, two days, nothing unasked."""
    return lived(Life(invent(1, 60, EVERYTHING), seed=4, start=MIDNIGHT, by_itself=0.0), 2 * 1440)


def ill_of(illnesses: Sequence[Illness]) -> Mix:
    """Return people who have exactly these."""
    shares = HEALTHY | dict.fromkeys(illnesses, 1.0)
    return Mix(illnesses=shares, wears=1.0, alone=1.0)
