"""Every state against every event, and what people may not do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from alerts.events import (
    EVENTS,
    Arrived,
    Called,
    Cancelled,
    CannotGo,
    Closed,
    Dispatched,
    Due,
    EnRoute,
    Event,
    HandedOver,
    Held,
    Identified,
    Left,
    MadeReal,
    Mistaken,
    Raised,
    Refused,
    Released,
    Resolved,
    Taken,
)
from alerts.incident import TRANSITIONS, apply
from alerts.invariants import violations
from alerts.model import ENDED, AlertKind, Disposition, Incident, Role, Service, Severity, State, TimerKind
from tests.unit.alerts.duty import DAUGHTER, GUARD, LAO_ZHANG, SON, WORKER, XIAO_LI, Duty, alert, at, sos

CLOSE = Closed(by=XIAO_LI, disposition=Disposition.LIFTED, with_whom="her daughter", second_person_id=LAO_ZHANG)
RESOLVE = Resolved(by=XIAO_LI, how="spoke with her")


def confirming() -> Duty:
    duty = Duty()
    return duty.opens(alert(AlertKind.FALL, countdown_s=15))


def taken() -> Duty:
    duty = sos()
    duty.takes(GUARD, Role.PROPERTY)
    duty.takes(XIAO_LI)
    return duty


def dispatched() -> Duty:
    duty = sos()
    duty.takes(XIAO_LI)
    duty.does(Dispatched(by=XIAO_LI, person_id=GUARD))
    duty.takes(GUARD, Role.PROPERTY)
    return duty


def after(start: Callable[[], Duty], *events: Event) -> Callable[[], Duty]:
    def play() -> Duty:
        duty = start()
        for event in events:
            duty.does(event)
        return duty

    return play


en_route = after(taken, EnRoute(person_id=GUARD))
on_scene = after(en_route, Arrived(person_id=GUARD))
handed_over = after(on_scene, HandedOver(person_id=GUARD, to="120 #4711"))
held = after(taken, Held(by=XIAO_LI, reason="she rings back", until=at("02:20:00")))
resolved = after(taken, RESOLVE)
closed = after(resolved, CLOSE)
cancelled = after(confirming, Cancelled(by="wearer"))

START: dict[State, Callable[[], Duty]] = {
    State.CONFIRMING: confirming,
    State.OPEN: sos,
    State.TAKEN: taken,
    State.DISPATCHED: dispatched,
    State.EN_ROUTE: en_route,
    State.ON_SCENE: on_scene,
    State.HANDED_OVER: handed_over,
    State.HELD: held,
    State.RESOLVED: resolved,
    State.CLOSED: closed,
    State.CANCELLED: cancelled,
}

TAPPED: Any = {"seq": 5, "since_s": 20.0, "role": Role.PROPERTY, "goes": True}
# The guard has it, if anybody; events are his or xiao li's. `-` is refused; lower case stays where it is.
EVENT: dict[str, Event] = {
    "press": Raised(alert=alert()),
    "due": Due(),
    "operator": Taken(person_id=XIAO_LI, role=Role.OPERATOR),
    "guard": Taken(person_id=GUARD, role=Role.PROPERTY),
    "send": Dispatched(by=XIAO_LI, person_id=WORKER),
    "next": Dispatched(by=XIAO_LI),
    "cannot": CannotGo(person_id=GUARD),
    "enroute": EnRoute(person_id=GUARD),
    "arrived": Arrived(person_id=GUARD),
    "left": Left(person_id=GUARD),
    "hands": HandedOver(person_id=GUARD, to="her son"),
    "release": Released(by=XIAO_LI),
    "hold": Held(by=XIAO_LI, reason="she rings back", until=at("02:20:00")),
    "cancel": Cancelled(by=XIAO_LI),
    "resolve": RESOLVE,
    "close": CLOSE,
    "120": Called(by=XIAO_LI, service=Service.AMBULANCE),
    "real": MadeReal(by=XIAO_LI),
    "who": Identified(by=XIAO_LI, resident_id=2),
    "unhand": Mistaken(person_id=GUARD, tap="handed_over", **TAPPED),
    "unthere": Mistaken(person_id=GUARD, tap="arrived", **TAPPED),
    "uncannot": Mistaken(person_id=GUARD, tap="cannot_go", **TAPPED),
}

COLUMNS = (
    "press due operator guard send next cannot enroute arrived left hands release hold cancel resolve close 120 real"
    " who unhand unthere uncannot"
)
TABLE = """
confirming  open open taken -     -    -    -    -    -     - -    -    -    cncl -    -    . . - -     -    -
open        .    .    taken taken disp disp .    enrt scene - -    -    held -    rslv -    . . - -     -    taken
taken       .    open .     .     disp disp open enrt scene - -    open held -    rslv -    . . - -     -    .
dispatched  .    open .     .     .    .    open enrt scene - -    open held -    rslv -    . . - -     -    .
en_route    .    open .     .     .    .    open .    scene - -    open -    -    rslv -    . . - -     -    .
on_scene    .    open .     .     .    .    -    .    .     - over open -    -    rslv -    . . - -     enrt .
handed_over open .    .     -     -    -    .    -    -     . .    open -    -    rslv -    . . - scene -    -
held        open open taken taken disp disp .    enrt scene - -    open -    -    rslv -    . . - -     -    taken
resolved    open .    .     -     -    -    .    -    -     . -    open -    -    .    clsd . . - -     -    -
closed      -    -    -     -     -    -    -    -    -     - -    -    -    -    -    -    - - - -     -    -
cancelled   -    -    -     -     -    -    -    -    -     - -    -    -    -    -    -    - - - -     -    -
"""
SHORT = {
    "disp": "dispatched", "enrt": "en_route", "scene": "on_scene", "over": "handed_over", "rslv": "resolved",
    "cncl": "cancelled", "clsd": "closed",
}  # fmt: skip


def cells() -> list[tuple[State, str, str]]:
    found = []
    for line in TABLE.strip().splitlines():
        state, *outcomes = line.split()
        found += [(State(state), e, SHORT.get(o, o)) for e, o in zip(COLUMNS.split(), outcomes, strict=True)]
    return found


def late(duty: Duty) -> None:
    """Long enough for whatever is waited for; on scene a timer also fires when an arrival may be presumed."""
    if duty.incident.timer is not None:
        duty.now = duty.incident.expires_at or duty.incident.timer.due_at


@pytest.mark.parametrize(("state", "event", "outcome"), cells())
def test_event_leads_where_the_table_says(state: State, event: str, outcome: str) -> None:
    duty = START[state]()
    assert duty.incident.state is state
    if event == "due":
        late(duty)
    if outcome == "-":
        assert duty.refuses(EVENT[event])
        return
    duty.does(EVENT[event])
    assert duty.incident.state is (state if outcome == "." else State(outcome))


def test_table_has_every_state_and_every_event() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {type(e) for e in EVENT.values()} == set(EVENTS)
    assert len(cells()) == len(State) * len(EVENT)


@pytest.mark.parametrize(("state", "event"), list(product(State, EVENT)))
def test_event_never_leaves_the_rows_of_the_transitions(state: State, event: str) -> None:
    for wait in (0, 90, 4000):
        duty = START[state]()
        duty.now += timedelta(seconds=wait)
        row = TRANSITIONS[state].get(type(EVENT[event]))
        try:
            decision = apply(duty.incident, EVENT[event], duty.people, duty.now)
        except Refused:
            decision = None
        if decision is None:
            assert not isinstance(EVENT[event], Raised | Due) or state in ENDED
        else:
            assert row is not None
            assert decision.incident.state in row.to
            assert violations(decision.incident, duty.incident) == []


@pytest.mark.parametrize("state", [s for s in State if s not in ENDED])
def test_every_live_state_has_one_timer_and_leaves_it_ringing(state: State) -> None:
    duty = START[state]()
    assert duty.incident.timer is not None
    late(duty)
    assert duty.does(Due()).pages


@pytest.mark.parametrize("state", [s for s in State if s not in ENDED])
def test_timer_a_moment_too_early_changes_nothing(state: State) -> None:
    duty = START[state]()
    assert duty.incident.timer is not None
    duty.now = duty.incident.timer.due_at - timedelta(microseconds=1)
    decision = duty.does(Due())
    assert decision.incident.version == START[state]().incident.version
    assert not decision.pages


def test_taking_twice_changes_nothing() -> None:
    duty = sos()
    duty.takes(XIAO_LI)
    before = duty.incident
    duty.now += timedelta(seconds=60)
    assert duty.takes(XIAO_LI).incident is before  # nor does it put the expiry off


def test_second_operator_is_told_who_has_it() -> None:
    duty = sos()
    duty.takes(XIAO_LI)
    assert duty.refuses(Taken(person_id=LAO_ZHANG, role=Role.OPERATOR)) == "already_taken"


def test_second_responder_is_told_that_somebody_goes() -> None:
    duty = sos()
    duty.takes(DAUGHTER, Role.FAMILY)
    assert duty.refuses(Taken(person_id=SON, role=Role.FAMILY)) == "already_taken"


def test_second_helper_whom_an_operator_sends_may_say_that_he_comes() -> None:
    duty = en_route()
    duty.does(Dispatched(by=XIAO_LI, person_id=DAUGHTER))
    assert duty.refuses(Taken(person_id=SON, role=Role.FAMILY)) == "already_taken"  # nobody sent him
    duty.does(Taken(person_id=DAUGHTER, role=Role.FAMILY))
    duty.does(EnRoute(person_id=DAUGHTER))
    assert (duty.incident.responder_id, duty.incident.state) == (GUARD, State.EN_ROUTE)
    assert "also_en_route" in duty.what()


def test_second_helper_under_way_is_written_down_and_changes_nothing() -> None:
    duty = en_route()
    duty.does(EnRoute(person_id=WORKER))
    assert duty.incident.responder_id == GUARD
    assert "also_en_route" in duty.what()


def test_cannot_go_of_somebody_who_does_not_have_it_is_only_written_down() -> None:
    duty = taken()
    duty.does(CannotGo(person_id=SON))
    assert duty.incident.state is State.TAKEN
    assert "cannot_go" in duty.what()


def test_guard_may_not_leave_before_somebody_has_taken_over() -> None:
    duty = on_scene()
    assert duty.refuses(Left(person_id=GUARD)) == "hand_over_first"
    assert duty.refuses(CannotGo(person_id=GUARD)) == "hand_over_first"
    assert duty.refuses(HandedOver(person_id=GUARD, to="  ")) == "name_who_takes_over"
    assert duty.refuses(HandedOver(person_id=SON, to="me")) == "not_the_responder"
    duty.does(HandedOver(person_id=GUARD, to="120 #4711"))
    duty.does(Left(person_id=GUARD))
    assert duty.incident.handed_to == "120 #4711"


def test_handed_over_rings_for_its_ending_until_it_has_one() -> None:
    duty = handed_over().until("02:34:07")
    assert [c for c in duty.called("02:20:00") if "xiao li" in c] == [
        "02:24:07 xiao li console",
        "02:34:07 xiao li console",
    ]


def test_severity_one_handed_over_without_an_operator_rings_like_an_open_one() -> None:
    duty = sos()
    duty.does(Arrived(person_id=GUARD))
    duty.does(HandedOver(person_id=GUARD, to="her son"))
    duty.until("02:15:07")
    assert "02:15:07 xiao li console" in duty.called()
    duty.takes(XIAO_LI)
    assert duty.until("02:25:06").called("02:15:08") == []


def test_severity_one_is_never_closed_by_one_person_alone() -> None:
    duty = resolved()
    assert duty.refuses(replace(CLOSE, second_person_id=None)) == "second_person"
    assert duty.refuses(replace(CLOSE, second_person_id=XIAO_LI)) == "second_person"
    assert duty.refuses(replace(CLOSE, with_whom="")) == "say_with_whom"
    duty.does(replace(CLOSE, second_person_id=None, called_back=True))
    assert duty.incident.state is State.CLOSED
    assert duty.told[-1].say == "closed"


def test_milder_incident_is_closed_by_one_person() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.VITALS, Severity.HIGH))
    duty.does(RESOLVE)
    duty.does(replace(CLOSE, second_person_id=None))
    assert duty.incident.disposition is Disposition.LIFTED


def test_open_incident_cannot_be_closed_without_having_been_resolved() -> None:
    assert sos().refuses(CLOSE) == "not_resolved"
    assert sos().refuses(Resolved(by=XIAO_LI, how=" ")) == "say_how"


@pytest.mark.parametrize(
    "event",
    [
        Resolved(by=DAUGHTER, how="I know"),
        Dispatched(by=DAUGHTER),
        Held(by=DAUGHTER, reason="later", until=at("02:20:00")),
    ],
)
def test_operators_work_is_refused_to_others(event: Event) -> None:
    assert sos().refuses(event) == "not_an_operator"
    assert resolved().refuses(replace(CLOSE, by=DAUGHTER)) == "not_an_operator"


def test_ended_incident_is_never_reopened() -> None:
    for duty in (closed(), cancelled()):
        assert duty.refuses(Raised(alert=alert())) == "ended"
        assert duty.refuses(Due()) == "ended"
        assert duty.refuses(CLOSE) == "ended"


def test_resolved_incident_tells_whoever_is_on_the_way() -> None:
    duty = en_route()
    duty.does(RESOLVE)
    assert {p.person_id for p in duty.last.pages} == {GUARD}


def test_resolved_and_forgotten_rings_for_its_disposition() -> None:
    duty = resolved().until("02:24:07")
    assert "02:24:07 xiao li console" in duty.called()
    assert duty.incident.timer is not None
    assert duty.incident.timer.kind is TimerKind.CLOSING


def test_damaged_row_with_a_step_no_policy_has_still_rings() -> None:
    for step in (-1, 99):
        duty = sos()
        for event in (Due(), Raised(alert=alert())):
            decision = apply(replace(duty.incident, step=step), event, duty.people, at("02:20:00"))
            assert decision.pages


def test_violations_name_a_silent_incident_and_every_other_wrong() -> None:
    good: Incident = taken().incident
    assert violations(good) == []
    assert violations(replace(good, timer=None)) == ["silent: taken without a timer"]
    assert violations(replace(good, handler_id=None, responder_id=None)) == ["taken by nobody"]
    assert violations(replace(good, step=99)) != []
    assert violations(replace(good, presses=0), replace(good, presses=1)) == ["forgot a press"]
    assert violations(replace(good, state=State.CLOSED)) != []
    assert violations(replace(good, round=0), replace(good, round=1)) != []
