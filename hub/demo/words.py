"""The words of the timeline, Chinese and English side by side: whoever reads it may know only one."""

from collections.abc import Mapping
from typing import Any

LABELS = {
    "incident": "警情 incident", "severity": "级别 severity", "presses": "按压 presses", "page": "呼叫 page",
    "step": "步骤 step", "delivered": "送达 delivered", "failed": "失败 failed",
    "sos": "呼救 SOS", "fall": "跌倒 fall", "smoke": "烟雾 smoke", "gas": "燃气 gas", "water": "漏水 water",
    "vitals": "体征 vitals", "silence": "失联 silence", "stillness": "未活动 no movement",
    "routine": "作息 routine", "wandering": "走失 wandering",
    "device": "设备 device", "system": "系统 system",
    "family": "家属 family", "operator": "坐席 operator", "community": "社区 community", "property": "物业 property",
    "third_party": "第三方 third party", "neighbour": "邻里 neighbour", "village_doctor": "村医 village doctor",
    "county_centre": "县级中心 county centre", "ambulance": "120 ambulance", "supervisor": "班长 supervisor",
    "person": "人 person", "timer": "计时 timer", "hub": "系统 hub", "wearer": "本人 wearer",
    "alarm": "请到场 come", "stand_down": "不必前往 stand down", "notice": "知会 notice",
    "console": "坐席台 console", "webhook": "手机 app", "mqtt": "终端 terminal",
    "opened": "开案 opened", "attached": "并入 joined", "re_rang": "再次响铃 rings again", "taken": "接警 taken",
    "dispatched": "派出 dispatched", "en_route": "在路上 on the way", "accept": "我去 I go",
    "cannot_go": "去不了 cannot go", "arrived": "到场 arrived", "handed_over": "交接 handed over",
    "left": "离开 left", "released": "放回 released", "held": "暂缓 held",
    "resolved": "脱险 safe", "closed": "结案 closed", "cancelled": "取消 cancelled",
    "cancel_late": "取消来晚 cancelled too late", "cancel_noted": "收回报告 took its report back",
    "asking": "询问 are you all right?", "confirming": "待确认 confirming",
    "open": "未接 open", "rung": "响铃 rung", "repeated": "重复 repeated",
    "expired": "超时 expired", "next_step": "下一步 next step", "not_closed": "尚未结案 not closed yet",
    "not_cancelled": "无人取消 nobody cancelled", "noted": "备注 noted",
    "no_speech": "无应答 no answer", "shows": "显示 shows",
    "received": "收到 received", "coming": "有人赶来 coming", "countdown_over": "倒计时结束 countdown over",
    "hospital": "送医 hospital", "treated_home": "居家处理 treated at home", "lifted": "已扶起 lifted",
    "found_well": "平安 found well", "accidental": "误按 accidental", "reassured": "已安抚 reassured",
    "test": "测试 test", "device_fault": "设备故障 device fault", "service": "服务 service",
}  # fmt: skip
PEOPLE = ("person_id", "person", "by", "responder", "handler", "responder_id", "handler_id")
STEPS = ("step", "from", "to")  # counted from nought in the engine, from one by people
# The chain's own copy of the outcome, what stands in the heading, and numbers of no use to a reader.
HIDDEN = ("after", "incident", "alert", "test", "policy", "round", "weight")


def label(word: str) -> str:
    """Return a word in both languages; an unknown one as it is, readable."""
    return LABELS.get(word) or word.replace("_", " ")


def sentence(what: str, body: Mapping[str, Any], roles: Mapping[int, str]) -> str:
    """Return one event of the chain: its word, then its facts."""
    told = {key: value for key, value in body.items() if key not in HIDDEN and value not in (None, "", [], {})}
    facts = [f"{_key(key)}{_fact(key, value, roles)}" for key, value in told.items()]
    return "  ".join([label(what), *facts])


def _key(key: str) -> str:
    return "" if key in {"role", "channel", "disposition", "kind"} else f"{key.replace('_', ' ')} "


def _fact(key: str, value: Any, roles: Mapping[int, str]) -> str:
    if key in PEOPLE and isinstance(value, int):
        return f"{label(roles.get(value, '?'))} #{value}"
    if key == "people" and isinstance(value, list):
        return ", ".join(f"#{person}" for person in value)
    if key in STEPS and isinstance(value, int):
        return str(value + 1)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} {v}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return label(value) if isinstance(value, str) else f"{value}"
