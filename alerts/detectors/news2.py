"""NEWS2, the early-warning score of the Royal College of Physicians (2017), with unknown parts kept unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

import numpy as np
from numpy.typing import NDArray

# Each row: the highest value that still earns these points; the last row has no upper limit. Between the printed whole
# numbers (or tenths) a value belongs to the band it has not yet left: respiration 20.4 is read as 20.
Bands = tuple[tuple[float, int], ...]
TOP = float("inf")
RESPIRATION: Bands = ((8, 3), (11, 1), (20, 0), (24, 2), (TOP, 3))
SPO2_1: Bands = ((91, 3), (93, 2), (95, 1), (TOP, 0))
SPO2_2_AIR: Bands = ((83, 3), (85, 2), (87, 1), (TOP, 0))
SPO2_2_OXYGEN: Bands = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (TOP, 3))
SYSTOLIC: Bands = ((90, 3), (100, 2), (110, 1), (219, 0), (TOP, 3))
PULSE: Bands = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (TOP, 3))
TEMPERATURE: Bands = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (TOP, 2))
MOST: Mapping[str, int] = {"rr": 3, "spo2": 3, "o2": 2, "sbp": 3, "hr": 3, "acvpu": 3, "temp": 3}
PARTS = ("rr", "spo2", "sbp", "hr", "temp")  # those that devices measure: the columns of the vectorised score
STEPS: Mapping[str, tuple[float, float, float]] = {  # part -> lowest value, step, calmest value of its byte
    "rr": (1, 1, 16), "spo2": (1, 1, 100), "sbp": (40, 1, 125), "hr": (1, 1, 75), "temp": (25, 0.1, 37),
}  # fmt: skip
CONSCIOUSNESS: Mapping[str, int] = {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3, "CVPU": 3}


class Risk(StrEnum):
    LOW = "low"
    LOW_MEDIUM = "low-medium"  # a single part at 3 with a total of at most 4
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """One set of observations. None means not measured."""

    respiration_rpm: float | None = None
    spo2_pct: float | None = None
    oxygen: bool | None = None  # breathing supplementary oxygen
    systolic_mmhg: float | None = None
    pulse_bpm: float | None = None
    consciousness: str | None = None  # A, C (new confusion), V, P, U or CVPU (any but alert)
    temperature_c: float | None = None
    scale: int = 1  # SpO2 scale; 2 only where a clinician set it (hypercapnic failure)


@dataclass(frozen=True, kw_only=True, slots=True)
class News2:
    """The score of the known parts, and what it could be at most if the missing ones were at their worst."""

    total: int
    total_upper: int
    risk: Risk  # of the known parts
    components: Mapping[str, int]  # known parts only
    missing: tuple[str, ...]


def score(vitals: Vitals) -> News2:
    """Return the NEWS2 of one set. A missing value is reported missing, never read as normal.

    Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017, chart 1 and table 1.
    """
    parts: dict[str, int | None] = {
        "rr": _points(vitals.respiration_rpm, RESPIRATION, 0),
        "spo2": _oxygenation(vitals),
        "o2": None if vitals.oxygen is None else 2 * vitals.oxygen,
        "sbp": _points(vitals.systolic_mmhg, SYSTOLIC, 0),
        "hr": _points(vitals.pulse_bpm, PULSE, 0),
        "acvpu": CONSCIOUSNESS.get((vitals.consciousness or "").upper()),
        "temp": _points(vitals.temperature_c, TEMPERATURE, 1),
    }
    known = {name: points for name, points in parts.items() if points is not None}
    missing = tuple(name for name, points in parts.items() if points is None)
    total = sum(known.values())
    worst = {
        **MOST,
        "spo2": MOST["spo2"] if vitals.spo2_pct is None else _points(vitals.spo2_pct, SPO2_2_OXYGEN, 0) or 0,
    }
    upper = total + sum(worst[name] for name in missing)
    return News2(
        total=total,
        total_upper=upper,
        risk=risk(total, max(known.values(), default=0)),
        components=known,
        missing=missing,
    )


def risk(total: int, worst_part: int) -> Risk:
    """Return the clinical risk band of a total and its worst single part."""
    if total >= 7:
        return Risk.HIGH
    if total >= 5:
        return Risk.MEDIUM
    return Risk.LOW_MEDIUM if worst_part >= 3 else Risk.LOW


def code(part: str, values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return values of one part as bytes, 0 where unknown. Any shape."""
    lowest, step, _ = STEPS[part]
    known = np.where(values >= lowest, values, lowest - step).astype(np.float64)  # NaN fails the comparison
    coded: NDArray[np.uint8] = np.minimum(np.rint((known - lowest) / step) + 1, 255).astype(np.uint8)
    return coded


def value(part: str, coded: int) -> float:
    """Return what a byte stands for."""
    lowest, step, _ = STEPS[part]
    return round(lowest + (coded - 1) * step, 1)


def calmness(coded: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return sort keys of bytes (n, 5) in the order of PARTS: known first, then the calmer; the byte itself is the low
    one."""
    return np.take_along_axis(_CALMNESS, coded.T.astype(np.intp), axis=1).T


def points(coded: NDArray[np.uint8], scale2: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the points of each part, (n, 5), of bytes (n, 5) in the order of PARTS. An unknown part earns none.

    Whether oxygen is given is unknown: on scale 2 a saturation above 92 % earns none, and counts as unknown.
    """
    earned = np.take_along_axis(_POINTS, coded.T.astype(np.intp), axis=1).T.copy()
    if scale2.any():
        spo2 = PARTS.index("spo2")
        earned[:, spo2] = np.where(scale2 == 1, _POINTS_SCALE2[coded[:, spo2]], earned[:, spo2])
    return earned


def _oxygenation(vitals: Vitals) -> int | None:
    if vitals.scale != 2:
        return _points(vitals.spo2_pct, SPO2_1, 0)
    air = _points(vitals.spo2_pct, SPO2_2_AIR, 0)
    on_oxygen = _points(vitals.spo2_pct, SPO2_2_OXYGEN, 0)
    if vitals.oxygen is None:
        # Above 92 % the points depend on whether oxygen is given: unknown unless both readings agree.
        return air if air == on_oxygen else None
    return on_oxygen if vitals.oxygen else air


def _points(value: float | None, bands: Bands, digits: int) -> int | None:
    if value is None or not isfinite(value):
        return None
    shown = round(value, digits)
    return next(points for highest, points in bands if shown <= highest)


def _table(part: str, scale: int = 1) -> NDArray[np.int8]:
    """Return the points of each byte of a part, as `score` gives them."""
    name = {"rr": "respiration_rpm", "spo2": "spo2_pct", "sbp": "systolic_mmhg", "hr": "pulse_bpm",
            "temp": "temperature_c"}[part]  # fmt: skip
    sets = [Vitals(**{name: value(part, coded), "scale": scale}) for coded in range(1, 256)]  # type: ignore[arg-type]
    return np.array([0, *(score(one).total for one in sets)], np.int8)


def _calm_table(part: str) -> NDArray[np.uint16]:
    lowest, step, calm = STEPS[part]
    coded = np.arange(256)
    away = np.abs(coded - (round((calm - lowest) / step) + 1))
    return (np.where(coded > 0, np.minimum(away, 254), 255) * 256 + coded).astype(np.uint16)


_POINTS = np.stack([_table(part) for part in PARTS])
_POINTS_SCALE2 = _table("spo2", scale=2)
_CALMNESS = np.stack([_calm_table(part) for part in PARTS])
