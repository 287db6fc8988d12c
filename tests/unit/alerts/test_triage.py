"""Where alerts go, and how loud presses and worse findings are in a case that is open."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from alerts.events import Arrived, EnRoute, Held, Raised, Resolved
from alerts.model import AlertError, AlertKind, Role, Severity, State, TimerKind
from alerts.triage import Attach, Ignore, Open, Weight, place
from tests.unit.alerts.duty import DAUGHTER, GUARD, LAO_ZHANG, XIAO_LI, Duty, alert, at, sos


def test_first_alert_opens_a_case() -> None:
    assert place(alert(), None) == Open()


def test_second_press_joins_the_open_case() -> None:
    duty = sos()
    assert place(alert(alert_id="a-2"), duty.incident) == Attach(incident_id=1, weight=Weight.RING)


def test_press_after_the_end_opens_a_new_case_linked_to_the_old() -> None:
    ended = replace(sos().incident, state=State.CANCELLED, timer=None)
    assert place(alert(alert_id="a-2"), ended) == Open(linked_to=1)


def test_technical_finding_is_a_case_beside_the_residents() -> None:
    technical = alert(AlertKind.SILENCE, Severity.TECHNICAL)
    assert technical.dedup_key != alert().dedup_key
    with pytest.raises(AlertError):
        place(technical, sos().incident)


@pytest.mark.parametrize(
    ("kind", "severity", "weight"),
    [
        (AlertKind.SOS, Severity.CRITICAL, Weight.RAISE),
        (AlertKind.FALL, Severity.HIGH, Weight.RING),
        (AlertKind.VITALS, Severity.HIGH, Weight.RING),
        (AlertKind.VITALS, Severity.MEDIUM, Weight.QUIET),
        (AlertKind.VITALS, Severity.LOW, Weight.QUIET),
    ],
)
def test_alert_is_as_loud_as_it_is_bad_beside_a_high_one(kind: AlertKind, severity: Severity, weight: Weight) -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.VITALS, Severity.HIGH))
    assert place(alert(kind, severity), duty.incident) == Attach(incident_id=1, weight=weight)


def test_test_mode_keeps_nothing_of_a_human_back() -> None:
    assert place(alert(test=True), None) == Open()
    assert place(alert(AlertKind.VITALS, Severity.HIGH, test=True), None) == Open()
    assert place(alert(AlertKind.SILENCE, Severity.TECHNICAL, test=True), None) == Ignore(reason="test_mode")
    assert place(alert(test=True), sos().incident) == Attach(incident_id=1, weight=Weight.RING)


def test_press_rings_the_current_step_again_and_is_counted() -> None:
    duty = sos().until("02:14:40")
    duty.press()
    assert duty.incident.presses == 2
    assert duty.called("02:14:40") == ["02:14:40 guard mqtt"]
    assert duty.told[-1].say == "received"


def test_presses_page_a_person_every_thirty_seconds_and_all_are_counted() -> None:
    duty = sos(now=at("10:00:00"))
    for second in range(10, 121, 10):
        duty.until(f"10:{second // 60:02d}:{second % 60:02d}")
        duty.press()
    assert duty.incident.presses == 13
    rung = [at_ for at_, what in duty.log if what == "rung"]
    again = [t for t in rung if t not in (at("10:00:00"), at("10:00:30"), at("10:01:30"))]
    assert all(b - a >= timedelta(seconds=30) for a, b in pairwise(again))
    assert len(again) >= 2


def test_pressing_again_and_again_never_puts_the_next_step_off() -> None:
    duty = sos()
    for second in range(8, 37):
        duty.until(f"02:14:{second:02d}")
        duty.press()
    assert "02:14:37 guard mqtt" in duty.until("02:14:37").called()


def test_press_after_the_guard_accepted_rings_and_opens_no_second_case() -> None:
    duty = sos().until("02:14:43")
    duty.takes(GUARD, Role.PROPERTY)
    duty.until("02:15:47")
    duty.press()
    assert duty.incident.state is State.TAKEN
    assert "02:15:47 guard mqtt" in duty.called()


def test_guard_pressing_her_button_on_arrival_does_not_call_the_family_out_again() -> None:
    duty = sos().until("02:14:43")
    duty.takes(GUARD, Role.PROPERTY)
    duty.does(EnRoute(person_id=GUARD))
    duty.until("02:17:00")
    duty.press()
    assert {p.person_id for p in duty.last.pages} == {GUARD, XIAO_LI, LAO_ZHANG}
    assert duty.incident.state is State.EN_ROUTE


@pytest.mark.parametrize("aside", ["held", "resolved"])
def test_press_while_nobody_is_being_called_opens_the_queue_again(aside: str) -> None:
    duty = sos().until("02:14:10")
    duty.takes(XIAO_LI)
    held = Held(by=XIAO_LI, reason="she rings back", until=at("02:20:00"))
    duty.does(held if aside == "held" else Resolved(by=XIAO_LI, how="spoke with her"))
    duty.until("02:14:20")
    duty.press()
    assert duty.incident.state is State.OPEN
    assert "02:14:20 daughter mqtt" in duty.called()


def test_dangerous_vitals_after_she_was_said_to_be_well_open_the_queue_again() -> None:
    duty = sos()
    duty.does(Resolved(by=XIAO_LI, how="spoke with her"))
    duty.does(Raised(alert=alert(AlertKind.VITALS, Severity.HIGH, duty.now)))
    assert duty.incident.state is State.OPEN
    assert duty.incident.severity is Severity.CRITICAL


def test_milder_alert_is_recorded_and_pages_nobody() -> None:
    duty = sos()
    duty.does(Raised(alert=alert(AlertKind.VITALS, Severity.MEDIUM, duty.now)))
    assert not duty.last.pages
    assert duty.facts("attached")["weight"] == "quiet"


def test_watch_says_nothing_of_a_mild_reading() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.VITALS, Severity.LOW))
    assert duty.told == []
    duty.press(identity="press-1")
    assert [(t.say, t.identity) for t in duty.told] == [("received", "press-1")]


def test_worse_alert_takes_the_steps_of_the_policy_it_would_have_opened_with() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.VITALS, Severity.MEDIUM))
    assert duty.incident.policy.name == "轻"
    duty.until("02:14:30").press()
    assert (duty.incident.policy.name, duty.incident.step) == ("急", 0)
    assert (duty.incident.severity, duty.incident.kind) == (Severity.CRITICAL, AlertKind.SOS)
    assert "02:14:30 daughter mqtt" in duty.called()


@pytest.mark.parametrize("how", ["taken", "held", "resolved"])
def test_worse_alert_is_taken_by_nobody_yet(how: str) -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.VITALS, Severity.MEDIUM))
    duty.takes(XIAO_LI)
    if how == "held":
        duty.does(Held(by=XIAO_LI, reason="rings back", until=at("02:20:00")))
    if how == "resolved":
        duty.does(Resolved(by=XIAO_LI, how="spoke with her"))
    duty.press()
    assert duty.incident.state is State.OPEN
    assert "02:14:07 daughter mqtt" in duty.called()


def test_worse_alert_calls_everybody_without_turning_back_who_is_there() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.VITALS, Severity.MEDIUM))
    duty.does(Arrived(person_id=GUARD))
    duty.until("02:20:00").press()
    assert duty.incident.state is State.ON_SCENE
    assert "02:20:00 daughter mqtt" in duty.called()
    assert duty.incident.timer is not None
    assert duty.incident.timer.kind is TimerKind.REPEAT  # severity 1 now, and no operator has it
    assert "02:21:00 xiao li console" in duty.until("02:21:00").called()


def test_wearer_hears_which_of_her_people_was_told() -> None:
    """A name she knows calms her; whoever else is rung beside her daughter need not be told off on a watch."""
    opened = sos().told[0]
    assert (opened.role, opened.person_id) == (Role.FAMILY, DAUGHTER)


def test_wearer_who_may_still_cancel_is_not_told_that_somebody_was_called() -> None:
    duty = Duty()
    duty.opens(alert(AlertKind.FALL, countdown_s=15.0))
    assert duty.told[0].role is None
    assert duty.until("02:14:22").told[-1].person_id == DAUGHTER
