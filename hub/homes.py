"""The homes that are followed: which device is whose, what it said as signs of life, the detector's state for all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Columnar, Finding, new_state
from alerts.detectors.home import HomeDetector
from alerts.detectors.home_signs import Sign, Signs
from alerts.model import Alert
from alerts.nearness import distance_km
from alerts.supervision import deadline_s
from hub.store.homes import Quiet, Sensor, Table, Usual
from hub.store.telemetry import moment

Ints = NDArray[np.int64]

NOBODY = -1
BITS: Mapping[int, int] = {Sign.BED_IN: 1 << Sign.BED_IN | 1 << Sign.BED_OUT}
ALIVE_LEAST_MIN = 120  # a pause of this length says nothing of a sensor's health
ALIVE_MOST_MIN = 25 * 60  # battery sensors check in once a day
FENCE_MOST_M = 30_000
OF_MOTION = frozenset({"B0", "B1", "B2"})  # what any movement ends


@dataclass(frozen=True, kw_only=True)
class Places:
    """Who is who: the devices that give signs, and what belongs to each row. Made anew when anything changed."""

    device: Ints  # every device, rising
    row: Ints  # whose it is
    since_ms: Ints  # what it said before is not hers
    pairs: frozenset[tuple[int, int]]  # (device, sign) that are known
    ears: Ints  # whose being heard shows that the home is: what sees motion; where nothing does, any sensor
    beds: Ints
    watches: Ints  # those that give no sign: they may count steps
    fenced: Ints  # those whose positions matter
    home: NDArray[np.float64]  # (rows, 2) where she lives, WGS 84; NaN: not known
    area: list[str]

    def rows_of(self, device: Ints) -> Ints:
        """Return (n,) whose each device is, NOBODY where nobody's."""
        at = np.minimum(np.searchsorted(self.device, device), max(0, len(self.device) - 1))
        if len(self.device) == 0:
            return np.full(len(device), NOBODY, np.int64)
        return np.where(self.device[at] == device, self.row[at], NOBODY)

    @property
    def listening(self) -> Ints:
        """Return the devices that are asked whether they were heard."""
        return np.union1d(self.ears, self.beds)

    def only(self, rows: Sequence[int]) -> Callable[[Ints], list[int]]:
        """Return what picks the devices of some rows out of others."""
        return lambda devices: [int(one) for one in devices[np.isin(self.rows_of(devices), np.array(rows, np.int64))]]


@dataclass(kw_only=True)
class Homes:
    """State columns with one row a followed resident. Rows are given once, and kept by who is followed no more."""

    offset_min: int
    detector: HomeDetector = field(init=False)
    state: Columnar = field(init=False)
    row_of: dict[int, int] = field(default_factory=dict)
    resident_id: list[int] = field(default_factory=list)
    places: Places = field(init=False)
    spoke: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))  # (rows, 2): last device, and when

    def __post_init__(self) -> None:
        self.detector = HomeDetector(self.offset_min)
        self.state = new_state(self.detector.fields, 0)
        self.follow([])

    def __len__(self) -> int:
        return len(self.resident_id)

    def follow(self, sensors: Sequence[Sensor]) -> list[int]:
        """Take over who is followed by what; returns the residents that are new."""
        fresh = [r for r in dict.fromkeys(one.resident_id for one in sensors) if r not in self.row_of]
        for resident in fresh:
            self.row_of[resident] = len(self.resident_id)
            self.resident_id.append(resident)
        self._grow(len(self.resident_id))
        self.places = _places(sensors, self.row_of)
        self._describe(sensors)
        return fresh

    def _grow(self, count: int) -> None:
        have = len(self.spoke)
        if count == have:
            return
        for name, one in self.detector.fields.items():
            self.state[name] = np.concatenate([self.state[name], one.column(count - have)])
        self.spoke = np.concatenate([self.spoke, np.zeros((count - have, 2), np.int64)])

    def _describe(self, sensors: Iterable[Sensor]) -> None:
        """Write what each home has, how often its quickest motion sensor speaks, and its fence."""
        has, every = np.zeros(len(self), np.int64), np.full(len(self), ALIVE_MOST_MIN, np.int64)
        fence = np.zeros(len(self), np.int64)
        for one in sensors:
            row = self.row_of[one.resident_id]
            has[row] |= BITS.get(one.sign, 1 << one.sign if one.sign else 0)
            fence[row] = min(one.fence_m, FENCE_MOST_M)
            if one.sign == Sign.MOTION:
                own_min = deadline_s(one.address, one.model, own=one.deadline_s) // 60 or ALIVE_MOST_MIN
                every[row] = min(every[row], max(ALIVE_LEAST_MIN, own_min))
        self.state["has"][:], self.state["alive_every_min"][:], self.state["fence_m"][:] = has, every, fence

    def leaks(self, known: Iterable[tuple[int, int, int]]) -> None:
        """Write since when water runs: a leak older than what the state is made of was told under its first day."""
        for resident, first, last in known:
            row = self.row_of.get(resident)
            if row is not None:
                self.state["leak_day"][row], self.state["leak_last_day"][row] = first, last

    def quiet(self, known: Iterable[Quiet]) -> None:
        """Write the known silences, and when the last one ended."""
        since, until = np.zeros(len(self), np.int64), np.zeros(len(self), np.int64)
        anew = self.state["anew_ms"]
        for one in known:
            row = self.row_of.get(one.resident_id)
            if row is None:
                continue
            if one.from_ms is not None and one.until_ms is not None:
                since[row], until[row] = one.from_ms, one.until_ms
            if one.ended_ms is not None:
                anew[row] = max(int(anew[row]), one.ended_ms)
        self.state["quiet_from_ms"][:], self.state["quiet_until_ms"][:] = since, until

    def usual(self, known: Sequence[Usual]) -> None:
        """Write how the last days went."""
        rows = [self.row_of.get(one.resident_id, NOBODY) for one in known]
        here = [(row, one) for row, one in zip(rows, known, strict=True) if row != NOBODY]
        at = np.array([row for row, _ in here], np.int64)
        for name, values, unknown in (
            ("usual_up_min", [one.up_min for _, one in here], -1),
            ("latest_up_min", [one.latest_min for _, one in here], -1),
            ("ups_known", [one.ups for _, one in here], 0),
            ("bed_out_p99_min", [one.bed_out_min if one.nights else None for _, one in here], -1),
            ("meter_noisy", [int(one.noisy) for _, one in here], 0),
        ):  # fmt: skip
            self.state[name][:] = unknown
            self.state[name][at] = [unknown if value is None else value for value in values]

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

    def alert(self, finding: Finding, now: datetime) -> Alert:
        """Return the alert of a home. Its name is the resident's: which device spoke last may be another when it is
        found again."""
        resident = self.resident_id[finding.row]
        device = int(self.spoke[finding.row, 0])
        return Alert(
            alert_id=f"resident:{resident}:{finding.kind}:{finding.rule}:{finding.identity}", kind=finding.kind,
            severity=finding.severity, raised_at=now, measured_at=moment(finding.at_ms), device_id=device or None,
            resident_id=resident, area=self.places.area[finding.row], rule=finding.rule, evidence=finding.evidence,
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


def _ears(sensors: Iterable[Sensor]) -> set[int]:
    """Return the devices whose being heard counts. A meter that speaks does not show that the motion sensor would."""
    seeing = {one.resident_id for one in sensors if one.sign == Sign.MOTION}
    return {
        one.device_id for one in sensors
        if one.sign == Sign.MOTION or (one.sign not in (0, Sign.PLACE) and one.resident_id not in seeing)
    }  # fmt: skip


def _places(sensors: Sequence[Sensor], row_of: Mapping[int, int]) -> Places:
    by_device = {one.device_id: one for one in sensors}
    devices = sorted(by_device)
    home, area = np.full((len(row_of), 2), np.nan), [""] * len(row_of)
    for one in sensors:
        row = row_of[one.resident_id]
        area[row] = one.area
        if one.fence_m and one.lat is not None and one.lon is not None:
            home[row] = one.lat, one.lon
    tells = {one.device_id for one in sensors if one.sign and one.sign != Sign.PLACE}
    return Places(
        device=np.array(devices, np.int64),
        row=np.array([row_of[by_device[d].resident_id] for d in devices], np.int64),
        since_ms=np.array([by_device[d].since_ms for d in devices], np.int64),
        pairs=frozenset((one.device_id, one.sign) for one in sensors if one.sign),
        ears=np.array(sorted(_ears(sensors)), np.int64),
        beds=np.array(sorted({one.device_id for one in sensors if one.sign == Sign.BED_IN}), np.int64),
        watches=np.array([d for d in devices if d not in tells], np.int64),
        fenced=np.array([d for d in devices if by_device[d].fence_m and by_device[d].lat is not None], np.int64),
        home=home, area=area,
    )  # fmt: skip
