"""Words of the coverage pages."""

from collections.abc import Callable

WORDS: dict[str, tuple[str, str]] = {
    "coverage.title": ("覆盖", "Coverage"),
    "coverage.lead": (
        "今后 {days} 天里，每位长者每个小时有谁能到、要多少分钟。下面是事先就该补上的缺口。",
        "For every resident and hour of the coming {days} days: who could come, and in how many minutes."
        " Below is what to mend before anything happens.",
    ),
    "coverage.covered": ("{n} 分钟内有人可到", "somebody within {n} {n:minute|minutes}"),
    "coverage.residents": ("长者", "residents"),
    "coverage.nobody_hours": ("人·小时无人可到", "resident hours with nobody"),
    "coverage.computed": ("计算于 {at}，用时 {s} 秒", "worked out {at}, in {s} s"),
    "coverage.never": (
        "还没有计算。后台自检进程（carehub audit）会在变动后自动计算。",
        "Not worked out yet. The audit process (carehub audit) does it after every change.",
    ),
    "coverage.work": ("待办", "Work to do"),
    "coverage.no_work": ("没有缺口", "No holes"),
    "coverage.what": ("缺口", "Hole"),
    "coverage.where": ("片区或班表", "Area or list"),
    "coverage.mend": ("补班：", "Fill it on: "),
    "coverage.no_list": ("尚无班表，去建一张", "no list yet: make one"),
    "coverage.more_lists": ("另有 {n} 张", "and {n} more"),
    "coverage.whom": ("涉及", "Whom"),
    "coverage.when": ("最近一次", "The next one"),
    "coverage.how_much": ("共计", "In all"),
    "coverage.nearest": ("最近的人", "The nearest"),
    "coverage.n_residents": ("{n} 位长者", "{n} {n:resident|residents}"),
    "coverage.gaps": ("{n} 段", "{n} {n:gap|gaps}"),
    "coverage.hours": ("{n} 人·小时", "{n} resident {n:hour|hours}"),
    "coverage.minutes": ("{n} 分钟", "{n} min"),
    "coverage.known_way": ("不知道；已知最近的 {n} 分钟", "unknown; of those known, {n} min"),
    "coverage.share": (
        "{radius} 分钟内有人可到：{covered} / {total} 人·小时（{share} %）",
        "somebody within {radius} min: {covered} of {total} resident hours ({share} %)",
    ),
    "coverage.hours_in": ("时段（{zone}）", "hours ({zone})"),
    "coverage.and_more": ("另有 {n} 位", "and {n} more"),
    "coverage.everywhere": ("全部", "Everywhere"),
    "coverage.no_area": ("未分片区", "no area"),
    "coverage.by_hour": ("逐小时", "Hour by hour"),
    "coverage.worst_first": ("最差的 {n} 位在前", "the worst {n} first"),
    "coverage.pick": ("选择片区查看逐小时情况", "Choose an area to see it hour by hour"),
    "coverage.to_rosters": ("去排班", "To the duty list"),
    "coverage.who_comes": ("谁能到", "Who could come"),
    "coverage.who_lead": (
        "人员相同的时段合在一起。每个小时按其中最差的时刻算；时间以 {zone} 为准。",
        "Hours with the same people stand together. An hour is told by its worst moment; times are those of {zone}.",
    ),
    "coverage.span": ("时段", "Hours"),
    "coverage.n_hours": ("{n} 小时", "{n} h"),
    "coverage.cover": ("覆盖", "Cover"),
    "coverage.who": ("谁", "Who"),
    "coverage.role": ("身份", "Role"),
    "coverage.in_minutes": ("多久到", "How long"),
    "coverage.duty": ("班表", "On duty in"),
    "coverage.called_by": ("由哪一步呼叫", "Called by"),
    "coverage.step": ("第 {n} 步", "step {n}"),
    "coverage.not_known": ("距离未知", "distance unknown"),
    "coverage.any_hour": ("随时可叫", "at any hour"),
    "coverage.off_duty": ("不在班，同意被叫", "off duty, agreed to be called"),
    "coverage.own_duty": ("个人值班", "duty of their own"),
    "coverage.back": ("返回覆盖", "Back to coverage"),
    "cover.0": ("半径内有人", "within the radius"),
    "cover.1": ("距离未知", "distance unknown"),
    "cover.2": ("太远", "too far"),
    "cover.3": ("只有远处家属", "only family, far away"),
    "cover.4": ("只有县级中心", "only the county centre"),
    "cover.5": ("无人可到", "nobody"),
    "hole.nobody": ("无人可到", "nobody could come"),
    "hole.unproved": ("当班未签到", "on duty, not checked in"),
    "hole.unreachable": ("联系不上", "no way to reach"),
    "hole.last_resort": ("只有县级中心", "only the county centre"),
    "hole.only_family_far": ("只有远处的家属", "only family, far away"),
    "hole.far": ("超出服务半径", "too far away"),
    "hole.calendar": ("节假日未公布", "holidays not announced"),
    "hole.unknown": ("距离未知", "distance unknown"),
}


def duty(t: Callable[[str], str], lists: tuple[str, ...] | None) -> str:
    """Say where somebody who could come is on duty; `t` speaks the reader's language."""
    if lists is None:
        return t("coverage.any_hour")
    return ", ".join(name or t("coverage.own_duty") for name in lists) or t("coverage.off_duty")
