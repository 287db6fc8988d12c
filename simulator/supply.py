"""Batteries: they drain at the maker's rate, are charged by a routine that some forget, and are empty at last."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from simulator.life.model import Resident
from simulator.speakers import Speaker
from simulator.story import ZONE, TownPlan

LASTS_DAYS = {  # from full to empty; what is not here hangs on the mains
    "watch": (2.0, 3.0), "button": (800.0, 1500.0), "door": (500.0, 900.0), "motion": (400.0, 800.0),
    "smoke": (1000.0, 2000.0), "meter": (2000.0, 3000.0), "thing": (400.0, 900.0),
}  # fmt: skip
PENDANT_DAYS = (4.0, 7.0)
PENDANTS = frozenset({"eview", "gl200text", "jt808", "laipac", "mictrack", "minifinder"})
CHARGING = timedelta(minutes=75)
FORGETS = 0.8  # of those who forget, so many of their charges


@dataclass(kw_only=True)
class Routine:
    """When she puts it on the charger: every day at the same minute, unless she forgets."""

    minute: int  # of the day, local
    forgets: float
    seed: str

    def last(self, since: datetime, now: datetime) -> datetime | None:
        """Return when it was full last, after `since` and not after `now`."""
        midnight = now.astimezone(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
        while midnight + timedelta(days=1) > since - CHARGING:
            full = midnight + timedelta(minutes=self.minute) + CHARGING
            if since < full <= now and random.Random(f"{self.seed}:{midnight.date()}").random() >= self.forgets:
                return full
            midnight -= timedelta(days=1)
        return None


@dataclass(kw_only=True)
class Supply:
    """One device's battery."""

    lasts: timedelta
    level_pct: float
    at: datetime  # when it had this level
    routine: Routine | None = None

    def left_pct(self, now: datetime) -> float:
        """Return what is left, 0 to 100."""
        full = self.routine.last(self.at, now) if self.routine else None
        if full is not None:
            self.at, self.level_pct = full, 100.0
        return max(0.0, self.level_pct - 100.0 * ((now - self.at) / self.lasts))

    def runs_down(self, now: datetime, from_pct: float, lasts: timedelta) -> None:
        """It is worn out: so much is left for so long, and no charger helps."""
        self.level_pct, self.at, self.routine = from_pct, now, None
        self.lasts = lasts * (100.0 / from_pct)


def fit(speakers: Sequence[Speaker], residents: Sequence[Resident], town: TownPlan, seed: int) -> None:
    """Give every device its battery, as full as it would be at the town's beginning."""
    for speaker in speakers:
        draw = random.Random(f"{seed}:supply:{speaker.device.address}")
        days = _days(speaker)
        if days is None:
            continue
        lasts = timedelta(days=draw.uniform(*days))
        forgetful = draw.random() < town.forgets_to_charge
        supply = Supply(lasts=lasts, level_pct=float(speaker.words.battery_pct), at=town.begins)
        if speaker.device.kind == "watch":
            minute = residents[speaker.resident.index].routine.charges % 1440
            supply.routine = Routine(minute=minute, forgets=FORGETS * forgetful, seed=speaker.device.address)
            if not forgetful:
                supply.at, supply.level_pct = town.begins - timedelta(days=2), 100.0
                supply.level_pct, supply.at = supply.left_pct(town.begins), town.begins
        speaker.supply = supply


def _days(speaker: Speaker) -> tuple[float, float] | None:
    kind = speaker.device.kind
    if kind == "thing" and "battery" not in speaker.can:
        return None
    return PENDANT_DAYS if speaker.device.family in PENDANTS else LASTS_DAYS.get(kind)
