"""T1 and T4 of `DeviceHealth`: a device that is heard but not worn, and one whose values no body can show.

A sign of being worn is the device's own word or, where it gives none, a pulse or a saturation; a step is one too. Only
what the shell calls wearable is judged, and of it only what can tell: a pendant that counts steps and nothing else lies
still all night. Judged are messages, not silence: while a device is silent T3 speaks, and the time begins anew when it
comes back.

T4 counts the readings `devices.plausible` rejected (a zero that means "could not measure" is absent, not one of them).
They are no telemetry; that there was one is stored beside it, so that a restart counts the same.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import MINUTE_MS, Columnar, Field, Finding
from alerts.model import AlertKind, Severity
from devices.columns import Columns

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNWORN_MIN = ((12 * 60, 2, ""), (24 * 60, 4, "day:"))  # limit, bit of `wear`, tag in identities
SENSES, STEPS = 1, 8  # bits of `wear`: it has told of skin or pulse; it has counted a step
READINGS, BAD, WELL = 20, 10, 2  # T4: so many of the last READINGS; over when no more than WELL are
SHOWN = np.uint32((1 << READINGS) - 1)
RAISED = 1 << 31  # in `readings`
APART_S = 86_400  # readings further apart say nothing together

SIGNS = ("heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg")

FIELDS: Mapping[str, Field] = {
    "wearable": Field(dtype="uint8"),  # 1 = a resident's, and worn; written by the shell
    "unworn_min": Field(dtype="int32"),  # newest sign of being worn, or since when there could have been one
    "wear": Field(dtype="uint8"),
    "readings": Field(dtype="uint32"),  # bit k: k readings ago it was implausible; RAISED
    "reading_s": Field(dtype="int32"),  # device time of the newest one
}


def wear(state: Columnar, rows: Ints, batch: Columns) -> list[Finding]:
    """Take a batch in; returns the T1 of devices that were heard and not worn."""
    mine = np.flatnonzero(state["wearable"][rows])
    if len(mine) == 0:
        return []
    rows, worn = rows[mine], batch.worn[mine]
    minute = np.minimum(batch.measured_ms[mine], batch.received_ms[mine]) // MINUTE_MS
    measured = ~(np.isnan(batch.heart_rate_bpm[mine]) & np.isnan(batch.spo2_pct[mine]))
    sign = (worn == 1) | ((worn < 0) & measured)
    stepped = (batch.steps[mine] > 0) & (worn != 0)
    seen = sign | stepped
    state["wear"][rows[sign | (worn == 0)]] |= np.uint8(SENSES)
    state["wear"][rows[stepped]] |= np.uint8(STEPS)
    fresh = (state["unworn_min"][rows] == 0) | (state["silent"][rows] == 1)
    if fresh.any():
        _begin(state, rows[fresh], minute[fresh])
    long = ~seen & (minute - state["unworn_min"][rows] >= UNWORN_MIN[0][0])
    if not long.any():
        _worn(state, rows[seen], minute[seen])
        return []
    odd = np.isin(rows, rows[long])
    _worn(state, rows[seen & ~odd], minute[seen & ~odd])
    found: list[Finding] = []
    for i in np.flatnonzero(odd)[np.lexsort((~seen[odd], minute[odd], rows[odd]))].tolist():
        if seen[i]:
            _worn(state, rows[i : i + 1], minute[i : i + 1])
        else:
            found += _unworn(state, int(rows[i]), int(minute[i]))
    return found


def _begin(state: Columnar, rows: Ints, minute: Ints) -> None:
    """Nothing is known of them, or they were silent: the time counts from here, not from when they were bound."""
    rows, place = np.unique(rows, return_inverse=True)
    first = np.full(len(rows), np.iinfo(np.int64).max)
    np.minimum.at(first, place, minute)
    state["unworn_min"][rows] = np.maximum(state["unworn_min"][rows], first)


def _worn(state: Columnar, rows: Ints, minute: Ints) -> None:
    newer = minute > state["unworn_min"][rows]
    state["wear"][rows[newer]] &= np.uint8(SENSES | STEPS)
    np.maximum.at(state["unworn_min"], rows, minute)


def _unworn(state: Columnar, row: int, minute: int) -> list[Finding]:
    can_tell = state["wear"][row] & (SENSES | STEPS) != STEPS
    since, found = int(state["unworn_min"][row]), []
    for limit, bit, tag in UNWORN_MIN:
        if can_tell and minute - since >= limit and not state["wear"][row] & bit:
            state["wear"][row] |= np.uint8(bit)
            found.append(_finding(row, "T1", minute * MINUTE_MS, f"{tag}{since}", {"unworn_min": minute - since}))
    return found


def doubt(state: Columnar, rows: Ints, batch: Columns) -> list[Finding]:
    """Take a batch in; returns the T4 of devices most of whose readings are implausible.

    Readings of one device in the order of its own clock: one that is not newer than the newest counts no more.
    """
    odd = np.zeros(len(rows), np.bool_) if batch.implausible is None else batch.implausible
    looked = odd | (state["readings"][rows] != 0)
    if not looked.any():
        return []
    looked = np.isin(rows, rows[looked])
    told = [getattr(batch, name)[looked] for name in SIGNS]
    looked[looked] = odd[looked] | ~np.isnan(told).all(axis=0)
    at_s = np.minimum(batch.measured_ms, batch.received_ms) // 1000
    found: list[Finding] = []
    picked = np.flatnonzero(looked)
    for i in picked[np.lexsort((~odd[picked], at_s[picked], rows[picked]))].tolist():
        found += _count(state, int(rows[i]), int(at_s[i]), bool(odd[i]))
    return found


def _count(state: Columnar, row: int, at_s: int, odd: bool) -> list[Finding]:
    before, register = int(state["reading_s"][row]), int(state["readings"][row])
    if at_s <= before or not (odd or register):
        return []
    raised = register & RAISED
    shown = (0 if at_s - before > APART_S else register) << 1 & int(SHOWN) | odd
    bad, found = shown.bit_count(), []
    if bad >= BAD and not raised:
        raised = RAISED
        found.append(_finding(row, "T4", at_s * 1000, str(at_s), {"implausible": bad, "readings": READINGS}))
    elif bad <= WELL:
        raised = 0
    state["reading_s"][row], state["readings"][row] = at_s, shown | raised
    return found


def _finding(row: int, rule: str, at_ms: int, identity: str, evidence: Mapping[str, int]) -> Finding:
    return Finding(
        row=row, rule=rule, kind=AlertKind.DEVICE, severity=Severity.TECHNICAL, at_ms=at_ms,
        identity=f"{rule}:{identity}", evidence=evidence,
    )  # fmt: skip
