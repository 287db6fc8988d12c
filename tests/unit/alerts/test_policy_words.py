"""What a publisher reads: every rule of a policy said in words, in her language."""

from datetime import time, timedelta

from alerts.model import AlertKind, Role, Severity
from alerts.policy import EscalationPolicy, IfEmpty, Order, Rung, Step, Target, When, Window
from alerts.policy_words import timeline

NIGHT = Window(start=time(22), end=time(7))


def said(*steps: Step, lang: str = "en", **facts: object) -> list[str]:
    return timeline(EscalationPolicy(name="p", steps=steps, **facts), lang).split("\n")  # type: ignore[arg-type]


def only(target: Target) -> str:
    return said(Step(notify=(target,)))[2]


def test_steps_start_when_the_ones_before_have_waited() -> None:
    target = (Target(role=Role.OPERATOR),)
    lines = said(*(Step(notify=target, wait=timedelta(seconds=s)) for s in (30, 75, 4000)), Step(notify=target))
    assert [line.split(" ")[0] for line in lines[2:6]] == ["+00:00", "+00:30", "+01:45", "+68:25"]


def test_family_rings_all_at_once_or_one_after_the_other() -> None:
    one_by_one = Target(role=Role.FAMILY, order=Order.SEQUENTIAL, next_after=timedelta(seconds=90))
    assert "all at once" in only(Target(role=Role.FAMILY))
    assert "one after the other, every 90 s" in only(one_by_one)
    assert "all at once" not in only(one_by_one)


def test_target_is_said_with_its_list_its_number_and_its_ways() -> None:
    ladder = (Rung(channel="mqtt"), Rung(channel="webhook", delay=timedelta(seconds=10)))
    line = only(Target(role=Role.PROPERTY, nearest=2, roster="东门", fallback=(21, 22), channels=ladder))
    for words in ("the nearest 2", "“东门”", "21, 22 when nobody is on duty", "mqtt, webhook (after 10 s)"):
        assert words in line
    assert "every way they have" in only(Target(role=Role.PROPERTY))


def test_ambulance_waits_for_an_operator_for_ever_or_for_so_long() -> None:
    for_ever = only(Target(role=Role.AMBULANCE, operator_confirms=True))
    so_long = only(Target(role=Role.AMBULANCE, operator_confirms=True, auto_after=timedelta(seconds=45)))
    assert "when an operator confirms" in for_ever
    assert "called without an answer after 45 s" in so_long
    assert "confirm" not in only(Target(role=Role.AMBULANCE))


def test_step_of_some_hours_says_what_happens_in_the_others() -> None:
    people = (Target(role=Role.COMMUNITY),)
    waits = said(Step(notify=people, only=NIGHT, if_empty=IfEmpty.WAIT))[2]
    assert "only 22:00–07:00; with nobody to call, it waits all the same" in waits
    assert "the next step at once" in said(Step(notify=people, only=NIGHT))[2]


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
    assert "rings again every 90 s" in text
    assert "nothing heard for 5 min" in text
