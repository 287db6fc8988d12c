"""Normalized records: one thing that was said, with LOINC code and UCUM unit, both times, and where it stands. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from devices.codes import CODES, Kind
from devices.standards import coding
from devices.telemetry import Quality, Stage, TimeQuality, Value

SAME_VALUE_S = 30  # an unnamed value said again within this is the same one


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said by one device.

    `device_time` is what the device's clock said, None where it said nothing; whether it is believed says
    `time_quality`. `raw_ref` is batch/milliseconds of the hub's time: where the bytes stand as long as they are kept.
    """

    device_id: int
    device: str  # address
    person_id: int | None = None
    place: str | None = None
    code: str
    loinc: str | None = None
    value: Value = None
    unit: str | None = None  # UCUM
    kind: Kind | None = None
    stage: Stage | None = None
    channel: str | None = None
    sub: str | None = None
    native: str | None = None
    lat: float | None = None
    lon: float | None = None
    valid: bool | None = None  # of a place: a fix of now
    accuracy_m: float | None = None  # of a place: so far off it may be, as the device says
    device_time: datetime | None = None
    time_quality: TimeQuality
    hub_time: datetime
    quality: Quality = Quality.OK
    seq: int | None = None
    dedup_key: str
    raw_ref: str
    adapter: str | None = None  # name/version; None: stored by a release that did not say

    @property
    def at(self) -> datetime:
        """When it was so: the device's time where it can be believed, else ours."""
        return self.device_time if self.device_time and self.time_quality is TimeQuality.DEVICE else self.hub_time


FIELDS = Record.__struct_fields__


def dedup_key(
    device: str, code: str, *, identity: str | None, seq: int | None, device_time: datetime | None, value: object,
    hub_time: datetime, point: str = "",
) -> str:  # fmt: skip
    """Return what two reports of one event have in common: its own name or number, else its time, else its value.

    `device_time` only where it is believed. `point` tells the buttons and probes of one device apart.
    """
    if identity is not None:
        known = f"i {identity}"
    elif seq is not None:
        known = f"n {seq}"
    elif device_time is not None:
        known = f"t {device_time.astimezone(UTC).isoformat()}"
    else:
        known = f"v {value} {int(hub_time.timestamp()) // SAME_VALUE_S}"
    return hashlib.sha256("\0".join((device, code, point, known)).encode("utf-8", "replace")).hexdigest()[:32]


def record(scheme: str, code: str, **said: Any) -> Record:
    """Return a record with what the vocabulary and the standards know of its code."""
    known = CODES.get(code)
    found = coding(code, scheme)
    unit = said.pop("unit", None) or (known.unit if known and _number(said.get("value")) else None)
    return Record(code=code, kind=known.kind if known else None, loinc=found.loinc, unit=unit, **said)


def value_of(code: str, number: float | None, word: str | None, unit: str | None) -> Value:
    """Return a stored value as it was said: 1 and 0 of what has no unit are yes and no."""
    if word is not None or number is None:
        return word
    known = CODES.get(code)
    counted = unit is not None or (known is not None and (known.unit is not None or known.kind is Kind.MEASURE))
    if not counted and number in (0.0, 1.0):
        return bool(number)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def plain(one: Record) -> Mapping[str, Any]:
    """Return a record as JSON and CSV carry it: times in ISO 8601 with milliseconds, nothing that was not said."""
    built = msgspec.structs.asdict(one)
    for name in ("device_time", "hub_time"):
        if built[name] is not None:
            built[name] = stamp(built[name])
    return {name: value for name, value in built.items() if value is not None}


def stamp(at: datetime) -> str:
    """Return a moment in UTC as FHIR and ISO 8601 write it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
