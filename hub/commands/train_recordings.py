"""The impacts in the recordings that the fall model is learnt from, as the detector meets them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import fall_features
from alerts.detectors.fall import ALONE_S, IMPACT_MG, NO_TURN, TURN_RAD_S
from alerts.detectors.fall_features import G_MG, RATE_HZ, impact_features, turn_features
from alerts.detectors.fall_net import BEFORE
from hub.commands.train_nets import MARGIN, Lesson
from hub.evaluate.falls import Recording

NARROW_MG = 2000  # the least range of a watch's sensor
NEAR_S = 1.0  # an impact this close to the labelled one is the fall's
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One look at impacts as the detector meets them; label 1 fall, 0 not, -1 after a fall. All of n rows."""

    after: int
    features: Floats
    turning: Floats  # features of the turn rate
    windows: NDArray[np.float32]  # in g, MARGIN wider at either side; behind it the turn rate in rad/s
    turned: NDArray[np.bool_]  # whether the turn rate is known
    recording: NDArray[np.int64]
    sample: NDArray[np.int64]
    label: NDArray[np.int64]
    dataset: NDArray[np.str_]
    narrow: "Table | None" = None  # of the same recordings as a sensor of NARROW_MG would have shown them

    def lesson(self, rows: NDArray[np.int64], *, turning: bool = False) -> Lesson:
        """Return what the networks learn from these rows: acceleration, or the turn rate as well."""
        windows = self.windows[rows] if turning else self.windows[rows, :, :3]
        return Lesson(after=self.after, windows=windows, label=self.label[rows], dataset=self.dataset[rows])


def around(samples: NDArray[np.int16], sample: int, before: int, after: int) -> NDArray[np.int16]:
    """Return the samples around one; beyond the ends the first and the last sample stand."""
    window: NDArray[np.int16] = samples[np.clip(np.arange(sample - before, sample + after + 1), 0, len(samples) - 1)]
    return window


def turns(recording: Recording) -> bool:
    """Whether the recording knows its turn rate throughout."""
    return bool((recording.gyro != NO_TURN).all() and recording.gyro.any())


def narrowed(recordings: Sequence[Recording]) -> list[Recording]:
    """Return the recordings as watches of NARROW_MG, worn any way, would have shown them.

    What is cut off of a blow makes another sample the greatest: its echo, or the arm thrown up before.
    """
    rng = np.random.default_rng(0)
    out = []
    for r in recordings:
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        accel = np.rint(np.clip(r.accel @ turn, -NARROW_MG, NARROW_MG)).astype(np.int16)
        out.append(replace(r, accel=accel))
    return out


def impacts(recordings: Sequence[Recording], after: int, *, narrow: bool = True) -> Table:
    """Return every impact of every recording that is followed by `after` samples; also as `narrowed`."""
    at = np.array(
        [
            (i, sample, _label(recording, sample / RATE_HZ))
            for i, recording in enumerate(recordings)
            for sample in peaks(recording.accel)
            if sample + after < len(recording.accel)
        ]
    )
    turned = np.array([turns(recordings[i]) for i in at[:, 0]])
    windows = np.zeros((len(at), MARGIN + BEFORE + 1 + after + MARGIN, 6), np.float32)
    features, turning = [], []
    for k, (i, sample, _) in enumerate(at.tolist()):
        accel = around(recordings[i].accel, sample, BEFORE + MARGIN, after + MARGIN)
        windows[k, :, :3] = accel / np.float32(G_MG)
        if turned[k]:
            gyro = around(recordings[i].gyro, sample, BEFORE + MARGIN, after + MARGIN)
            windows[k, :, 3:] = gyro * np.float32(TURN_RAD_S)
        seen = slice(MARGIN + BEFORE - fall_features.BEFORE, MARGIN + BEFORE + 1 + after)
        features.append(impact_features(accel[seen].astype(np.float64)))
        turning.append(turn_features(windows[k, seen, 3:].astype(np.float64)))
    return Table(
        after=after,
        features=np.array(features),
        turning=np.array(turning),
        windows=windows,
        turned=turned,
        recording=at[:, 0],
        sample=at[:, 1],
        label=at[:, 2],
        dataset=np.array([recordings[i].dataset for i in at[:, 0]]),
        narrow=impacts(narrowed(recordings), after, narrow=False) if narrow else None,
    )


def _label(recording: Recording, at_s: float) -> int:
    if not recording.fall:
        return 0
    if abs(at_s - recording.impact_s) <= NEAR_S:
        return 1
    return -1 if recording.finds(at_s) else 0


def peaks(accel: NDArray[np.int16]) -> list[int]:
    """Return the impacts of a whole recording: the same that the detector finds in the stream."""
    power = (accel.astype(np.int64) ** 2).sum(axis=1)
    alone = round(ALONE_S * RATE_HZ)
    return [
        p
        for p in np.flatnonzero(power >= IMPACT_MG**2).tolist()
        if power[p] >= power[p + 1 : p + alone + 1].max(initial=0)
        and power[p] > power[max(0, p - alone) : p].max(initial=0)
    ]
