"""Tells an incident's event chain in words, in both languages. Bodies hold numbers; names are looked up to be shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.store.console import Row
from hub.web.views import span
from hub.web.words import LANGUAGES, counted, pick, speaker

WORDS: dict[str, tuple[str, str]] = {
    "opened": ("{kind} · {severity} · 策略「{policy}」", "{kind} · {severity} · policy “{policy}”"),
    "attached": ("并入：{kind}，累计按 {presses} 次", "joined: {kind}, {presses} {presses:press|presses} in all"),
    "rung": ("第 {step_n} 步：呼叫 {people}", "step {step_n}: calling {people}"),
    "rang_again": ("再次呼叫 {people}", "called again: {people}"),
    "rings_on": ("最后一步，继续呼叫", "last step, ringing on"),
    "next_step": ("无人接警，进入第 {to_n} 步", "nobody took it, on to step {to_n}"),
    "step_empty": ("第 {step_n} 步没有可叫的人（{why}）", "step {step_n} has nobody to call ({why})"),
    "everybody": ("没有别人了：呼叫所有人", "nobody else left: calling everybody"),
    "person_unreachable": ("{person} 没有可用的联系方式", "{person} cannot be reached"),
    "nobody_reachable": ("没有任何人可联系", "nobody can be reached"),
    "not_cancelled": ("佩戴者没有取消", "the wearer did not cancel"),
    "no_speech": ("回拨无应答", "called back: no answer"),
    "taken": ("{person} 接下", "taken by {person}"),
    "called": ("{service} 已接通，已报地址", "{service} is on the line and has the address"),
    "made_real": ("测试转为真实警情", "the test is real: it rings"),
    "nobody_can": ("被叫的人都去不了，不再等待", "nobody who was called can go: no more waiting"),
    "dispatched": ("派出 {person}", "dispatched {person}"),
    "cannot_go": ("{person} 去不了", "{person} cannot go"),
    "en_route": ("{person} 出发", "{person} is on the way"),
    "also_en_route": ("{person} 也在路上", "{person} is on the way as well"),
    "arrived": ("{person} 到场（{how}）", "{person} arrived ({how})"),
    "proved": ("{person} 到场证实：{how}", "{person} is there: {how}"),
    "presumed": ("{person} 推定在场：{how}", "{person} is presumed to be there: {how}"),
    "also_on_scene": ("{person} 也到场", "{person} is there as well"),
    "left": ("{person} 离开", "{person} left"),
    "handed_over": ("{person} 已交接", "{person} handed over"),
    "released": ("放回队列", "put back into the queue"),
    "held": ("暂缓", "put on hold"),
    "hold_ended": ("暂缓结束，重新响铃", "hold ended, ringing again"),
    "expired": ("没有后续消息，恢复升级", "nothing was heard, escalation resumes"),
    "not_closed": ("尚未结案，提醒坐席", "not closed yet, reminding the operator"),
    "clock_shifted": ("时钟回拨 {back_s} 秒，计时随之提前", "clock set back {back_s} s, timer brought forward"),
    "resolved": ("已脱险", "resolved"),
    "closed": ("结案：{disposition}", "closed: {disposition}"),
    "cancelled": ("取消", "cancelled"),
    "cancel_noted": (
        "收回了自己的报告；另一台设备也报了跌倒，继续询问本人",
        "took its own report back; another device saw the fall too, the wearer is still being asked",
    ),
    "cancel_late": (
        "取消来晚了：已在叫人，警情继续，请向本人核实",
        "cancelled too late: people are being called, the case goes on; ask the wearer",
    ),
    "noted": ("记了备注", "wrote a note"),
    "device_told": ("向设备 {device} 要求：{order}", "asked device {device} for: {order}"),
    "raised": ("升级为{severity}", "raised to {severity}"),
}
HIDDEN = frozenset({"noted"})  # the note itself stands in the timeline
PEOPLE = ("person", "by", "handler", "responder", "second_person", "person_id", "second_person_id")


def people(events: Iterable[Row]) -> set[int]:
    """Return everybody the events mention by number."""
    found: set[int] = set()
    for event in events:
        kind, _, number = event["actor"].partition(":")
        if kind == "person" and number.isdecimal():
            found.add(int(number))
        body = event["body"]
        found |= {v for k in PEOPLE if isinstance(v := body.get(k), int)}
        found |= {v for v in _many(body) if isinstance(v, int)}
    return found


def tell(events: Sequence[Row], notes: Sequence[Row], names: Mapping[int, str], language: str) -> list[Row]:
    """Return the timeline, latest first: {at, who, text, weight} with weight `key`, `plain` or `note`."""
    lines = [_line(event, names, language) for event in events if event["what"] not in HIDDEN]
    lines += [{"at": n["at"], "seq": 0, "who": n["name"] or "", "text": n["text"], "weight": "note"} for n in notes]
    return sorted(lines, key=lambda line: (line["at"], line["seq"]), reverse=True)


def _line(event: Row, names: Mapping[int, str], language: str) -> Row:
    body: Mapping[str, Any] = event["body"]
    template = WORDS.get(event["what"])
    facts = _Facts(body, names, language)
    if template:
        text = template[LANGUAGES.index(pick(language))].format_map(facts)
    else:
        text = " ".join([event["what"].replace("_", " "), *(f"{k}={v}" for k, v in body.items() if v is not None)])
    text += _late(event["what"], body, language)
    weight = "key" if event["what"] in KEY else "plain"
    who = actor(event["actor"], names, language)
    return {"at": event["at"], "seq": event["seq"], "who": who, "text": text, "weight": weight}


KEY = frozenset({
    "opened", "attached", "not_cancelled", "no_speech", "taken", "dispatched", "called", "made_real", "arrived",
    "proved", "presumed", "handed_over", "resolved", "closed", "cancelled", "cancel_noted", "cancel_late",
})  # fmt: skip
ACTORS = {
    "timer": ("计时", "timer"), "hub": ("系统", "hub"), "device": ("设备", "device"), "wearer": ("本人", "wearer"),
}  # fmt: skip


TAKEN_BACK = frozenset({"cancelled", "cancel_noted", "cancel_late"})
TAPS = frozenset({"taken", "cannot_go", "en_route", "arrived", "left", "handed_over"})


def _late(what: str, body: Mapping[str, Any], language: str) -> str:
    """What a phone said long after it was pressed, how soon something was taken back, what a case was the same as."""
    t = speaker(language)
    if what in TAKEN_BACK and isinstance(after := body.get("after_s"), int):
        return t("taken_back_after", n=after)
    if what in TAPS and isinstance(age := body.get("age_s"), int):
        return t("tap_late", age=span(age))
    if what == "closed" and isinstance(other := body.get("duplicate_of"), int):
        return f" → #{other}"
    return ""


def actor(who: str, names: Mapping[int, str], language: str) -> str:
    kind, _, number = who.partition(":")
    if kind == "person" and number.isdecimal():
        return names.get(int(number), f"#{number}")
    pair = ACTORS.get(kind)
    return pair[LANGUAGES.index(pick(language))] if pair else who


def _many(body: Mapping[str, Any]) -> list[int]:
    value = body.get("people")
    return value if isinstance(value, list) else []


class _Facts(dict[str, Any]):
    """What a sentence may mention: people by name, roles and kinds in words, anything missing as a dash."""

    def __init__(self, body: Mapping[str, Any], names: Mapping[int, str], language: str) -> None:
        t = speaker(language)
        super().__init__(counted(body))
        if people := [names.get(v, f"#{v}") for v in _many(body)]:
            self["people"] = t("and").join(people)
        for key in ("step", "to"):
            if isinstance(value := body.get(key), int):
                self[f"{key}_n"] = value + 1  # people count from one
        for key in PEOPLE:
            if isinstance(value := body.get(key), int):
                self[key] = names.get(value, f"#{value}")
        for key in ("role", "kind", "disposition", "state", "channel", "purpose", "order"):
            if isinstance(value := body.get(key), str):
                self[key] = t(f"{key}.{value}")
        if isinstance(why := body.get("why"), str):
            self["why"] = t(f"empty.{why}")
        away = body.get("distance_m")
        far = f"{t('comma')}{away} m" if away is not None else ""
        self["how"] = t(f"proof.{body.get('proof', 'told') or 'none'}") + far
        if isinstance(value := body.get("severity"), int):
            self["severity"] = t(f"severity.{value}")

    def __missing__(self, key: str) -> str:
        return "–"
