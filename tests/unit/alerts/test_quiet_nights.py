"""Who keeps quiet nights is not woken for what is not critical, and nobody waits for him."""

from dataclasses import replace

from alerts.events import CannotGo, Dispatched, Due
from alerts.model import AlertKind, Responder, Role, Roster, Severity
from tests.unit.alerts.duty import DAUGHTER, GUARD, PEOPLE, SON, XIAO_LI, Duty, alert, at

MORNING = at("07:00:00")
LADDER = """
[policy."急"]
repeat_last = "60s"
[[policy."急".step]]
notify = [ { role = "family", channels = ["mqtt", "webhook@10s"] } ]
wait = "30s"
[[policy."急".step]]
notify = [ { role = "property" } ]
wait = "60s"
[[policy."急".step]]
notify = [ { role = "operator" } ]
"""


def asleep(*people: int, among: tuple[Responder, ...] = PEOPLE) -> Roster:
    return Roster(responders=tuple(replace(p, quiet_until=MORNING) if p.person_id in people else p for p in among))


def night(people: Roster, severity: Severity = Severity.HIGH) -> Duty:
    duty = Duty(people=people, text=LADDER)
    return duty.opens(alert(AlertKind.VITALS, severity, now=duty.now))


def test_step_whose_people_all_sleep_is_passed_at_once() -> None:
    duty = night(asleep(DAUGHTER, SON)).until("02:16:00")
    assert duty.called()[0] == "02:14:07 guard mqtt"
    assert "02:15:07 xiao li console" in duty.called()
    assert {"step_empty", "person_quiet"} <= set(duty.what())


def test_step_with_one_who_is_awake_waits_for_him_alone() -> None:
    duty = night(asleep(DAUGHTER))
    assert (duty.incident.step, duty.incident.asked) == (0, frozenset({SON}))
    assert duty.facts("rung")["people"] == [SON]
    assert duty.facts("person_quiet")["person"] == DAUGHTER
    assert duty.does(CannotGo(person_id=SON)).incident.step == 1, "she who sleeps is not waited for"


def test_who_slept_is_told_in_the_morning_while_nobody_has_it() -> None:
    duty = night(asleep(DAUGHTER, SON))
    assert {(p.person_id, p.due_at) for p in duty.waiting if p.channel == "mqtt"} == {(DAUGHTER, MORNING)}
    duty.takes(XIAO_LI)
    assert not duty.waiting, "an operator has it: nothing is left for the morning"


def test_critical_call_wakes_everybody() -> None:
    duty = night(asleep(DAUGHTER, SON), Severity.CRITICAL)
    assert duty.called() == ["02:14:07 daughter mqtt", "02:14:07 son webhook"]


def test_case_that_becomes_critical_wakes_who_was_left_asleep() -> None:
    duty = night(asleep(DAUGHTER, SON))
    duty.press()
    assert "02:14:07 daughter mqtt" in duty.called()


def test_whom_an_operator_sends_is_woken() -> None:
    duty = night(asleep(DAUGHTER, SON))
    duty.does(Dispatched(by=XIAO_LI, person_id=DAUGHTER))
    assert "02:14:07 daughter mqtt" in duty.called()


def test_after_his_night_he_is_called_like_anybody() -> None:
    duty = Duty(people=asleep(DAUGHTER, SON), text=LADDER, now=MORNING)
    duty.opens(alert(AlertKind.VITALS, Severity.HIGH, now=MORNING))
    assert duty.called()[0] == "07:00:00 daughter mqtt"


def test_nobody_but_sleepers_is_said_and_rung_on() -> None:
    only = tuple(p for p in PEOPLE if p.role is Role.FAMILY)
    duty = night(asleep(DAUGHTER, SON, among=only))
    assert "nobody_reachable" in duty.what()
    duty.now = duty.incident.timer.due_at if duty.incident.timer else duty.now
    assert duty.does(Due()).incident.timer is not None
    assert all(p.due_at >= MORNING for p in duty.waiting)
    assert GUARD not in duty.incident.asked
