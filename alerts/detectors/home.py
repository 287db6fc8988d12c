"""A resident's home that has gone quiet, or is not as on other days: B1-B7. One row a resident, all at once.

Signs are only kept; `tick` looks at the home as it was LATE_MIN ago (bed and place: SOON_MIN), when all of it must be
here. So the order in which signs come, how often, and in which batches makes no difference.
"""

from collections.abc import Mapping

import numpy as np

from alerts.detectors import home_motion, home_quiet, home_waiting, home_water
from alerts.detectors.detector import Columnar, Field, Finding
from alerts.detectors.home_found import finding
from alerts.detectors.home_quiet import Homes
from alerts.detectors.home_signs import AHEAD_MIN, LATE_MIN, MINUTE_MS, SOON_MIN, Bools, Sign, Signs, clock
from alerts.detectors.home_waiting import FENCE_SAID, NIGHT_BEGINS_MIN, NIGHT_MIN, OUT_LONG_SAID, OUT_SAID
from alerts.model import Severity

BED_HEARD_MIN = 150  # a mat that said nothing for so long accuses nobody


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
        **home_quiet.FIELDS,
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
        homes = Homes(state, cutoff, silent, self._offset_min)
        found = [*homes.still(), *homes.dry(), *homes.late_up(), *homes.joined(), *map(_leak, leaks)]
        return [*found, *self._out_of_bed(state, now_ms, silent), *self._outside(state, silent)]

    def _out_of_bed(self, state: Columnar, now_ms: int, silent: Bools) -> list[Finding]:
        at = now_ms // MINUTE_MS - SOON_MIN
        into = (at + self._offset_min - NIGHT_BEGINS_MIN) % 1440
        if into >= NIGHT_MIN:
            return []
        since, limit, limit_long = home_waiting.out_of_bed(state, at - into)
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
                found.append(finding(row, severity, int(since[row]) + minutes, key, evidence))
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
            found.append(finding(row, Severity.MEDIUM, at_min, f"B7:{since}", evidence))
        return found


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


def _leak(leak: home_water.Leak) -> Finding:
    """B4."""
    evidence = {
        "used_l": leak.used_l,
        "limit_l": home_water.LEAK_L,
        "flowing_h": leak.flowing_min // 60,
        "confidence": 0.8,
    }
    return finding(leak.row, Severity.LOW, leak.due_min, f"B4:{leak.day}", evidence)
