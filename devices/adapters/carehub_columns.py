"""The hot path of carehub's profile: a batch of vitals payloads straight into columns. Under 2 µs a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices import plausible
from devices.adapter import DecodeError
from devices.adapters.carehub_fields import LONGEST_PAYLOAD, NAME, NUMBERS, read_object
from devices.columns import ABSENT

Counter = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]  # exact in a float64
Moment = int | float | datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VitalsBatch:
    """n vitals messages side by side, in the order given; the arrays of `devices.columns` without device and received.

    Every array has shape (n,). Rows that could not be read at all have `ok` False and nothing but absent values.
    `errors` maps a row to what is wrong with it: a row that is `ok` and has an error lost only the field named.
    Values no living body shows are NaN.
    """

    ok: NDArray[np.bool_]
    measured_ms: NDArray[np.int64]  # believed device time; `received_ms` where there is none, -1 if that is not given
    clocked: NDArray[np.bool_]  # measured_ms is the device's own time
    sequence: NDArray[np.int64]
    heart_rate_bpm: NDArray[np.float32]
    spo2_pct: NDArray[np.float32]
    respiration_rpm: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    systolic_mmhg: NDArray[np.float32]
    diastolic_mmhg: NDArray[np.float32]
    steps: NDArray[np.int32]
    battery_pct: NDArray[np.float32]
    worn: NDArray[np.int8]
    implausible: NDArray[np.bool_]  # a vital sign no living body shows was left out
    errors: Mapping[int, DecodeError]

    def __len__(self) -> int:
        return len(self.ok)


class _Vitals(msgspec.Struct, gc=False):
    """One message. NaN and -1 stand for "not said", so that the fast path meets no None."""

    seq: Counter = ABSENT
    at: Moment = None
    hr: float | None = np.nan
    spo2: float | None = np.nan
    rr: float | None = np.nan
    temp: float | None = np.nan
    sys: float | None = np.nan
    dia: float | None = np.nan
    steps: float | None = np.nan
    battery: float | None = np.nan
    worn: bool | None = None


_FLOATS = tuple(NUMBERS)
_SIGNS = [1 + at for at, field in enumerate(_FLOATS) if NUMBERS[field].startswith("vital.")]
_BOUNDS = np.array([plausible.LIMITS[NUMBERS[_FLOATS[at - 1]]] for at in _SIGNS]).T
_row = attrgetter("seq", *_FLOATS)
_WIDTH = 1 + len(_FLOATS)
_DECODER = msgspec.json.Decoder(_Vitals)
_NOTHING = _Vitals()


def decode_vitals(payloads: Sequence[bytes], received_ms: NDArray[np.int64] | None = None) -> VitalsBatch:
    """Return the columns of n payloads of `carehub/<device>/vitals`.

    Args:
        payloads: n JSON objects as in devices/PROFILE.md.
        received_ms: the hub's time of each, shape (n,). With it, device times are checked against the hub's clock.
    """
    errors: dict[int, DecodeError] = {}
    rows = _together(payloads)
    ok = np.ones(len(payloads), dtype=np.bool_)
    if rows is None:
        rows = [_alone(payload, at, errors, ok) for at, payload in enumerate(payloads)]
    table = _table(rows)
    measured = _measured(rows)
    believed = _believed(measured) if received_ms is None else plausible.believed_ms(measured, received_ms)
    unknown = np.full(len(rows), ABSENT, dtype=np.int64)
    return VitalsBatch(
        ok=ok,
        measured_ms=believed,
        clocked=(measured != ABSENT) & (believed == measured),
        sequence=np.where(np.isnan(table[:, 0]), unknown, np.nan_to_num(table[:, 0]).astype(np.int64)),
        heart_rate_bpm=_kept(table, "hr"),
        spo2_pct=_kept(table, "spo2"),
        respiration_rpm=_kept(table, "rr"),
        temperature_c=_kept(table, "temp"),
        systolic_mmhg=_kept(table, "sys"),
        diastolic_mmhg=_kept(table, "dia"),
        steps=np.nan_to_num(_kept(table, "steps"), nan=ABSENT).astype(np.int32),
        battery_pct=_kept(table, "battery"),
        worn=np.array([ABSENT if row.worn is None else row.worn for row in rows], dtype=np.int8),
        implausible=_implausible(table),
        errors=errors,
    )


def _together(payloads: Sequence[bytes]) -> list[_Vitals] | None:
    """Return all rows from one pass over the lines, or None if one of them is not as it should be.

    Lines, not one array: between `{…}` and `{…}` a line break can only be white space, so no payload, however made,
    can swallow its neighbour. With commas between them two crafted ones could.
    """
    for payload in payloads:
        if payload[:1] != b"{" or payload[-1:] != b"}" or len(payload) > LONGEST_PAYLOAD:
            return None
    try:
        rows = _DECODER.decode_lines(b"\n".join(payloads))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return rows if len(rows) == len(payloads) else None


def _alone(payload: bytes, at: int, errors: dict[int, DecodeError], ok: NDArray[np.bool_]) -> _Vitals:
    try:
        if len(payload) <= LONGEST_PAYLOAD:
            return _DECODER.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return _piecewise(read_object(payload), at, errors)
    except DecodeError as error:
        errors[at] = error
        ok[at] = False
        return _NOTHING


def _piecewise(fields: dict[str, Any], at: int, errors: dict[int, DecodeError]) -> _Vitals:
    """Return what can be used of a message in which something has the wrong type."""
    good: dict[str, Any] = {}
    wrong = []
    for name in _Vitals.__struct_fields__:
        if name in fields:
            try:
                msgspec.convert({name: fields[name]}, _Vitals)
                good[name] = fields[name]
            except (msgspec.MsgspecError, OverflowError, RecursionError):
                wrong.append(name)
    if wrong:
        errors[at] = DecodeError(NAME, f"wrong type or range: {', '.join(wrong)}")
    return msgspec.convert(good, _Vitals)


def _table(rows: list[_Vitals]) -> NDArray[np.float64]:
    """Return (n, 9): sequence, then the numbers in the order of `NUMBERS`."""
    flat = chain.from_iterable(map(_row, rows))
    try:
        return np.fromiter(flat, dtype=np.float64, count=len(rows) * _WIDTH).reshape(-1, _WIDTH)
    except TypeError:  # a null somewhere
        return np.array([_row(row) for row in rows], dtype=np.float64).reshape(-1, _WIDTH)


def _kept(table: NDArray[np.float64], field: str) -> NDArray[np.float32]:
    return plausible.keep(NUMBERS[field], table[:, 1 + _FLOATS.index(field)])


def _implausible(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (n,) which rows carry a vital sign out of all bounds. Zero is what a sensor says that found nothing."""
    signs = table[:, _SIGNS]
    beyond = ((signs < _BOUNDS[0]) | (signs > _BOUNDS[1])) & (signs != 0)  # NaN fails the comparisons
    odd: NDArray[np.bool_] = beyond.any(axis=1)
    return odd


def _measured(rows: list[_Vitals]) -> NDArray[np.int64]:
    return np.array([_milliseconds(row.at) if row.at is not None else ABSENT for row in rows], dtype=np.int64)


def _milliseconds(moment: int | float | datetime) -> int:
    if isinstance(moment, datetime):
        return ABSENT if moment.tzinfo is None else int(moment.timestamp() * 1000)
    if not 0 <= moment < plausible.LATEST_MS:
        return ABSENT
    return int(moment if moment >= plausible.SECONDS_BELOW else moment * 1000)


def _believed(measured: NDArray[np.int64]) -> NDArray[np.int64]:
    good = (measured >= plausible.EARLIEST_MS) & (measured < plausible.LATEST_MS)
    return np.where(good, measured, ABSENT)
