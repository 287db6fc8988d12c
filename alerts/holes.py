"""What coverage leaves open, as work to do: the same gap of some residents of one area is one hole."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from alerts.coverage import Cover, Coverage, Floats
from alerts.town import HOUR


class HoleKind(StrEnum):
    NOBODY = "nobody"
    LAST_RESORT = "last_resort"
    ONLY_FAMILY_FAR = "only_family_far"
    FAR = "far"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"  # somebody who should be called and has no way to be reached
    UNPROVED = "unproved"  # should be on duty for a while already and has not checked in
    CALENDAR = "calendar"  # a rotation needs holidays that have not been announced


KIND_OF = {
    Cover.NOBODY: HoleKind.NOBODY, Cover.LAST_RESORT: HoleKind.LAST_RESORT, Cover.FAR: HoleKind.FAR,
    Cover.ONLY_FAMILY_FAR: HoleKind.ONLY_FAMILY_FAR, Cover.UNKNOWN: HoleKind.UNKNOWN,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Hole:
    """Work to do: the same gap of some residents of one area, over consecutive hours."""

    kind: HoleKind
    first_hour: datetime
    last_hour: datetime  # still part of it
    area: str = ""
    roster: str = ""
    residents: tuple[int, ...] = ()
    people: tuple[int, ...] = ()
    minutes: float | None = None  # the nearest, where somebody is


def holes(found: Coverage) -> tuple[Hole, ...]:
    """Return what is not covered, the same gap of an area's residents as one, worst first."""
    codes = found.codes.astype(np.int16)
    if not codes.size:
        return ()
    edge = np.ones((len(codes), 1), bool)
    starts = np.concatenate([edge, codes[:, 1:] != codes[:, :-1]], axis=1)
    ends = np.concatenate([starts[:, 1:], edge], axis=1)
    rows, first = np.nonzero(starts)
    last = np.nonzero(ends)[1]
    bad = codes[rows, first] > Cover.COVERED
    rows, first, last = rows[bad], first[bad], last[bad]
    if not rows.size:
        return ()
    names, area = np.unique(np.array(found.areas, dtype=object), return_inverse=True)
    keys = np.stack([codes[rows, first], area[rows], first, last], axis=1)
    gaps, which = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    members = np.split(rows[order], np.cumsum(np.bincount(which.ravel(), minlength=len(gaps)))[:-1])
    made = [
        Hole(
            kind=KIND_OF[Cover(int(code))], area=str(names[a]), residents=tuple(int(r) for r in found.residents[mine]),
            first_hour=found.from_hour + int(start) * HOUR, last_hour=found.from_hour + int(end) * HOUR,
            minutes=_worst(found.minutes[mine, start : end + 1]),
        )
        for (code, a, start, end), mine in zip(gaps, members, strict=True)
    ]  # fmt: skip
    return tuple(sorted(made, key=urgency))


def urgency(hole: Hole) -> tuple[int, datetime, int]:
    """Return what holes are ordered by, worst first."""
    order = (HoleKind.NOBODY, HoleKind.LAST_RESORT, HoleKind.ONLY_FAMILY_FAR, HoleKind.FAR, HoleKind.UNKNOWN)
    return order.index(hole.kind), hole.first_hour, -len(hole.residents)


def _worst(minutes: Floats) -> float | None:
    known = minutes[np.isfinite(minutes)]
    return round(float(known.max()), 1) if known.size else None
