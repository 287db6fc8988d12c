"""A simple but believable body: heart rate, oxygen, breathing and steps, minute by minute, with the watch's gaps."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum

CHINA = timezone(timedelta(hours=8))


class Doing(StrEnum):
    ASLEEP = "asleep"
    RESTING = "resting"
    POTTERING = "pottering"
    WALKING = "walking"


@dataclass(frozen=True, kw_only=True)
class Constitution:
    """What is lasting about one resident."""

    resting_bpm: float = 68.0
    spo2_pct: float = 96.5
    breaths_rpm: float = 15.0
    frailty: float = 0.3  # 0 spry … 1 hardly leaves the chair


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What the watch measured in one minute. None: it could not."""

    heart_rate_bpm: int | None
    spo2_pct: int | None
    respiration_rpm: int | None
    steps: int
    doing: Doing


# Rise of the heart rate over rest, of breathing, and steps a minute (low, high), by what she is doing.
_EFFORT: dict[Doing, tuple[float, float, int, int]] = {
    Doing.ASLEEP: (-6.0, -2.0, 0, 0),
    Doing.RESTING: (0.0, 0.0, 0, 0),
    Doing.POTTERING: (9.0, 2.0, 6, 30),
    Doing.WALKING: (22.0, 4.0, 55, 95),
}
LOOSE_STRAP = 0.04  # share of minutes without a heart rate
SPO2_GAP = {Doing.ASLEEP: 0.05, Doing.RESTING: 0.08, Doing.POTTERING: 0.5, Doing.WALKING: 0.85}  # motion blinds it


class Body:
    """One resident's body. The same seed lives the same life."""

    def __init__(self, seed: str, constitution: Constitution) -> None:
        self._random = random.Random(seed)
        self._lasting = constitution
        self._doing = Doing.RESTING
        self._heart_drift = 0.0
        self._oxygen_drift = 0.0
        self.breathless = False  # set by the scenario: saturation falls and the heart answers
        self._shortage = 0.0

    def live(self, at: datetime) -> Minute:
        """Live one minute and return what the watch saw of it."""
        draw = self._random
        self._doing = self._next(at.astimezone(CHINA))
        self._heart_drift = 0.85 * self._heart_drift + draw.gauss(0, 1.6)
        self._oxygen_drift = 0.8 * self._oxygen_drift + draw.gauss(0, 0.35)
        self._shortage = min(10.0, self._shortage + 3.5) if self.breathless else max(0.0, self._shortage - 1.0)
        rise, breaths, low, high = _EFFORT[self._doing]
        heart = self._lasting.resting_bpm + self._circadian(at) + rise + self._heart_drift + 1.4 * self._shortage
        oxygen = min(100.0, self._lasting.spo2_pct + self._oxygen_drift - self._shortage)
        rate = self._lasting.breaths_rpm + breaths + 0.6 * self._shortage + draw.gauss(0, 0.7)
        worn_well = draw.random() >= LOOSE_STRAP
        measured = draw.random() >= (0.0 if self.breathless else SPO2_GAP[self._doing])
        return Minute(
            heart_rate_bpm=round(min(max(heart, 42.0), 128.0)) if worn_well else None,
            spo2_pct=round(max(oxygen, 84.0)) if worn_well and measured else None,
            respiration_rpm=round(min(max(rate, 10.0), 24.0)) if self._doing is Doing.ASLEEP else None,
            steps=draw.randint(low, high),
            doing=self._doing,
        )

    def _circadian(self, at: datetime) -> float:
        """Lowest about four in the morning, highest in the afternoon; 5 bpm either way."""
        local = at.astimezone(CHINA)
        hour = local.hour + local.minute / 60
        return -5.0 * math.cos((hour - 4.0) / 24.0 * 2.0 * math.pi)

    def _next(self, local: datetime) -> Doing:
        """Stay mostly with what she is doing; nights are for sleep, and the frail walk little."""
        if self.breathless:
            return Doing.RESTING
        if self._random.random() < 0.85:
            return self._doing
        if local.hour >= 22 or local.hour < 6:
            return Doing.ASLEEP if self._random.random() < 0.93 else Doing.POTTERING
        spry = 1.0 - self._lasting.frailty
        choice = self._random.random()
        if choice < 0.25 * spry:
            return Doing.WALKING
        return Doing.POTTERING if choice < 0.3 + 0.4 * spry else Doing.RESTING
