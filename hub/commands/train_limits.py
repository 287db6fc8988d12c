"""Limits of the fall model: what its looks said of recordings, and from which likelihood they may alarm."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.fall import NO_TURN, FallDetector
from alerts.detectors.fall_features import RATE_HZ
from alerts.detectors.fall_model import FallModel, Stage
from alerts.detectors.fall_net import BEFORE
from hub.commands.train_recordings import Table
from hub.evaluate.falls import Recording

SPECIFICITY = 0.98  # of recordings, on people not seen, both looks together; with and without the turn rate
EARLY = 1 / 3  # of the false alarms that the last look is allowed, what an earlier look may have
DRAWS = 300  # of people, for limits that do not hang on a few of them; of 30 the mean itself still wavers
SHOWN = (0.965, 0.98, 0.985, 0.99)  # specificities at which the found falls are told
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def likelihoods(tables: Sequence[Table], stages: Sequence[Stage], of: Mask, *, turning: bool) -> list[Floats]:
    """Return what each look says of the impacts of some recordings, 0 of the others; the turn rate shown or hidden."""
    out = [np.zeros(len(t.label)) for t in tables]
    for t, stage, said in zip(tables, stages, out, strict=True):
        margin = (t.windows.shape[1] - BEFORE - 1 - t.after) // 2
        seen = slice(margin, margin + BEFORE + 1 + t.after)
        for i in np.flatnonzero(of[t.recording]).tolist():
            window = t.windows[i, seen].astype(np.float64)
            turn = window[:, 3:] if turning and t.turned[i] else None
            said[i] = stage.probability(np.rint(window[:, :3] * 1000), turn)
    return out


def loudest(recordings: Sequence[Recording], tables: Sequence[Table], said: Sequence[Floats]) -> Floats:
    """Return (recordings, looks): the greatest likelihood, of a fall only among the impacts whose alarm would count."""
    falls = np.array([r.fall for r in recordings])
    most = np.zeros((len(recordings), len(tables)))
    for k, (t, held) in enumerate(zip(tables, said, strict=True)):
        counted = ~falls[t.recording] | (t.label != 0)
        np.maximum.at(most[:, k], t.recording[counted], held[counted])
    return most


def choose_limits(
    recordings: Sequence[Recording],
    tables: Sequence[Table],
    said: Sequence[Floats],
    among: Mask,
    specificity: float = SPECIFICITY,
) -> list[float]:
    """Return one limit a look: earlier looks may have EARLY of the last one's false alarms, `specificity` in all."""
    harmless = among & np.array([not r.fall for r in recordings])
    return _limits(loudest(recordings, tables, said)[harmless], specificity)


def steady_limits(
    recordings: Sequence[Recording], tables: Sequence[Table], said: Sequence[Floats], among: Mask
) -> list[float]:
    """Return the mean of the limits that `choose_limits` finds on people drawn anew, with repeats.

    Some twenty recordings decide where a limit lies: who of them happens to be there shall matter less.
    """
    harmless = np.flatnonzero(among & np.array([not r.fall for r in recordings]))
    subject = np.array([recordings[i].subject for i in harmless.tolist()])
    of = [harmless[subject == name] for name in np.unique(subject)]
    most, rng = loudest(recordings, tables, said), np.random.default_rng(0)
    if not of:
        return [1.0] * len(tables)
    drawn = [np.concatenate([of[k] for k in rng.integers(len(of), size=len(of))]) for _ in range(DRAWS)]
    mean: list[float] = np.mean([_limits(most[some], SPECIFICITY) for some in drawn], axis=0).tolist()
    return mean


def _limits(most: Floats, specificity: float) -> list[float]:
    looks = most.shape[1]
    for share in np.linspace(specificity, 1.0, 400) if len(most) else ():
        shares = [1 - (1 - share) * EARLY] * (looks - 1) + [share]
        limits = [float(np.quantile(column, s)) for column, s in zip(most.T, shares, strict=True)]
        if np.all(most <= limits, axis=1).mean() >= specificity:
            return limits
    return [1.0] * looks


def curve(
    recordings: Sequence[Recording], tables: Sequence[Table], said: Sequence[Floats], use: Mask
) -> dict[str, int]:
    """Return how many judged falls are found where limits leave this share of these very recordings quiet."""
    falls = use & np.array([r.fall and r.scorable for r in recordings])
    out = {}
    for share in SHOWN if falls.any() else ():
        limits = choose_limits(recordings, tables, said, use, share)
        loud: Mask = np.asarray(loudest(recordings, tables, said)[falls] > limits)
        out[f"{share}"] = int(loud.any(axis=1).sum())
    return out


def run(
    recordings: Sequence[Recording],
    which: Sequence[int],
    model: FallModel,
    *,
    turning: bool = True,
    range_mg: int | None = None,
) -> dict[int, list[float]]:
    """Feed recordings through the detector; return by recording the times of its alarms, if any.

    Args:
        recordings: All of them.
        which: Those to feed.
        model: Who judges.
        turning: Whether the detector is shown the turn rate.
        range_mg: Where a watch's sensor would have cut off.
    """
    out = {}
    for i in which:
        r = recordings[i]
        accel = r.accel if range_mg is None else np.clip(r.accel, -range_mg, range_mg)
        gyro = r.gyro if turning else np.full_like(r.gyro, NO_TURN)
        alarms = FallDetector(RATE_HZ, model).feed(accel, gyro, 0)
        if alarms:
            out[i] = [alarm.at_sample / RATE_HZ for alarm in alarms]
    return out
