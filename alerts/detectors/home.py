"""A resident's home that has gone quiet, or is not as on other days: B1-B7. One row a resident, all at once.

Signs are only kept; `tick` looks at the home as it was LATE_MIN ago (bed and place: SOON_MIN), when all of it must be
here. So the order in which signs come, how often, and in which batches makes no difference.
"""

from collections.abc import Mapping

import numpy as np

from alerts.detectors import home_joined, home_motion, home_waiting, home_water
from alerts.detectors.detector import Columnar, Field, Finding
from alerts.detectors.home_joined import NEVER, Weak, holding
from alerts.detectors.home_signs import (
    AHEAD_MIN,
    DAY_BEGINS_MIN,
    LATE_MIN,
    MINUTE_MS,
    SOON_MIN,
    Bools,
    Ints,
    Sign,
    Signs,
    clock,
    has,
)
from alerts.detectors.home_waiting import FENCE_SAID, OUT_LONG_SAID, OUT_SAID
from alerts.model import AlertKind, Severity

STILL_MIN, STILL_LONG_MIN = 12 * 60, 24 * 60  # B1
LATER_MIN = 3 * 60  # B2: so much after the median,
LATER_THAN_LATEST_MIN = 60  # … and after the latest but one of the days known, for who keeps no hours
DAYS_LEAST = 7  # days that must be known
NIGHT_BEGINS_MIN, NIGHT_MIN = 22 * 60, 8 * 60  # B6
OUT_MIN, OUT_LONG_MIN = 30, 60
OUT_UNKNOWN_MIN = 60  # stands for the personal limit as long as that is not known
BED_HEARD_MIN = 150  # a mat that said nothing for so long accuses nobody
KINDS = {
    **dict.fromkeys(("B0", "B1", "B2", "B3"), AlertKind.STILLNESS),
    **dict.fromkeys(("B4", "B6"), AlertKind.ROUTINE),
    "B7": AlertKind.WANDERING,
}
HALF_DAY_SAID, WHOLE_DAY_SAID = 1, 2  # bits of `still_said`


class HomeDetector:
    """B1-B7 for all residents; `offset_min` is what the district's clock is ahead of UTC.

    The shell writes the first block of columns before it calls; what it does not know it leaves. After a restart it
    gives all signs of the last 48 hours to `observe`, at once or hour by hour, and ticks.
    """

    name = "home"
    fields: Mapping[str, Field] = {
        "has": Field(dtype="uint8"),  # bit 1 << Sign: what this home's sensors can tell
        "quiet_from_ms": Field(dtype="int64"),  # a known absence or visit, now or next: nothing but a leak is told,
        "quiet_until_ms": Field(dtype="int64"),
        "anew_ms": Field(dtype="int64"),  # … and the clocks begin anew at its end: of the last one that is over. Kept
        # here while running; the shell writes it when it rebuilds, or an absence before the restart is forgotten
        "alive_ms": Field(dtype="int64"),  # what sees motion was last heard; motion counts too
        "alive_since_ms": Field(dtype="int64"),  # without a pause longer than alive_every_min. As anew_ms; 0 = long
        "alive_every_min": Field(dtype="int16", fill=120),  # such a pause is normal for its quickest sensor
        "bed_heard_min": Field(dtype="int32"),  # the mat was last heard, minute of UTC; bed signs count too
        "usual_up_min": Field(dtype="int16", fill=-1),  # B2: median of first movement, 04:00 = 240 … 03:59 = 1679
        "latest_up_min": Field(dtype="int16", fill=-1),  # latest but one of those days
        "ups_known": Field(dtype="uint8"),  # of how many days
        "bed_out_p99_min": Field(dtype="int16", fill=-1),
        "meter_noisy": Field(dtype="uint8"),  # 1: 24 h instead of 12
        "fence_m": Field(dtype="int16"),  # B7: its radius, 0 = none
        **home_motion.FIELDS,
        **home_water.FIELDS,
        **home_waiting.FIELDS,
        "heard_min": Field(dtype="int32"),  # alive_ms at the last tick
        "still_min": Field(dtype="int32"),  # the stillness that B1 was said of began then
        "still_said": Field(dtype="uint8"),
        "dry_said_min": Field(dtype="int32"),
        "late_day": Field(dtype="uint16"),  # B2 was said
        "joined_day": Field(dtype="uint16"),  # B0 was said
    }

    def __init__(self, offset_min: int = 0) -> None:
        self._offset_min = offset_min

    def observe(self, state: Columnar, signs: Signs, now_ms: int) -> list[Finding]:
        """Take signs in, in any order. What follows from them is said by `tick`: the list is always empty."""
        told = signs.take((signs.at_ms > 0) & (signs.at_ms <= now_ms + AHEAD_MIN * MINUTE_MS))
        if len(told) == 0:
            return []
        minute = told.at_ms // MINUTE_MS
        seen = told.sign == Sign.MOTION
        np.maximum.at(state["alive_ms"], told.row[seen], told.at_ms[seen])
        door, water = told.sign == Sign.DOOR, told.sign == Sign.WATER
        moved = door | seen
        home_motion.note(state, told.row[moved], minute[moved])
        np.maximum.at(state["door_min"], told.row[door], minute[door].astype(np.int32))
        home_water.note(state, told.row[water], minute[water], told.value[water])
        home_motion.note(state, *home_waiting.note(state, told))
        return []

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        """Return what holds and has not been said. Any interval will do; what ended between two ticks is not told."""
        if len(state["has"]) == 0:
            return []
        home_motion.note(state, *home_waiting.settle(state, now_ms - SOON_MIN * MINUTE_MS))
        silent = _silent(state, now_ms)
        _hear(state)
        cutoff = now_ms // MINUTE_MS - LATE_MIN
        leaks = home_water.look(state, cutoff, silent, self._offset_min)
        home = _Home(state, cutoff, silent, self._offset_min)
        found = [*home.still(), *home.dry(), *home.late_up(), *home.joined(), *(home.leak(leak) for leak in leaks)]
        return [*found, *self._out_of_bed(state, now_ms, silent), *self._outside(state, silent)]

    def _out_of_bed(self, state: Columnar, now_ms: int, silent: Bools) -> list[Finding]:
        at = now_ms // MINUTE_MS - SOON_MIN
        into = (at + self._offset_min - NIGHT_BEGINS_MIN) % 1440
        if into >= NIGHT_MIN:
            return []
        since, limit, limit_long = out_of_bed(state, at - into)
        mat = np.maximum(state["bed_heard_min"], (state["bed_key"] >> 20) // MINUTE_MS)
        out = (since > 0) & ~silent & (mat >= at - BED_HEARD_MIN)
        found = []
        for bit, after, severity, tag in (
            (OUT_SAID, limit, Severity.LOW, ""),
            (OUT_LONG_SAID, limit_long, Severity.MEDIUM, "long:"),
        ):
            due = np.flatnonzero(out & (at - since >= after) & ((state["said"] & bit) == 0))
            state["said"][due] |= np.uint8(bit)
            for row in due.tolist():
                if bit == OUT_SAID and limit[row] >= limit_long[row]:
                    continue  # both at once: the worse one is said
                p99, minutes = int(state["bed_out_p99_min"][row]), int(after[row])
                evidence = {
                    "left_at": clock(int(since[row]), self._offset_min),
                    "limit_min": minutes,
                    "usual_most_min": p99 if p99 >= 0 else None,
                    "confidence": 0.8 if p99 >= 0 else 0.5,
                }
                key = f"B6:{tag}{since[row]}"
                found.append(_finding(row, severity, int(since[row]) + minutes, key, evidence))
        return found

    def _outside(self, state: Columnar, silent: Bools) -> list[Finding]:
        anew_s = state["anew_ms"] // 1000
        out = home_waiting.outside_now(state, anew_s) & ~silent & (state["fence_m"] > 0)
        due = np.flatnonzero(out & ((state["said"] & FENCE_SAID) == 0))
        state["said"][due] |= np.uint8(FENCE_SAID)
        found = []
        for row in due.tolist():
            since = int(max(state["roam_s"][row], anew_s[row]))
            evidence = {
                "outside_since": clock(since // 60, self._offset_min),
                "away_m": int(state["away_m"][row]),
                "fence_m": int(state["fence_m"][row]),
                "confidence": 0.9,
            }
            at_min = (since + home_waiting.STAYS_S) // 60
            found.append(_finding(row, Severity.MEDIUM, at_min, f"B7:{since}", evidence))
        return found


def out_of_bed(state: Columnar, night_min: int) -> tuple[Ints, Ints, Ints]:
    """Return (n,) since when each bed was left in the night that began then, 0 where not; and B6's two limits."""
    out = state["out_min"].astype(np.int64)
    since = np.where(out >= night_min, np.maximum(out, state["anew_ms"] // MINUTE_MS), 0)
    p99 = state["bed_out_p99_min"].astype(np.int64)
    usual = np.where(p99 >= 0, p99, OUT_UNKNOWN_MIN)
    limit_long = np.maximum(usual, np.where(p99 >= 0, OUT_LONG_MIN, 2 * OUT_UNKNOWN_MIN))
    return np.where(has(state["has"], Sign.BED_IN, Sign.BED_OUT), since, 0), np.maximum(usual, OUT_MIN), limit_long


def _silent(state: Columnar, now_ms: int) -> Bools:
    """Return who is away or has a visitor, and let the clocks of those who had begin anew."""
    until = state["quiet_until_ms"]
    np.maximum(state["anew_ms"], np.where(until <= now_ms, until, 0), out=state["anew_ms"])
    silent: Bools = (state["quiet_from_ms"] <= now_ms) & (now_ms < until)
    state["said"][silent] = 0
    return silent


def _hear(state: Columnar) -> None:
    """Notice homes that are heard again after a pause: nobody knows what moved in it."""
    heard, alive = state["heard_min"].astype(np.int64), state["alive_ms"] // MINUTE_MS
    back = (heard > 0) & (alive - heard > state["alive_every_min"])
    state["alive_since_ms"][back] = state["alive_ms"][back]
    state["heard_min"][:] = np.maximum(heard, alive)


class _Home:
    """All homes as they were at one minute, and what follows."""

    def __init__(self, state: Columnar, cutoff: int, silent: Bools, offset_min: int) -> None:
        self.state, self.offset_min = state, offset_min
        self.loud = ~silent & ~home_waiting.seen_outside(state, cutoff)  # a quiet home is not hers while she is out
        self.until = np.minimum(cutoff, state["alive_ms"] // MINUTE_MS)  # beyond what was heard nothing is known
        self.moved = np.maximum(home_motion.newest(state, cutoff), state["drawn_min"])
        self.anew = np.maximum(state["anew_ms"], state["alive_since_ms"]) // MINUTE_MS
        self.day = home_motion.day_of(cutoff, offset_min)
        self.midnight = home_motion.midnight(self.day, offset_min)
        self.watched = self.loud & has(state["has"], Sign.MOTION) & (self.moved > 0)
        self.since = np.maximum(self.moved, self.anew)
        self.still_due = np.where(self.watched & (self.until - self.since >= STILL_MIN), self.since + STILL_MIN, NEVER)
        self.weak = (self._late(), self._out(), self._no_water(), self._door())
        enough = home_joined.enough_since(self.weak)
        self.joined_due = np.where(self.loud & (enough <= self.still_due), enough, NEVER)

    def _limit(self) -> Ints:
        usual, latest = self.state["usual_up_min"], self.state["latest_up_min"]
        at = np.maximum(usual.astype(np.int64) + LATER_MIN, latest.astype(np.int64) + LATER_THAN_LATEST_MIN)
        return np.where((usual >= 0) & (self.state["ups_known"] >= DAYS_LEAST), at, NEVER)

    def _late(self) -> Weak:
        begins = self.midnight + DAY_BEGINS_MIN
        due = self.midnight + self._limit()
        late = self.watched & (self.moved < begins) & (self.anew <= begins) & (self.until >= due)
        return holding("late_up", due, late)

    def _out(self) -> Weak:
        """Tell who left the bed last night and has not been noticed since the limit passed."""
        night = self.midnight - 1440 + NIGHT_BEGINS_MIN
        since, limit, _ = out_of_bed(self.state, night)
        due = since + limit
        out = (since > 0) & (due <= night + NIGHT_MIN) & (due <= self.until) & (self.moved < due)
        return holding("out_of_bed", due, out & self.watched)

    def _no_water(self) -> Weak:
        state, begins = self.state, self.midnight + DAY_BEGINS_MIN
        due = self.midnight + state["usual_up_min"].astype(np.int64) + home_joined.NO_WATER_MIN
        told = (state["read_slot"] + 1) * home_water.SLOT_MIN >= due
        none = has(state["has"], Sign.WATER) & (state["usual_up_min"] >= 0) & told & (state["drawn_min"] < begins)
        return holding("no_water", due, none & self.loud & (self.anew <= begins))

    def _door(self) -> Weak:
        door = self.state["door_min"].astype(np.int64)
        due = np.maximum(door, self.anew) + home_joined.DOOR_MIN
        return holding("door_unopened", due, has(self.state["has"], Sign.DOOR) & (door > 0) & (due <= self.until))

    def still(self) -> list[Finding]:
        """B1. Half a day is not said of again who is being looked after already (B0); a whole day is."""
        state, found = self.state, []
        standing = self.still_due < NEVER
        begun = standing & (state["still_min"] != self.since)
        state["still_min"][begun] = self.since[begun]
        state["still_said"][begun] = 0
        for bit, limit, severity, tag in (
            (HALF_DAY_SAID, STILL_MIN, Severity.MEDIUM, ""),
            (WHOLE_DAY_SAID, STILL_LONG_MIN, Severity.HIGH, "day:"),
        ):
            due = standing & (self.until - self.since >= limit) & ((state["still_said"] & bit) == 0)
            state["still_said"][due] |= np.uint8(bit)
            for row in np.flatnonzero(due).tolist():
                since = int(self.since[row])
                if bit == HALF_DAY_SAID and self.joined_due[row] < NEVER:
                    continue
                evidence = {"still_min": limit, "last_at": self._clock(since), "last": self._last(row)}
                evidence |= self._also(row, since + limit, "dry")
                found.append(_finding(row, severity, since + limit, f"B1:{tag}{since}", evidence))
        return found

    def dry(self) -> list[Finding]:
        """B3."""
        state, found = self.state, []
        dry = self.loud & (state["dry_min"] > 0) & has(state["has"], Sign.WATER)
        new = dry & (state["dry_said_min"] != state["dry_min"])
        state["dry_said_min"][new] = state["dry_min"][new]
        for row in np.flatnonzero(new).tolist():
            since, due = int(state["dry_min"][row]), int(state["dry_due_min"][row])
            if self.joined_due[row] <= due:
                continue
            evidence = {"hours": (due - since) // 60, "since": self._clock(since), "below_l": home_water.DRY_L}
            evidence |= self._also(row, due, "still")
            found.append(_finding(row, Severity.MEDIUM, due, f"B3:{since}", evidence))
        return found

    def late_up(self) -> list[Finding]:
        """B2, unless B0 or B1 says more."""
        since = self.weak[0].since_min
        late = (since < NEVER) & (self.state["late_day"] != self.day)
        self.state["late_day"][late] = self.day
        alone = late & (since < self.still_due) & (since < self.joined_due)
        return [
            _finding(row, Severity.LOW, int(since[row]), f"B2:{self.day}", self._routine(row))
            for row in np.flatnonzero(alone).tolist()
        ]

    def joined(self) -> list[Finding]:
        """B0: weak signs that add up."""
        new = (self.joined_due < NEVER) & (self.state["joined_day"] != self.day)
        self.state["joined_day"][new] = self.day
        found = []
        for row in np.flatnonzero(new).tolist():
            signs = home_joined.evidence(self.weak, row, self.offset_min)
            score = sum(home_joined.WEIGHTS[str(sign["sign"])] for sign in signs)
            evidence = {
                "signs": signs,
                "score": score,
                "enough": home_joined.ENOUGH,
                "last_at": self._clock(int(self.since[row])),
                "last": self._last(row),
                **self._routine(row),
                "confidence": min(0.6 + 0.1 * score, 0.95),
            }
            due = int(self.joined_due[row])
            found.append(_finding(row, Severity.MEDIUM, due, f"B0:{self.day}", evidence))
        return found

    @staticmethod
    def leak(leak: home_water.Leak) -> Finding:
        """B4."""
        evidence = {
            "used_l": leak.used_l,
            "limit_l": home_water.LEAK_L,
            "flowing_h": leak.flowing_min // 60,
            "confidence": 0.8,
        }
        return _finding(leak.row, Severity.LOW, leak.due_min, f"B4:{leak.day}", evidence)

    def _routine(self, row: int) -> dict[str, object]:
        """Return what is usual here, where that is known."""
        usual, days = int(self.state["usual_up_min"][row]), int(self.state["ups_known"][row])
        if usual < 0:
            return {}
        limit = max(usual + LATER_MIN, int(self.state["latest_up_min"][row]) + LATER_THAN_LATEST_MIN)
        return {
            "usual_at": clock(usual, 0),
            "limit_at": clock(limit, 0),
            "days_known": days,
            "confidence": round(min(days / 14, 1.0), 2),
        }

    def _also(self, row: int, due: int, other: str) -> dict[str, object]:
        """Return which other sensors say the same (B5 never speaks alone), and how sure that makes it."""
        agree = {}
        if self.weak[3].since_min[row] <= due:
            agree["B5"] = self._clock(int(self.state["door_min"][row]))
        if other == "dry" and self.state["dry_min"][row] > 0:
            agree["B3"] = self._clock(int(self.state["dry_min"][row]))
        if other == "still" and self.still_due[row] < NEVER:
            agree["B1"] = self._clock(int(self.since[row]))
        moved = int(self.state["moved_min"][row])
        again = {"moved_again_at": self._clock(moved)} if moved > self.moved[row] else {}
        return {"agree": agree, "confidence": round(0.7 + 0.1 * len(agree), 2), **again}

    def _last(self, row: int) -> str:
        """Return what the last sign of life was. A door may have closed behind her."""
        moved = int(self.moved[row])
        if self.anew[row] > moved:
            return "unknown"
        if moved == self.state["door_min"][row]:
            return "door"
        return "water" if moved == self.state["drawn_min"][row] else "motion"

    def _clock(self, minute: int) -> str:
        return clock(minute, self.offset_min)


def _finding(row: int, severity: Severity, at_min: int, identity: str, evidence: Mapping[str, object]) -> Finding:
    rule = identity.partition(":")[0]
    return Finding(
        row=row,
        rule=rule,
        kind=KINDS[rule],
        severity=severity,
        at_ms=at_min * MINUTE_MS,
        identity=identity,
        evidence=evidence,
    )
