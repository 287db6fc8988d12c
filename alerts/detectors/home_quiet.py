"""All homes as they were at one minute, and which are quiet: B1 still, B2 not up, B3 dry, B0 several weak signs.

B1 and B2 have the limits of a worn watch's (`stillness`).
"""

from collections.abc import Mapping

import numpy as np

from alerts.detectors import home_joined, home_motion, home_waiting, home_water
from alerts.detectors.detector import Columnar, Field, Finding
from alerts.detectors.home_found import finding
from alerts.detectors.home_joined import NEVER, Weak, holding
from alerts.detectors.home_signs import DAY_BEGINS_MIN, MINUTE_MS, Bools, Ints, Sign, clock, has
from alerts.detectors.home_waiting import NIGHT_BEGINS_MIN, NIGHT_MIN
from alerts.detectors.stillness import DAYS_LEAST, STILL_LONG_MIN, STILL_MIN, late_from
from alerts.model import Severity

HALF_DAY_SAID, WHOLE_DAY_SAID = 1, 2  # bits of `still_said`

FIELDS: Mapping[str, Field] = {
    "still_min": Field(dtype="int32"),  # the stillness that B1 was said of began then
    "still_said": Field(dtype="uint8"),
    "dry_said_min": Field(dtype="int32"),
    "late_day": Field(dtype="uint16"),  # B2 was said
    "joined_day": Field(dtype="uint16"),  # B0 was said
}


class Homes:
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
        """Return (n,) from when on each is late, in minutes of the day; NEVER where too few of her days are known."""
        usual, latest = self.state["usual_up_min"], self.state["latest_up_min"]
        at = late_from(usual.astype(np.int64), latest.astype(np.int64))
        return np.where((usual >= 0) & (self.state["ups_known"] >= DAYS_LEAST), at, NEVER)

    def _late(self) -> Weak:
        begins = self.midnight + DAY_BEGINS_MIN
        due = self.midnight + self._limit()
        late = self.watched & (self.moved < begins) & (self.anew <= begins) & (self.until >= due)
        return holding("late_up", due, late)

    def _out(self) -> Weak:
        """Tell who left the bed last night and has not been noticed since the limit passed."""
        night = self.midnight - 1440 + NIGHT_BEGINS_MIN
        since, limit, _ = home_waiting.out_of_bed(self.state, night)
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
                found.append(finding(row, severity, since + limit, f"B1:{tag}{since}", evidence))
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
            found.append(finding(row, Severity.MEDIUM, due, f"B3:{since}", evidence))
        return found

    def late_up(self) -> list[Finding]:
        """B2, unless B0 or B1 says more."""
        since = self.weak[0].since_min
        late = (since < NEVER) & (self.state["late_day"] != self.day)
        self.state["late_day"][late] = self.day
        alone = late & (since < self.still_due) & (since < self.joined_due)
        return [
            finding(row, Severity.LOW, int(since[row]), f"B2:{self.day}", self._routine(row))
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
            found.append(finding(row, Severity.MEDIUM, due, f"B0:{self.day}", evidence))
        return found

    def _routine(self, row: int) -> dict[str, object]:
        """Return what is usual here, where that is known."""
        usual, days = int(self.state["usual_up_min"][row]), int(self.state["ups_known"][row])
        if usual < 0:
            return {}
        latest = self.state["latest_up_min"][row : row + 1].astype(np.int64)
        return {
            "usual_at": clock(usual, 0),
            "limit_at": clock(int(late_from(np.array([usual]), latest)[0]), 0),
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
