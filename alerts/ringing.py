"""What alerts and the passing of time do to an incident: it opens, rings again, climbs, falls back into the queue."""

import math
from datetime import datetime, timedelta
from typing import Any

from alerts.arrival import arrived_at, proved_by_press
from alerts.escalation import (
    Pages,
    Reason,
    plan,
    ring_again,
    ring_operators,
    ring_who_has_it,
    urgent,
    wake,
    watch,
    watch_on,
)
from alerts.events import Due, MadeReal, Raised
from alerts.model import (
    Alert,
    AlertKind,
    Decision,
    Incident,
    Page,
    Purpose,
    Role,
    Roster,
    State,
    Timer,
    TimerKind,
    Told,
)
from alerts.policy import EscalationPolicy
from alerts.triage import LOUD, Weight, may_ring_again, weigh
from alerts.values import replace

LONGEST_COUNTDOWN_S = 60.0
ALARMS = frozenset({AlertKind.SOS, AlertKind.FALL, AlertKind.SMOKE, AlertKind.GAS, AlertKind.WATER})
SOMEBODY_GOES = frozenset({State.EN_ROUTE, State.ON_SCENE})
OLD_S = 60.0  # an alert measured longer ago than this is labelled with its age


def open_incident(  # noqa: PLR0917 - said in the order in which it is known
    incident_id: int,
    alert: Alert,
    policy: EscalationPolicy,
    roster: Roster,
    now: datetime,
    linked_to: int | None = None,
) -> Decision:
    """Open a case for an alert, ringing its first step at once; a fall may be cancelled by the wearer first."""
    incident = Incident(
        incident_id=incident_id,
        dedup_key=alert.dedup_key,
        kind=alert.kind,
        severity=alert.severity,
        state=State.OPEN,
        policy=policy,
        opened_at=now,
        resident_id=alert.resident_id,
        device_id=alert.device_id,
        area=alert.area,
        presses=_presses(alert),
        test=alert.test,
        linked_to=linked_to,
    )
    opened = ("opened", {**_alert_facts(alert, now), "policy": policy.name, "linked_to": linked_to})
    countdown = _countdown(alert, policy)
    if countdown:
        timer = Timer(kind=TimerKind.CONFIRM, due_at=now + countdown, step=0, round=0)
        asked = replace(incident, state=State.CONFIRMING, timer=timer)
        return Decision(incident=asked, told=_asked(alert), reasons=(opened,))
    decision = _planned(replace(incident, paged_at=now), roster, now, opened, must_ring=True)
    return replace(decision, told=_answered(incident, alert, decision.pages))


def raised(incident: Incident, event: Raised, roster: Roster, now: datetime) -> Decision:
    """Another alert of the case. None is dropped: the least it does is to be counted and written down."""
    alert = event.alert
    weight = weigh(incident, alert)
    counted = replace(incident, presses=incident.presses + _presses(alert))
    attached: Reason = ("attached", {**_alert_facts(alert, now), "weight": weight.value, "presses": counted.presses})
    if weight is Weight.RAISE:
        decision = _wakes(incident, _worse(counted, alert, roster, now, attached), roster, now)
    elif incident.state is State.CONFIRMING:
        decision = _while_asking(counted, alert, roster, now, attached)
    elif weight is Weight.RING and incident.state in (State.HELD, State.RESOLVED, State.HANDED_OVER):
        decision = reopen(replace(counted, paged_at=now), roster, now, attached)
    elif weight is Weight.RING and may_ring_again(incident.paged_at, now):
        decision = _rung_again(counted, roster, now, attached)
    else:
        decision = Decision(incident=counted, reasons=(attached,))
    there, proved = proved_by_press(decision.incident, alert, now)
    there = watch_on(there, now) if proved else there
    return replace(
        decision, incident=there, reasons=(*decision.reasons, *proved), told=_answered(incident, alert, decision.pages)
    )


def due(incident: Incident, _event: Due, roster: Roster, now: datetime) -> Decision:
    """The timer fired: nobody cancelled, nobody took it, nothing was heard, or it is time to ring again."""
    timer = incident.timer
    if timer is not None and now < timer.due_at:
        return Decision(incident=incident)
    if incident.state is State.CONFIRMING:
        return _countdown_over(incident, roster, now)
    if incident.state is State.OPEN:
        return _climbed(incident, roster, now)
    if incident.state in (State.HANDED_OVER, State.RESOLVED):
        return _unclosed(incident, roster, now)
    if incident.state is State.HELD:
        return reopen(incident, roster, now, ("hold_ended", {"handler": incident.handler_id}))
    return _silence(incident, roster, now)


def made_real(incident: Incident, event: MadeReal, roster: Roster, now: datetime) -> Decision:
    """A test is none: it rings as it would have rung, from its first step, and with whoever is on the way."""
    if not incident.test:
        return Decision(incident=incident)
    why: Reason = ("made_real", {"by": event.by})
    real = replace(incident, test=False, paged_at=now)
    if incident.state in SOMEBODY_GOES:
        return _rung_again(real, roster, now, why, worse=True)
    return reopen(real, roster, now, why, step=0)


def nobody_can(incident: Incident, roster: Roster, now: datetime, why: Reason) -> Decision | None:
    """Go on at once when everybody whom the step called has said no; None while one of them may still say yes.

    Never past the last step: it rings on, and whoever said no is asked again.
    """
    if incident.test or not incident.asked or not incident.asked <= incident.declined:
        return None
    if incident.step >= incident.policy.last:
        return None
    reasons = (why, ("nobody_can", {"step": incident.step, "people": sorted(incident.declined)}))
    if incident.state is State.OPEN:
        decision = _climbed(incident, roster, now)
    elif incident.state is State.DISPATCHED and incident.timer is not None and incident.timer.kind is TimerKind.STEP:
        decision = reopen(incident, roster, now, why, step=incident.step + 1)
        return replace(decision, reasons=(*reasons, *decision.reasons[1:]))
    else:
        return None
    return replace(decision, reasons=(*reasons, *decision.reasons))


def asked_by(incident: Incident, pages: Pages) -> Incident:
    """The incident after a ring: everybody it calls, later rungs and turns too, operators apart; nobody has said no."""
    asked = frozenset(p.person_id for p in pages if p.role is not Role.OPERATOR and not p.quiet)
    return replace(incident, asked=asked, declined=frozenset())


def reopen(incident: Incident, roster: Roster, now: datetime, why: Reason, step: int | None = None) -> Decision:
    """Put it back into the queue, on the same rung if no other is given, ring that and let the escalation go on."""
    fresh = replace(
        incident,
        state=State.OPEN,
        step=incident.step if step is None else step,
        round=incident.round + 1,
        handler_id=None,
        responder_id=None,
        responder_role=None,
        handed_to=None,
        expires_at=None,
        resolved_by=None,
        proof=None,
    )
    return replace(_planned(fresh, roster, now, why, must_ring=True), withdraw=True)


def closing_timer(incident: Incident, now: datetime) -> Timer:
    """When to ring for an ending nobody has written; at severity 1 without an operator, as for any that nobody has."""
    policy = incident.policy
    orphan = urgent(incident) and incident.handler_id is None
    every = policy.repeat_last if orphan else policy.closing_every
    return Timer(kind=TimerKind.CLOSING, due_at=now + every, step=incident.step, round=incident.round)


def _planned(incident: Incident, roster: Roster, now: datetime, why: Reason, *, must_ring: bool = False) -> Decision:
    pages, timer, reasons = plan(incident, roster, now, must_ring=must_ring)
    there = asked_by(replace(incident, step=timer.step, timer=timer), pages)
    return Decision(incident=there, pages=pages, reasons=(why, *reasons))


def _while_asking(incident: Incident, alert: Alert, roster: Roster, now: datetime, why: Reason) -> Decision:
    """During the countdown only another such fall waits with it. Anything else would be lost if she cancels."""
    asks_too = _countdown(alert, incident.policy) > timedelta(0)
    if asks_too or (alert.test and alert.kind is not AlertKind.SOS):
        return Decision(incident=incident, reasons=(why,))
    return _planned(replace(incident, state=State.OPEN, paged_at=now), roster, now, why, must_ring=True)


def _worse(incident: Incident, alert: Alert, roster: Roster, now: datetime, why: Reason) -> Decision:
    """Raise the severity, go over to the policy of the same version that fits it, and ring whatever the state.

    Whoever had the milder case has not taken this one: it goes back into the queue, unless he is on his way or there.
    """
    policy = incident.policy.for_worse(alert, now)
    same = policy.name == incident.policy.name and not incident.test
    on_scene = incident.state is State.ON_SCENE  # there since then, and silent as long as the worse case may be
    worse = replace(
        incident,
        kind=alert.kind,
        severity=min(alert.severity, incident.severity) if not incident.test else alert.severity,
        test=incident.test and alert.test,
        policy=policy,
        step=incident.step if same else 0,
        paged_at=now,
        expires_at=max(now, arrived_at(incident) + policy.scene_expires) if on_scene else incident.expires_at,
    )
    if incident.state is State.CONFIRMING:
        return _while_asking(replace(worse, paged_at=None), alert, roster, now, why)
    if incident.state in SOMEBODY_GOES:
        return _rung_again(worse, roster, now, why, worse=True)
    if incident.state is State.OPEN and same:
        return _rung_again(worse, roster, now, why, worse=True)
    return reopen(worse, roster, now, why)


def _wakes(before: Incident, decision: Decision, roster: Roster, now: datetime) -> Decision:
    """Whoever was not to be woken for the milder case is called for this one, though its steps are past him."""
    after = decision.incident
    if not urgent(after) or urgent(before) or after.state is State.CONFIRMING:
        return decision
    woken = wake(after, roster, now)
    called = {page.person_id for page in decision.pages}
    pages = (*decision.pages, *(page for page in woken if page.person_id not in called))
    asked = after.asked | {page.person_id for page in woken}
    return replace(decision, incident=replace(after, asked=asked), pages=pages)


def _rung_again(incident: Incident, roster: Roster, now: datetime, why: Reason, *, worse: bool = False) -> Decision:
    """Page again and leave the timer where it is: pressing again must never put the next step off."""
    if incident.timer is None:
        return reopen(incident, roster, now, why)
    here = replace(incident, round=incident.round + 1, paged_at=now)
    ring = ring_who_has_it if here.state in SOMEBODY_GOES and not worse else ring_again
    pages, reasons = ring(here, roster, now)
    timer = replace(incident.timer, round=here.round, step=here.step)
    if here.state in SOMEBODY_GOES:  # now severity 1, perhaps: then the operators ring from here on
        timer = min(timer, watch(here, now), key=lambda t: t.due_at)
    elif here.state is not State.DISPATCHED or timer.kind is not TimerKind.EXPIRY:  # there it is he who was sent
        here = asked_by(here, pages)
    return Decision(incident=replace(here, timer=timer), pages=pages, reasons=(why, *reasons))


def _countdown_over(incident: Incident, roster: Roster, now: datetime) -> Decision:
    opened = replace(incident, state=State.OPEN, paged_at=now)
    decision = _planned(opened, roster, now, ("not_cancelled", {}), must_ring=True)
    return replace(decision, told=(_heard(decision.pages),))


def _climbed(incident: Incident, roster: Roster, now: datetime) -> Decision:
    """Nobody took it: the next rung, or the last one again in a new round."""
    if incident.test or incident.step >= incident.policy.last:
        again = replace(incident, round=incident.round + 1)
        return _planned(again, roster, now, ("rings_on", {"step": incident.step, "round": again.round}))
    above = replace(incident, step=incident.step + 1)
    return _planned(above, roster, now, ("next_step", {"from": incident.step, "to": above.step}))


def _silence(incident: Incident, roster: Roster, now: datetime) -> Decision:
    """Somebody has it and the timer fired: he was not heard of, the step sent out did not answer, or operators ring."""
    waited = incident.timer.kind if incident.timer else TimerKind.EXPIRY
    if incident.expires_at is not None and now < incident.expires_at:
        return _operators_rung(incident, roster, now)
    why: Reason = ("expired", {"handler": incident.handler_id, "responder": incident.responder_id})
    sent = incident.state is State.DISPATCHED and waited in (TimerKind.STEP, TimerKind.REPEAT)
    # Rung twice and twice taken over by somebody who sent nobody: taking it again and again must not keep others away.
    kept = incident.state is State.TAKEN and incident.responder_id is None and incident.round > 0
    if sent or kept:
        return reopen(incident, roster, now, why, step=min(incident.step + 1, incident.policy.last))
    return reopen(incident, roster, now, why)


def _operators_rung(incident: Incident, roster: Roster, now: datetime) -> Decision:
    again = replace(incident, round=incident.round + 1)
    pages, reasons = ring_operators(again, roster, now)
    return Decision(incident=replace(again, timer=watch(again, now)), pages=pages, reasons=reasons)


def _unclosed(incident: Incident, roster: Roster, now: datetime) -> Decision:
    again = replace(incident, round=incident.round + 1)
    pages, reasons = ring_operators(again, roster, now)
    why: Reason = ("not_closed", {"handler": incident.handler_id})
    return Decision(incident=replace(again, timer=closing_timer(again, now)), pages=pages, reasons=(why, *reasons))


def _countdown(alert: Alert, policy: EscalationPolicy) -> timedelta:
    """How long the wearer is asked. Only a fall asks, and a number no device means asks nobody."""
    asked = alert.countdown_s
    if alert.kind is not AlertKind.FALL or alert.test or not math.isfinite(asked) or asked <= 0:
        return timedelta(0)
    return timedelta(seconds=min(asked, LONGEST_COUNTDOWN_S)) if policy.countdown is None else policy.countdown


def _presses(alert: Alert) -> int:
    return 1 if alert.kind is AlertKind.SOS else 0


def _answered(incident: Incident, alert: Alert, pages: tuple[Page, ...] = ()) -> tuple[Told, ...]:
    """The wearer hears that she was heard. A watch that buzzes for every mild reading would only frighten her."""
    hers = alert.kind in ALARMS or alert.severity <= LOUD
    return (_heard(pages, alert.identity),) if hers and not is_technical(incident) else ()


def _asked(alert: Alert) -> tuple[Told, ...]:
    """She is asked how she is. A device that named its report repeats it until that is answered."""
    asking = Told(say="asking")
    return (asking,) if alert.identity is None else (_heard((), alert.identity), asking)


def _heard(pages: tuple[Page, ...], identity: str | None = None) -> Told:
    """Name who is being told by this very ring: her own people first, for theirs is the name that calms."""
    called = [p for p in pages if p.purpose is Purpose.ALARM and not p.quiet]
    first = min(called, key=lambda p: (p.role is Role.OPERATOR, p.role is not Role.FAMILY, p.due_at), default=None)
    if first is None:
        return Told(say="received", identity=identity)
    return Told(say="received", role=first.role, person_id=first.person_id, identity=identity)


def is_technical(incident: Incident) -> bool:
    return incident.dedup_key.endswith(":technical") or incident.dedup_key.startswith("system:")


def _alert_facts(alert: Alert, now: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "alert": alert.alert_id,
        "kind": alert.kind.value,
        "severity": int(alert.severity),
        "rule": alert.rule,
        "test": alert.test,
    }
    age_s = (now - (alert.measured_at or alert.raised_at)).total_seconds()
    return {**facts, "age_s": round(age_s)} if age_s > OLD_S else facts
