"""Residents that live: who they are, what they do, what their bodies, wrists and homes show of it.

residents = invent(seed, count, mix)
life = Life(residents, seed=seed, start=aware_datetime)     `by_itself=0`: only what is scripted happens
minutes = life.minute()                                     the next simulated minute of everybody
life.happen(number, What.FALLS, at, kind=FallKind.SLIP, lies=timedelta(minutes=20))
life.at                                                     the beginning of the next minute
life.truth.episodes, life.truth.worn(number)                what really happened
"""

from simulator.life.happenings import LifeError
from simulator.life.life import Life
from simulator.life.people import invent

__all__ = ["Life", "LifeError", "invent"]
