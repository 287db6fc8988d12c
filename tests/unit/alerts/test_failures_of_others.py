"""What went wrong elsewhere and must not here. The systems and their reports are named beside each."""

from datetime import timedelta

from alerts.events import CannotGo, Held, Left, Raised, Resolved
from alerts.model import AlertKind, Role, Severity, State
from alerts.policy import load
from alerts.triage import Attach, place
from tests.unit.alerts.duty import (
    DAUGHTER,
    GUARD,
    NIGHT,
    OFF_DUTY_GUARD,
    WORKER,
    XIAO_LI,
    Duty,
    alert,
    at,
    off_duty,
    roster,
    sos,
)


def test_second_press_while_the_first_is_open_rings() -> None:
    """ThingsBoard #11434, #12183: it created nothing."""
    duty = sos().until("02:14:37")
    assert isinstance(place(alert(alert_id="a-2"), duty.incident), Attach)
    duty.press()
    assert duty.last.pages
    assert duty.incident.presses == 2


def test_press_of_a_watch_low_on_battery_is_a_press() -> None:
    """Traccar: the decoder that tests the low-battery bit first never saw the SOS."""
    battery = alert(AlertKind.DEVICE, Severity.TECHNICAL)
    press = alert()
    assert battery.dedup_key != press.dedup_key
    assert sos().incident.state is State.OPEN


def test_stored_press_that_arrives_hours_late_still_rings_with_its_age() -> None:
    """Traccar #5217."""
    duty = Duty()
    duty.opens(alert(measured_at=at("23:14:07", day=2)))
    assert duty.last.pages
    assert duty.facts("opened")["age_s"] == 3 * 3600


def test_stored_press_joining_an_open_case_rings_with_its_age() -> None:
    """Traccar #5217, the second time."""
    duty = sos().until("02:14:40")
    duty.does(Raised(alert=alert(now=duty.now, measured_at=at("00:00:00"))))
    assert duty.last.pages
    assert duty.facts("attached")["age_s"] == 2 * 3600 + 14 * 60 + 40


def test_paging_stops_when_it_was_taken() -> None:
    """OnCall #4760."""
    duty = sos().until("02:14:08")
    duty.takes(XIAO_LI)
    assert duty.last.withdraw
    assert duty.until("02:19:06").called("02:14:09") == []


def test_taken_case_does_not_page_again_months_later() -> None:
    """OnCall #3111: silence after a take is minutes long, and rings by its own timer."""
    duty = sos()
    duty.takes(XIAO_LI)
    assert duty.incident.timer is not None
    assert duty.incident.timer.due_at - duty.now == timedelta(minutes=5)


def test_escalation_resumes_after_everything_that_stopped_it() -> None:
    """OnCall #1206: it never did."""
    for stop in ("expiry", "cannot_go", "hold"):
        duty = sos()
        if stop == "expiry":
            duty.takes(XIAO_LI)
        elif stop == "cannot_go":
            duty.takes(DAUGHTER, Role.FAMILY)
            duty.does(CannotGo(person_id=DAUGHTER))
        else:
            duty.does(Held(by=XIAO_LI, reason="rings back", until=at("02:16:00")))
        duty.until("02:24:07")
        assert duty.incident.state is State.OPEN
        assert duty.incident.step == 3
        assert duty.called("02:23:00")


def test_empty_step_does_not_wait_out_its_delay() -> None:
    """goalert #4548."""
    duty = sos(people=roster(without=[GUARD, WORKER])).until("02:14:37")
    assert duty.incident.step == 3


def test_nothing_delays_a_page_of_severity_one() -> None:
    """goalert #4188: rate limiting held one back for 16 minutes."""
    duty = sos()
    for _ in range(200):
        duty.press()
    assert all(p.due_at <= duty.now + timedelta(seconds=45) for p in duty.waiting)
    assert "02:14:37 guard mqtt" in duty.until("02:14:37").called()


def test_off_duty_people_are_left_alone() -> None:
    """Resgrid #270, #269."""
    duty = sos(people=off_duty(GUARD, WORKER)).until("03:00:00")
    assert not {p.person_id for p in duty.sent} & {GUARD, WORKER, OFF_DUTY_GUARD}


def test_hours_are_the_residents_and_not_the_servers() -> None:
    """OnCall #3261, #5247, #5455: 23:30 UTC is half past seven in Yinchuan."""
    assert "07:30:30 worker mqtt" in sos(now=at("07:30:00")).until("07:31:00").called()
    in_utc = NIGHT.replace('repeat_last = "60s"', 'zone = "UTC"\nrepeat_last = "60s"')
    assert "worker" not in str(sos(now=at("07:30:00"), text=in_utc).until("07:31:00").called())


def test_hours_move_with_summer_time() -> None:
    """The night the clocks go back in Berlin, 07:00 is an hour later in UTC."""
    berlin = load(NIGHT.replace('repeat_last = "60s"', 'zone = "Europe/Berlin"\nrepeat_last = "60s"'))["急"]
    summer, winter = at("13:30:00", day=3).replace(month=7), at("13:30:00", day=3).replace(month=12)
    assert berlin.open_now(1, summer)  # 05:30 UTC is 07:30
    assert not berlin.open_now(1, winter)  # 05:30 UTC is 06:30


def test_case_on_hold_is_not_lost_and_a_responder_does_not_leave() -> None:
    """An east-London borough: the held call was deleted, the responder gone before the ambulance came."""
    duty = sos()
    duty.takes(XIAO_LI)
    duty.does(Held(by=XIAO_LI, reason="ambulance asked", until=at("02:20:00")))
    duty.until("02:20:00")
    assert duty.last.pages
    duty.takes(GUARD, Role.PROPERTY)
    assert duty.refuses(Left(person_id=GUARD)) == "not_on_scene"


def test_caller_who_only_says_help_is_not_closed_by_a_recovered_sensor_or_one_click() -> None:
    """Told in Parliament: the ambulance came two hours later."""
    duty = sos()
    duty.does(Resolved(by=XIAO_LI, how="a voice, no words"))
    duty.until("02:24:07")
    assert duty.incident.state is State.RESOLVED
    assert duty.last.pages  # still asks for its ending


def test_changed_policy_does_not_change_a_case_in_progress() -> None:
    duty = sos()
    duty.text = NIGHT.replace("60s", "600s").replace("30s", "300s")
    assert "02:14:37 guard mqtt" in duty.until("02:14:37").called()
