"""A policy's timeline in words, Chinese and English, for somebody who never saw the file it was written in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from alerts.model import AlertKind, Role, Severity
from alerts.policy import WEEK, Day, EscalationPolicy, IfEmpty, Order, Step, Target, When, Window
from alerts.policy_values import hours_of

ALWAYS_ASKED = frozenset({Role.FAMILY, Role.AMBULANCE})  # nobody looks whether they are on duty


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """One language. Sentences are templates; the rules stand in the functions below, once."""

    roles: Mapping[Role, str]
    kinds: Mapping[AlertKind, str]
    severities: Mapping[Severity, str]
    channels: Mapping[str, str]
    days: Mapping[Day, str]
    units: tuple[str, str, str]  # h, min, s
    comma: str
    semicolon: str
    all_kinds: str
    all_severities: str
    everywhere: str
    all_day: str
    applies: str
    only_at: str
    asks_first: str
    no_countdown: str
    step: str
    last_step: str
    call: str
    who: str
    everyone: str
    on_duty: str
    sequential: str
    every_way: str
    nearest: str
    roster: str
    fallback: str
    asked: str
    unconfirmed: str
    only: str
    waits: str
    at_once: str
    waits_long: str
    ladder: str
    nobody: str
    expires: str
    on_the_way: str
    on_scene: str
    holds: str
    closes: str


ZH = Vocabulary(
    roles={
        Role.FAMILY: "家属",
        Role.NEIGHBOUR: "邻里互助",
        Role.OPERATOR: "坐席",
        Role.COMMUNITY: "社区",
        Role.PROPERTY: "物业",
        Role.VILLAGE_DOCTOR: "村医",
        Role.THIRD_PARTY: "第三方机构",
        Role.COUNTY_CENTRE: "县级中心",
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
    channels={
        "console": "坐席台",
        "app": "手机应用",
        "sms": "短信",
        "voice": "电话",
        "email": "邮件",
        "webhook": "应用接口",
        "mqtt": "值班终端",
        "siren": "警报器",
        "apprise": "群消息",
        "device": "本人设备",
    },
    days={
        **dict(zip(WEEK, ("周一", "周二", "周三", "周四", "周五", "周六", "周日"), strict=True)),
        Day.WORKDAY: "工作日",
        Day.HOLIDAY: "节假日和周末",
    },
    units=("小时", "分钟", "秒"),
    comma="、",
    semicolon="；",
    all_kinds="所有告警",
    all_severities="所有级别",
    everywhere="所有片区",
    all_day="全天",
    applies="适用：{kinds}；级别：{severities}；{areas}{hours}",
    only_at="；仅{hours}",
    asks_first="跌倒先询问本人 {time}，期间可取消，以下时间从询问结束算起；按下一键呼叫则立即通知",
    no_countdown="跌倒不询问本人，立即通知",
    step="{at}　第 {number} 步{only}，等 {time}：",
    last_step="{at}　第 {number} 步，也是最后一步，每 {time}重复一次，直到有人接警：",
    call="　　{at}　{who}：{ways}",
    who="{role}（{how}）",
    everyone="所有人同时",
    on_duty="当班的人",
    sequential="逐个，每 {time}多叫一位",
    every_way="每个人登记的全部联系方式",
    nearest="当班中最近的 {count} 人",
    roster="班表“{name}”当班的人",
    fallback="无人当班时叫人员 {people}",
    asked="请坐席确认是否呼叫 {role}",
    unconfirmed="仍无坐席回答时自动呼叫",
    only="（仅{hours}；其余时间{else_}）",
    waits="，无人可叫时仍等到时间",
    at_once="立即进入下一步",
    waits_long="仍等到时间",
    ladder="谁没有排在前面的渠道，就立即从他有的第一个开始；一个也没有，就用他登记的全部联系方式",
    nobody="最后一步无人可叫时，通知预案中此刻能叫到的所有人",
    expires="有人接警后 {time}没有消息：回到队列，从同一步继续",
    on_the_way="出发后 {time}没有到达（路远者按路程的一倍半）：回到队列",
    on_scene="到达后 {time}没有消息：回到队列",
    holds="挂起最长 {time}，到时重新响铃",
    closes="移交或脱险后，每 {time}提醒坐席结案",
)

EN = Vocabulary(
    roles={
        Role.FAMILY: "family",
        Role.NEIGHBOUR: "neighbours",
        Role.OPERATOR: "operators",
        Role.COMMUNITY: "community workers",
        Role.PROPERTY: "property guards",
        Role.VILLAGE_DOCTOR: "village doctor",
        Role.THIRD_PARTY: "third-party responders",
        Role.COUNTY_CENTRE: "county centre",
        Role.AMBULANCE: "ambulance (120)",
    },
    kinds={
        AlertKind.SOS: "SOS",
        AlertKind.FALL: "fall",
        AlertKind.SMOKE: "smoke",
        AlertKind.GAS: "gas",
        AlertKind.WATER: "water",
        AlertKind.VITALS: "vital signs",
        AlertKind.SILENCE: "device silent",
        AlertKind.DEVICE: "device fault",
        AlertKind.SYSTEM: "system",
    },
    severities={
        Severity.CRITICAL: "critical",
        Severity.HIGH: "high",
        Severity.MEDIUM: "medium",
        Severity.LOW: "low",
        Severity.TECHNICAL: "technical",
    },
    channels={
        "console": "console",
        "app": "phone app",
        "sms": "text message",
        "voice": "phone call",
        "email": "e-mail",
        "webhook": "web service",
        "mqtt": "duty terminal",
        "siren": "siren",
        "apprise": "group message",
        "device": "her own device",
    },
    days={
        **dict(zip(WEEK, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True)),
        Day.WORKDAY: "workdays",
        Day.HOLIDAY: "holidays and weekends",
    },
    units=("h", "min", "s"),
    comma=", ",
    semicolon="; ",
    all_kinds="every alert",
    all_severities="every severity",
    everywhere="every area",
    all_day="all day",
    applies="For: {kinds}; severity: {severities}; {areas}{hours}",
    only_at="; only {hours}",
    asks_first="After a fall the wearer is asked for {time} and may cancel; the times below count from there. "
    "A press calls people at once",
    no_countdown="After a fall the wearer is not asked: people are called at once",
    step="{at}  step {number}{only}, for {time}:",
    last_step="{at}  step {number}, the last, again every {time} until somebody takes it:",
    call="    {at}  {who}: {ways}",
    who="{role} ({how})",
    everyone="all at once",
    on_duty="on duty",
    sequential="one after the other, one more every {time}",
    every_way="every way each has given",
    nearest="the nearest {count} on duty",
    roster="on duty by the list “{name}”",
    fallback="with nobody on duty: people {people}",
    asked="asked whether to call the {role}",
    unconfirmed="by itself, if no operator has answered",
    only=" (only {hours}; at other times {else_})",
    waits="; with nobody to call, it waits all the same",
    at_once="the next step at once",
    waits_long="it waits all the same",
    ladder="Who lacks the first ways of a ladder starts at once with the first one he has; who has none of them is "
    "called in every way he has given",
    nobody="With nobody to call in the last step, everybody in this policy who can be called at that hour",
    expires="Taken and nothing heard for {time}: back into the queue, on from the same step",
    on_the_way="On the way and not there after {time} (half as long again as the way, for who lives far off): back",
    on_scene="On scene and nothing heard for {time}: back into the queue",
    holds="On hold for {time} at most, then it rings",
    closes="Handed over or safe: operators are reminded every {time} until it is closed",
)


def vocabulary(lang: str) -> Vocabulary:
    return ZH if lang.startswith("zh") else EN


def timeline(policy: EscalationPolicy, lang: str) -> str:
    """See `alerts.policy.explain`. Times count from the opening, no step being empty and nobody taking it."""
    w = vocabulary(lang)
    lines = [policy.name, _applies(policy.when, w)]
    if AlertKind.FALL in policy.when.kinds and policy.countdown is not None:
        lines.append(w.asks_first.format(time=span(policy.countdown, w)) if policy.countdown else w.no_countdown)
    at = timedelta(0)
    for number, step in enumerate(policy.steps, start=1):
        lines += _step(policy, step, number, at, w)
        at += step.wait
    if any(len(t.channels) > 1 for s in policy.steps for t in s.notify):
        lines.append(w.ladder)
    lines.append(w.nobody)
    for sentence, time in (
        (w.expires, policy.ack_expires),
        (w.on_the_way, policy.arrival_expires),
        (w.on_scene, policy.scene_expires),
        (w.holds, policy.hold_max),
        (w.closes, policy.closing_every),
    ):
        lines.append(sentence.format(time=span(time, w)))
    return "\n".join(lines)


def clock(at: timedelta) -> str:
    """Minutes and seconds since the opening: 0:00, 0:10, 1:30; hours from 60 minutes."""
    seconds = round(at.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def span(duration: timedelta, w: Vocabulary) -> str:
    """90 s stays 90 seconds; 300 s is 5 minutes."""
    seconds = duration.total_seconds()
    for size, unit in ((3600, w.units[0]), (60, w.units[1])):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} {w.units[2]}"


def hours_in_words(window: Window, w: Vocabulary) -> str:
    """Return hours and days: 07:00–22:00, workdays."""
    days = [w.days[d] for d in Day if d in window.days]
    hours = w.all_day if window.start == window.end else hours_of(window)
    return w.comma.join([*days, hours] if days else [hours])


def _applies(when: When, w: Vocabulary) -> str:
    all_kinds, all_severities = when.kinds == frozenset(AlertKind), when.severities == frozenset(Severity)
    return w.applies.format(
        kinds=w.all_kinds if all_kinds else w.comma.join(w.kinds[k] for k in AlertKind if k in when.kinds),
        severities=w.all_severities
        if all_severities
        else w.comma.join(w.severities[s] for s in sorted(when.severities)),
        areas=w.everywhere if when.areas is None else w.comma.join(sorted(when.areas)),
        hours="" if when.between is None else w.only_at.format(hours=_spaced(hours_in_words(when.between, w), w)),
    )


def _step(policy: EscalationPolicy, step: Step, number: int, at: timedelta, w: Vocabulary) -> Iterator[str]:
    if number == len(policy.steps):
        yield w.last_step.format(at=clock(at), number=number, time=span(policy.repeat_last, w))
    else:
        yield w.step.format(at=clock(at), number=number, only=_only(step, w), time=span(step.wait, w))
    calls = [call for target in step.notify for call in _calls(target, at, w)]
    for when, who, ways in sorted(calls, key=lambda call: call[0]):
        yield w.call.format(at=clock(when), who=who, ways=ways)


def _only(step: Step, w: Vocabulary) -> str:
    """The hours of a step and what happens outside them, or only what happens when nobody is there."""
    passes = step.if_empty is IfEmpty.NEXT_NOW
    if step.only is None:
        return "" if passes else w.waits
    else_ = w.at_once if passes else w.waits_long
    return w.only.format(hours=_spaced(hours_in_words(step.only, w), w), else_=else_)


def _calls(target: Target, at: timedelta, w: Vocabulary) -> Iterator[tuple[timedelta, str, str]]:
    """Yield when, who and in which way, one for every time of the ladder."""
    role = w.roles[target.role]
    start = at
    if target.operator_confirms:
        yield at, w.roles[Role.OPERATOR], w.asked.format(role=role)
        if target.auto_after is None:
            return
        start = at + target.auto_after
    who = _who(target, role, w)
    if not target.channels:
        yield start, who, w.every_way
    for delay in sorted({r.delay for r in target.channels}):
        ways = w.comma.join(w.channels.get(r.channel, r.channel) for r in target.channels if r.delay == delay)
        yield start + delay, who, ways


def _who(target: Target, role: str, w: Vocabulary) -> str:
    how = []
    if target.operator_confirms:
        how.append(w.unconfirmed)
    if target.roster:
        how.append(w.roster.format(name=target.roster))
    if target.nearest:
        how.append(w.nearest.format(count=target.nearest))
    if target.role not in ALWAYS_ASKED and not target.roster and not target.nearest:
        how.append(w.on_duty)
    if target.order is Order.SEQUENTIAL:
        how.append(w.sequential.format(time=span(target.next_after, w)))
    elif target.role is Role.FAMILY:
        how.append(w.everyone)
    if target.fallback:
        how.append(w.fallback.format(people=w.comma.join(str(p) for p in target.fallback)))
    return w.who.format(role=role, how=w.comma.join(how)) if how else role


def _spaced(hours: str, w: Vocabulary) -> str:
    """A blank between a Chinese word and a figure, as it is set in print."""
    return f" {hours}" if w is ZH and hours[:1].isdigit() else hours
