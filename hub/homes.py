"""The homes that are followed: which device is whose, what it said as signs of life, the detector's state for all."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Columnar, Finding, new_state
from alerts.detectors.home import HomeDetector
from alerts.detectors.home_signs import Sign, Signs
from alerts.model import Alert
from alerts.nearness import distance_km
from hub.home_places import NOBODY, Places, distinct
from hub.store.followed import EVERYBODY, FENCE, SENSOR, Ints, Sensors, Table
from hub.store.telemetry import moment

BITS = np.array([1 << sign if sign else 0 for sign in range(max(Sign) + 1)], np.int64)  # of `has`, by sign
BITS[Sign.BED_IN] |= 1 << Sign.BED_OUT
ALIVE_LEAST_MIN = 120  # a pause of this length says nothing of a sensor's health
ALIVE_MOST_MIN = 25 * 60  # battery sensors check in once a day
FENCE_MOST_M = 30_000
OF_MOTION = frozenset({"B0", "B1", "B2"})  # what any movement ends
NONE = Sensors(lines=np.zeros(0, SENSOR), deadline_s=np.zeros(0, np.int64), fences=np.zeros(0, FENCE))


@dataclass(kw_only=True)
class Homes:
    """State columns with one row a followed resident. Rows are given once, and kept by who is followed no more."""

    offset_min: int
    detector: HomeDetector = field(init=False)
    state: Columnar = field(init=False)
    resident_id: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # of each row
    places: Places = field(init=False)
    spoke: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))  # (rows, 2): last device, and when
    _by_resident: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # rows

    def __post_init__(self) -> None:
        self.detector = HomeDetector(self.offset_min)
        self.state = new_state(self.detector.fields, 0)
        self.follow(NONE)

    def __len__(self) -> int:
        return len(self.resident_id)

    def rows_of(self, residents: Ints) -> Ints:
        """Return (n,) the row of each resident, NOBODY of who was never followed."""
        if len(self) == 0:
            return np.full(len(residents), NOBODY, np.int64)
        at = np.searchsorted(self.resident_id, residents, sorter=self._by_resident)
        row = self._by_resident[np.minimum(at, len(self) - 1)]
        return np.where(self.resident_id[row] == residents, row, NOBODY)

    def follow(self, sensors: Sensors) -> Ints:
        """Take over who is followed by what; returns the rows that are new."""
        resident = sensors.lines["resident"].astype(np.int64)
        everybody = distinct(resident)
        fresh = everybody[self.rows_of(everybody) == NOBODY]
        first = len(self)
        self.resident_id = np.concatenate([self.resident_id, fresh])
        self._by_resident = np.argsort(self.resident_id, kind="stable")
        self._grow(len(fresh))
        row, fence_row = self.rows_of(resident), self.rows_of(sensors.fences["resident"].astype(np.int64))
        self.places = Places.of(sensors, row, fence_row, len(self))
        self._describe(sensors, row, fence_row)
        return np.arange(first, len(self))

    def _grow(self, more: int) -> None:
        if more == 0:
            return
        for name, one in self.detector.fields.items():
            self.state[name] = np.concatenate([self.state[name], one.column(more)])
        self.spoke = np.concatenate([self.spoke, np.zeros((more, 2), np.int64)])

    def _describe(self, sensors: Sensors, row: Ints, fence_row: Ints) -> None:
        """Write what each home has, how often its quickest motion sensor speaks, and its fence."""
        sign, deadline_min = sensors.lines["sign"].astype(np.int64), sensors.deadline_s // 60
        has, every = np.zeros(len(self), np.int64), np.full(len(self), ALIVE_MOST_MIN, np.int64)
        fence = np.zeros(len(self), np.int64)
        np.bitwise_or.at(has, row, BITS[sign])
        sees = sign == Sign.MOTION
        own_min = np.where(deadline_min > 0, deadline_min, ALIVE_MOST_MIN)
        np.minimum.at(every, row[sees], np.maximum(own_min, ALIVE_LEAST_MIN)[sees])
        known = fence_row != NOBODY
        fence[fence_row[known]] = np.minimum(sensors.fences["fence_m"][known], FENCE_MOST_M)
        self.state["has"][:], self.state["alive_every_min"][:], self.state["fence_m"][:] = has, every, fence

    def leaks(self, known: list[tuple[int, int, int]]) -> None:
        """Write since when water runs: a leak older than what the state is made of was told under its first day."""
        told = np.array(known, np.int64).reshape(-1, 3)
        row = self.rows_of(told[:, 0])
        here = row != NOBODY
        self.state["leak_day"][row[here]], self.state["leak_last_day"][row[here]] = told[here, 1], told[here, 2]

    def quiet(self, known: Table) -> None:
        """Write the known silences, and when the last one ended; rows of `hub.store.followed.QUIET`."""
        all_of_them = known[known["resident"] == EVERYBODY]
        row = self.rows_of(known["resident"].astype(np.int64))
        here = row != NOBODY
        for name, column in (("from_ms", "quiet_from_ms"), ("until_ms", "quiet_until_ms"), ("ended_ms", "anew_ms")):
            told = np.full(len(self), int(all_of_them[name].max(initial=0)), np.int64)
            told[row[here]] = known[name][here]
            self.state[column][:] = np.maximum(self.state[column], told) if column == "anew_ms" else told

    def usual(self, known: Table) -> None:
        """Write how the last days went; rows of `hub.store.followed.USUAL`."""
        row = self.rows_of(known["resident"].astype(np.int64))
        here = row != NOBODY
        for name, column, unknown in (
            ("up_min", "usual_up_min", -1), ("latest_min", "latest_up_min", -1), ("ups", "ups_known", 0),
            ("bed_out_min", "bed_out_p99_min", -1), ("noisy", "meter_noisy", 0),
        ):  # fmt: skip
            self.state[column][:] = unknown
            self.state[column][row[here]] = known[name][here]

    def heard(self, times: Ints, *, every: bool = False) -> None:
        """Take over when devices were heard, (n, 2) device and milliseconds; `every`: all times, from the past."""
        places, row = self.places, self.places.rows_of(times[:, 0])
        times, row = times[row != NOBODY], row[row != NOBODY]
        bed = np.isin(times[:, 0], places.beds)
        np.maximum.at(self.state["bed_heard_min"], row[bed], (times[bed, 1] // 60_000).astype(np.int32))
        ear = np.isin(times[:, 0], places.ears)
        row, at, alive = row[ear], times[ear, 1], self.state["alive_ms"]
        if every:
            order = np.lexsort((at, row))
            row, at = row[order], at[order]
            pause = np.diff(at, prepend=at[:1]) > self.state["alive_every_min"][row].astype(np.int64) * 60_000
            pause[1:] &= row[1:] == row[:-1]
            np.maximum.at(self.state["alive_since_ms"], row[pause], at[pause])
        np.maximum.at(alive, row, at)

    def signs(self, said: Table) -> Signs:
        """Return rows of `hub.store.homes.SAID` as signs of the homes they are of."""
        places = self.places
        device, at_ms = said["device"].astype(np.int64), said["at_ms"].astype(np.int64)
        row = places.rows_of(device)
        known = np.flatnonzero(row != NOBODY)
        index = np.searchsorted(places.device, device[known])
        hers = at_ms[known] >= places.since_ms[index]
        known, index = known[hers], index[hers]
        row, device, at_ms = row[known], device[known], at_ms[known]
        sign, value = said["sign"][known].astype(np.uint8), said["value"][known].astype(np.float64)
        place = sign == Sign.PLACE
        if place.any():
            value[place] = self._metres(row[place], said[known][place])
        value[(sign != Sign.PLACE) & (sign != Sign.WATER)] = 0.0
        self._last(row, device, at_ms)
        return Signs(row=row, at_ms=at_ms, sign=sign, value=value)

    def steps(self, times: Ints) -> Signs:
        """Return steps of watches, (n, 2) device and milliseconds, as motion."""
        row = self.places.rows_of(times[:, 0])
        here = row != NOBODY
        row, at_ms = row[here], times[here, 1]
        return Signs(
            row=row, at_ms=at_ms, sign=np.full(len(row), Sign.MOTION, np.uint8), value=np.zeros(len(row), np.float64)
        )

    def over(self, finding: Finding) -> bool:
        """Whether she has moved since what was found.

        Rules look at a home as it was some minutes ago, when all that was said of it is here; nobody is called to who
        is known to be up now.
        """
        return finding.rule in OF_MOTION and int(self.state["moved_min"][finding.row]) * 60_000 > finding.at_ms

    def alert(self, finding: Finding, area: str, now: datetime) -> Alert:
        """Return the alert of a home. Its name is the resident's: which device spoke last may be another when it is
        found again."""
        resident = int(self.resident_id[finding.row])
        device = int(self.spoke[finding.row, 0])
        return Alert(
            alert_id=f"resident:{resident}:{finding.kind}:{finding.rule}:{finding.identity}", kind=finding.kind,
            severity=finding.severity, raised_at=now, measured_at=moment(finding.at_ms), device_id=device or None,
            resident_id=resident, area=area, rule=finding.rule, evidence=finding.evidence,
        )  # fmt: skip

    def _metres(self, row: Ints, said: Table) -> NDArray[np.float64]:
        lat, lon = said["value"].astype(np.float64), said["other"].astype(np.float64)
        home = self.places.home[row]
        return np.asarray(distance_km(lat, lon, home[:, 0], home[:, 1]) * 1000)

    def _last(self, row: Ints, device: Ints, at_ms: Ints) -> None:
        """Remember who spoke last in each home."""
        order = np.argsort(at_ms, kind="stable")
        row, device, at_ms = row[order], device[order], at_ms[order]
        newer = at_ms >= self.spoke[row, 1]
        self.spoke[row[newer]] = np.stack([device[newer], at_ms[newer]], axis=1)
