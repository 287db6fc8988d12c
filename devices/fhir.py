"""Records as FHIR R5 Observations: vital signs by LOINC, the rest by our own codes, nothing that was not said. Pure.

A blood pressure is one panel. What a device could not measure, and what no living body shows, has a reason instead of a
value, so that nobody who overlooks the quality reads a number.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from devices.records import Record, stamp
from devices.standards import BLOOD_PRESSURE, LOINC, OURS, UCUM, Coding, coding
from devices.telemetry import Quality

RECORD = "urn:carehub:record"  # the extension with what FHIR has no word for
SYSTOLIC, DIASTOLIC = "vital.bp_systolic", "vital.bp_diastolic"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CATEGORIES = {"vital": ("vital-signs", "Vital Signs"), "activity": ("activity", "Activity")}
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
REASONS = {Quality.ABSENT: ("unknown", "Unknown"), Quality.IMPLAUSIBLE: ("error", "Error")}
TOLD = ("seq", "time_quality", "quality", "stage", "channel", "sub", "native", "raw_ref", "adapter")


def observations(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Yield the Observations of records that come message by message, in their order."""
    for _, said in groupby(records, key=lambda one: (one.device_id, one.raw_ref)):
        yield from _of_message(list(said))


def _of_message(said: Sequence[Record]) -> Iterator[dict[str, Any]]:
    pressure = {one.code: one for one in said if one.code in (SYSTOLIC, DIASTOLIC) and one.quality is Quality.OK}
    paired = len(pressure) == 2
    for one in said:
        if not paired or pressure.get(one.code) is not one:
            yield observation(one)
        elif one.code == SYSTOLIC:
            yield _panel(one, pressure[DIASTOLIC])


def observation(one: Record) -> dict[str, Any]:
    """Return one record as an Observation."""
    return {**_head(one, _concept(one.code, coding(one.code, one.device.partition(":")[0]))), **_value(one)}


def _panel(systolic: Record, diastolic: Record) -> dict[str, Any]:
    concept = _concept("", BLOOD_PRESSURE)
    parts = [{"code": _concept(one.code, coding(one.code, "")), **_value(one)} for one in (systolic, diastolic)]
    return {**_head(systolic, concept), "component": parts}


def _head(one: Record, concept: Mapping[str, Any]) -> dict[str, Any]:
    built: dict[str, Any] = {
        "resourceType": "Observation",
        "identifier": [{"system": "urn:carehub:dedup", "value": one.dedup_key}],
        "status": "final" if one.quality in (Quality.OK, Quality.ABSENT) else "preliminary",
        "code": concept,
        "effectiveDateTime": stamp(one.at),
        "issued": stamp(one.hub_time),
        "device": {"reference": f"Device/{one.device_id}", "display": one.device},
        "extension": [{"url": RECORD, "extension": list(_told(one))}],
    }
    category = CATEGORIES.get(one.code.partition(".")[0])
    if category is not None:
        built["category"] = [{"coding": [{"system": CATEGORY, "code": category[0], "display": category[1]}]}]
    built["subject"] = {"reference": f"Patient/{one.person_id}"} if one.person_id is not None else built["device"]
    return built


def _told(one: Record) -> Iterator[dict[str, str]]:
    yield from ({"url": name, "valueString": str(value)} for name in TOLD if (value := getattr(one, name)) is not None)
    if one.device_time is not None:
        yield {"url": "device_time", "valueDateTime": stamp(one.device_time)}


def _concept(code: str, known: Coding) -> dict[str, Any]:
    codings = [{"system": LOINC, "code": loinc, "display": display}
               for loinc, display in ((known.loinc, known.display), *known.also) if loinc]  # fmt: skip
    return {"coding": [*codings, *([{"system": OURS, "code": code}] if code else [])], "text": code or known.display}


def _value(one: Record) -> dict[str, Any]:
    if one.quality in REASONS:
        reason, display = REASONS[one.quality]
        return {"dataAbsentReason": {"coding": [{"system": ABSENT, "code": reason, "display": display}]}}
    if one.lat is not None and one.lon is not None:
        parts = [("latitude", one.lat, "deg"), ("longitude", one.lon, "deg"), ("accuracy", one.accuracy_m, "m")]
        return {"component": [_part(name, value, unit) for name, value, unit in parts if value is not None]}
    if isinstance(one.value, bool):
        return {"valueBoolean": one.value}
    if isinstance(one.value, int | float):
        return {"valueQuantity": _quantity(one.value, one.unit or "1")}
    if isinstance(one.value, str) and one.value.strip():
        return {"valueString": one.value}
    return {}


def _part(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": OURS, "code": name}]}, "valueQuantity": _quantity(value, unit)}


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}
