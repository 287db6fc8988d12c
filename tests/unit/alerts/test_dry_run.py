"""A rehearsal: who would be called, when, and why a step is passed over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.dry_run import MOST_MOMENTS, DryRun, Why, imagined, play
from alerts.dry_run_words import tell, text
from alerts.model import AlertKind, Purpose, Role, Roster, Severity
from alerts.policy import load
from tests.unit.alerts.duty import (
    DAUGHTER,
    GUARD,
    NAMES,
    NIGHT,
    OFF_DUTY_GUARD,
    RESIDENT,
    RIDER,
    WORKER,
    ZONE,
    Duty,
    alert,
    at,
    off_duty,
    roster,
    who,
)

START = at("02:14:07")


def run(
    kind: AlertKind = AlertKind.SOS, people: Roster | None = None, start: datetime = START, policy: str = NIGHT
) -> DryRun:
    found = people or roster()
    return play(imagined(kind, start, resident_id=RESIDENT), load(policy), start, lambda _: found)


def log(done: DryRun) -> list[str]:
    return [f"{c.at.astimezone(ZONE):%H:%M:%S} {NAMES[c.person_id]} {c.channel}" for c in done.calls]


def said(done: DryRun, lang: str = "en") -> list[str]:
    return [line.text for line in tell(done, NAMES, lang)]


def test_dry_run_calls_whom_the_night_itself_calls() -> None:
    real = Duty().opens(alert(now=START)).until("02:17:36")
    until = f"{START.astimezone(ZONE) + timedelta(seconds=209):%H:%M:%S}"
    assert sorted(line for line in log(run()) if line[:8] <= until) == sorted(
        line for line in real.called() if line[:8] <= until
    )


def test_dry_run_ends_when_the_last_rung_has_repeated_once() -> None:
    done = run()
    assert [m.what for m in done.moments] == ["opened", "next_step", "next_step", "rings_on"]
    assert [m.step for m in done.moments] == [0, 2, 3, 3]
    assert done.whole


def test_step_passed_over_says_its_hours_or_who_would_have_been_there() -> None:
    nobody = roster(*(replace(p, on_duty=p.on_duty and p.person_id != GUARD) for p in roster().responders))
    done = run(people=nobody)
    hours, guards = done.moments[1].passed
    assert (hours.step, hours.why, hours.left) == (1, "outside_hours", ())
    assert (guards.step, guards.why) == (2, "nobody_to_call")
    assert {(one.person_id, one.why) for one in guards.left} == {
        (GUARD, Why.OFF_DUTY), (OFF_DUTY_GUARD, Why.OFF_DUTY),
    }  # fmt: skip
    lines = said(done)
    assert "step 2 is passed over: it is not 07:00–22:00" in lines
    assert "step 3 is passed over: nobody to call among property guards" in lines
    assert "off duty: guard, off-duty guard" in lines


def test_person_without_a_way_to_reach_him_is_named() -> None:
    mute = Roster(responders=(*roster().responders, who(99, Role.PROPERTY)))
    left = run(people=mute).moments[1].left
    assert (99, Why.NO_CONTACT) in {(one.person_id, one.why) for one in left}
    assert "no way to reach: 99" in said(run(people=mute))


def test_who_is_farther_than_the_nearest_is_not_called() -> None:
    text_ = NIGHT.replace('{ role = "property" }', '{ role = "third_party", nearest = 1 }')
    far = Roster(responders=(*roster().responders, who(51, Role.THIRD_PARTY, "mqtt", away=60)))
    done = run(people=far, policy=text_)
    assert {c.person_id for c in done.moments[1].calls} == {RIDER}
    assert [(one.person_id, one.why) for one in done.moments[1].left] == [(51, Why.FARTHER)]


def test_on_duty_is_looked_up_when_each_step_fires() -> None:
    asked: list[datetime] = []

    def roster_at(moment: datetime) -> Roster:
        asked.append(moment)
        return roster() if moment < START + timedelta(seconds=30) else off_duty(GUARD)

    done = play(imagined(AlertKind.SOS, START, resident_id=RESIDENT), load(NIGHT), START, roster_at)
    assert [m.astimezone(ZONE).strftime("%M:%S") for m in asked] == ["14:07", "14:37", "15:37"]
    assert GUARD not in {c.person_id for c in done.calls}


def test_fall_is_asked_about_first_and_nobody_called_meanwhile() -> None:
    done = run(AlertKind.FALL)
    assert done.moments[0].asking
    assert done.moments[0].calls == ()
    assert done.moments[1].at == START + timedelta(seconds=15)
    assert said(done)[1:3] == ["the wearer is asked and may cancel; nobody is called yet", "step 1"]


def test_community_is_called_by_day() -> None:
    done = run(start=at("12:00:00"))
    assert WORKER in {c.person_id for c in done.calls}
    assert not done.moments[1].passed


def test_nobody_at_all_is_said_loudly() -> None:
    done = run(people=Roster())
    assert done.calls == ()
    assert said(done, "zh")[-1] == "谁也叫不到！"
    assert done.whole


def test_technical_finding_rings_operators_and_again() -> None:
    done = run(AlertKind.DEVICE)
    assert done.alert.severity is Severity.TECHNICAL
    assert done.policy.name == "技术"
    assert [m.at - START for m in done.moments] == [timedelta(0), timedelta(minutes=30)]
    assert {c.purpose for c in done.calls} == {Purpose.ALARM}


def test_policy_without_end_is_shown_so_far() -> None:
    steps = '[[policy."急".step]]\nnotify = [ { role = "family" } ]\nwait = "1s"\n' * (MOST_MOMENTS + 5)
    done = run(policy='[policy."急"]\n' + steps + '[[policy."急".step]]\nnotify = [ { role = "family" } ]\n')
    assert not done.whole
    assert len(done.moments) == MOST_MOMENTS
    assert said(done)[-1] == "the policy is too long: shown so far"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_table_has_times_since_the_alert_and_on_the_wall(lang: str) -> None:
    lines = text(tell(run(), NAMES, lang)).splitlines()
    assert any(line.startswith("    0:00  02:14:07") and "daughter" in line for line in lines)
    assert any(line.startswith("    2:15  02:16:22") and "120" in line for line in lines)
    assert not any("{" in line or "None" in line for line in lines)


def test_somebody_without_a_name_is_said_by_number() -> None:
    assert any(f"{DAUGHTER} (family)" in line.text for line in tell(run(), {}, "en"))
