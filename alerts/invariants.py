"""What must be true of every incident at every moment, in one place for tests and for the auditor."""

from alerts.arrival import presumed_at
from alerts.model import ENDED, Incident, State, TimerKind

TIMERS = {
    State.CONFIRMING: frozenset({TimerKind.CONFIRM}),
    State.OPEN: frozenset({TimerKind.STEP, TimerKind.REPEAT}),
    State.TAKEN: frozenset({TimerKind.EXPIRY, TimerKind.REPEAT}),
    State.DISPATCHED: frozenset({TimerKind.EXPIRY, TimerKind.STEP, TimerKind.REPEAT}),
    State.EN_ROUTE: frozenset({TimerKind.EXPIRY, TimerKind.REPEAT}),
    State.ON_SCENE: frozenset({TimerKind.EXPIRY, TimerKind.REPEAT}),
    State.HANDED_OVER: frozenset({TimerKind.CLOSING}),
    State.HELD: frozenset({TimerKind.HOLD}),
    State.RESOLVED: frozenset({TimerKind.CLOSING}),
}

AFTER_ARRIVAL = frozenset({State.ON_SCENE, State.HANDED_OVER, State.RESOLVED, State.CLOSED})


def violations(incident: Incident, before: Incident | None = None) -> list[str]:
    """Return what is wrong with an incident, and with the change from `before`; empty when all is well."""
    found = [*_now(incident), *_people(incident)]
    return found if before is None else [*found, *_change(before, incident)]


def _now(incident: Incident) -> list[str]:
    found = []
    timer = incident.timer
    if incident.state in ENDED:
        if timer is not None:
            found.append("ended and still has a timer")
    elif timer is None:
        found.append(f"silent: {incident.state} without a timer")
    else:
        if timer.kind not in TIMERS[incident.state]:
            found.append(f"{incident.state} waits for {timer.kind}")
        if (timer.step, timer.round) != (incident.step, incident.round):
            found.append("timer of another step or round")
        if incident.expires_at is not None and timer.due_at > incident.expires_at:
            found.append("would be silent past its expiry")
        if timer.due_at > (presumed_at(incident) or timer.due_at):
            found.append("somebody says he is there, and nobody looks when that may be presumed")
    if not 0 <= incident.step <= incident.policy.last:
        found.append(f"step {incident.step} is not in the policy")
    if (incident.state is State.CLOSED) != (incident.disposition is not None):
        found.append("closed without a disposition, or a disposition without an end")
    return found


def _people(incident: Incident) -> list[str]:
    found = []
    state = incident.state
    if state in (State.CONFIRMING, State.OPEN, State.CANCELLED) and (incident.handler_id or incident.responder_id):
        found.append(f"{state} and somebody has it")
    if state is State.TAKEN and incident.handler_id is None and incident.responder_id is None:
        found.append("taken by nobody")
    if state in (State.EN_ROUTE, State.ON_SCENE) and incident.responder_id is None:
        found.append(f"{state} and nobody goes")
    if state is State.HANDED_OVER and not incident.handed_to:
        found.append("handed over to nobody")
    if state in (State.RESOLVED, State.CLOSED) and incident.resolved_by is None:
        found.append(f"{state} by nobody")
    expiring = state in (State.TAKEN, State.DISPATCHED, State.EN_ROUTE, State.ON_SCENE)
    if expiring != (incident.expires_at is not None):
        found.append("taken without an expiry" if expiring else "an expiry and nobody has it")
    if incident.proof is not None and state not in AFTER_ARRIVAL:
        found.append(f"{state} and an arrival is proved")
    if not incident.declined <= incident.asked:
        found.append("somebody declined who was not asked")
    if len(set(incident.services)) < len(incident.services):
        found.append("a service was joined twice")
    return found


def _change(before: Incident, after: Incident) -> list[str]:
    found = []
    if before.state in ENDED and after != before:
        found.append("changed after its end")
    if (after.incident_id, after.dedup_key, after.opened_at) != (
        before.incident_id,
        before.dedup_key,
        before.opened_at,
    ):
        found.append("became another case")
    if (after.round, after.step) < (before.round, before.step):
        found.append("went back to a rung it has rung: page keys would repeat")
    if after.round == before.round and after.step > before.step + 1 and not _skips(before, after):
        found.append(f"skipped from step {before.step} to {after.step}")
    if after.presses < before.presses:
        found.append("forgot a press")
    if after.severity > before.severity and not before.test:
        found.append("became milder")
    if after.services[: len(before.services)] != before.services:
        found.append("forgot a service that was joined")
    if after.test and not before.test:
        found.append("became a test")
    if after.version < before.version:
        found.append("went back in time")
    return found


def _skips(before: Incident, after: Incident) -> bool:
    """Steps between may be passed over only if the policy lets an empty one pass."""
    between = before.policy.steps[before.step + 1 : after.step]
    return all(s.if_empty.value == "next_now" for s in between)
