"""A resident, her devices and cases as FHIR R5: Patient, Device, Encounter, Flag. Observations: devices/fhir.

A case is an Encounter of class VR, virtual, with what raised it as its reason; the words people wrote stay here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from alerts.model import ENDED, State
from devices.records import stamp
from devices.standards import OURS

Resource: TypeAlias = dict[str, Any]
CLASS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
FLAG_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/flag-category"
STATUS: Final[Mapping[State, str]] = {
    State.CONFIRMING: "planned",
    State.HELD: "on-hold",
    State.RESOLVED: "discharged",
    State.CLOSED: "completed",
    State.CANCELLED: "cancelled",
}


def patient(row: Mapping[str, Any]) -> Resource:
    """Return a resident."""
    built: Resource = {
        "resourceType": "Patient",
        "id": str(row["id"]),
        "identifier": [{"system": "urn:carehub:resident", "value": str(row["id"])}],
        "active": True,
        "name": [{"use": "official", "text": row["name"]}],
    }
    if row["born"] is not None:
        built["birthDate"] = row["born"].isoformat()
    if row["phone"]:
        built["telecom"] = [{"system": "phone", "value": row["phone"]}]
    if place := {"text": row["address"], "district": row["area"]}:
        built["address"] = [{"use": "home", **{name: value for name, value in place.items() if value}}]
    if row["language"]:
        built["communication"] = [{"language": {"text": row["language"]}, "preferred": True}]
    if row["circle"]:
        built["contact"] = [
            {"name": {"text": one["name"]}, "relationship": [{"text": one["relation"]}] if one["relation"] else []}
            for one in row["circle"]
        ]
        for one in built["contact"]:
            if not one["relationship"]:
                del one["relationship"]
    return built


def device(row: Mapping[str, Any]) -> Resource:
    """Return one of her devices."""
    built: Resource = {
        "resourceType": "Device",
        "id": str(row["id"]),
        "identifier": [{"system": "urn:carehub:device", "value": row["address"]}],
        "status": "inactive" if row["state"] == "retired" else "active",
    }
    if row["model"]:
        built["modelNumber"] = row["model"]
        built["name"] = [{"value": row["model"], "type": "user-friendly-name", "display": True}]
    return built


def encounter(row: Mapping[str, Any]) -> Resource:
    """Return a case."""
    state = State(row["state"])
    period = {"start": stamp(row["opened_at"])}
    if row["closed_at"] is not None:
        period["end"] = stamp(row["closed_at"])
    built: Resource = {
        "resourceType": "Encounter",
        "id": str(row["id"]),
        "identifier": [{"system": "urn:carehub:incident", "value": str(row["id"])}],
        "status": STATUS.get(state, "in-progress"),
        "class": [{"coding": [{"system": CLASS, "code": "VR", "display": "virtual"}]}],
        "priority": {"coding": [{"system": f"{OURS}:severity", "code": str(row["severity"])}]},
        "actualPeriod": period,
        "reason": [{"value": [{"concept": {"coding": [{"system": f"{OURS}:kind", "code": row["kind"]}]}}]}],
    }
    if row["resident_id"] is not None:
        built["subject"] = {"reference": f"Patient/{row['resident_id']}"}
    if state in ENDED and row["disposition"]:
        outcome = {"coding": [{"system": f"{OURS}:disposition", "code": row["disposition"]}]}
        built["admission"] = {"dischargeDisposition": outcome}
    return built


def flags(row: Mapping[str, Any]) -> list[Resource]:
    """Return what whoever goes to her must know."""
    return [
        {
            "resourceType": "Flag",
            "id": f"{row['id']}-{number}",
            "status": "active",
            "category": [{"coding": [{"system": FLAG_CATEGORY, "code": "safety", "display": "Safety"}]}],
            "code": {"coding": [{"system": f"{OURS}:risk", "code": risk}] if _code(risk) else [], "text": risk},
            "subject": {"reference": f"Patient/{row['id']}"},
        }
        for number, risk in enumerate(row["risks"], 1)
    ]


def _code(risk: str) -> bool:
    return risk.replace("_", "").isalnum() and risk.isascii()


def bundle(
    kind: str, resources: Iterable[Resource], *, at: datetime, base: str = "", link: Sequence[Mapping[str, str]] = ()
) -> Resource:
    """Return resources as one Bundle; what has a number has its address as well."""
    entries = [_entry(kind, one, base) for one in resources]
    built: Resource = {"resourceType": "Bundle", "type": kind, "timestamp": stamp(at)}
    if link:
        built["link"] = list(link)
    if entries:
        built["entry"] = [_tidy(entry) for entry in entries]
    return built


def _entry(kind: str, resource: Resource, base: str) -> Resource:
    entry: Resource = {"resource": resource}
    if "id" in resource:
        entry["fullUrl"] = f"{base}/{resource['resourceType']}/{resource['id']}" if base else (
            f"urn:carehub:{resource['resourceType'].lower()}:{resource['id']}"
        )  # fmt: skip
    if kind == "searchset":
        entry["search"] = {"mode": "match"}
    return entry


def _tidy(value: Any) -> Any:
    """Leave out what is empty: FHIR has no empty lists."""
    if isinstance(value, dict):
        return {name: _tidy(each) for name, each in value.items() if each not in ([], {}, "")}
    return [_tidy(each) for each in value] if isinstance(value, list) else value
