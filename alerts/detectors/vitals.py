"""Heart rate and oxygen saturation against the rules V2 to V5, for all devices at once.

Everything a rule looks at is in a ring of 64 minutes per device, filled by minute number, so that the order in which
messages come makes no difference: within a batch none at all, between batches as long as a message is no more than
LATE_MIN minutes behind. Conditions count the minutes that satisfy them; a minute without data satisfies nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import minutes
from alerts.detectors.detector import Columnar, Field, Finding
from alerts.detectors.minutes import LATE_MIN, RING, Minutes
from alerts.model import AlertKind, Severity
from devices.columns import Columns

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

SPO2_OFFSET = 8  # scale 2 (hypercapnic failure) puts every limit 8 points lower
BASELINE_MIN = 600  # resting minutes before the personal P5 means something


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line of the rule table. `column` is its place in the latch columns."""

    column: int
    name: str
    severity: Severity
    measure: str  # the ring it looks at
    tag: str = ""  # tells two severities of one rule apart in identities


V2 = Rule(column=0, name="V2", severity=Severity.HIGH, measure="hr")
V3 = Rule(column=1, name="V3", severity=Severity.MEDIUM, measure="hr")
V3_DEEP = Rule(column=2, name="V3", severity=Severity.HIGH, measure="hr", tag="deep:")
V4 = Rule(column=3, name="V4", severity=Severity.HIGH, measure="spo2")
V5 = Rule(column=4, name="V5", severity=Severity.LOW, measure="spo2")
RULES = (V2, V3, V3_DEEP, V4, V5)


@dataclass(frozen=True, slots=True)
class View:
    """The rings of m rows in order of age: column 0 is the newest minute. Shapes (m, RING)."""

    newest: Ints
    hr: NDArray[np.uint8]
    spo2: NDArray[np.uint8]  # raised by SPO2_OFFSET for scale 2, so that one set of limits serves both
    rest: Bools
    still: Bools
    p5_bpm: NDArray[np.float64]  # (m,), NaN while unknown


class VitalsDetector:
    """V2 fast, V3 slow heart at rest; V4 low, V5 lowish saturation. See `docs` in alerts/README.md for the numbers.

    `spo2_scale2` is written by the shell: 1 for a resident whose clinician set SpO2 scale 2.
    """

    name = "vitals"
    fields: Mapping[str, Field] = {
        **minutes.FIELDS,
        "spo2_scale2": Field(dtype="uint8"),
        "latched": Field(dtype="uint8"),  # bit per rule
        "cleared_min": Field(dtype="int32", shape=(len(RULES),)),  # minutes up to this one are spent
    }

    def observe(self, state: Columnar, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        """Take a batch in. See `Detector.observe`; the findings depend on the set of messages, not on their order."""
        found: list[Finding] = []
        for messages in minutes.rounds(rows, batch):
            minutes.write(state, messages)
            row = messages.row
            look = (state["suspicious"][row] != 0) | (state["latched"][row] != 0)
            if look.any():
                found += self._judge(state, messages.take(look))
        return found

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        """Return nothing: a gap never makes a vital-sign alert."""
        return []

    def _judge(self, state: Columnar, messages: Minutes) -> list[Finding]:
        rows = messages.row
        view = _view(state, rows)
        found: list[Finding] = []
        fires = _fires(view)
        calm = _calm(view)
        for rule in RULES:
            hit = fires[rule.column]
            if rule is V5:  # the deeper alarm speaks for both
                hit &= ((state["latched"][rows] >> V4.column) & 1 == 0)[:, None]
            found += _latch(state, rows, view, rule, hit, calm[rule.column])
        return found


def _view(state: Columnar, rows: Ints) -> View:
    newest = state["newest_min"][rows].astype(np.int64)
    ages = np.arange(RING)
    slot = (newest[:, None] - ages) & (RING - 1)
    hr, spo2 = state["hr"][rows[:, None], slot], state["spo2"][rows[:, None], slot]
    lift = (state["spo2_scale2"][rows] * np.uint8(SPO2_OFFSET))[:, None]
    spo2 = np.where(spo2 > 0, spo2 + lift, spo2)
    still, rest = minutes.stillness(state, rows)
    return View(newest, hr, spo2, rest, still, minutes.resting_p5_bpm(state, rows, BASELINE_MIN))


def _fires(view: View) -> list[Bools]:
    """For each rule (m, LATE_MIN): does its condition hold for the window that ends at this age?"""
    hr, spo2 = view.hr, view.spo2
    resting = view.rest & (hr > 0)
    limit = np.where(np.isnan(view.p5_bpm), np.inf, view.p5_bpm - 8)[:, None]
    low = view.still & (spo2 > 0) & (spo2 <= 91)
    lowish = view.still & (spo2 > 0) & (spo2 <= 93)
    long_low = _count(lowish, 7, at=29) > 0  # as long ago as it has to persist, with some slack for slow reporters
    fair = _count(spo2 > 93, 31) == 0
    return [
        _often(resting & (hr >= 131), 5, 7),
        _often(resting & (hr <= 40) & (hr < limit), 10, 14),
        _often(resting & (hr <= 30), 3, 4),
        _often(low, 3, 10),
        _often(lowish, 3, 36) & long_low & fair,
    ]


def _calm(view: View) -> list[Bools]:
    """For each rule (m, LATE_MIN): has the value been back on the good side for 10 minutes at this age?"""
    hr, spo2 = view.hr, view.spo2
    heard = _count(hr > 0, 10) >= 5
    fast_over = heard & (_count(hr >= 121, 10) == 0)
    slow_over = heard & (_count((hr > 0) & (hr <= 45), 10) == 0)
    good = spo2 >= 94
    fed = good[:, :LATE_MIN] & (_count((spo2 > 0) & ~good, 10) == 0) & (_count(good, 20) >= 2)
    return [fast_over, slow_over, slow_over, fed, fed]


def _often(holds: Bools, times: int, window: int) -> Bools:
    """`holds` at this minute and at least `times` in the window ending with it."""
    return holds[:, :LATE_MIN] & (_count(holds, window) >= times)


def _count(holds: Bools, window: int, at: int = 0) -> Ints:
    """(m, LATE_MIN) number of True in the ages at … at + window - 1, counted from each age."""
    total = np.zeros((len(holds), RING + 1), np.int64)
    np.cumsum(holds, axis=1, out=total[:, 1:])
    return total[:, at + window : at + window + LATE_MIN] - total[:, at : at + LATE_MIN]


def _latch(state: Columnar, rows: Ints, view: View, rule: Rule, fires: Bools, calm: Bools) -> list[Finding]:
    """Raise once an episode: from the first window that holds until calm, or until an hour without any value."""
    bit, column = np.uint8(1 << rule.column), rule.column
    latched, cleared = state["latched"], state["cleared_min"]
    ages = np.arange(LATE_MIN)
    ring = view.hr if rule.measure == "hr" else view.spo2
    on = (latched[rows] & bit) != 0
    lost = on & (ring[:, 0] > 0) & ~ring[:, 1:61].any(axis=1)
    _release(state, rows[lost], rule, view.newest[lost] - 1)
    on &= ~lost
    fresh = fires & (view.newest[:, None] - ages > cleared[rows, column][:, None])
    begin = np.flatnonzero(~on & fresh.any(axis=1))
    found = [_finding(rows, view, rule, i, int(np.flatnonzero(fresh[i])[-1])) for i in begin.tolist()]
    latched[rows[begin]] |= bit
    on[begin] = True
    # Calm counts only after the newest window that fired.
    last = np.where(fires.any(axis=1), fires.argmax(axis=1), LATE_MIN)
    over = calm & (ages < last[:, None])
    done = np.flatnonzero(on & over.any(axis=1))
    _release(state, rows[done], rule, view.newest[done] - over[done].argmax(axis=1))
    return found


def _release(state: Columnar, rows: Ints, rule: Rule, minute: Ints) -> None:
    state["latched"][rows] &= np.uint8(255 - (1 << rule.column))
    state["cleared_min"][rows, rule.column] = minute


def _finding(rows: Ints, view: View, rule: Rule, i: int, age: int) -> Finding:
    """Make the finding of row i whose window ends `age` minutes before the newest."""
    ring = view.hr[i] if rule.measure == "hr" else view.spo2[i]
    window = {V2: 7, V3: 14, V3_DEEP: 4, V4: 10, V5: 36}[rule]
    values = ring[age : age + window]
    holds = (values >= 131) if rule is V2 else (values > 0) & (values <= {V3: 40, V3_DEEP: 30, V4: 91, V5: 93}[rule])
    start = int(view.newest[i]) - age - int(np.flatnonzero(holds)[-1])
    name = "heart_rate_bpm" if rule.measure == "hr" else "spo2_pct"
    evidence: dict[str, float | str] = {name: int(values[0]), "minutes": int(holds.sum())}
    if rule is V3 and not np.isnan(view.p5_bpm[i]):
        evidence["personal_p5_bpm"] = float(view.p5_bpm[i])
    return Finding(
        row=int(rows[i]),
        rule=rule.name,
        kind=AlertKind.VITALS,
        severity=rule.severity,
        at_ms=(int(view.newest[i]) - age) * minutes.MINUTE_MS,
        identity=f"{rule.name}:{rule.tag}{start}",
        evidence=evidence,
    )
