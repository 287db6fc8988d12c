"""Heart-rate alerts on real wearers: how many a day, which added rises are found, what when one lies still.

The protocol: a rise is a ramp of an hour to so many beats more, held for two hours, at a moment when for four hours a
heart rate is there in over 80 % of the minutes and steps in under 10 %; the fourteen days before come first, so that
what is usual can be learnt. The same window without the rise is fed as well: where it alarms between an hour before and
the end, the window is left out. A silence: on a day whose forenoon has steps, from an unforeseen minute between 9 and
14 h on the steps are 0 and the heart rate is drawn from the wearer's rest, for 16 h. Every stream is a wearer met for
the first time. The draws of the seed are made in the order of whoever else judges by this protocol, so that the windows
are the same ones.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Finding
from alerts.model import Severity
from hub.errors import HubError
from hub.evaluate.archives import arrays
from hub.evaluate.statistics import median_p95, over_wearers, share, wilson
from hub.evaluate.streams import Findings, Stream

DAY = 1440
RAMP_MIN, HOLD_MIN, BEFORE_DAYS = 60, 120, 14
RISES_BPM = (30, 40, 60)
SEED, WINDOWS = 7, 20  # of rises a wearer; half as many silences
TRIES = 4000
STILL_MIN, IN_TIME_MIN = 16 * 60, 12 * 60
LOUD = {Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM}
Minutes = NDArray[np.int16]


class WearersError(HubError):
    """The wearers' files are not what they should be."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Wearer:
    """One wearer's whole record: heart rate (0 = none) and steps (-1 = none) a minute, from a local midnight on."""

    name: str
    hr: Minutes
    steps: Minutes

    @property
    def days(self) -> float:
        """Days' worth of minutes with a heart rate."""
        return float((self.hr > 0).sum()) / DAY

    def until(self, minute: int) -> "Wearer":
        """Return the record up to a minute."""
        return Wearer(name=self.name, hr=self.hr[:minute], steps=self.steps[:minute])


@dataclass(frozen=True, kw_only=True, slots=True)
class Rise:
    """One window: the stream without the rise, those with it, and the minute of the stream in which it begins."""

    wearer: str
    plain: str
    risen: dict[int, str]  # bpm -> stream
    begin: int

    @property
    def end(self) -> int:
        return self.begin + RAMP_MIN + HOLD_MIN


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """One wearer lying still from this minute of a stream on."""

    wearer: str
    stream: str
    begin: int


@dataclass(kw_only=True, slots=True)
class Trial:
    """All that is fed, and what is asked of it."""

    wearers: list[Wearer]
    streams: dict[str, Stream] = field(default_factory=dict)
    rises: list[Rise] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)


def load(data: Path, table: Path) -> list[Wearer]:
    """Read the wearers who have a heart rate.

    Raises:
        WearersError: The files do not fit each other.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = [row["sid"] for row in csv.DictReader(file) if int(row["hr_minutes"]) > 0]
        z = arrays(data, [f"{sid}_{what}" for sid in rows for what in ("hr", "steps")])
        return [
            Wearer(name=sid, hr=z[f"{sid}_hr"].astype(np.int16), steps=z[f"{sid}_steps"].astype(np.int16))
            for sid in rows
        ]
    except (KeyError, ValueError, TypeError, OSError, csv.Error) as err:
        raise WearersError(f"{data} and {table} do not hold wearers' minutes: {err}") from err


def trial(wearers: Sequence[Wearer], windows: int = WINDOWS, seed: int = SEED) -> Trial:
    """Draw the windows and make the streams."""
    made = Trial(wearers=list(wearers))
    rng = np.random.default_rng(seed)
    for wearer in wearers:
        made.streams[wearer.name] = Stream(wearer.hr, wearer.steps)
        _add_rises(made, wearer, windows, rng)
    rng = np.random.default_rng(seed + 1)
    for wearer in wearers:
        _add_silences(made, wearer, windows // 2, rng)
    return made


def _add_rises(made: Trial, wearer: Wearer, windows: int, rng: np.random.Generator) -> None:
    for number, at in enumerate(_calm_moments(wearer, windows, rng)):
        start = (at // DAY - BEFORE_DAYS) * DAY
        end = min(at + RAMP_MIN + HOLD_MIN + int(rng.integers(1, 600)), len(wearer.hr))
        hr, steps, begin = wearer.hr[start:end], wearer.steps[start:end], at - start
        plain = f"{wearer.name} window {number}"
        made.streams[plain] = Stream(hr, steps)
        risen = {}
        for bpm in RISES_BPM:
            risen[bpm] = f"{plain} +{bpm}"
            made.streams[risen[bpm]] = Stream(raised(hr, begin, bpm), steps)
        made.rises.append(Rise(wearer=wearer.name, plain=plain, risen=risen, begin=begin))


def _calm_moments(wearer: Wearer, windows: int, rng: np.random.Generator) -> list[int]:
    first, last = (BEFORE_DAYS + 1) * DAY, len(wearer.hr) - RAMP_MIN - HOLD_MIN - 60
    if last <= first:
        return []
    drawn = rng.integers(first, last, size=TRIES)
    hours = 4 * 60
    calm = [
        int(at)
        for at in drawn
        if (wearer.hr[at : at + hours] > 0).mean() > 0.8 and (wearer.steps[at : at + hours] > 0).mean() < 0.1
    ]
    return calm[:windows]


def raised(hr: Minutes, begin: int, bpm: int) -> Minutes:
    """Return a heart rate with a ramp to `bpm` more and two hours of it; minutes without one stay so."""
    more = np.zeros(len(hr))
    more[begin : begin + RAMP_MIN] = np.linspace(0, bpm, RAMP_MIN)
    more[begin + RAMP_MIN : begin + RAMP_MIN + HOLD_MIN] = bpm
    return np.where(hr > 0, np.clip(hr + np.rint(more), 25, 220), 0).astype(np.int16)


def _add_silences(made: Trial, wearer: Wearer, windows: int, rng: np.random.Generator) -> None:
    rest = wearer.hr[(wearer.hr > 0) & (wearer.steps == 0)]
    forenoon = range(BEFORE_DAYS + 1, len(wearer.hr) // DAY - 2)
    days = [d for d in forenoon if (wearer.steps[d * DAY + 480 : d * DAY + 720] > 0).any()]
    for number, day in enumerate(rng.permutation(days)[:windows]):
        at = int(day) * DAY + int(rng.integers(540, 840))
        start, end = (int(day) - BEFORE_DAYS) * DAY, min(at + STILL_MIN, len(wearer.hr))
        hr, steps = wearer.hr[start:end].copy(), wearer.steps[start:end].copy()
        steps[at - start :] = 0
        hr[at - start :] = np.clip(rng.choice(rest, end - at), 25, 220)
        name = f"{wearer.name} silence {number}"
        made.streams[name] = Stream(hr, steps)
        made.silences.append(Silence(wearer=wearer.name, stream=name, begin=at - start))


def score(made: Trial, found: Findings) -> dict[str, Any]:
    """Return the figures of the untouched streams, of the rises and of the silences."""
    return {
        "wearers": len(made.wearers),
        "wearer_days": sum(w.days for w in made.wearers),
        "alerts": _alerts(made, found),
        "rises": {str(bpm): _rises(made, found, bpm) for bpm in RISES_BPM},
        "silence": _silences(made, found),
    }


def loud(found: Findings, stream: str) -> list[tuple[int, Finding]]:
    """Return the medium and high findings about vital signs of one stream, with their minutes."""
    return [(at, f) for at, f in found.get(stream, ()) if f.severity in LOUD and not f.rule.startswith("B")]


def _alerts(made: Trial, found: Findings) -> dict[str, Any]:
    days = [w.days for w in made.wearers]
    by_wearer = {w.name: loud(found, w.name) for w in made.wearers}
    mild = [[f.rule for _, f in found.get(w.name, ()) if f.severity is Severity.LOW] for w in made.wearers]
    total = sum(days)

    def rate(rule: str | None) -> dict[str, Any]:
        return counted([sum(rule in (None, f.rule) for _, f in several) for several in by_wearer.values()])

    def counted(counts: Sequence[int]) -> dict[str, Any]:
        return {"count": sum(counts), "per_wearer_day": sum(counts) / total if total else None,
                "ci95_wearers": over_wearers(counts, days, SEED)}  # fmt: skip

    return {
        **rate(None),
        "by_rule": {
            rule: rate(rule) for rule in sorted({f.rule for several in by_wearer.values() for _, f in several})
        },
        "low_by_rule": {rule: counted([rules.count(rule) for rules in mild]) for rule in sorted({*chain(*mild)})},
        "by_wearer": {
            w.name: {"days": w.days, "count": len(by_wearer[w.name]), "per_day": len(by_wearer[w.name]) / w.days}
            for w in made.wearers
            if w.days
        },
    }


def first_in(found: Findings, stream: str, begin: int, end: int) -> int | None:
    """Return the minute of the first medium or high finding about vital signs from `begin` to before `end`."""
    return min((at for at, _ in loud(found, stream) if begin <= at < end), default=None)


def asked(made: Trial, found: Findings) -> Iterator[Rise]:
    """Yield the windows that do not alarm without the rise."""
    for rise in made.rises:
        if first_in(found, rise.plain, rise.begin - 60, rise.end) is None:
            yield rise


def _rises(made: Trial, found: Findings, bpm: int) -> dict[str, Any]:
    windows = list(asked(made, found))
    hits = {rise.plain: first_in(found, rise.risen[bpm], rise.begin, rise.end) for rise in windows}
    delays = [at - rise.begin for rise in windows if (at := hits[rise.plain]) is not None]
    names = sorted({rise.wearer for rise in windows})
    per = [[hits[r.plain] is not None for r in windows if r.wearer == name] for name in names]
    middle, late = median_p95(delays)
    return {
        "windows": len(windows),
        "left_out": len(made.rises) - len(windows),
        "found": len(delays),
        "sensitivity": len(delays) / len(windows) if windows else None,
        "ci95_wilson": wilson(len(delays), len(windows)),
        "ci95_wearers": over_wearers([sum(p) for p in per], [len(p) for p in per], SEED),
        "delay_median_min": middle,
        "delay_p95_min": late,
        "delays_min": sorted(delays),
    }


def _silences(made: Trial, found: Findings) -> dict[str, Any]:
    waits = []
    for silence in made.silences:
        after = [at - silence.begin for at, f in found.get(silence.stream, ()) if f.rule[:2] in ("B1", "B2")]
        waits.append(min((wait for wait in after if wait >= 0), default=None))
    in_time = [wait for wait in waits if wait is not None and wait <= IN_TIME_MIN]
    middle, late = median_p95(in_time)
    days = [w.days for w in made.wearers]
    return {
        **share(len(in_time), len(made.silences)),
        "delay_median_min": middle,
        "delay_p95_min": late,
        "false": {rule: _false(made, found, rule, days) for rule in ("B1", "B2")},
    }


def _false(made: Trial, found: Findings, rule: str, days: Sequence[float]) -> dict[str, Any]:
    """Return how often an untouched wearer is said to lie still: per 100 wearer-days, and so in percent of days."""
    counts = [sum(f.rule.startswith(rule) for _, f in found.get(w.name, ())) for w in made.wearers]
    between = over_wearers(counts, days, SEED)
    return {
        "count": sum(counts),
        "per_100_wearer_days": 100 * sum(counts) / sum(days) if sum(days) else None,
        "ci95_wearers": between and (100 * between[0], 100 * between[1]),
    }
