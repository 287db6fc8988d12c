"""V8: the early-warning score (NEWS2) of a resident, of whatever her devices have measured in the last hour.

The watch knows the pulse, the cuff the pressure, the thermometer the temperature: the shell shows this detector every
device under its resident's first row. A value counts for an hour; what is missing is missing, so the total is a lower
bound and only that is judged. Within five minutes the calmest value of each part stands, so that a blip scores nothing;
two sets, in different five minutes, must be in the band. Below it for an hour ends the episode. Values age by the
clock of measurement: a gap takes parts away and can only lower the total.

A single part at 3 does not alert by itself, except for the systolic pressure: pulse, saturation, respiration and
temperature have V2 to V4, V6 and V7, which ask more of a value than this and have decided already.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import news2
from alerts.detectors.detector import MINUTE_MS, Columnar, Field, Finding
from alerts.detectors.minutes import AHEAD_MS, REST_MIN, turns
from alerts.model import AlertKind, Severity
from devices.columns import Columns

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HOUR_MIN = 60  # a value counts for so long, and an episode is over when so long nothing was in the band
SET_MIN = 5  # minutes that make one set of values
LONG = 255  # an age nobody counts any further
MEDIUM, HIGH = 5, 7  # totals
LEVELS = ((0, Severity.MEDIUM, ""), (1, Severity.HIGH, "high:"))  # place in the columns, severity, tag in identities
ALONE = news2.PARTS.index("sbp")  # at 3 this alone is a set in the band: no other rule knows the pressure
MOVING = np.array([part in {"rr", "spo2", "hr"} for part in news2.PARTS])  # mean nothing after a walk
EVIDENCE = {
    "rr": "respiration_rpm",
    "spo2": "spo2_pct",
    "sbp": "systolic_mmhg",
    "hr": "heart_rate_bpm",
    "temp": "temperature_c",
}


@dataclass(frozen=True, slots=True)
class Told:
    """n minutes of n different residents; `parts` as `news2.code` has them, (n, 5) in the order of `news2.PARTS`."""

    row: Ints
    minute: Ints
    parts: NDArray[np.uint8]
    moved: Bools

    def take(self, index: NDArray[np.intp] | Bools) -> "Told":
        return Told(*(getattr(self, f.name)[index] for f in fields(self)))


class EarlyWarning:
    """V8 for all residents: rows are those of a resident's first device.

    `spo2_scale2` is written by the shell: 1 where a clinician set SpO2 scale 2.
    """

    name = "early_warning"
    fields: Mapping[str, Field] = {
        "newest_min": Field(dtype="int32"),
        "walked_min": Field(dtype="int32"),  # newest minute in which any of her devices counted a step
        "parts": Field(dtype="uint8", shape=(len(news2.PARTS),)),  # newest value of each, 0 = unknown
        "ages": Field(dtype="uint8", shape=(len(news2.PARTS),), fill=LONG),  # in minutes before newest_min
        "since_min": Field(dtype="int32", shape=(len(LEVELS),)),  # first set of the run
        "ago_min": Field(dtype="uint8", shape=(len(LEVELS),), fill=LONG),  # since a set was in the band
        "raised": Field(dtype="uint8"),  # bit per level
        "spo2_scale2": Field(dtype="uint8"),
    }

    def observe(self, state: Columnar, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        """Take a batch in. A late value stands where its minute is; it is judged with what is known now."""
        found: list[Finding] = []
        for told in _rounds(rows, batch):
            row = _write(state, told)
            total, alone = _scored(state, row)
            busy = (total >= MEDIUM) | alone | (state["ago_min"][row, 0] != LONG)
            if busy.any():
                for i in np.flatnonzero(busy).tolist():
                    found += _judge(state, int(row[i]), int(total[i]), bool(alone[i]))
        return found

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        """Return nothing: a gap never makes a vital-sign alert."""
        return []


def _rounds(rows: Ints, batch: Columns) -> Iterator[Told]:
    """Split a batch so that each part has a resident at most once, her minutes rising."""
    parts = np.stack([
        news2.code(part, values) for part, values in zip(
            news2.PARTS, (batch.respiration_rpm, batch.spo2_pct, batch.systolic_mmhg, batch.heart_rate_bpm,
                          batch.temperature_c), strict=True)
    ], axis=1)  # fmt: skip
    moved = batch.steps > 0
    use = (parts.any(axis=1) | moved) & (batch.worn != 0)
    minute = np.minimum(batch.measured_ms, batch.received_ms + AHEAD_MS) // MINUTE_MS
    order = np.lexsort((minute, rows))
    order = order[use[order]]
    if len(order) == 0:
        return
    told = Told(rows[order], minute[order], parts[order], moved[order])
    new_row = np.append(True, told.row[1:] != told.row[:-1])
    new_minute = new_row | np.append(True, told.minute[1:] != told.minute[:-1])
    if not new_minute.all():
        start = np.flatnonzero(new_minute)
        calmest = np.minimum.reduceat(news2.calmness(told.parts), start, axis=0)
        told = Told(
            told.row[start], told.minute[start], (calmest & 255).astype(np.uint8),
            np.logical_or.reduceat(told.moved, start),
        )  # fmt: skip
    for turn in turns(told.row):
        yield told.take(turn)


def _write(state: Columnar, told: Told) -> Ints:
    """Put one minute of each of n residents among her values; returns the rows there is something new about."""
    row, newest = told.row, state["newest_min"][told.row].astype(np.int64)
    ahead = np.maximum(told.minute - newest, 0)
    late = np.maximum(newest - told.minute, 0)
    grown = np.minimum(ahead, LONG)[:, None]
    ages = np.minimum(state["ages"][row] + grown, LONG)
    state["ago_min"][row] = np.minimum(state["ago_min"][row] + grown, LONG)
    state["newest_min"][row] = newest + ahead
    walked = np.where(told.moved, told.minute, 0)
    state["walked_min"][row] = np.maximum(state["walked_min"][row], walked)
    parts = told.parts
    busy = told.minute - state["walked_min"][row] < REST_MIN
    if busy.any():
        parts = np.where(busy[:, None] & MOVING, 0, parts)
    state["parts"][row], state["ages"][row] = _taken(state["parts"][row], ages, parts, late, newest + ahead)
    return row


def _taken(
    old: NDArray[np.uint8], ages: Ints, new: NDArray[np.uint8], late: Ints, newest: Ints
) -> tuple[NDArray[np.uint8], Ints]:
    """Return values and ages (n, 5): the newer set of five minutes stands, and in the same one the calmer value."""
    own_set = ((newest - late) // SET_MIN)[:, None]
    old_set = np.where((old > 0) & (ages <= HOUR_MIN + SET_MIN), (newest[:, None] - ages) // SET_MIN, -1)
    told = (new > 0) & (late <= HOUR_MIN)[:, None]
    newer = told & (own_set > old_set)
    same = told & (own_set == old_set)
    value = np.where(newer, new, old)
    if same.any():
        calmer = (np.minimum(news2.calmness(old), news2.calmness(new)) & 255).astype(np.uint8)
        value = np.where(same, calmer, value)
    age = np.where(newer, late[:, None], np.where(same, np.minimum(ages, late[:, None]), ages))
    return value, age


def _scored(state: Columnar, row: Ints) -> tuple[Ints, Bools]:
    """Return (n,) totals of the known parts of the last hour, and whether the pressure alone is at 3."""
    parts = np.where(state["ages"][row] <= HOUR_MIN, state["parts"][row], 0)
    points = news2.points(parts, state["spo2_scale2"][row])
    return points.sum(axis=1), points[:, ALONE] >= 3


def _judge(state: Columnar, row: int, total: int, alone: bool) -> list[Finding]:
    """Take one set of one resident: count it for the bands it is in, raise at the second, begin anew after an hour."""
    newest, found = int(state["newest_min"][row]), list[Finding]()
    for at, severity, tag in LEVELS[::-1]:
        since, bit = int(state["since_min"][row, at]), np.uint8(1 << at)
        inside = total >= HIGH if severity is Severity.HIGH else total >= MEDIUM or alone
        if state["ago_min"][row, at] > HOUR_MIN:
            state["raised"][row] &= ~bit
            state["ago_min"][row, at] = LONG
        on = bool(state["raised"][row] & bit)
        if not inside:
            if not on and newest // SET_MIN == since // SET_MIN:  # a calmer value has come: it was no set
                state["ago_min"][row, at] = LONG
            continue
        if state["ago_min"][row, at] == LONG:
            since = state["since_min"][row, at] = newest
        state["ago_min"][row, at] = 0
        if not on and newest - since >= SET_MIN and newest // SET_MIN > since // SET_MIN:
            state["raised"][row] |= bit
            if severity is Severity.HIGH or not state["raised"][row] & 2:  # the higher speaks for both
                found.append(_finding(state, row, severity, f"V8:{tag}{since}", newest - since))
    return found


def _finding(state: Columnar, row: int, severity: Severity, identity: str, minutes: int) -> Finding:
    """Confidence: the share of the seven parts that is known."""
    ages, coded = state["ages"][row].tolist(), state["parts"][row].tolist()
    known = {
        part: news2.value(part, code)
        for part, code, age in zip(news2.PARTS, coded, ages, strict=True) if code and age <= HOUR_MIN
    }  # fmt: skip
    scale = 2 if state["spo2_scale2"][row] else 1
    score = news2.score(
        news2.Vitals(
            respiration_rpm=known.get("rr"), spo2_pct=known.get("spo2"), systolic_mmhg=known.get("sbp"),
            pulse_bpm=known.get("hr"), temperature_c=known.get("temp"), scale=scale,
        )
    )  # fmt: skip
    evidence = {
        "total": score.total, "total_upper": score.total_upper, "components": dict(score.components),
        "missing": list(score.missing), **{EVIDENCE[part]: value for part, value in known.items()},
        "ages_min": {EVIDENCE[part]: age for part, age in zip(news2.PARTS, ages, strict=True) if part in known},
        "spo2_scale": scale, "minutes": minutes, "confidence": round(len(score.components) / 7, 2),
    }  # fmt: skip
    return Finding(
        row=row, rule="V8", kind=AlertKind.VITALS, severity=severity,
        at_ms=int(state["newest_min"][row]) * MINUTE_MS, identity=identity, evidence=evidence,
    )  # fmt: skip
