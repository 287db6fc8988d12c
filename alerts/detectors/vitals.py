"""Heart rate, saturation, respiration and temperature against the rules V1 to V7 and V9, for all devices at once.

Everything a rule looks at is in a ring of 64 minutes per device, filled by minute number, so that the order in which
messages come makes no difference: within a batch none at all, between batches as long as a message is no more than
LATE_MIN minutes behind. Conditions count the minutes that satisfy them; a minute without data satisfies nothing.

What is usual for the wearer (`baseline`) sets V1's limit by time of day; a walk in the half-hour before raises it. V1
and V2 believe a pulse only while the sensor finds one steadily: one just put on, or lying in the light, shows 150.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import baseline, minutes, nights, oxygen, seldom, spent, temperature
from alerts.detectors.detector import Columnar, Field, Finding
from alerts.detectors.minutes import LATE_MIN, RING, Minutes
from alerts.model import AlertKind, Severity
from devices.columns import Columns

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

RECOVERY_BPM = 2  # a minute of walking in the last ACTIVE_MIN lifts V1's limit by so much
CALM_BELOW_BPM = 10  # V1 is over when the pulse has been so far below its limit
WELL_KNOWN_MIN = 800  # a week at rest at this time of day
ODD_LEAST = 2  # no rule is met by fewer minutes
BREATH_SPAN_MIN = 10  # V6 needs an odd minute so far apart from the last one,
BREATH_SHARE = 0.7  # … and so many odd ones of those known between them
GOOD_RPM = (10, 22)
BUSY_RPM = 21  # from here respiration speaks for a fast heart as well
AGREED = 0.5  # and takes so much of the doubt away


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line of the rule table: at least `times` minutes that hold among `window`, the last of them included.

    `column` is its place in the latch columns. Five of seven minutes, not five in a row: a lost message must not
    start the count anew, and a late one may only complete it.
    """

    column: int
    name: str
    severity: Severity
    measure: str  # the ring it looks at, as in MEASURES
    times: int
    window: int
    tag: str = ""  # tells two severities of one rule apart in identities


V2 = Rule(column=0, name="V2", severity=Severity.HIGH, measure="hr", times=5, window=7)
V3 = Rule(column=1, name="V3", severity=Severity.MEDIUM, measure="hr", times=10, window=14)
V3_DEEP = Rule(column=2, name="V3", severity=Severity.HIGH, measure="hr", times=3, window=4, tag="deep:")
V4 = Rule(column=3, name="V4", severity=Severity.HIGH, measure="spo2", times=3, window=10)
V5 = Rule(column=4, name="V5", severity=Severity.LOW, measure="spo2", times=4, window=48)
V1 = Rule(column=5, name="V1", severity=Severity.MEDIUM, measure="hr", times=10, window=14)
V6 = Rule(column=6, name="V6", severity=Severity.HIGH, measure="rr", times=3, window=14)
RULES = (V2, V1, V3, V3_DEEP, V4, V5, V6)  # in the order in which they speak for each other
WORSE: Mapping[Rule, Rule] = {V5: V4, V1: V2}  # speaks for both; their columns are among the first
V7_COLUMN = 7  # `temperature` judges it
LATCHES = np.uint8(sum(1 << rule.column for rule in RULES))
MEASURES = {"hr": "heart_rate_bpm", "spo2": "spo2_pct", "rr": "respiration_rpm"}


@dataclass(frozen=True, slots=True)
class View:
    """The rings of m rows in order of age: column 0 is the newest minute. Shapes (m, RING)."""

    rows: Ints
    newest: Ints
    hr: NDArray[np.uint8]
    spo2: NDArray[np.uint8]  # raised by SCALE_2 for scale 2, so that one set of limits serves both
    rr: NDArray[np.uint8]  # 0 beyond the minutes that are kept
    rest: Bools
    still: Bools
    trusted: Bools  # (m, LATE_MIN)
    seldom: Bools  # (m, LATE_MIN): of a watch whose readings are judged one after another
    blind: Bools  # (m,): it counts no steps
    high_bpm: Ints  # V1's limit in each minute; out of reach while the wearer is not known
    p5_bpm: NDArray[np.float64]  # (m,), NaN while unknown
    lowish_pct: Ints  # (m,) V5's limit


class VitalsDetector:
    """V1 fast for this wearer at this hour, V2 fast, V3 slow heart at rest; V4 low, V5 lowish saturation; V6
    respiration too slow or too fast at rest; V7 fever or cold; V9 a heart faster in the nights than it was.

    `spo2_scale2` is written by the shell: 1 for a resident whose clinician set SpO2 scale 2; so is `skin`. `offset_min`
    is what the district's clock is ahead of UTC.
    """

    name = "vitals"
    fields: Mapping[str, Field] = {
        **minutes.FIELDS,
        "latched": Field(dtype="uint8"),  # bit per rule
    }

    def __init__(self, offset_min: int = 0) -> None:
        self._offset_min = offset_min

    def observe(self, state: Columnar, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        """Take a batch in. See `Detector.observe`; the findings depend on the set of messages, not on their order."""
        found: list[Finding] = []
        for messages in minutes.rounds(rows, batch):
            row = messages.row
            newest = state["newest_min"][row].astype(np.int64)
            minutes.write(state, messages, self._offset_min)
            over = nights.ending(newest, messages.minute, self._offset_min)
            if len(over):
                found += nights.close(state, row[over], newest[over], messages.minute[over], self._offset_min)
            if messages.temp.any():
                found += temperature.judge(state, row, messages.temp, V7_COLUMN)
            look = (np.bitwise_count(state["suspicious"][row]) >= ODD_LEAST) | (state["latched"][row] & LATCHES != 0)
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
        for rule in RULES:
            holds = _holds(view, rule)
            if not holds.any() and not _on(state, rows, rule).any():
                continue
            fires = _fires(view, rule, holds)
            worse = WORSE.get(rule)
            if worse:
                fires &= ~_spoken_for(state, view, worse)
            found += [_explained(state, f) for f in _latch(state, view, rule, holds, fires)]
        return found


def only_believed(state: Columnar, rows: Ints, batch: Columns) -> Columns:
    """Return a batch this detector has seen without the pulses V1 and V2 would not believe."""
    told = ~np.isnan(batch.heart_rate_bpm)
    minute = np.minimum(batch.measured_ms, batch.received_ms + minutes.AHEAD_MS) // minutes.MINUTE_MS
    doubted = told & ~minutes.believed(state, rows, minute)
    if not doubted.any():
        return batch
    return replace(batch, heart_rate_bpm=np.where(doubted, np.float32(np.nan), batch.heart_rate_bpm))


def _view(state: Columnar, rows: Ints) -> View:
    newest = state["newest_min"][rows].astype(np.int64)
    ages = np.arange(RING)
    slot = (newest[:, None] - ages) & (RING - 1)
    hr, spo2 = state["hr"][rows[:, None], slot], oxygen.read(state, rows, slot)
    lift = (state["spo2_scale2"][rows] * np.uint8(oxygen.SCALE_2))[:, None]
    spo2 = np.where(spo2 > 0, spo2 + lift, spo2)
    rr = np.zeros_like(hr)
    rr[:, : minutes.BREATHS] = state["rr"][rows[:, None], slot[:, : minutes.BREATHS] & (minutes.BREATHS - 1)]
    still, rest = minutes.stillness(state, rows)
    spoken_seldom = seldom.seldom(state, rows)
    some = np.flatnonzero(spoken_seldom.any(axis=1))
    trusted = minutes.trusted(state, rows)
    if len(some):
        rest[some] = seldom.quiet(state, rows[some], RING) & still[some]
        trusted[some] &= seldom.believed(state, rows[some])[:, None]
    high = state["high_bpm"][rows[:, None], baseline.part_of(newest[:, None] - ages)].astype(np.int64)
    high += RECOVERY_BPM * minutes.active_min(state, rows)
    return View(
        rows, newest, hr, spo2, rr, rest, still, trusted, spoken_seldom, state["counts_steps"][rows] == 0, high,
        baseline.p5_bpm(state, rows), oxygen.lowish_pct(state, rows),
    )  # fmt: skip


def _holds(view: View, rule: Rule) -> Bools:
    """(m, RING): which minutes satisfy the rule's condition."""
    return (view.still if rule.measure == "spo2" else view.rest) & _odd(view, rule)


def _odd(view: View, rule: Rule) -> Bools:
    """(m, RING): whose value does."""
    hr, spo2, rr = view.hr, view.spo2, view.rr
    odd: Bools
    if rule is V1:
        odd = hr > view.high_bpm
    elif rule is V2:
        odd = hr >= 131
    elif rule is V3:
        limit = np.where(np.isnan(view.p5_bpm), np.inf, view.p5_bpm - 8)[:, None]
        odd = (hr > 0) & (hr <= 40) & (hr < limit)
    elif rule is V3_DEEP:
        odd = (hr > 0) & (hr <= 30)
    elif rule is V6:
        odd = (rr >= minutes.FAST_RPM) | ((rr > 0) & (rr <= minutes.SLOW_RPM))
    else:
        odd = (spo2 > 0) & (spo2 <= (91 if rule is V4 else view.lowish_pct[:, None]))
    return odd


def _contrary(view: View, rule: Rule) -> Bools:
    """(m, RING): which values speak against the rule, at rest or not."""
    ring: NDArray[np.uint8] = getattr(view, rule.measure)
    return (ring > 0) & ~_odd(view, rule)


def _fires(view: View, rule: Rule, holds: Bools) -> Bools:
    """(m, LATE_MIN): does the window that ends at this age meet the rule?"""
    fires = holds[:, :LATE_MIN] & (_count(holds, rule.window) >= rule.times)
    if rule.name in seldom.RUNS and view.seldom.any():
        fires |= view.seldom & seldom.fires(rule.name, holds, _contrary(view, rule), view.blind)
    if rule in (V1, V2):
        fires &= view.trusted
    if rule is V5:
        # Low for 30 minutes without a good value between; a slow reporter may have measured a little earlier than that.
        good = view.spo2 > view.lowish_pct[:, None]
        fires &= (_count(holds, rule.window - 29, at=29) > 0) & (_count(good, 31) == 0)
    if rule is V6:
        # A watch says it every minute, a bed mat every few: the last ten minutes must be mostly odd, however many told.
        early = BREATH_SPAN_MIN - 1
        fires &= _count(holds, rule.window - early, at=early) > 0
        fires &= _count(holds, rule.window) >= BREATH_SHARE * _count(view.rr > 0, rule.window)
    return fires


def _calm(view: View, rule: Rule) -> Bools:
    """(m, LATE_MIN): has the value been back on the good side for 10 minutes at this age?"""
    hr, spo2 = view.hr, view.spo2
    calm: Bools
    if rule.measure in ("spo2", "rr"):  # what may be measured every few minutes only
        ring = spo2 if rule.measure == "spo2" else view.rr
        good = spo2 >= 94 if rule.measure == "spo2" else (ring >= GOOD_RPM[0]) & (ring <= GOOD_RPM[1])
        calm = good[:, :LATE_MIN] & (_count((ring > 0) & ~good, 10) == 0) & (_count(good, 20) >= 2)
    else:
        bad = _fast(view) if rule is V1 else (hr >= 121) if rule is V2 else (hr > 0) & (hr <= 45)
        calm = (_count(hr > 0, 10) >= 5) & (_count(bad, 10) == 0)
        if view.seldom.any():
            well = (hr > 0)[:, :LATE_MIN] & (_count(hr > 0, seldom.CALM_MIN) >= seldom.CALM_READINGS)
            calm |= view.seldom & well & (_count(bad, seldom.CALM_MIN) == 0)
    return calm


def _fast(view: View) -> Bools:
    """(m, RING): not yet on the good side of V1's limit."""
    return view.hr > view.high_bpm - CALM_BELOW_BPM


def _count(holds: Bools, window: int, at: int = 0) -> Ints:
    """(m, LATE_MIN) number of True in the ages at … at + window - 1, counted from each age."""
    total = np.zeros((len(holds), RING + 1), np.int64)
    np.cumsum(holds, axis=1, out=total[:, 1:])
    return total[:, at + window : at + window + LATE_MIN] - total[:, at : at + LATE_MIN]


def _latch(state: Columnar, view: View, rule: Rule, holds: Bools, fires: Bools) -> list[Finding]:
    """Raise once an episode: from the first window that fires until calm, or until an hour without any value."""
    rows, ages = view.rows, np.arange(LATE_MIN)
    ring: NDArray[np.uint8] = getattr(view, rule.measure)
    on = _on(state, rows, rule)
    lost = on & (ring[:, 0] > 0) & ~ring[:, 1:61].any(axis=1)
    if lost.any():
        _release(state, rows[lost], rule, view.newest[lost] - 1)
        on = on & ~lost
    cleared = spent.told(state, "cleared", rows, rule.column, view.newest)
    fresh = fires & (view.newest[:, None] - ages > cleared[:, None])
    begin = ~on & fresh.any(axis=1)
    state["latched"][rows[begin]] |= np.uint8(1 << rule.column)
    oldest = LATE_MIN - 1 - fresh[:, ::-1].argmax(axis=1)
    if rule in WORSE.values():
        first = view.newest - oldest
        # A late minute may show that it began earlier: from there on it speaks for the milder rule.
        known = spent.told(state, "begun", rows, rule.column, view.newest)
        earlier = begin | (on & fresh.any(axis=1) & (first < known))
        spent.put(state, "begun", rows[earlier], rule.column, first[earlier])
    found = [_finding(view, rule, holds, i, int(oldest[i])) for i in np.flatnonzero(begin).tolist()]
    # Calm counts only after the newest window that fired.
    last = np.where(fires.any(axis=1), fires.argmax(axis=1), LATE_MIN)
    over = _calm(view, rule) & (ages < last[:, None])
    done = np.flatnonzero((on | begin) & over.any(axis=1))
    _release(state, rows[done], rule, view.newest[done] - over[done].argmax(axis=1))
    return found


def _spoken_for(state: Columnar, view: View, worse: Rule) -> Bools:
    """(m, LATE_MIN): does this age lie in the newest episode of a worse rule, which speaks for both?

    Whether that is over need not be known yet, nor still be unknown: a window that becomes complete afterwards, because
    a message was late, is told as it would have been in time.
    """
    minute = view.newest[:, None] - np.arange(LATE_MIN)
    begun = spent.told(state, "begun", view.rows, worse.column, view.newest)[:, None]
    over = spent.told(state, "cleared", view.rows, worse.column, view.newest)[:, None]
    inside: Bools = (begun > 0) & (minute >= begun) & (_on(state, view.rows, worse)[:, None] | (minute <= over))
    return inside


def _on(state: Columnar, rows: Ints, rule: Rule) -> Bools:
    on: Bools = (state["latched"][rows] & np.uint8(1 << rule.column)) != 0
    return on


def _release(state: Columnar, rows: Ints, rule: Rule, minute: Ints) -> None:
    state["latched"][rows] &= np.uint8(255 - (1 << rule.column))
    spent.put(state, "cleared", rows, rule.column, minute)


def _finding(view: View, rule: Rule, holds: Bools, i: int, age: int) -> Finding:
    """Make the finding of row i whose window ends `age` minutes before the newest."""
    ring: NDArray[np.uint8] = getattr(view, rule.measure)[i]
    window = rule.window
    if view.seldom[i, age] and rule.name in seldom.RUNS:
        window = seldom.length(seldom.RUNS[rule.name], _contrary(view, rule)[i, age:])
    inside = holds[i, age : age + window]
    at = int(view.newest[i]) - age
    start = at - int(np.flatnonzero(inside)[-1])
    known = int((ring[age : age + window] > 0).sum())
    odd = int(inside.sum())
    evidence: dict[str, float] = {MEASURES[rule.measure]: int(ring[age]), "minutes": odd, "known_min": known}
    # The share of minutes that hold, doubted where few are known (Laplace's rule): three of three are less than ten.
    evidence["confidence"] = round((odd + 1) / (known + 2), 2)
    if rule is V1:
        evidence["limit_bpm"] = int(view.high_bpm[i, age])
        breaths = view.rr[i, age : age + window]
        if breaths.any():
            evidence["respiration_rpm"] = round(float(np.median(breaths[breaths > 0])))
    if rule is V3 and not np.isnan(view.p5_bpm[i]):
        evidence["personal_p5_bpm"] = float(view.p5_bpm[i])
    return Finding(
        row=int(view.rows[i]),
        rule=rule.name,
        kind=AlertKind.VITALS,
        severity=rule.severity,
        at_ms=at * minutes.MINUTE_MS,
        identity=f"{rule.name}:{rule.tag}{start}",
        evidence=evidence,
    )


def _explained(state: Columnar, finding: Finding) -> Finding:
    """Add what is usual for the wearer at this hour to a finding about the pulse, and how sure V1 is of both.

    Confidence is the share of known minutes that were too fast, less while the wearer is not yet well known; half of
    the doubt is gone where respiration is fast as well.
    """
    if "heart_rate_bpm" not in finding.evidence:
        return finding
    usual, minutes_known = baseline.usual_bpm(state, finding.row, finding.at_ms // minutes.MINUTE_MS)
    if minutes_known == 0:
        return finding
    told = {**finding.evidence, "usual_bpm": round(usual), "baseline_min": minutes_known}
    if finding.rule == V1.name:
        share = finding.evidence["minutes"] / finding.evidence["known_min"]
        sure = share * min(1.0, minutes_known / WELL_KNOWN_MIN)
        if finding.evidence.get("respiration_rpm", 0) >= BUSY_RPM:
            sure += (1 - sure) * AGREED
        told["confidence"] = round(sure, 2)  # instead: how well the wearer is known says more than how many minutes
    return replace(finding, evidence=told)
