"""From a finding to people being called, in the caller's transaction: look, decide (pure), write everything at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from alerts import events, ringing, surge
from alerts import incident as engine
from alerts.model import Alert, Decision, Incident, Purpose, Told
from alerts.triage import Attach, Ignore, Open, place
from devices.adapter import Command, Say
from hub import adapters, phrases
from hub.errors import HubError
from hub.store import incidents as store
from hub.store import policies, surges
from hub.store.incidents import Change, Said, Situation
from hub.store.people import Listener
from hub.store.pool import Connection

log = structlog.get_logger()


class UnknownIncidentError(HubError):
    """There is no incident of this number."""

    def __init__(self, incident_id: int) -> None:
        super().__init__(f"there is no incident {incident_id}: go back to the queue")
        self.incident_id = incident_id


@dataclass(frozen=True, kw_only=True)
class Raised:
    """What became of a finding.

    `incident_id` is None only for findings that open nothing (an installer at work). `repeat`: it was heard before,
    nothing has changed. `rang`: people are being called because of it.
    """

    incident_id: int | None
    opened: bool = False
    rang: bool = False
    repeat: bool = False


async def raise_alert(conn: Connection, alert: Alert) -> Raised:
    """Put a finding into its case, or open one, inside the caller's transaction. Two round trips.

    Where another transaction opened that case meanwhile, this one fails with a serialization failure, and all of it is
    to be tried again. The caller acknowledges to the device only after it has committed.
    """
    (at,) = await look(conn, [alert])
    (raised,) = await raise_alerts(conn, [(alert, at)])
    return raised


async def look(conn: Connection, alerts: Sequence[Alert]) -> list[Situation]:
    """Hold the cases of some alerts, no two of one case, and return what is known about each. One round trip."""
    async with conn.pipeline():
        return await store.told(conn, await store.ask(conn, alerts))


async def raise_alerts(conn: Connection, looked: Sequence[tuple[Alert, Situation]]) -> list[Raised]:
    """Put findings that were looked at in this transaction into their cases; new ones are opened in one statement.

    In pipeline mode nothing waits: where another transaction opened one of the cases meanwhile, it is the commit that
    fails, with a serialization failure, and the whole transaction is to be tried again.
    """
    placed = [await _placed(conn, alert, at) for alert, at in looked]
    openings = [one for one in placed if not isinstance(one, Raised)]
    if openings:
        await store.open_cases(conn, openings)
    return [one if isinstance(one, Raised) else _opened(one) for one in placed]


async def _placed(conn: Connection, alert: Alert, at: Situation) -> Raised | Change:
    """Attach an alert to its open case, or decide the new one."""
    if at.seen_in is not None:
        return Raised(incident_id=at.seen_in, repeat=True)
    match place(alert, at.incident):
        case Ignore(reason=reason):
            log.info("alert_ignored", alert=alert.alert_id, reason=reason)
            return Raised(incident_id=at.incident.incident_id if at.incident else None)
        case Attach(incident_id=incident_id):
            decision = await apply(conn, at, events.Raised(alert=alert), _actor(alert), alert)
            return Raised(incident_id=incident_id, rang=_rings(decision))
        case Open():
            return await _opening(conn, at, alert)


async def advance(conn: Connection, incident_id: int, event: events.Event, actor: str) -> Incident:
    """Apply what a person did, or the passing of time, inside the caller's transaction. Two round trips.

    Args:
        conn: a connection in a transaction.
        incident_id: the case.
        event: what happened, from alerts.events.
        actor: person:3, device:7, timer, hub.

    Raises:
        UnknownIncidentError: No such incident.
        alerts.events.Refused: Not allowed in this state; nothing has changed.
    """
    at = await situation(conn, incident_id)
    return (await apply(conn, at, event, actor)).incident


async def situation(conn: Connection, incident_id: int) -> Situation:
    """Hold an incident until commit and return all that is known about it.

    Raises:
        UnknownIncidentError: No such incident.
    """
    at = await store.by_id(conn, incident_id)
    if at.incident is None:
        raise UnknownIncidentError(incident_id)
    return at


async def _opening(conn: Connection, at: Situation, alert: Alert) -> Change:
    number, version = at.new_id, at.policy_version
    assert number is not None  # only a case that exists has none
    if version is None:
        version = await policies.ensure(conn)
        at = replace(at, policy_version=version)
    policy = (await policies.version(conn, version)).choose(alert, at.now)
    decision = ringing.open_incident(number, alert, policy, at.roster, at.now, at.before)
    decision = await _bundled(conn, decision, None, at)
    return Change(at=at, decision=decision, alert=alert, said=_said(decision, at.listeners), actor=_actor(alert))


def _opened(opening: Change) -> Raised:
    return Raised(incident_id=opening.decision.incident.incident_id, opened=True, rang=_rings(opening.decision))


async def apply(
    conn: Connection, at: Situation, event: events.Event, actor: str, alert: Alert | None = None
) -> Decision:
    """Decide and write, for a case that this transaction holds."""
    assert at.incident is not None
    decision = engine.apply(at.incident, event, at.roster, at.now)
    decision = await _bundled(conn, decision, event, at)
    if alert is None and decision.incident == at.incident and not decision.pages and not decision.reasons:
        return decision  # a second tap, a timer that another worker fired: nothing to write
    await store.change(conn, at, decision, said=_said(decision, at.listeners), actor=actor, alert=alert)
    return decision


async def _bundled(conn: Connection, decision: Decision, event: events.Event | None, at: Situation) -> Decision:
    """Let what is mild wait where disaster mode is on, and operators be reminded together of those somebody goes to."""
    if not surge.concerns(decision, at.incident):
        return decision
    return surge.bundled(decision, event, await surges.covering(conn, decision.incident.area, at.now), at.now)


def _rings(decision: Decision) -> bool:
    return any(page.purpose is Purpose.ALARM for page in decision.pages)


def _actor(alert: Alert) -> str:
    return "hub" if alert.device_id is None else f"device:{alert.device_id}"


def _said(decision: Decision, listeners: Sequence[Listener]) -> list[Said]:
    """Return what every device that can be spoken to is told, in its own words."""
    return [
        said for told in decision.told for listener in listeners
        if (said := say(told, listener, decision.incident.incident_id)) is not None
    ]  # fmt: skip


def say(told: Told, listener: Listener, incident_id: int) -> Said | None:
    """Return one sentence in a device's own words; None for a device that cannot hear."""
    relation = listener.relations.get(str(told.person_id), "")
    adapter = adapters.of(listener.address)
    if adapter is None:
        return None
    downlink = adapter.encode(Command(
        device=listener.address, say=Say(told.say), text=phrases.saying(told, listener.language, relation),
        # Only the device that was pressed knows the press.
        identity=told.identity if listener.answered else None, incident=incident_id,
    ))  # fmt: skip
    return Said(device_id=listener.device_id, downlink=downlink) if downlink else None
