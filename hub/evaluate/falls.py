"""Fall alarms against wrist recordings: which falls were found, how late, and what else alarmed.

The protocol: an alarm from half a second before the labelled start (two seconds before the impact where nobody labelled
it) to 20 s after the impact finds the fall; every other alarm is false; alarms that follow each other by less than 30 s
are one. Falls cut off too close to their impact are not scored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isnan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.fall import ALONE_S, IMPACT_MG, FallDetector
from alerts.detectors.fall_model import FallModel
from hub.errors import HubError
from hub.evaluate.archives import arrays, parts
from hub.evaluate.statistics import median_p95, share

LATEST_S = 20.0  # after the impact
BEFORE_START_S = 0.5
BEFORE_IMPACT_S = 2.0
ONE_ALARM_S = 30.0
CUT, MOVED_S = 40, 0.1  # recordings cut after their alarm, and what it may move by
PATTERN = "*_dev.npz"
Alarms = Mapping[str, Sequence[float]]


class RecordingsError(HubError):
    """A file of recordings is not what it should be."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Recording:
    """One recording of a wrist with its labels; acceleration (n, 3) in 1/1000 g, turn rate (n, 3)."""

    name: str
    dataset: str
    subject: str
    group: str
    activity: str
    fall: bool
    scorable: bool
    start_s: float  # NaN where nobody labelled it
    impact_s: float
    rate_hz: float
    accel: NDArray[np.int16]
    gyro: NDArray[np.int16]

    @property
    def seconds(self) -> float:
        return len(self.accel) / self.rate_hz

    def finds(self, at_s: float) -> bool:
        """Would an alarm at this time have found the fall?"""
        since = self.impact_s - BEFORE_IMPACT_S if isnan(self.start_s) else self.start_s - BEFORE_START_S
        return self.fall and since <= at_s <= self.impact_s + LATEST_S


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What the detector made of one recording."""

    recording: Recording
    alarms: tuple[float, ...]
    found_at_s: float | None
    false: int  # alarms that found nothing, close ones counted once

    @property
    def delay_s(self) -> float:
        return (self.found_at_s or 0.0) - self.recording.impact_s


def load(folder: Path) -> list[Recording]:
    """Read every file of labelled recordings of a folder.

    Raises:
        RecordingsError: A file lacks something, or two recordings have one name.
    """
    found: dict[str, Recording] = {}
    for path in sorted(folder.glob(PATTERN)):
        try:
            several = _read(path)
        except (LookupError, ValueError, TypeError, OSError) as err:
            raise RecordingsError(f"{path} is no file of labelled recordings: {err}") from err
        for recording in several:
            if recording.name in found:
                raise RecordingsError(f"{path}: a recording named {recording.name} was in an earlier file as well")
            found[recording.name] = recording
    return list(found.values())


def _read(path: Path) -> list[Recording]:
    z = arrays(path)
    return [
        Recording(
            name=str(z["rec_id"][i]),
            dataset=str(z["dataset"][i]),
            subject=str(z["subject"][i]),
            group=str(z["group"][i]),
            activity=str(z["activity"][i]),
            fall=bool(z["is_fall"][i]),
            scorable=bool(z["scorable"][i]),
            start_s=float(z["fall_start_s"][i]),
            impact_s=float(z["impact_s"][i]),
            rate_hz=float(z["fs"]),
            accel=z["acc_mg"][start:end],
            gyro=z["gyro_2mrad"][start:end],
        )
        for i, (start, end) in enumerate(parts(z["offset"], len(z["acc_mg"])))
    ]


def listen(recordings: Iterable[Recording], model: FallModel, told: Callable[[], None] = lambda: None) -> Alarms:
    """Feed each recording to a new detector; return its alarm times in s by name. `told` is called once a recording."""
    out = {}
    for recording in recordings:
        out[recording.name] = alarm_times(recording.accel, recording.gyro, recording.rate_hz, model)
        told()
    return out


def alarm_times(accel: NDArray[np.int16], gyro: NDArray[np.int16], rate_hz: float, model: FallModel) -> list[float]:
    """Feed one recording to a new detector; return its alarm times in seconds from its start."""
    return [alarm.at_sample / rate_hz for alarm in FallDetector(rate_hz, model).feed(accel, gyro, 0)]


def causal(recordings: Sequence[Recording], alarms: Alarms, model: FallModel) -> dict[str, int]:
    """Cut some recordings right after their first alarm and listen again: who looks ahead loses or moves it."""
    loud = [r for r in recordings if alarms.get(r.name)]
    some = loud[:: max(1, len(loud) // CUT)][:CUT]
    moved = 0
    for recording in some:
        first = alarms[recording.name][0]
        end = ceil(first * recording.rate_hz) + 2
        again = alarm_times(recording.accel[:end], recording.gyro[:end], recording.rate_hz, model)
        moved += not again or abs(again[0] - first) > MOVED_S
    return {"cut": len(some), "lost_or_moved": moved}


def outcomes(recordings: Iterable[Recording], alarms: Alarms) -> list[Outcome]:
    """Judge the alarms of every recording that is to be scored."""
    return [
        _outcome(recording, sorted(alarms.get(recording.name, ())))
        for recording in recordings
        if recording.scorable or not recording.fall
    ]


def _outcome(recording: Recording, alarms: Sequence[float]) -> Outcome:
    impossible = [at for at in alarms if not 0 <= at <= recording.seconds]
    if impossible:
        raise RecordingsError(f"{recording.name}: an alarm at {impossible[0]} s of {recording.seconds:.2f} s")
    hits = [at for at in alarms if recording.finds(at)]
    false = _apart([at for at in alarms if not recording.finds(at)])
    return Outcome(recording, tuple(alarms), hits[0] if hits else None, false)


def _apart(times: Sequence[float]) -> int:
    """Return how many alarms these are when those that follow closely are one with the alarm before."""
    return len(times) and 1 + sum(later - at >= ONE_ALARM_S for at, later in pairwise(times))


def summary(judged: Sequence[Outcome]) -> dict[str, Any]:
    """Return sensitivity, specificity, false alarms and delays of some recordings."""
    falls = [o for o in judged if o.recording.fall]
    daily = [o for o in judged if not o.recording.fall]
    found = [o for o in falls if o.found_at_s is not None]
    hours = sum(o.recording.seconds for o in daily) / 3600
    middle, late = median_p95([o.delay_s for o in found])
    false = sum(o.false for o in daily)
    return {
        "people": len({o.recording.subject for o in judged}),
        "sensitivity": share(len(found), len(falls)),
        "specificity": share(sum(not o.alarms for o in daily), len(daily)),
        "delay_median_s": middle,
        "delay_p95_s": late,
        "daily_hours": hours,
        "false_alarms": false,
        "false_alarms_in_fall_recordings": sum(o.false for o in falls),
        "false_alarms_per_recorded_hour": false / hours if hours else None,
    }


def tables(judged: Sequence[Outcome]) -> dict[str, Any]:
    """Return everything the report says about one way of judging: in all, by data set, by group, by activity."""
    return {
        "all": summary(judged),
        "by_dataset": _split(judged, lambda o: o.recording.dataset),
        "by_group": _split(judged, lambda o: f"{o.recording.dataset} {o.recording.group}"),
        "activities": activities(judged),
        "delays_s": sorted(round(o.delay_s, 3) for o in judged if o.found_at_s is not None),
    }


def _split(judged: Sequence[Outcome], key: Callable[[Outcome], str]) -> dict[str, Any]:
    return {name: summary([o for o in judged if key(o) == name]) for name in sorted({key(o) for o in judged})}


def activities(judged: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return of every activity how many recordings there are and of how many the answer was wrong."""
    kinds = sorted({(o.recording.dataset, o.recording.activity, o.recording.fall) for o in judged})
    rows = []
    for dataset, activity, fall in kinds:
        of = [
            o
            for o in judged
            if (o.recording.dataset, o.recording.activity, o.recording.fall) == (dataset, activity, fall)
        ]
        wrong = [o for o in of if (o.found_at_s is None if fall else bool(o.alarms))]
        rows.append(
            {"dataset": dataset, "activity": activity, "fall": fall, "recordings": len(of), "wrong": len(wrong),
             "people_wrong": len({o.recording.subject for o in wrong}),
             "elders_wrong": sum(o.recording.group == "elder" for o in wrong)}
        )  # fmt: skip
    return rows


def impacts_per_s(recordings: Iterable[Recording]) -> float:
    """Return how often daily life is as loud as an impact: what following a wrist costs depends on it."""
    daily = [r for r in recordings if not r.fall]
    return sum(_impacts(r) for r in daily) / max(1.0, sum(r.seconds for r in daily))


def _impacts(recording: Recording) -> int:
    power = (recording.accel.astype(np.int64) ** 2).sum(axis=1)
    alone = round(ALONE_S * recording.rate_hz)
    count, last = 0, -alone - 1
    for at in np.flatnonzero(power >= IMPACT_MG**2).tolist():
        if at - last > alone and power[at] >= power[at : at + alone + 1].max():
            count, last = count + 1, at
    return count
