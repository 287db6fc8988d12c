"""A policy's timeline in words, Chinese and English, for whoever publishes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from alerts.model import AlertKind, Role, Severity
from alerts.policy import EscalationPolicy, IfEmpty, Order, Step, Target, When, Window


@dataclass(frozen=True, kw_only=True)
class _Words:
    """One language. Sentences are templates; the rules stand in the functions below, once."""

    roles: Mapping[Role, str]
    kinds: Mapping[AlertKind, str]
    severities: Mapping[Severity, str]
    units: tuple[str, str, str]  # h, min, s
    comma: str
    semicolon: str
    gap: str
    all_kinds: str
    all_severities: str
    everywhere: str
    applies: str
    hours: str
    asks_first: str
    no_countdown: str
    step: str
    parallel: str
    sequential: str
    every_way: str
    after: str
    nearest: str
    roster: str
    fallback: str
    confirm: str
    confirm_auto: str
    only: str
    next_now: str
    waits: str
    repeats: str
    expires: str
    on_the_way: str
    on_scene: str
    holds: str
    closes: str


ZH = _Words(
    roles={
        Role.FAMILY: "家属",
        Role.OPERATOR: "坐席",
        Role.COMMUNITY: "社区",
        Role.PROPERTY: "物业",
        Role.THIRD_PARTY: "第三方机构",
        Role.AMBULANCE: "120 急救",
    },
    kinds={
        AlertKind.SOS: "一键呼叫",
        AlertKind.FALL: "跌倒",
        AlertKind.SMOKE: "烟雾",
        AlertKind.GAS: "燃气",
        AlertKind.WATER: "水浸",
        AlertKind.VITALS: "生命体征",
        AlertKind.SILENCE: "设备失联",
        AlertKind.DEVICE: "设备故障",
        AlertKind.SYSTEM: "系统",
    },
    severities={
        Severity.CRITICAL: "危急",
        Severity.HIGH: "高",
        Severity.MEDIUM: "中",
        Severity.LOW: "低",
        Severity.TECHNICAL: "技术",
    },
    units=("小时", "分钟", "秒"),
    comma="、",
    semicolon="；",
    gap="",
    all_kinds="所有告警",
    all_severities="所有级别",
    everywhere="所有片区",
    applies="适用：{kinds}；级别：{severities}；{areas}{hours}",
    hours="；仅 {start}–{end}",
    asks_first="跌倒先询问本人 {time}，期间可取消；按下一键呼叫则立即通知",
    no_countdown="跌倒不询问本人，立即通知",
    step="{at}　第 {number} 步：通知{who}{only}",
    parallel="同时",
    sequential="逐个，间隔 {time}",
    every_way="全部联系方式",
    after="{channel}（{time}后）",
    nearest="最近 {count} 人",
    roster="班表“{name}”",
    fallback="无人值班时叫人员 {people}",
    confirm="须坐席确认",
    confirm_auto="先请坐席确认，{time}后自动呼叫",
    only="（仅 {start}–{end}；{else_}）",
    next_now="无人可叫时立即进入下一步",
    waits="无人可叫时仍等待到时",
    repeats="最后一步每 {time}重复一次，直到有人接警；无人可叫时通知策略中所有能叫到的人",
    expires="接警后 {time}没有消息，回到队列，从同一步继续",
    on_the_way="出发后 {time}没有到达（路远者按路程的一倍半），回到队列",
    on_scene="到达后 {time}没有消息，回到队列",
    holds="挂起最长 {time}，到时重新响铃",
    closes="移交或解除后每 {time}提醒坐席结案",
)

EN = _Words(
    roles={
        Role.FAMILY: "family",
        Role.OPERATOR: "operators",
        Role.COMMUNITY: "community workers",
        Role.PROPERTY: "property guards",
        Role.THIRD_PARTY: "third-party responders",
        Role.AMBULANCE: "ambulance (120)",
    },
    kinds={
        AlertKind.SOS: "SOS",
        AlertKind.FALL: "fall",
        AlertKind.SMOKE: "smoke",
        AlertKind.GAS: "gas",
        AlertKind.WATER: "water",
        AlertKind.VITALS: "vital signs",
        AlertKind.SILENCE: "silent device",
        AlertKind.DEVICE: "faulty device",
        AlertKind.SYSTEM: "system",
    },
    severities={s: s.name.lower() for s in Severity},
    units=("h", "min", "s"),
    comma=", ",
    semicolon="; ",
    gap=" ",
    all_kinds="every alert",
    all_severities="every severity",
    everywhere="every area",
    applies="For: {kinds}; severity: {severities}; {areas}{hours}",
    hours="; only {start}–{end}",
    asks_first="After a fall the wearer is asked for {time} and may cancel; a press of SOS calls at once",
    no_countdown="After a fall the wearer is not asked: people are called at once",
    step="{at}  step {number}: call {who}{only}",
    parallel="all at once",
    sequential="one after the other, every {time}",
    every_way="every way they have",
    after="{channel} (after {time})",
    nearest="the nearest {count}",
    roster="duty list “{name}”",
    fallback="people {people} when nobody is on duty",
    confirm="when an operator confirms",
    confirm_auto="an operator is asked first; called without an answer after {time}",
    only=" (only {start}–{end}; {else_})",
    next_now="with nobody to call, the next step at once",
    waits="with nobody to call, it waits all the same",
    repeats="The last step rings again every {time} until somebody takes it; with nobody in it, everybody above",
    expires="Taken and nothing heard for {time}: back into the queue, on from the same step",
    on_the_way="On the way and not there after {time} (half as long again as the way, for who lives far off): back",
    on_scene="On scene and nothing heard for {time}: back into the queue",
    holds="On hold for {time} at most, then it rings",
    closes="Handed over or resolved: operators are reminded every {time} until it is closed",
)

LANGUAGES = {"zh": ZH, "en": EN}


def timeline(policy: EscalationPolicy, lang: str) -> str:
    """See `alerts.policy.explain`. Times count from the opening, no step being empty and nobody taking it."""
    w = LANGUAGES["zh" if lang.startswith("zh") else "en"]
    lines = [policy.name, _applies(policy.when, w)]
    if policy.countdown != timedelta(0) and AlertKind.FALL in policy.when.kinds and policy.countdown is not None:
        lines.append(w.asks_first.format(time=_time(policy.countdown, w)))
    elif policy.countdown is not None and AlertKind.FALL in policy.when.kinds:
        lines.append(w.no_countdown)
    at = timedelta(0)
    for number, step in enumerate(policy.steps, start=1):
        lines.append(_step(step, number, at, w))
        at += step.wait
    lines.append(w.repeats.format(time=_time(policy.repeat_last, w)))
    lines.append(w.expires.format(time=_time(policy.ack_expires, w)))
    lines.append(w.on_the_way.format(time=_time(policy.arrival_expires, w)))
    lines.append(w.on_scene.format(time=_time(policy.scene_expires, w)))
    lines.append(w.holds.format(time=_time(policy.hold_max, w)))
    lines.append(w.closes.format(time=_time(policy.closing_every, w)))
    return "\n".join(lines)


def _applies(when: When, w: _Words) -> str:
    all_kinds, all_severities = when.kinds == frozenset(AlertKind), when.severities == frozenset(Severity)
    return w.applies.format(
        kinds=w.all_kinds if all_kinds else w.comma.join(w.kinds[k] for k in AlertKind if k in when.kinds),
        severities=w.all_severities
        if all_severities
        else w.comma.join(w.severities[s] for s in sorted(when.severities)),
        areas=w.everywhere if when.areas is None else w.comma.join(sorted(when.areas)),
        hours="" if when.between is None else w.hours.format(**_hours(when.between)),
    )


def _step(step: Step, number: int, at: timedelta, w: _Words) -> str:
    only = ""
    if step.only is not None:
        only = w.only.format(**_hours(step.only), else_=w.next_now if step.if_empty is IfEmpty.NEXT_NOW else w.waits)
    who = w.semicolon.join(_target(t, w) for t in step.notify)
    return w.step.format(at=_clock(at), number=number, who=who, only=only)


def _target(target: Target, w: _Words) -> str:
    said = []
    if target.roster:
        said.append(w.roster.format(name=target.roster))
    if target.nearest:
        said.append(w.nearest.format(count=target.nearest))
    if target.order is Order.SEQUENTIAL:
        said.append(w.sequential.format(time=_time(target.next_after, w)))
    elif target.role is Role.FAMILY:
        said.append(w.parallel)
    said.append(_ways(target, w))
    if target.operator_confirms:
        auto = target.auto_after
        said.append(w.confirm if auto is None else w.confirm_auto.format(time=_time(auto, w)))
    if target.fallback:
        said.append(w.fallback.format(people=w.comma.join(str(p) for p in target.fallback)))
    return f"{w.roles[target.role]}{w.gap}[{w.comma.join(said)}]"


def _ways(target: Target, w: _Words) -> str:
    if not target.channels:
        return w.every_way
    return w.comma.join(
        w.after.format(channel=r.channel, time=_time(r.delay, w)) if r.delay else r.channel for r in target.channels
    )


def _hours(window: Window) -> dict[str, str]:
    return {"start": window.start.isoformat("minutes"), "end": window.end.isoformat("minutes")}


def _clock(at: timedelta) -> str:
    seconds = round(at.total_seconds())
    return f"+{seconds // 60:02d}:{seconds % 60:02d}"


def _time(duration: timedelta, w: _Words) -> str:
    """90 s stays 90 seconds; 300 s is 5 minutes."""
    seconds = duration.total_seconds()
    for size, unit in ((3600, w.units[0]), (60, w.units[1])):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} {w.units[2]}"
