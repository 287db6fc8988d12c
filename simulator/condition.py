"""How a device is: everything that can be wrong with it, all at once if need be, and what it lives on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from simulator.quirks import Quirk


@dataclass
class Condition:
    """How a device is. Everything at once is possible."""

    dead: bool = False  # no power: it says nothing and keeps nothing
    offline: bool = False  # no network: it keeps what it has to say
    skew_s: float = 0.0
    jumps_s: float = 0.0  # its clock is somewhere within this, anew for every message
    copies: int = 1
    late_s: float = 0.0  # collects for so long, then says it all at once
    disorder: bool = False
    cut: float = 0.0  # share of messages of which only the first half goes out
    nonsense: bool = False
    flat: bool = False  # its battery is empty
    drifts_ppm: float = 0.0
    drifts_since: datetime | None = None
    quirk: Quirk | None = None

    @property
    def mute(self) -> bool:
        """Whether it says nothing and keeps nothing."""
        return self.dead or self.flat


class Battery(Protocol):
    """What a speaker lives on."""

    def left_pct(self, now: datetime) -> float: ...

    def runs_down(self, now: datetime, from_pct: float, lasts: timedelta) -> None: ...
