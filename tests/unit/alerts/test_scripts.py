"""Scripts: what an operator is told to ask, and what an answer proposes."""

from importlib import resources

import pytest

from alerts import scripts
from alerts.model import AlertKind, Service
from alerts.scripts import Said, ScriptError

SHIPPED = (resources.files("alerts") / "default_scripts.toml").read_text(encoding="utf-8")
ONE = '[[script]]\nname = "one"\n[[script.step]]\nname = "a"\nzh = "甲"\nen = "a"\n'


def names(kinds: set[AlertKind], risks: set[str], *, no_speech: bool) -> list[str]:
    return [step.name for step in scripts.choose(scripts.read(SHIPPED), kinds, risks, no_speech=no_speech)]


def test_fall_with_heart_failure_and_silence_calls_120_first() -> None:
    steps = scripts.choose(scripts.read(SHIPPED), {AlertKind.FALL}, {"heart_failure", "falls"}, no_speech=True)
    assert steps[0].name == "call_120_heart"
    assert scripts.proposed(steps, {}) == (Service.AMBULANCE,)
    assert scripts.proposed(steps, {"call_120_heart": Said.YES}) == (), "done is not proposed again"


def test_more_of_her_risks_come_before_fewer() -> None:
    told = names({AlertKind.FALL}, {"heart_failure"}, no_speech=False)
    assert told.index("short_of_breath") < told.index("hit_head") < told.index("stay_on")


def test_what_is_asked_of_her_is_not_asked_of_silence() -> None:
    silent = names({AlertKind.SOS}, set(), no_speech=True)
    assert "what_is_it" not in silent
    assert "listen" in silent


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_of_case_has_something_to_do_when_nobody_answers(kind: AlertKind) -> None:
    assert names({kind}, set(), no_speech=True)


def test_no_proposes_nothing_and_yes_does() -> None:
    steps = scripts.choose(scripts.read(SHIPPED), {AlertKind.SOS}, set(), no_speech=False)
    assert scripts.proposed(steps, {"chest_pain": Said.NO}) == ()
    assert scripts.proposed(steps, {"chest_pain": Said.YES}) == (Service.AMBULANCE,)


def test_resident_is_asked_in_her_own_dialect_where_it_is_written() -> None:
    step = next(s for script in scripts.read(SHIPPED) for s in script.steps if s.name == "what_is_it")
    assert "哪达" in step.text("zh-CN", "宁夏话")
    assert "哪达" not in step.text("zh-CN", "四川话")
    assert step.text("en").startswith("I am here")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1 to 100"),
        ("x = [", "no TOML"),
        ("policy = 1\n" + ONE, "'policy'"),
        (ONE + ONE, "twice"),
        (ONE.replace('"one"', '"One"'), "lower-case"),
        (ONE.replace('en = "a"\n', ""), "en is missing"),
        (ONE.replace('"甲"', '""'), "1 to 300"),
        (ONE + 'sort = "call"\n', "names its service"),
        (ONE + 'service = "999"\nsort = "ask"\n', "one of 120"),
        (ONE + 'when = "later"\n', "one of always"),
        (ONE.replace("[[script.step]]", "[script.step]"), "1 to 20"),
        ("[[script]]\nname = 3\nstep = [1]\n", "write a table"),
        ("#" * 70_000, "64 KiB"),
    ],
)
def test_text_with_a_fault_says_which(text: str, fault: str) -> None:
    with pytest.raises(ScriptError) as refused:
        scripts.read(text)
    assert any(fault in english for _, english in refused.value.faults), refused.value.faults
    assert all(chinese and english for chinese, english in refused.value.faults)
