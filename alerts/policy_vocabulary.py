"""What roles, kinds, channels and days are called in Chinese and English, and the sentences of a policy's timeline."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.model import AlertKind, Role, Severity
from alerts.policy import WEEK, Day


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
        AlertKind.STILLNESS: "久未活动",
        AlertKind.ROUTINE: "作息异常",
        AlertKind.WANDERING: "走出安全范围",
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
    holds="暂缓最长 {time}，到时重新响铃",
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
        AlertKind.STILLNESS: "no movement",
        AlertKind.ROUTINE: "unusual routine",
        AlertKind.WANDERING: "left the safe area",
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
