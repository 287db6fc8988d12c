"""Bed and place: a few signs of each resident wait for earlier ones, then go through in the order of their times.

What was out of bed or out of the fence is a story, in which a sign means what those before it make of it.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from alerts.detectors.detector import Columnar, Field
from alerts.detectors.home_signs import MINUTE_MS, Bools, Ints, Sign, Signs, has

Moves: TypeAlias = tuple[Ints, Ints]  # rows, minutes

WAITING = 6  # signs of one resident that wait; a seventh sends the oldest on
IN, OUT, PLACE = 0, 1, 2
FAR_M = (1 << 18) - 1  # no distance is kept beyond
STAYS_S = 5 * 60  # B7: so long outside, or inside again
NIGHT_BEGINS_MIN, NIGHT_MIN = 22 * 60, 8 * 60  # B6
OUT_MIN, OUT_LONG_MIN = 30, 60
OUT_UNKNOWN_MIN = 60  # stands for the personal limit as long as that is not known
PAUSE_S = 2 * 3600  # two positions further apart say nothing about the time between

OUT_SAID, OUT_LONG_SAID, FENCE_SAID = 1, 2, 4  # bits of `said`, while it lasts
NONE: Moves = (np.zeros(0, np.int64), np.zeros(0, np.int64))

FIELDS: Mapping[str, Field] = {
    "waiting": Field(dtype="int64", shape=(WAITING,)),  # at_ms << 20 | what << 18 | metres; 0 = nothing
    "bed_key": Field(dtype="int64"),  # the last that went through
    "out_min": Field(dtype="int32"),  # out of bed since, 0 = in bed, or not known
    "place_key": Field(dtype="int64"),
    "far_s": Field(dtype="uint32"),  # outside the fence since, without a position inside
    "near_s": Field(dtype="uint32"),  # the same inside
    "roam_s": Field(dtype="uint32"),  # she is out, since; 0 = no
    "away_m": Field(dtype="int32"),  # how far, at the last position outside
    "said": Field(dtype="uint8"),
}


def note(state: Columnar, signs: Signs) -> Moves:
    """Let bed and place signs wait; what does not fit any more goes through. Returns what of it was a movement."""
    keep = np.isin(signs.sign, (Sign.BED_IN, Sign.BED_OUT, Sign.PLACE)) & (signs.at_ms > 0)
    keep &= (signs.sign != Sign.PLACE) | (state["fence_m"][signs.row] > 0) & (signs.value >= 0)
    told = signs.take(keep)
    if len(told) == 0:
        return NONE
    what = np.where(told.sign == Sign.PLACE, PLACE, np.where(told.sign == Sign.BED_OUT, OUT, IN))
    metres = np.where(told.sign == Sign.PLACE, np.minimum(told.value, FAR_M), 0).astype(np.int64)
    rows = np.unique(told.row)
    held = state["waiting"][rows]
    row = np.append(told.row, np.repeat(rows, WAITING))
    key = np.append(told.at_ms << 20 | what << 18 | metres, held.ravel())
    order = np.lexsort((key, row))
    row, key = row[order], key[order]
    once = np.append(True, (row[1:] != row[:-1]) | (key[1:] != key[:-1])) & (key > 0)
    row, key = row[once], key[once]
    behind = np.searchsorted(row, row, side="right") - 1 - np.arange(len(row))  # how many are newer
    stays = behind < WAITING
    state["waiting"][rows] = 0
    state["waiting"][row[stays], behind[stays]] = key[stays]
    return _go_through(state, row[~stays], key[~stays])


def settle(state: Columnar, cutoff_ms: int) -> Moves:
    """Send through what has waited long enough. Returns who lay down or got up, and when."""
    waiting = state["waiting"]
    due = (waiting > 0) & (waiting >> 20 <= cutoff_ms)
    row, place = np.nonzero(due)
    if len(row) == 0:
        return NONE
    key = waiting[row, place]
    waiting[row, place] = 0
    order = np.lexsort((key, row))
    return _go_through(state, row[order].astype(np.int64), key[order])


def _go_through(state: Columnar, row: Ints, key: Ints) -> Moves:
    """Let signs, each row's rising, change what is known, one of each row at a time."""
    if len(row) == 0:
        return NONE
    moves = [NONE]
    turn = np.arange(len(row)) - np.searchsorted(row, row)
    order = np.argsort(turn, kind="stable")
    row, key = row[order], key[order]
    for part in np.split(np.arange(len(row)), np.flatnonzero(np.diff(turn[order])) + 1):
        place = key[part] >> 18 & 3 == PLACE
        moves.append(_lie(state, row[part[~place]], key[part[~place]]))
        _walk(state, row[part[place]], key[part[place]])
    return np.concatenate([row for row, _ in moves]), np.concatenate([minute for _, minute in moves])


def _lie(state: Columnar, row: Ints, key: Ints) -> Moves:
    """Keep since when a bed is empty. A mat that says the same again has not noticed a movement."""
    new = key > state["bed_key"][row]
    row, key = row[new], key[new]
    first = state["bed_key"][row] == 0
    state["bed_key"][row] = key
    left = key >> 18 & 3 == OUT
    minute = (key >> 20) // MINUTE_MS
    since = state["out_min"][row]
    state["out_min"][row] = np.where(left, np.where(since > 0, since, minute), 0)
    state["said"][row[~left]] &= np.uint8(255 - OUT_SAID - OUT_LONG_SAID)
    changed = ~first & (left == (since == 0))
    return row[changed], minute[changed]


def _walk(state: Columnar, row: Ints, key: Ints) -> None:
    """Count who is outside for STAYS_S, and who is back for as long. One position alone is neither."""
    new = key > state["place_key"][row]
    row, key = row[new], key[new]
    at, metres = (key >> 20) // 1000, key & FAR_M
    pause = at - (state["place_key"][row] >> 20) // 1000 > PAUSE_S
    state["place_key"][row] = key
    far = np.where(pause, 0, state["far_s"][row].astype(np.int64))
    near = np.where(pause, 0, state["near_s"][row].astype(np.int64))
    roam = state["roam_s"][row].astype(np.int64)
    outside = metres > state["fence_m"][row]
    near = np.where(outside, 0, np.where(near > 0, near, at))
    far = np.where(outside, np.where(far > 0, far, at), np.where(roam > 0, far, 0))
    roam = np.where((roam == 0) & outside & (at - far >= STAYS_S), far, roam)
    home = ~outside & (roam > 0) & (at - near >= STAYS_S)
    state["far_s"][row] = np.where(home, 0, far)
    state["near_s"][row] = near
    state["roam_s"][row] = np.where(home, 0, roam)
    state["away_m"][row[outside]] = metres[outside]
    state["said"][row[home]] &= np.uint8(255 - FENCE_SAID)


def out_of_bed(state: Columnar, night_min: int) -> tuple[Ints, Ints, Ints]:
    """Return (n,) since when each bed was left in the night that began then, 0 where not; and B6's two limits."""
    out = state["out_min"].astype(np.int64)
    since = np.where(out >= night_min, np.maximum(out, state["anew_ms"] // MINUTE_MS), 0)
    p99 = state["bed_out_p99_min"].astype(np.int64)
    usual = np.where(p99 >= 0, p99, OUT_UNKNOWN_MIN)
    limit_long = np.maximum(usual, np.where(p99 >= 0, OUT_LONG_MIN, 2 * OUT_UNKNOWN_MIN))
    return np.where(has(state["has"], Sign.BED_IN, Sign.BED_OUT), since, 0), np.maximum(usual, OUT_MIN), limit_long


def seen_outside(state: Columnar, cutoff_min: int) -> Bools:
    """Return (n,) whose last position is outside the fence, and not long ago."""
    seen = (state["place_key"] >> 20) // 1000
    found: Bools = (state["roam_s"] > 0) & (cutoff_min * 60 - seen < PAUSE_S)
    return found


def outside_now(state: Columnar, anew_s: Ints) -> Bools:
    """Return (n,) who is out, and has been seen so for STAYS_S since `anew_s`."""
    seen = (state["place_key"] >> 20) // 1000
    since = np.maximum(state["roam_s"], anew_s)
    found: Bools = (state["roam_s"] > 0) & (state["near_s"] == 0) & (seen - since >= STAYS_S)
    return found
