"""What a wrist does all day: walking, sitting down, washing hands; and what looks like a fall and is none.

Sizes are those of old people's wrists where such were recorded, of the young elsewhere; see README.
"""

from collections.abc import Callable

import numpy as np

from simulator.life import wrist as poses
from simulator.life.model import Deed
from simulator.life.wrist import Reals, Wrist

Draw = Callable[[Wrist, float, float, float], None]  # into what, since, until, how spry 0 … 1


def draw(wrist: Wrist, deed: Deed, since_s: float, until_s: float, spry: float = 0.7) -> None:
    """Draw a deed into a stretch of a wrist's time."""
    DRAWN[deed](wrist, since_s, until_s, spry)


def _gait(wrist: Wrist, since_s: float, until_s: float, *, step_hz: float, bounce_g: float, swing: float) -> None:
    """Steps: a bounce, a strike of the heel that the arm passes on, a swing with every second step."""
    rng, on = wrist.rng, wrist.between(since_s, until_s, 0.5)
    wander = 1 + 0.05 * np.cumsum(wrist.noise(0.1, 0.8)[:, 0]) / poses.FINE_HZ
    phase = 2 * np.pi * step_hz * wrist.t * wander + rng.uniform(0, 6.28)
    size = on * (1 + 0.25 * wrist.noise(0.2, 1.0)[:, 0])
    wrist.support = wrist.support + bounce_g * size * (np.sin(phase) + 0.35 * np.sin(2 * phase + rng.uniform(0, 6.28)))
    strike = np.maximum(np.sin(phase - 0.6), 0) ** 6
    wrist.push += np.outer(0.9 * bounce_g * strike * size, rng.normal(0, 0.6, 3) + poses.ALONG_ARM)
    wrist.sway(swing * on * np.sin(phase / 2), np.array([0.15, 1.0, 0.3]) + rng.normal(0, 0.15, 3))
    wrist.twist += np.outer(1.8 * swing * size * np.sin(phase + 1), rng.normal(0, 1, 3))
    wrist.push += 0.25 * bounce_g * on[:, None] * wrist.noise(2.5, 8)


def _walking(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng = wrist.rng
    wrist.pose(since_s, poses.HANGS)
    step_hz = 1.35 + 0.4 * spry + rng.normal(0, 0.07)
    _gait(
        wrist, since_s, until_s, step_hz=step_hz, bounce_g=(0.10 + 0.17 * spry) * _about(rng), swing=0.2 + 0.42 * spry
    )


def _jogging(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    wrist.pose(since_s, poses.BEFORE_HER)
    _gait(wrist, since_s, until_s, step_hz=wrist.rng.normal(2.6, 0.1), bounce_g=1.05 + 0.7 * spry, swing=0.9)


def _stairs(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng = wrist.rng
    wrist.pose(since_s, poses.HANGS, 0.25)
    step_hz = 1.2 + 0.5 * spry + rng.normal(0, 0.08)
    _gait(wrist, since_s, until_s, step_hz=step_hz, bounce_g=(0.18 + 0.26 * spry) * _about(rng), swing=0.45)


def _sitting(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    _held(wrist, since_s, until_s, poses.IN_LAP, 0.012)
    at = since_s + wrist.rng.exponential(9)
    while at < until_s - 1:  # a page, a hand through the hair
        _fidget(wrist, at)
        at += 2 + wrist.rng.exponential(14)


def _lying(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    _held(wrist, since_s, until_s, poses.BESIDE_IN_BED, 0.004)


def _held(wrist: Wrist, since_s: float, until_s: float, way: Reals, restless: float) -> None:
    """An arm that lies or leans: breath, and a little unrest."""
    wrist.pose(since_s, way)
    on = wrist.between(since_s, until_s)
    wrist.support = wrist.support + 0.005 * on * np.sin(2 * np.pi * 0.26 * wrist.t + wrist.rng.uniform(0, 6.28))
    wrist.sway(restless * on * wrist.noise(0.1, 0.8)[:, 0], wrist.rng.normal(0, 1, 3))


def _fidget(wrist: Wrist, at_s: float) -> None:
    rng = wrist.rng
    turn = rng.uniform(0.1, 0.5)
    wrist.sway(turn * wrist.bump(at_s + 0.4, rng.uniform(0.15, 0.35)), rng.normal(0, 1, 3))
    wrist.blow(at_s + 0.3, rng.uniform(0.05, 0.25), 0.12)


def _change(wrist: Wrist, since_s: float, before: Reals, after: Reals, *, at_s: float, takes_s: float) -> None:
    """From one pose to another, with the effort that takes."""
    wrist.pose(since_s, before)
    wrist.pose(at_s, before)
    wrist.pose(at_s + takes_s, after)
    effort = wrist.between(at_s - 0.1, at_s + takes_s + 0.2, 0.3)
    wrist.push += 0.10 * effort[:, None] * wrist.noise(0.6, 5)
    wrist.twist += 1.1 * effort[:, None] * wrist.noise(0.6, 4)
    wrist.blow(at_s + 0.3 * takes_s, wrist.rng.uniform(0.12, 0.4), 0.13)


def _sits_down(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, at = wrist.rng, _middle(wrist, since_s, until_s)
    takes = 2.0 - 0.8 * spry
    _change(wrist, since_s, poses.HANGS, poses.IN_LAP, at_s=at, takes_s=takes)
    wrist.lose(at + 0.2 * takes, at + 0.8 * takes, rng.uniform(0.86, 0.95))
    wrist.blow(at + 0.85 * takes, rng.uniform(0.15, 0.5), 0.06, poses.IN_LAP)


def _stands_up(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    at = _middle(wrist, since_s, until_s)
    _change(wrist, since_s, poses.IN_LAP, poses.HANGS, at_s=at, takes_s=2.2 - 0.9 * spry)


def _drops_into_chair(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, at = wrist.rng, _middle(wrist, since_s, until_s)
    _change(wrist, since_s, poses.HANGS, poses.IN_LAP, at_s=at, takes_s=0.75)
    wrist.lose(at + 0.15, at + 0.5, rng.uniform(0.62, 0.85))
    wrist.blow(at + 0.55, rng.uniform(0.6, 2.3), rng.uniform(0.025, 0.06), poses.IN_LAP)
    wrist.ring(at + 0.57, rng.uniform(0.2, 0.7), rng.uniform(5, 9), 0.12)


def _lies_down(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, at = wrist.rng, _middle(wrist, since_s, until_s)
    takes = 2.6 - 0.9 * spry
    _change(wrist, since_s, poses.HANGS, poses.IN_LAP, at_s=at, takes_s=0.4 * takes)
    wrist.pose(at + takes, poses.BESIDE_IN_BED)
    wrist.blow(at + 0.9 * takes, rng.uniform(0.15, 0.8), 0.05, poses.BESIDE_IN_BED)


def _gets_out_of_bed(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    at = _middle(wrist, since_s, until_s)
    takes = 3.4 - 1.2 * spry
    _change(wrist, since_s, poses.BESIDE_IN_BED, poses.ON_TABLE, at_s=at, takes_s=0.5 * takes)
    wrist.pose(at + takes, poses.HANGS)
    wrist.blow(at + 0.5 * takes, wrist.rng.uniform(0.2, 0.5), 0.1)


def _bends(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, at = wrist.rng, _middle(wrist, since_s, until_s)
    _change(wrist, since_s, poses.HANGS, poses.REACHES_DOWN, at_s=at, takes_s=1.3 - 0.4 * spry)
    wrist.pose(at + 2.0, poses.REACHES_DOWN)
    wrist.pose(at + 3.0, poses.HANGS)
    wrist.sway(0.5 * wrist.bump(at + 1.5, 0.2), rng.normal(0, 1, 3))
    wrist.twist += np.outer(6 * wrist.bump(at + 1.4, 0.12), rng.normal(0, 0.7, 3))
    wrist.blow(at + 1.5, rng.uniform(0.2, 0.7), 0.07)


def _clapping(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng = wrist.rng
    wrist.pose(since_s, poses.BEFORE_HER)
    clap_hz, size = rng.uniform(1.8, 3.4), rng.uniform(0.9, 2.4)
    at, way = since_s + rng.uniform(0.5, 1.5), rng.normal(0, 1, 3)
    while at < until_s - 0.6:
        wrist.blow(at, size * _about(rng), 0.018, way)
        wrist.ring(at + 0.012, 0.5 * size, rng.uniform(7, 11), 0.05)
        wrist.sway(-0.4 * wrist.bump(at - 0.5 / clap_hz, 0.25 / clap_hz), way)
        at += rng.normal(1, 0.06) / clap_hz


def _hits_table(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, at = wrist.rng, _middle(wrist, since_s, until_s)
    wrist.pose(since_s, poses.ON_TABLE)
    wrist.pose(at - 0.7, poses.ON_TABLE)
    wrist.pose(at - 0.3, poses.BEFORE_HER, 0.3)
    wrist.pose(at, poses.ON_TABLE)
    wrist.lose(at - 0.22, at - 0.02, rng.uniform(0.25, 0.75))
    wrist.blow(at, rng.uniform(0.6, 3.4), rng.uniform(0.016, 0.03), poses.ON_TABLE)
    wrist.ring(at + 0.01, rng.uniform(0.3, 1.0), rng.uniform(8, 12), 0.07)


def _washing_hands(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, on = wrist.rng, wrist.between(since_s + 0.6, until_s - 0.6, 0.5)
    wrist.pose(since_s, poses.HANGS)
    wrist.pose(since_s + 0.9, poses.BEFORE_HER)
    rubs = np.sin(2 * np.pi * rng.uniform(2.2, 3.6) * wrist.t) * (0.6 + 0.4 * wrist.noise(0.3, 1.0)[:, 0])
    wrist.push += 0.28 * np.outer(rubs * on, rng.normal(0, 1, 3)) + 0.19 * on[:, None] * wrist.noise(1.0, 9.5)
    wrist.twist += 4.6 * on[:, None] * wrist.noise(1.0, 6.0)
    wrist.sway(0.25 * on * wrist.noise(0.3, 1.5)[:, 0], rng.normal(0, 1, 3))


def _drinking(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    at = _middle(wrist, since_s, until_s) - 1.0
    _change(wrist, since_s, poses.ON_TABLE, poses.AT_MOUTH, at_s=at, takes_s=1.2)
    wrist.pose(at + 2.2, poses.AT_MOUTH, 0.2)
    wrist.pose(at + 3.4, poses.ON_TABLE)


def _brushing_teeth(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, on = wrist.rng, wrist.between(since_s + 0.8, until_s - 0.5, 0.5)
    wrist.pose(since_s, poses.HANGS)
    wrist.pose(since_s + 0.9, poses.AT_MOUTH)
    strokes = np.sin(2 * np.pi * rng.uniform(2.6, 4.2) * wrist.t) * (0.7 + 0.3 * wrist.noise(0.2, 0.8)[:, 0])
    wrist.push += 0.32 * np.outer(strokes * on, rng.normal(0, 1, 3)) + 0.05 * on[:, None] * wrist.noise(2, 9)


def _opens_door(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng = wrist.rng
    wrist.pose(since_s, poses.HANGS)
    at = since_s + rng.uniform(1.0, 2.0)
    while at < until_s - 2.5:
        wrist.pose(at, poses.HANGS)
        wrist.pose(at + 0.7, poses.BEFORE_HER, 0.2)
        wrist.pose(at + 1.6, poses.BEFORE_HER, 0.35)
        wrist.pose(at + 2.3, poses.HANGS)
        wrist.blow(at + 0.9, rng.uniform(0.4, 1.1), 0.05)
        wrist.push += 0.12 * wrist.between(at, at + 2.3)[:, None] * wrist.noise(1, 8)
        at += rng.uniform(3, 6)


def _stumbles(wrist: Wrist, since_s: float, until_s: float, spry: float) -> None:
    rng, at = wrist.rng, _middle(wrist, since_s, until_s)
    _walking(wrist, since_s, until_s, spry)
    wrist.pose(at, poses.HANGS)
    wrist.pose(at + 0.3, poses.BEFORE_HER, 0.5)
    wrist.pose(at + 1.2, poses.HANGS)
    wrist.lose(at, at + 0.25, rng.uniform(0.5, 0.8))
    wrist.blow(at + 0.3, rng.uniform(1.0, 3.4), rng.uniform(0.035, 0.08))
    wrist.blow(at + 0.6, rng.uniform(0.3, 1.0), 0.07)


def _middle(wrist: Wrist, since_s: float, until_s: float) -> float:
    """Return some moment not too near either end."""
    return float(since_s + (until_s - since_s) * wrist.rng.uniform(0.35, 0.55))


def _about(rng: np.random.Generator) -> float:
    return float(np.exp(rng.normal(0, 0.22)))


DRAWN: dict[Deed, Draw] = {
    Deed.WALKING: _walking, Deed.JOGGING: _jogging, Deed.STAIRS: _stairs, Deed.SITTING: _sitting, Deed.LYING: _lying,
    Deed.SITS_DOWN: _sits_down, Deed.STANDS_UP: _stands_up, Deed.DROPS_INTO_CHAIR: _drops_into_chair,
    Deed.LIES_DOWN: _lies_down, Deed.GETS_OUT_OF_BED: _gets_out_of_bed, Deed.BENDS: _bends, Deed.CLAPPING: _clapping,
    Deed.HITS_TABLE: _hits_table, Deed.WASHING_HANDS: _washing_hands, Deed.DRINKING: _drinking,
    Deed.BRUSHING_TEETH: _brushing_teeth, Deed.OPENS_DOOR: _opens_door, Deed.STUMBLES: _stumbles,
}  # fmt: skip
