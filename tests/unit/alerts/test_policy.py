"""Policies as published: what is read, what is refused and where, and what they say in words."""

import string
from datetime import date, timedelta
from importlib.resources import files

import pytest

from alerts.duty import Calendar
from alerts.model import AlertKind, Role, Severity
from alerts.policy import IfEmpty, Order, PolicyError, Rung, explain, load
from alerts.policy_faults import FAULTS
from tests.unit.alerts.duty import NIGHT, alert, at

DEFAULT = files("alerts").joinpath("default_policy.toml").read_text(encoding="utf-8")

GOOD = """\
zone = "Asia/Shanghai"

[policy."急"]
when = { kind = ["sos", "fall"], severity_at_least = "high" }
repeat_last = "60s"
countdown = "15s"

[[policy."急".step]]
notify = [
    { role = "family", channels = ["mqtt", "webhook@10s"] },
    { role = "operator", channels = ["console"] },
]
wait = "30s"

[[policy."急".step]]
notify = [ { role = "community" } ]
only = { between = ["07:00", "22:00"] }
wait = "60s"
if_empty = "next_now"

[[policy."急".step]]
notify = [ { role = "ambulance", via = "operator_confirm", auto_after = "45s" } ]

[policy."其他"]

[[policy."其他".step]]
notify = [ { role = "operator" } ]
"""


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def refusal(old: str, new: str) -> tuple[PolicyError, int]:
    """Change one thing in a good policy and return what is said, and the line the change ends in."""
    text = GOOD.replace(old, new, 1)
    with pytest.raises(PolicyError) as caught:
        load(text)
    return caught.value, text.count("\n", 0, GOOD.index(old) + len(new)) + 1


def test_policy_is_read_as_written() -> None:
    policy = load(GOOD)["急"]
    family = policy.steps[0].notify[0]
    assert family.channels == (Rung(channel="mqtt"), Rung(channel="webhook", delay=timedelta(seconds=10)))
    assert policy.steps[0].wait == timedelta(seconds=30)
    assert policy.steps[1].if_empty is IfEmpty.NEXT_NOW
    assert policy.steps[2].notify[0].auto_after == timedelta(seconds=45)
    assert policy.when.severities == {Severity.CRITICAL, Severity.HIGH}
    assert policy.countdown == timedelta(seconds=15)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('role = "community"', 'role = "shopkeeper"', "unknown role 'shopkeeper'"),
        ('"webhook@10s"', '"pigeon@10s"', "unknown channel 'pigeon'"),
        ('"webhook@10s"', '"webhook@30s"', "rings when the step is over"),
        ('"webhook@10s"', '"webhook@ten"', "no duration"),
        ('"webhook@10s"', '"mqtt@10s"', "named twice"),
        ('["mqtt", "webhook@10s"]', "[]", "reaches nobody"),
        ('wait = "30s"', "wait = 30", "no duration"),
        ('wait = "30s"', 'wait = "-30s"', "no duration"),
        ('wait = "30s"', 'wait = "0s"', "too short"),
        ('wait = "30s"', 'wait = "25h"', "longer than"),
        ('wait = "30s"', 'pause = "30s"', "unknown key 'pause'"),
        ('repeat_last = "60s"', 'repeat_every = "60s"', "unknown key 'repeat_every'"),
        ('countdown = "15s"', 'countdown = "5m"', "longer than"),
        ('["sos", "fall"]', '["sos", "tumble"]', "unknown kind 'tumble'"),
        ('severity_at_least = "high"', 'severity_at_least = "urgent"', "unknown severity 'urgent'"),
        ('["07:00", "22:00"]', '["07:00", "25:00"]', "no time of day"),
        ('["07:00", "22:00"]', '["07:00", "07:00"]', "never"),
        ('["07:00", "22:00"]', '["07:00"]', "hours are written"),
        ('["07:00", "22:00"]', '["07:00+08:00", "22:00"]', "without a zone"),
        ('only = { between = ["07:00", "22:00"] }', 'only = { days = ["someday"] }', "unknown day 'someday'"),
        ('only = { between = ["07:00", "22:00"] }', "only = { days = [] }", "days are a list"),
        ('only = { between = ["07:00", "22:00"] }', "only = {}", "write only"),
        ('if_empty = "next_now"', 'if_empty = "skip"', "unknown if_empty 'skip'"),
        ('auto_after = "45s"', 'auto_after = "60s"', "not before the step's end"),
        ('via = "operator_confirm"', 'via = "fax"', "unknown via 'fax'"),
        ('{ role = "community" }', '{ role = "community", roster = "和平" }', "unknown roster"),
        ('{ role = "community" }', '{ role = "community", nearest = 0 }', "nearest"),
        ('{ role = "community" }', '{ role = "community", fallback = ["li"] }', "fallback"),
        ('{ role = "community" }', '{ role = "community", order = "random" }', "unknown order"),
        ('notify = [ { role = "community" } ]', "notify = []", "notifies somebody"),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Nowhere"', "unknown time zone"),
        ('zone = "Asia/Shanghai"', 'zoen = "Asia/Shanghai"', "unknown key 'zoen'"),
        ('"45s" } ]', '"45s" } ]\nwait = "60s"', "last step repeats"),
        ('"45s" } ]', '"45s" } ]\nonly = { between = ["07:00", "22:00"] }', "around the clock"),
    ],
)
def test_fault_is_refused_with_its_line_and_reason(old: str, new: str, reason: str) -> None:
    error, line = refusal(old, new)
    assert [fault.line for fault in error.faults if reason in fault.words()] == [line]


def test_fault_deep_in_a_list_is_found_in_its_own_line() -> None:
    error, line = refusal('channels = ["console"]', 'channels = ["consle"]')
    assert "consle" in error.reason
    assert error.line == line


def test_number_nobody_can_read_is_a_fault_and_no_crash() -> None:
    with pytest.raises(PolicyError, match="not TOML"):
        load(f"countdown = {'9' * 5_000}")


def test_last_step_only_guards_cover_is_refused() -> None:
    error, line = refusal(
        '{ role = "ambulance", via = "operator_confirm", auto_after = "45s" }', '{ role = "property" }'
    )
    assert "around the clock" in error.reason
    assert error.line == line


def test_file_without_catch_all_is_refused() -> None:
    text = GOOD[: GOOD.index('[policy."其他"]')]
    with pytest.raises(PolicyError, match="no catch-all") as caught:
        load(text)
    assert caught.value.line == line_of(text, '[policy."急"]')


def test_catch_all_that_leaves_something_out_is_refused() -> None:
    text = GOOD.replace('[policy."其他"]\n', '[policy."其他"]\nwhen = { severity_at_least = "low" }\n')
    with pytest.raises(PolicyError, match="no catch-all"):
        load(text)


def test_policy_that_can_never_be_chosen_is_refused() -> None:
    text = GOOD.replace(
        '[policy."其他"]',
        '[policy."晚"]\nwhen = { kind = "fall", severity_at_least = "critical" }\n'
        '[[policy."晚".step]]\nnotify = [ { role = "operator" } ]\n\n[policy."其他"]',
    )
    with pytest.raises(PolicyError, match="never reached: 急") as caught:
        load(text)
    assert caught.value.line == line_of(text, '[policy."晚"]')


def test_policy_without_steps_is_refused() -> None:
    with pytest.raises(PolicyError, match="no steps") as caught:
        load(GOOD[: GOOD.index('[[policy."其他".step]]')])
    assert caught.value.line == line_of(GOOD, '[policy."其他"]')


@pytest.mark.parametrize("text", ["", "[policy]", "policy = 3", 'policy = "x"'])
def test_empty_file_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        load(text)


def test_text_that_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyError, match="not TOML") as caught:
        load(GOOD.replace('wait = "30s"', "wait = 30s"))
    assert caught.value.line == line_of(GOOD, 'wait = "30s"')


def test_text_nested_without_end_is_refused() -> None:
    with pytest.raises(PolicyError, match="nested"):
        load("x = " + "[" * 5000)


def test_steps_written_as_one_list_are_read_too() -> None:
    inline = load('[policy.all]\nstep = [ { notify = [ { role = "operator" } ] } ]\n')
    assert inline["all"].steps[0].notify[0].role is Role.OPERATOR


def test_any_edit_of_a_good_policy_is_read_or_refused_and_nothing_else() -> None:
    """Cut out every line and every quarter of a line in turn: never another error than a PolicyError."""
    lines = GOOD.splitlines()
    found = set()
    for n, line in enumerate(lines):
        for keep in ("", line[: len(line) // 2], line[: len(line) // 4], line.replace('"', "")):
            try:
                load("\n".join([*lines[:n], keep, *lines[n + 1 :]]))
            except PolicyError as error:
                found.add(error.line)
    assert found <= set(range(1, len(lines) + 1))


def test_choice_is_the_first_that_fits_and_the_catch_all_for_the_rest() -> None:
    policies = load(GOOD)
    now = at("02:14:07")
    assert policies.choose(alert(), now).name == "急"
    assert policies.choose(alert(AlertKind.FALL, Severity.MEDIUM), now).name == "其他"
    assert policies.choose(alert(AlertKind.SILENCE, Severity.TECHNICAL), now).name == "其他"
    with pytest.raises(KeyError):
        policies["没有"]


def test_choice_goes_by_area_and_hour_of_the_wall() -> None:
    text = GOOD.replace('severity_at_least = "high" }', 'area = "和平", between = ["22:00", "07:30"] }')
    policies = load(text)
    peace = alert().__class__(
        alert_id="a", kind=AlertKind.SOS, severity=Severity.CRITICAL, raised_at=at("02:14:07"), area="和平"
    )
    assert policies.choose(peace, at("02:14:07")).name == "急"
    assert policies.choose(peace, at("12:00:00")).name == "其他"
    assert policies.choose(alert(), at("02:14:07")).name == "其他"


def test_all_faults_of_a_file_are_told_at_once_in_the_order_of_its_lines() -> None:
    text = (
        GOOD.replace('role = "community"', 'role = "shopkeeper"')
        .replace('"webhook@10s"', '"pigeon@10s"')
        .replace('repeat_last = "60s"', 'repeat_last = "soon"')
        .replace('wait = "30s"', 'wait = "30s"\nif_empty = "skip"')
    )
    with pytest.raises(PolicyError) as caught:
        load(text)
    lines = [line_of(text, part) for part in ("soon", "pigeon", "skip", "shopkeeper")]
    assert [f.line for f in caught.value.faults] == lines
    assert caught.value.line == lines[0]
    assert str(caught.value).count("\n") == 3


WRONG = """\
zone = "Asia/Nowhere"
colour = "red"

[policy.first]
when = { kind = ["sos", "tumble"], severity = ["high", "urgent"], between = ["25:00", "06:00"], colour = "red" }
repeat_last = "soon"
size = 3

[[policy.first.step]]
notify = [
    { role = "shopkeeper", channels = ["pigeon@ten", "sms@30s"], nearest = 0, order = "random" },
    { role = "community", roster = "nowhere", fallback = ["li"], nearest = 0, colour = "red" },
    { channels = [] },
]
if_empty = "skip"
only = { between = ["07:00"], days = ["someday"] }

[[policy.first.step]]
wait = "30"
notify = [ { role = "family", channels = ["sms@1h", "fax"], via = "fax", auto_after = "2h" } ]

[[policy.first.step]]
notify = [ { role = "property" } ]
wait = "60s"
only = { between = ["07:00", "22:00"] }
"""


def test_each_fault_of_a_step_and_of_each_it_notifies_is_told_in_its_own_line() -> None:
    with pytest.raises(PolicyError) as caught:
        load(WRONG)
    told = [(fault.line, fault.code) for fault in caught.value.faults]
    assert sorted(told) == sorted([
        (1, "bad_zone"), (2, "unknown_key"),
        *[(5, "unknown_word")] * 2, (5, "bad_clock"), (5, "unknown_key"), (6, "bad_duration"), (7, "unknown_key"),
        (9, "no_wait"),
        (11, "unknown_word"), (11, "unknown_channel"), (11, "bad_duration"), (11, "bad_nearest"), (11, "unknown_word"),
        (12, "unknown_roster"), (12, "bad_fallback"), (12, "bad_nearest"), (12, "unknown_key"),
        (13, "not_a_target"), (13, "empty_ladder"),
        (15, "unknown_word"), (16, "bad_hours"), (16, "unknown_word"),
        (19, "bad_duration"), (20, "unknown_channel"), (20, "bad_via"),
        (23, "last_uncovered"), (24, "last_waits"), (25, "last_only"),
    ])  # fmt: skip


def test_what_hangs_on_a_value_nobody_can_read_is_not_told_as_a_fault_of_its_own() -> None:
    """Without its wait nobody can say whether a ladder is too long, without its `when` whether a policy is reached."""
    text = GOOD.replace('wait = "30s"', 'wait = "soon"').replace("webhook@10s", "webhook@10m")
    text = text.replace('severity_at_least = "high"', 'severity_at_least = "urgent"')
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert [fault.code for fault in caught.value.faults] == ["unknown_word", "bad_duration"]


def test_fault_is_told_in_both_languages() -> None:
    error, line = refusal('"webhook@10s"', '"webhook@30s"')
    assert [f.words("zh") for f in error.faults] == ["webhook@30s 响时这一步已结束：这一步只等 30 s"]
    assert error.faults[0].words("en") == "webhook@30s rings when the step is over: it waits 30 s"
    assert line == error.line


def test_every_fault_has_the_same_facts_in_both_languages() -> None:
    for code, (zh, en) in FAULTS.items():
        facts = [{name for _, name, _, _ in string.Formatter().parse(said) if name} for said in (zh, en)]
        assert facts[0] == facts[1], code


DAYS = """
[policy."夜"]
when = { kind = "sos", days = %s, between = ["22:00", "06:00"] }
[[policy."夜".step]]
notify = [ { role = "operator" } ]

[policy."其他"]
[[policy."其他".step]]
notify = [ { role = "operator" } ]
"""


@pytest.mark.parametrize(
    ("days", "day", "clock", "name"),
    [
        ('"fri"', 6, "23:00:00", "夜"),
        ('"fri"', 7, "05:59:00", "夜"),  # the night that began on Friday
        ('"fri"', 6, "05:59:00", "其他"),
        ('["sat", "sun"]', 7, "23:00:00", "夜"),
        ('"workday"', 6, "23:00:00", "夜"),
        ('"workday"', 7, "23:00:00", "其他"),
        ('"holiday"', 7, "23:00:00", "夜"),
        ('"holiday"', 6, "23:00:00", "其他"),
    ],
)
def test_days_are_those_on_which_the_hours_began(days: str, day: int, clock: str, name: str) -> None:
    assert load(DAYS % days).choose(alert(), at(clock, day)).name == name


def test_public_holidays_come_from_the_calendar_that_is_handed_in() -> None:
    friday = at("23:00:00", 6)
    day_off = Calendar(holidays=frozenset({date(2026, 11, 6)}), makeup=frozenset({date(2026, 11, 7)}))
    assert load(DAYS % '"holiday"', calendar=day_off).choose(alert(), friday).name == "夜"
    assert load(DAYS % '"workday"', calendar=day_off).choose(alert(), friday + timedelta(days=1)).name == "夜"
    assert load(DAYS % '"workday"', calendar=day_off).choose(alert(), friday).name == "其他"


def test_step_of_some_days_is_passed_on_the_others() -> None:
    text = GOOD.replace('{ between = ["07:00", "22:00"] }', '{ days = ["mon", "workday"] }')
    policies = load(text, calendar=Calendar(holidays=frozenset({date(2026, 11, 6)})))
    assert policies["急"].open_now(1, at("03:00:00", 5))
    assert not policies["急"].open_now(1, at("03:00:00", 6))
    assert not policies["急"].open_now(1, at("03:00:00", 7))


def test_policy_that_several_before_it_leave_nothing_is_refused() -> None:
    text = (
        '[policy.presses]\nwhen = { kind = "sos" }\n[[policy.presses.step]]\nnotify = [ { role = "operator" } ]\n'
        '[policy.day]\nwhen = { kind = "fall", between = ["06:00", "18:00"] }\n'
        '[[policy.day.step]]\nnotify = [ { role = "operator" } ]\n'
        '[policy.night]\nwhen = { kind = "fall", between = ["18:00", "06:00"] }\n'
        '[[policy.night.step]]\nnotify = [ { role = "operator" } ]\n'
        '[policy.late]\nwhen = { kind = ["fall", "sos"] }\n[[policy.late.step]]\nnotify = [ { role = "operator" } ]\n'
        '[policy.rest]\n[[policy.rest.step]]\nnotify = [ { role = "operator" } ]\n'
    )
    with pytest.raises(PolicyError, match="never reached: presses, day, night") as caught:
        load(text)
    assert caught.value.line == line_of(text, "[policy.late]")
    load(text.replace('"18:00", "06:00"', '"18:00", "05:59"'))  # a minute is left


def test_days_that_together_are_all_days_leave_nothing() -> None:
    text = (DAYS % '"workday"').replace(
        '[policy."其他"]',
        '[policy."休"]\nwhen = { days = "holiday", between = ["22:00", "06:00"] }\n'
        '[[policy."休".step]]\nnotify = [ { role = "operator" } ]\n'
        '[policy."后"]\nwhen = { kind = "sos", between = ["23:00", "05:00"] }\n'
        '[[policy."后".step]]\nnotify = [ { role = "operator" } ]\n[policy."其他"]',
    )
    with pytest.raises(PolicyError, match="never reached: 夜, 休"):
        load(text)
    load(text.replace('"23:00", "05:00"', '"21:00", "05:00"'))


def test_step_whose_hours_are_over_before_its_turn_is_refused() -> None:
    text = GOOD.replace('severity_at_least = "high" }', 'between = ["22:00", "06:00"] }')
    with pytest.raises(PolicyError, match=r"never reached: the policy is for 22:00–06:00.*07:00–22:00") as caught:
        load(text)
    assert caught.value.line == line_of(text, "only =")
    load(text.replace('"06:00"', '"06:59"'))  # it opens at 06:58, and the step is reached after seven


def test_sequential_order_is_read() -> None:
    text = GOOD.replace('{ role = "community" }', '{ role = "community", order = "sequential", next_after = "15s" }')
    target = load(text)["急"].steps[1].notify[0]
    assert (target.order, target.next_after) == (Order.SEQUENTIAL, timedelta(seconds=15))


def test_channels_of_a_larger_hub_are_known_when_they_are_given() -> None:
    text = GOOD.replace("webhook@10s", "sms@10s")
    assert load(text, channels=("console", "mqtt", "sms"))
    assert load(NIGHT.replace('{ role = "community" }', '{ role = "community", roster = "和平" }'), rosters=("和平",))


def test_default_policy_covers_every_alert_there_is() -> None:
    policies = load(DEFAULT)
    chosen = {policies.choose(alert(k, s), at("02:14:07")).name for k in AlertKind for s in Severity}
    assert chosen == {"跌倒与一键呼叫", "走出安全范围", "生活提醒", "技术告警", "其他"}
    for severity in Severity:
        technical = policies.choose(alert(AlertKind.DEVICE, severity), at("02:14:07")).name == "技术告警"
        assert technical == (severity is Severity.TECHNICAL)


def test_explain_tells_the_timeline_in_chinese() -> None:
    words = explain(load(GOOD)["急"], "zh").splitlines()
    assert "跌倒先询问本人 15 秒，期间可取消，以下时间从询问结束算起；按下一键呼叫则立即通知" in words
    assert words[words.index("0:00　第 1 步，等 30 秒：") + 1 :][:3] == [
        "　　0:00　家属（所有人同时）：值班终端",
        "　　0:00　坐席（当班的人）：坐席台",
        "　　0:10　家属（所有人同时）：应用接口",
    ]
    assert "0:30　第 2 步（仅 07:00–22:00；其余时间立即进入下一步），等 1 分钟：" in words
    assert words[words.index("1:30　第 3 步，也是最后一步，每 1 分钟重复一次，直到有人接警：") + 1 :][:2] == [
        "　　1:30　坐席：请坐席确认是否呼叫 120 急救",
        "　　2:15　120 急救（仍无坐席回答时自动呼叫）：每个人登记的全部联系方式",
    ]


def test_explain_tells_the_timeline_in_english() -> None:
    words = explain(load(GOOD)["急"], "en").splitlines()
    assert "For: SOS, fall; severity: critical, high; every area" in words
    assert words[words.index("0:00  step 1, for 30 s:") + 1 :][:3] == [
        "    0:00  family (all at once): duty terminal",
        "    0:00  operators (on duty): console",
        "    0:10  family (all at once): web service",
    ]
    assert "0:30  step 2 (only 07:00–22:00; at other times the next step at once), for 1 min:" in words
    assert "1:30  step 3, the last, again every 1 min until somebody takes it:" in words


@pytest.mark.parametrize("lang", ["zh", "en", "zh-CN"])
def test_explain_has_words_for_all_a_policy_can_say(lang: str) -> None:
    text = GOOD.replace(
        '{ role = "community" }',
        '{ role = "community", order = "sequential", nearest = 2, roster = "和平", fallback = [7], '
        'via = "operator_confirm", auto_after = "20s" }',
    ).replace("next_now", "wait")
    words = explain(load(text, rosters=("和平",))["急"], lang)
    assert "和平" in words
    assert "None" not in words
    assert "{" not in words
