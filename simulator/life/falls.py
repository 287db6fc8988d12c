"""What a wrist feels of a fall: what she did, the stagger, the drop, the blow, the rest; then lying, or getting up.

From losing balance to the floor it takes some 0.4 to 0.8 s from standing (Hsiao and Robinovitch 1998), less from a
chair. The arms fly, often a hand comes first; who faints sinks without either.
"""

from dataclasses import dataclass

import numpy as np

from simulator.life import deeds
from simulator.life import wrist as poses
from simulator.life.model import Deed, FallKind, Motion
from simulator.life.wrist import Reals, Wrist

GETTING_UP_S = 9.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """One kind of fall: ranges drawn from evenly, the blow's size around its middle in proportions."""

    before: Deed
    drop_s: tuple[float, float]
    left: tuple[float, float]  # of the support while dropping
    blow_g: float
    flails: float  # of 1: how much the arms fly
    hand_first: float  # share of falls
    ends: tuple[Reals, ...]  # how the arm may lie then


_W, _K = Deed, FallKind
SHAPES: dict[FallKind, Shape] = {
    _K.FORWARD: Shape(before=_W.WALKING, drop_s=(0.45, 0.75), left=(0.5, 1.0), blow_g=4.1, flails=1.4, hand_first=0.75,
                      ends=(poses.UNDER_HER, poses.FLUNG_UP, poses.ON_TABLE)),
    _K.BACKWARD: Shape(before=_W.WALKING, drop_s=(0.4, 0.7), left=(0.45, 0.95), blow_g=3.7, flails=1.5, hand_first=0.6,
                       ends=(poses.BESIDE_IN_BED, poses.FLUNG_UP)),
    _K.SIDE: Shape(before=_W.WALKING, drop_s=(0.45, 0.75), left=(0.5, 1.0), blow_g=3.9, flails=1.5, hand_first=0.6,
                   ends=(poses.UNDER_HER, poses.ON_TABLE, poses.FLUNG_UP)),
    _K.SLIP: Shape(before=_W.WALKING, drop_s=(0.35, 0.6), left=(0.35, 0.85), blow_g=4.1, flails=1.6, hand_first=0.5,
                   ends=(poses.BESIDE_IN_BED, poses.ON_TABLE)),
    _K.FAINT: Shape(before=_W.WALKING, drop_s=(0.6, 1.1), left=(0.6, 1.0), blow_g=2.4, flails=0.5, hand_first=0.05,
                    ends=(poses.UNDER_HER, poses.BESIDE_IN_BED)),
    _K.FROM_SITTING: Shape(before=_W.SITTING, drop_s=(0.35, 0.65), left=(0.6, 1.0), blow_g=3.6, flails=1.2,
                           hand_first=0.4, ends=(poses.UNDER_HER, poses.ON_TABLE, poses.BESIDE_IN_BED)),
    _K.OUT_OF_BED: Shape(before=_W.LYING, drop_s=(0.25, 0.42), left=(0.5, 0.95), blow_g=3.1, flails=0.9,
                         hand_first=0.3, ends=(poses.UNDER_HER, poses.ON_TABLE)),
}  # fmt: skip
_START: dict[Deed, Reals] = {Deed.WALKING: poses.HANGS, Deed.SITTING: poses.IN_LAP, Deed.LYING: poses.BESIDE_IN_BED}


def draw(
    wrist: Wrist, kind: FallKind, *, at_s: float, spry: float = 0.6, before: Deed | None = None,
    gets_up_s: float | None = None,
) -> float:  # fmt: skip
    """Draw a fall into the whole of a wrist's time; returns when the blow is.

    Args:
        at_s: about when she loses balance; until then she does what goes before such a fall.
        gets_up_s: after the blow, None: she stays.
    """
    shape, rng, end = SHAPES[kind], wrist.rng, float(wrist.t[-1])
    doing = before or shape.before
    deeds.draw(wrist, doing, 0.0, at_s, spry)
    impact = at_s + rng.uniform(*shape.drop_s)
    held = _START.get(doing, poses.HANGS)
    wrist.pose(at_s - 0.15, held)
    _stagger(wrist, shape, at_s, impact)
    lying = shape.ends[int(rng.integers(len(shape.ends)))]
    _land(wrist, shape, at_s, impact, lying)
    _rest(wrist, impact, lying, min(end, impact + gets_up_s) if gets_up_s is not None else end)
    if gets_up_s is not None and impact + gets_up_s < end:
        _get_up(wrist, impact + gets_up_s, end, lying, spry)
    return impact


def _stagger(wrist: Wrist, shape: Shape, at_s: float, impact: float) -> None:
    """Losing balance: the arms fly out before and while the ground goes, so a wrist is seldom weightless for long."""
    rng = wrist.rng
    for _ in range(int(rng.integers(1, 5))):
        when = rng.uniform(at_s - 0.4, impact - 0.1)
        wrist.blow(when, shape.flails * rng.uniform(0.3, 1.5), rng.uniform(0.04, 0.1))
        wrist.twist += np.outer(shape.flails * rng.uniform(1.2, 4.6) * wrist.bump(when, 0.14), rng.normal(0, 0.6, 3))
    wild = wrist.between(at_s - 0.5, impact, 0.2)
    wrist.push += 0.2 * shape.flails * wild[:, None] * wrist.noise(1, 8)
    wrist.pose(at_s + 0.5 * (impact - at_s), poses.FLUNG_UP if shape.flails > 0.5 else poses.BEFORE_HER, 0.5)
    wrist.lose(at_s + 0.1, impact - 0.03, rng.uniform(*shape.left))


def _land(wrist: Wrist, shape: Shape, at_s: float, impact: float, lying: Reals) -> None:
    """A hand perhaps, the blow, what else of her comes down, and what swings: a second of tumult."""
    rng = wrist.rng
    size = 1.35 * shape.blow_g * float(np.exp(rng.normal(0, 0.38)))
    wrist.pose(impact + 0.05, lying, 0.35)
    if rng.random() < shape.hand_first:
        wrist.blow(impact - rng.uniform(0.08, 0.25), rng.uniform(0.4, 0.8) * size, rng.uniform(0.014, 0.035))
    wrist.blow(impact, size, rng.uniform(0.013, 0.028), lying)
    wrist.ring(impact + 0.015, rng.uniform(0.4, 0.8) * size, rng.uniform(5, 9), 0.1)
    for _ in range(int(rng.integers(1, 5))):
        when = impact + 0.1 + rng.exponential(0.25)
        wrist.blow(when, rng.uniform(0.15, 0.6) * size, rng.uniform(0.014, 0.05))
    fades = np.exp(-np.maximum(wrist.t - impact, 0) / rng.uniform(0.25, 0.8)) * (wrist.t >= impact)
    wrist.push += rng.uniform(0.08, 0.19) * size * fades[:, None] * wrist.noise(1, 9)
    wrist.twist += np.outer(rng.uniform(2, 7) * wrist.bump(impact - 0.05, 0.09), rng.normal(0, 0.7, 3))


def _rest(wrist: Wrist, impact: float, lying: Reals, until_s: float) -> None:
    """Limbs settle within two seconds; then breath and pain."""
    rng = wrist.rng
    settles = impact + rng.uniform(0.9, 3.0)
    wrist.pose(settles, lying, 0.3)
    wrist.push += 0.12 * wrist.between(impact + 0.2, settles, 0.2)[:, None] * wrist.noise(0.8, 6)
    on = wrist.between(settles, until_s)
    wrist.support = wrist.support + 0.006 * on * np.sin(2 * np.pi * 0.3 * wrist.t)
    wrist.sway(0.012 * on * wrist.noise(0.1, 0.8)[:, 0], rng.normal(0, 1, 3))
    at = settles + rng.exponential(7)
    while at < until_s - 1:
        wrist.sway(rng.uniform(0.05, 0.3) * wrist.bump(at, rng.uniform(0.15, 0.4)), rng.normal(0, 1, 3))
        at += 1.5 + rng.exponential(9)


def _get_up(wrist: Wrist, since_s: float, end: float, lying: Reals, spry: float) -> None:
    """Over, on hands and knees, a hand on the chair, up; then a little walk or the chair."""
    rng, takes = wrist.rng, GETTING_UP_S * (1.3 - 0.6 * spry)
    effort = wrist.between(since_s, since_s + takes, 0.5)
    wrist.pose(since_s, lying)
    wrist.pose(since_s + 0.25 * takes, poses.ON_TABLE, 0.3)
    wrist.pose(since_s + 0.6 * takes, poses.ON_TABLE, 0.4)
    wrist.pose(since_s + 0.8 * takes, poses.BEFORE_HER, 0.3)
    wrist.push += 0.09 * effort[:, None] * wrist.noise(0.5, 4)
    wrist.blow(since_s + 0.3 * takes, rng.uniform(0.2, 0.6), 0.06)
    if since_s + takes + 2 < end:
        deeds.draw(wrist, Deed.WALKING if rng.random() < 0.6 else Deed.SITTING, since_s + takes, end, 0.6 * spry)
    else:
        wrist.pose(since_s + takes, poses.HANGS)


def fall(
    kind: FallKind, rng: np.random.Generator, *, rate_hz: float = 50.0, range_g: float = 8.0, before_s: float = 12.0,
    after_s: float = 25.0, spry: float = 0.6, gets_up_s: float | None = None, before: Deed | None = None,
) -> Motion:  # fmt: skip
    """Return a fall with what went before and what came after, as a watch of that rate and range streams it."""
    wrist = Wrist(before_s + 1.0 + after_s, rng)
    impact = draw(wrist, kind, at_s=before_s, spry=spry, before=before, gets_up_s=gets_up_s)
    return wrist.sampled(rate_hz, range_g, impact)


def deed(
    what: Deed, rng: np.random.Generator, *, rate_hz: float = 50.0, range_g: float = 8.0, seconds: float = 12.0,
    spry: float = 0.7, tremor_g: float = 0.006,
) -> Motion:  # fmt: skip
    """Return a deed of daily life, as a watch of that rate and range streams it."""
    wrist = Wrist(seconds, rng, tremor_g=tremor_g)
    deeds.draw(wrist, what, 0.0, seconds, spry)
    return wrist.sampled(rate_hz, range_g)
