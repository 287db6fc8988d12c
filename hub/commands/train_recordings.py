"""The impacts in the recordings that the fall model is learnt from, as the detector meets them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import fall_features
from alerts.detectors.fall import ALONE_S, IMPACT_MG
from alerts.detectors.fall_features import G_MG, RATE_HZ, impact_features
from alerts.detectors.fall_net import BEFORE
from hub.commands.train_nets import MARGIN, Lesson
from hub.evaluate.falls import Recording

NEAR_S = 1.0  # an impact this close to the labelled one is the fall's
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One look at impacts as the detector meets them; label 1 fall, 0 not, -1 after a fall. All of n rows."""

    after: int
    features: Floats
    windows: NDArray[np.float32]  # in g, MARGIN wider at either side
    recording: NDArray[np.int64]
    sample: NDArray[np.int64]
    label: NDArray[np.int64]
    dataset: NDArray[np.str_]

    def lesson(self, rows: NDArray[np.int64]) -> Lesson:
        """Return what the networks learn from these rows."""
        return Lesson(after=self.after, windows=self.windows[rows], label=self.label[rows], dataset=self.dataset[rows])


def around(recording: Recording, sample: int, before: int, after: int) -> NDArray[np.int16]:
    """Return the samples around one; beyond the ends the first and the last sample stand."""
    window: NDArray[np.int16] = recording.accel[
        np.clip(np.arange(sample - before, sample + after + 1), 0, len(recording.accel) - 1)
    ]
    return window


def impacts(recordings: Sequence[Recording], after: int) -> Table:
    """Return every impact of every recording that is followed by `after` samples."""
    features: list[Floats] = []
    windows: list[NDArray[np.int16]] = []
    where: list[tuple[int, int, int]] = []
    for i, recording in enumerate(recordings):
        for sample in peaks(recording.accel):
            if sample + after >= len(recording.accel):
                continue
            features.append(impact_features(around(recording, sample, fall_features.BEFORE, after).astype(np.float64)))
            windows.append(around(recording, sample, BEFORE + MARGIN, after + MARGIN))
            where.append((i, sample, _label(recording, sample / RATE_HZ)))
    at = np.array(where)
    return Table(
        after=after,
        features=np.array(features),
        windows=np.array(windows, np.float32) / np.float32(G_MG),
        recording=at[:, 0],
        sample=at[:, 1],
        label=at[:, 2],
        dataset=np.array([recordings[i].dataset for i in at[:, 0]]),
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
