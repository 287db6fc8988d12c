"""What went wrong elsewhere and must not here. The systems and their reports are named beside each.

Most of it is the engine's, and tested here; what lies between device and call, in channels, rosters or pages is tested
where it can happen. `ELSEWHERE` is the table of those, and a test sees to it that each of them is there.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.events import Arrived, CannotGo, Closed, Dispatched, EnRoute, Held, Left, Raised, Resolved
from alerts.model import AlertKind, Disposition, Role, Severity, State
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

TESTS = Path(__file__).parents[2]
ELSEWHERE = {
    "ThingsBoard #11434, #12183: second press": (
        "integration/ingest/test_failures_of_others.py::test_second_press_rings_while_the_first_alarm_is_open",
    ),
    "ThingsBoard #6821: offline after 19,123 s instead of 600": (
        "unit/alerts/detectors/test_device_health.py::test_offline_alarm_comes_after_its_deadline_and_not_five_hours_later",
        "integration/ingest/test_restart.py::test_missed_heartbeat_is_noticed_across_a_restart",
    ),
    "Traccar #3285, #3633: SOS as a duplicate position": (
        "integration/ingest/test_failures_of_others.py"
        "::test_press_from_where_she_pressed_before_is_no_duplicate_position",
        "unit/devices/test_watch_3g.py::test_same_alarm_sent_again_has_the_same_identity",
    ),
    "Traccar: low battery first": (
        "integration/ingest/test_failures_of_others.py"
        "::test_watch_that_is_low_on_battery_rings_and_its_battery_is_kept",
        "unit/devices/test_watch_3g.py::test_alarms_come_worst_first",
    ),
    "Traccar #5217: hours late": (
        "integration/ingest/test_failures_of_others.py"
        "::test_stored_press_that_arrives_hours_late_rings_with_its_age",
    ),
    "home-assistant #28290, #59812: true at restart, retained": (
        "integration/ingest/test_restart.py::test_state_from_before_a_crash_is_replayed",
        "integration/ingest/test_failures_of_others.py"
        "::test_retained_alarm_is_not_replayed_and_the_next_real_one_rings",
    ),
    "OnCall #4760: paging goes on after it was taken": (
        "integration/loops/test_dispatcher.py::test_taking_back_cancels_pages_of_an_incident_that_was_taken",
        "integration/loops/test_dispatcher.py::test_no_page_is_claimed_after_somebody_took_it",
    ),
    "OnCall #1326: no channel, found in the emergency": (
        "unit/alerts/test_coverage.py::test_daughter_without_a_way_to_be_reached_is_found_now_and_not_in_the_emergency",
    ),
    "OnCall #3261, #5247, #5455: time zones and rotations": (
        "unit/alerts/test_duty.py::test_weekly_rotation_hands_over_on_monday_morning",
        "unit/alerts/test_duty.py::test_day_shift_keeps_its_wall_time_when_the_clock_changes",
    ),
    "an inquest: one line blocked the others, the door code was not to hand": (
        "integration/loops/test_dispatcher.py::test_slow_provider_does_not_hold_up_other_channels",
        "integration/web/test_responder.py::test_door_code_appears_on_the_way_and_vanishes_at_close",
    ),
    "an east-London borough: the hold that was deleted": (
        "integration/incidents/test_desk.py::test_hold_needs_a_reason_and_ends_ringing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("failure", ELSEWHERE)
def test_failure_that_happens_elsewhere_is_tested_there(failure: str) -> None:
    for name in ELSEWHERE[failure]:
        path, _, test = name.partition("::")
        assert re.search(rf"def {test}\(", (TESTS / path).read_text(encoding="utf-8")), name


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


def test_hold_cannot_be_closed_away_without_a_person_and_an_ending() -> None:
    """The same borough: there is no delete. Out of a hold lead a person, an alarm, or its end, which rings."""
    duty = sos()
    duty.does(Held(by=XIAO_LI, reason="ambulance asked", until=at("02:20:00")))
    assert duty.refuses(Closed(by=XIAO_LI, disposition=Disposition.DUPLICATE, with_whom="nobody"))
    assert duty.incident.timer is not None
    duty.press()
    assert duty.incident.state is State.OPEN
    assert duty.last.pages


def test_responder_cannot_leave_before_the_ambulance_has_her() -> None:
    """The same borough: the responder had gone before the ambulance came."""
    duty = sos()
    duty.takes(GUARD, Role.PROPERTY)
    duty.does(EnRoute(person_id=GUARD))
    duty.does(Arrived(person_id=GUARD))
    assert duty.refuses(Left(person_id=GUARD)) == "hand_over_first"
    assert duty.refuses(CannotGo(person_id=GUARD)) == "hand_over_first"


def test_operator_who_takes_it_again_and_again_and_sends_nobody_keeps_nobody_away() -> None:
    """The caller could only say "help", was asked again and again, and the ambulance came two hours later."""
    duty = sos()
    duty.takes(XIAO_LI)
    for minute in range(15, 45):  # whatever rings, she takes it within the minute, and asks on
        duty.until(f"02:{minute}:20")
        duty.takes(XIAO_LI)
    called = duty.called("02:19:00")
    assert "next_step" not in duty.what(), "she left no rung its time"
    assert next((who for who in called if "guard" in who), "nobody") < "02:26"


def test_silence_on_the_line_is_an_emergency_and_help_leaves_while_she_is_tried_again() -> None:
    """Told in Parliament: the caller could only say "help". Sending needs no answer, no words and no second look."""
    duty = sos()
    duty.takes(XIAO_LI)
    duty.does(Dispatched(by=XIAO_LI))
    assert duty.last.pages
    assert duty.incident.state is State.DISPATCHED


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
