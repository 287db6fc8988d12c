"""What a publisher reads: every rule of a policy said in words, in her language."""

from datetime import time, timedelta

import pytest

from alerts.model import AlertKind, Role, Severity
from alerts.policy import KNOWN_CHANNELS, Day, EscalationPolicy, IfEmpty, Order, Rung, Step, Target, When, Window
from alerts.policy_vocabulary import vocabulary
from alerts.policy_words import timeline

NIGHT = Window(start=time(22), end=time(7))


def said(*steps: Step, lang: str = "en", **facts: object) -> list[str]:
    return timeline(EscalationPolicy(name="p", steps=steps, **facts), lang).split("\n")  # type: ignore[arg-type]


def calls(target: Target) -> list[str]:
    """Whom the only step calls, without the words around it."""
    return [line.strip() for line in said(Step(notify=(target,))) if line.startswith("    ")]


def test_steps_start_when_the_ones_before_have_waited() -> None:
    target = (Target(role=Role.OPERATOR),)
    lines = said(*(Step(notify=target, wait=timedelta(seconds=s)) for s in (30, 75, 4000)), Step(notify=target))
    assert [line.split(" ")[0] for line in lines if "step" in line.split(",")[0][:16]] == [
        "0:00", "0:30", "1:45", "1:08:25",
    ]  # fmt: skip


def test_every_rung_of_a_ladder_has_its_own_time() -> None:
    ladder = (Rung(channel="app"), Rung(channel="voice", delay=timedelta(seconds=20)),
              Rung(channel="sms", delay=timedelta(seconds=10)))  # fmt: skip
    assert calls(Target(role=Role.FAMILY, channels=ladder)) == [
        "0:00  family (all at once): phone app",
        "0:10  family (all at once): text message",
        "0:20  family (all at once): phone call",
    ]


def test_family_rings_all_at_once_or_one_after_the_other() -> None:
    one_by_one = Target(role=Role.FAMILY, order=Order.SEQUENTIAL, next_after=timedelta(seconds=90))
    assert "all at once" in calls(Target(role=Role.FAMILY))[0]
    assert calls(one_by_one) == ["0:00  family (one after the other, one more every 90 s): every way each has given"]


def test_target_is_said_with_its_list_its_number_and_its_ways() -> None:
    target = Target(role=Role.PROPERTY, nearest=2, roster="东门", fallback=(21, 22), channels=(Rung(channel="mqtt"),))
    assert calls(target) == [
        "0:00  property guards (on duty by the list “东门”, the nearest 2 on duty, "
        "with nobody on duty: people 21, 22): duty terminal"
    ]


def test_ambulance_waits_for_an_operator_for_ever_or_for_so_long() -> None:
    assert calls(Target(role=Role.AMBULANCE, operator_confirms=True)) == [
        "0:00  operators: asked whether to call the ambulance (120)"
    ]
    so_long = Target(role=Role.AMBULANCE, operator_confirms=True, auto_after=timedelta(seconds=45))
    assert calls(so_long)[1].startswith("0:45  ambulance (120) (by itself, if no operator has answered)")
    assert calls(Target(role=Role.AMBULANCE)) == ["0:00  ambulance (120): every way each has given"]


def test_step_of_some_hours_says_what_happens_in_the_others() -> None:
    people = (Target(role=Role.COMMUNITY),)
    last = Step(notify=(Target(role=Role.OPERATOR),))
    minute = timedelta(minutes=1)
    waits = said(Step(notify=people, wait=minute, only=NIGHT, if_empty=IfEmpty.WAIT), last)[2]
    assert waits == "0:00  step 1 (only 22:00–07:00; at other times it waits all the same), for 1 min:"
    assert "at other times the next step at once" in said(Step(notify=people, wait=minute, only=NIGHT), last)[2]
    always = said(Step(notify=people, wait=minute, if_empty=IfEmpty.WAIT), last)[2]
    assert always == "0:00  step 1; with nobody to call, it waits all the same, for 1 min:"


def test_days_are_said_before_their_hours() -> None:
    some = Window(start=time(8), end=time(20), days=frozenset({Day.SAT, Day.HOLIDAY}))
    step = Step(notify=(Target(role=Role.OPERATOR),))
    assert said(step, when=When(between=some))[1].endswith("only Sat, holidays and weekends, 08:00–20:00")
    days = Window(days=frozenset({Day.WORKDAY}))
    assert said(step, when=When(between=days), lang="zh")[1].endswith("；仅工作日、全天")


def test_policy_for_some_alerts_says_which() -> None:
    when = When(
        kinds=frozenset({AlertKind.SMOKE, AlertKind.SOS}), severities=frozenset({Severity.HIGH}),
        areas=frozenset({"北", "东"}), between=NIGHT,
    )  # fmt: skip
    step = Step(notify=(Target(role=Role.OPERATOR),))
    assert said(step, when=when)[1] == "For: SOS, smoke; severity: high; 东, 北; only 22:00–07:00"
    assert said(step, when=when, lang="zh-CN")[1] == "适用：一键呼叫、烟雾；级别：高；东、北；仅 22:00–07:00"
    assert said(step)[1] == "For: every alert; severity: every severity; every area"


def test_countdown_is_said_where_there_are_falls_and_a_countdown() -> None:
    step = Step(notify=(Target(role=Role.OPERATOR),))
    presses = When(kinds=frozenset({AlertKind.SOS}))
    assert said(step, countdown=timedelta(seconds=15))[2].startswith("After a fall the wearer is asked for 15 s")
    assert "not asked" in said(step, countdown=timedelta(0))[2]
    assert not any("wearer" in line for line in said(step))  # the alert's own countdown holds
    assert not any("wearer" in line for line in said(step, countdown=timedelta(seconds=15), when=presses))


def test_spans_are_said_in_the_largest_whole_unit() -> None:
    step = Step(notify=(Target(role=Role.OPERATOR),))
    text = "\n".join(said(step, hold_max=timedelta(hours=2), repeat_last=timedelta(seconds=90)))
    assert "On hold for 2 h at most" in text
    assert "again every 90 s" in text
    assert "nothing heard for 5 min" in text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_role_channel_and_day_has_a_word(lang: str) -> None:
    words = vocabulary(lang)
    assert set(words.roles) == set(Role)
    assert set(words.kinds) == set(AlertKind)
    assert set(words.channels) == set(KNOWN_CHANNELS)
    assert set(words.days) == set(Day)
