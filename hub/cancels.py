"""What a device takes back: the countdown ends, or goes on because another saw it too, or people are on it already.

Every cancel is kept in its case's chain, with how many seconds after the fall it came and in the device's own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from alerts import events, witnesses
from alerts.detectors import Cancel
from alerts.model import AlertKind, State
from alerts.supervision import class_of
from alerts.witnesses import Outcome, Said
from hub import incidents
from hub.store import incidents as store
from hub.store import presses
from hub.store.incidents import Situation
from hub.store.pool import Connection
from hub.store.telemetry import clean

# What she wears or presses, where a cancel may be her own answer. Everything else stands in a room.
HERS = frozenset({"watch", "pendant", "call_button", "lorawan_badge", "wifi_battery", "one_way", "on_use"})
KEPT_AS = {Outcome.NOTED: "cancel_noted", Outcome.LATE: "cancel_late"}
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Source:
    """The device that takes back."""

    device_id: int
    resident_id: int | None
    address: str
    model: str

    @property
    def actor(self) -> str:
        return f"device:{self.device_id}"

    @property
    def fixed(self) -> bool:
        return class_of(self.address, self.model).name not in HERS


async def take_back(conn: Connection, source: Source, cancel: Cancel) -> Outcome | None:
    """Do what a cancel does, inside the caller's transaction; None when there is nothing to take back, or no more."""
    incident_id = await presses.taken_back(conn, cancel.kind, source.device_id, source.resident_id)
    if incident_id is None:
        return None
    at = await incidents.situation(conn, incident_id)  # held from here on: what is read next is as it stands
    assert at.incident is not None
    said = await presses.said(conn, incident_id, cancel.kind)
    state = at.incident.state if cancel.kind is AlertKind.FALL else State.OPEN  # only a fall asks first
    if state in (State.CANCELLED, State.CLOSED):
        return None  # ended between the look and the lock
    outcome = witnesses.outcome(state, said, source.actor, fixed=source.fixed)
    if outcome is None:
        return None
    facts = _facts(cancel, said, at)
    if outcome is Outcome.ENDED:
        await incidents.apply(conn, at, events.Cancelled(by=events.WEARER, facts=facts), source.actor)
    else:
        await store.append(conn, at, source.actor, KEPT_AS[outcome], {"by": events.WEARER, **facts})
    log.info("cancel", incident=incident_id, device=source.device_id, outcome=outcome.value, **facts)
    return outcome


def _facts(cancel: Cancel, said: list[Said], at: Situation) -> Mapping[str, Any]:
    began = witnesses.began(said)
    facts: dict[str, Any] = {"kind": cancel.kind.value}
    if began is not None:
        facts["after_s"] = max(0, round((at.now - began).total_seconds()))
    if cancel.native:
        facts["said"] = clean(cancel.native)[:80]
    if cancel.measured_at is not None:
        facts["measured_at"] = cancel.measured_at.isoformat()
    return facts
