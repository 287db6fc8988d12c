"""What a token may do: the one table of scopes, and what account an act needs."""

from collections.abc import Iterable, Mapping
from typing import Final

SCOPES: Final[Mapping[str, str]] = {
    "incidents:read": "cases: the list, their chain of events, alerts, who was told, what belongs together",
    "incidents:act": "take, release, send, note, call, link, hold, hand over, resolve, close, cancel",
    "notes:read": "the words people wrote into cases",
    "door_codes:read": "a door code, shown with an entry in the access log",
    "residents:read": "residents: name, address, language, risks, who is called for her; consents, absences, changes",
    "residents:write": "register and change residents; consent, who is called, absences, the end of care",
    "health_notes:read": "health notes, shown with an entry in the access log",
    "people:read": "people who are called or work the console; no account, no way to reach them",
    "people:write": "people who are called: new ones, changes, how they are reached",
    "register:read": "areas, organisations, homes that several share",
    "register:write": "enter and change them",
    "search:read": "the one box: a name, how it sounds, a telephone, an address, a device, a number",
    "devices:read": "devices: model, whose, when last heard, battery",
    "devices:write": "make known, claim, bind, check, put into service, retire",
    "devices:tell": "have a device do something: locate, measure, show words",
    "devices:test": "an installer's test mode, which ends by the clock",
    "observations:read": "what devices measured: records in LOINC and UCUM, and vital signs of a case",
    "fhir:read": "the same as FHIR R5, and all there is of one resident as a bundle",
    "telephone:read": "calls of a case, calls that wait, who may be called",
    "telephone:act": "call, take a call, make a case of it, hang up",
    "recordings:read": "where a recording is kept, with a reason and an entry in the access log",
    "scripts:read": "what is asked and done, by version",
    "scripts:publish": "publish scripts",
    "handover:act": "the end of a shift: begin, sign, call off",
    "landmarks:read": "defibrillators, keys, gates, clinics on the map",
    "landmarks:write": "put them there",
    "findings:read": "what the auditor found",
    "findings:act": "say that somebody sees to it",
    "coverage:read": "who could come, and where nobody could",
    "rosters:read": "duty lists and shifts",
    "rosters:write": "duty lists, shifts, overrides, rotations, somebody's presence",
    "policies:read": "escalation policies and their history",
    "policies:publish": "check and publish a policy",
    "reports:read": "service levels, the month's report",
    "reviews:read": "draws of calls for review and what was found",
    "subsidies:read": "evidence for subsidies, with an entry in the access log",
    "subsidies:write": "papers, purchases",
    "work_orders:read": "visits and work orders, the ledger of monthly visits",
    "work_orders:write": "plan work, take it on a step, say that a visit was made",
    "surges:read": "disaster mode: where it is on",
    "surges:declare": "declare and end disaster mode",
    "events:manage": "subscribe to signed events",
    "events:health": "events that also say what happened to her",
}
# What an organisation's people do not do: they do not sit at the centre's desk, nor keep its register.
CENTRE: Final = frozenset({
    "incidents:act", "devices:test", "door_codes:read", "health_notes:read", "telephone:act", "recordings:read",
    "handover:act", "devices:write", "devices:tell", "search:read", "findings:read", "findings:act", "subsidies:read",
    "reviews:read", "landmarks:write",
})  # fmt: skip
DESK: Final = frozenset({
    "incidents:act", "devices:test", "work_orders:write", "door_codes:read", "health_notes:read", "telephone:act",
    "recordings:read", "handover:act", "devices:tell", "findings:act",
})  # fmt: skip
SUPERVISOR: Final = frozenset({
    "policies:publish", "surges:declare", "scripts:publish", "rosters:write", "subsidies:write", "residents:write",
    "people:write", "register:write",
})  # fmt: skip


def unknown(scopes: Iterable[str]) -> list[str]:
    """Return those that are none."""
    return sorted(set(scopes) - SCOPES.keys())


def role_for(scopes: Iterable[str], *, organisation: bool) -> str:
    """Return the role of an account of its own: the least that these acts need."""
    wanted = set(scopes)
    if organisation:
        return "dispatcher"
    return "supervisor" if wanted & SUPERVISOR else "operator"
