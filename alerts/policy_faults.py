"""What can be wrong with a policy, in Chinese and English: one line a fault, each saying what to write instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FAULTS: dict[str, tuple[str, str]] = {
    # the text
    "not_toml": (
        "不是 TOML：{error}；改好这一处才能检查其余内容",
        "not TOML: {error}; nothing else can be checked until this is mended",
    ),
    "long_line": ("这一行超过 {most} 个字符", "this line has more than {most} characters"),
    "too_deep": ("嵌套太深，不像预案", "nested too deep for a policy"),
    "no_policy": ('没有预案：请写 [policy."名称"] 和它的步骤', 'no policy: write [policy."name"] with its steps'),
    "not_a_policy": ("预案应是带步骤的表", "a policy is a table with steps"),
    "no_steps": ("预案“{name}”没有步骤：谁也不会被通知", "policy {name} has no steps: nobody would be called"),
    "unknown_key": ("没有 {key} 这个键；可用：{known}", "unknown key {key}; known: {known}"),
    "unknown_word": ("没有这个 {what}：{word}；可用：{known}", "unknown {what} {word}; known: {known}"),
    # single values
    "bad_zone": ("没有这个时区：{name}；写法如 {like}", "unknown time zone {name}; write it like {like}"),
    "bad_hours": ('时段写作 ["07:00", "22:00"]', 'hours are written ["07:00", "22:00"]'),
    "hours_never": (
        "开始即结束的时段永远不会到来：这样永远轮不到",
        "hours that end when they begin never come: this could never be reached",
    ),
    "bad_clock": ("{written} 不是时刻：写作 \"22:00\"", '{written} is no time of day: write "22:00"'),
    "clock_zone": ("时刻按长者当地时间，不写时区", "hours are the resident's wall time, without a zone"),
    "bad_days": (
        '日子是列表，如 days = ["mon", "sat"]、"workday" 或 "holiday"',
        'days are a list: days = ["mon", "sat"], "workday" or "holiday"',
    ),
    "bad_duration": (
        '{written} 不是时长：写作 "30s"、"5m" 或 "1h"',
        '{written} is no duration: write "30s", "5m" or "1h"',
    ),
    "too_long": ("{written} 超过上限 {limit}", "{written} is longer than {limit}"),
    "too_short": ("{written} 太短：至少 1s", "{written} is too short: at least 1s"),
    # when
    "bad_when": (
        "when 是表：{{ kind = [...], severity_at_least = ..., area = ..., between = [...], days = [...] }}",
        "when is a table: {{ kind = [...], severity_at_least = ..., area = ..., between = [...], days = [...] }}",
    ),
    "severity_twice": (
        "severity 和 severity_at_least 只能写一个",
        "give severity or severity_at_least, not both",
    ),
    "empty_when": (
        '空列表什么也不匹配：删去这个键，或写 "*"',
        'an empty list matches nothing: leave the key out, or write "*"',
    ),
    "bad_area": ("area 是片区的名称", "areas are names"),
    # steps
    "not_a_step": ("步骤应是表", "a step is a table"),
    "nobody_named": (
        "每一步都要通知某人：notify = [ {{ role = ... }} ]",
        "a step notifies somebody: notify = [ {{ role = ... }} ]",
    ),
    "last_waits": (
        "最后一步按 repeat_last 重复：请删去 wait",
        "the last step repeats every repeat_last: take wait away",
    ),
    "last_empties": (
        "最后一步之后没有下一步：请删去 if_empty",
        "nothing comes after the last step: take if_empty away",
    ),
    "no_wait": ('请写明等多久进入下一步：wait = "60s"', 'say how long to wait before the next step: wait = "60s"'),
    "bad_only": (
        '写作 only = {{ between = ["07:00", "22:00"], days = ["workday"] }}',
        'write only = {{ between = ["07:00", "22:00"], days = ["workday"] }}',
    ),
    "last_only": ("最后一步必须昼夜都响：请删去 only", "the last step must ring around the clock: take only away"),
    "last_uncovered": (
        "最后一步夜里无人：请加上 {roles} 之一",
        "nobody covers the last step around the clock: add one of {roles}",
    ),
    "step_never": (
        "永远轮不到：预案只在 {policy} 使用，到这一步时已不在 {step}",
        "never reached: the policy is for {policy}, and this step's hours {step} have passed when its turn comes",
    ),
    # whom, and how
    "not_a_target": ("每个通知对象写作 {{ role = ... }}", "each to notify is {{ role = ... }}"),
    "channel_twice": ("同一组里渠道重复", "a channel is named twice in one ladder"),
    "empty_ladder": (
        "空的渠道列表谁也通知不到：删去 channels 则用此人的全部联系方式",
        "an empty ladder reaches nobody: leave channels out to use every way a person has",
    ),
    "ladder_late": (
        "连同 auto_after，渠道最迟在 {late} 才响，而这一步只有 {window}",
        "the ladder takes {late} with auto_after, the step only {window}",
    ),
    "bad_via": ("没有这种 via：{via}；可用：operator_confirm", "unknown via {via}; known: operator_confirm"),
    "auto_without_via": ('auto_after 需要 via = "operator_confirm"', 'auto_after needs via = "operator_confirm"'),
    "auto_late": (
        "auto_after 为 {auto}，不早于这一步的结束（{window}）",
        "auto_after {auto} is not before the step's end after {window}",
    ),
    "bad_rung": ('渠道写作 "sms" 或 "sms@10s"', 'a channel is written "webhook" or "webhook@10s"'),
    "unknown_channel": ("没有这个渠道：{name}；可用：{known}", "unknown channel {name}; known: {known}"),
    "rung_late": (
        "{written} 响时这一步已结束：这一步只等 {window}",
        "{written} rings when the step is over: it waits {window}",
    ),
    "unknown_roster": (
        "没有这个班表：{name}；已有：{known}；请先用 carehub roster create 建立",
        "unknown roster {name}; known: {known}; make it first with `carehub roster create`",
    ),
    "bad_nearest": ("nearest 是从 1 起的整数", "nearest is a whole number from 1"),
    "bad_fallback": ("fallback 是人员编号的列表", "fallback is a list of person numbers"),
    # among policies
    "policy_never": (
        "永远轮不到：排在前面的 {earlier} 已包括它的全部告警",
        "never reached: {earlier} is for all its alerts and comes first",
    ),
    "no_catch_all": (
        "没有兜底：最后一个预案必须适用于一切告警，不写 when",
        "no catch-all: the last policy must be for everything, without when",
    ),
    # against the people and duty lists of a database
    "roster_gap": (
        "班表“{roster}”在未来 14 天有空档：{gaps}",
        "roster “{roster}” has gaps in the next 14 days: {gaps}",
    ),
    "role_gap": (
        "{role}（{area}）在未来 14 天有空档：{gaps}",
        "{role} ({area}) have gaps in the next 14 days: {gaps}",
    ),
    "nobody_in_role": ("还没有登记：{role}", "nobody is registered yet: {role}"),
    "via_nobody": (
        'via = "operator_confirm" 会请坐席确认呼叫{role}，但还没有登记{role}：请先登记，或删去这一项',
        'via = "operator_confirm" asks an operator for: {role}, and nobody is registered: register one, or drop it',
    ),
    "auto_nobody": (
        "auto_after 承诺到时自动呼叫{role}，但还没有登记{role}：到时什么也不会发生；请先登记，或删去这一项",
        "auto_after promises a call that nobody gets: {role}, nobody is registered; register one, or drop it",
    ),
    "last_nobody": (
        "最后一步要叫的人一个也没有登记",
        "nobody at all is registered whom the last step could call",
    ),
    "no_contact": ("{role} {people} 没有任何联系方式", "{role} {people}: no way to reach them"),
    "unknown_person": ("没有编号为 {person} 的人员", "there is no person number {person}"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong, and where in the text."""

    line: int
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def words(self, lang: str = "en") -> str:
        """Say what is wrong; facts with a word of their own for each language come as pairs (zh, en)."""
        column = 0 if lang.startswith("zh") else 1
        said = {k: v[column] if isinstance(v, tuple) else v for k, v in self.facts.items()}
        return FAULTS[self.code][column].format(**said)
