"""What a page says, and what each role may see of it. Riders see the address and the hazards, never the diagnosis;
a door code stands in no page at all: it is shown on demand, and the look is logged."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.model import AlertKind, Page, Purpose, Role
from hub import links
from hub.channels.channel import OutboundPage
from hub.phrases import tongue

KINDS = {
    "zh": {
        AlertKind.SOS: "一键呼叫", AlertKind.FALL: "跌倒", AlertKind.SMOKE: "烟雾报警", AlertKind.GAS: "燃气泄漏",
        AlertKind.WATER: "漏水", AlertKind.VITALS: "生命体征异常", AlertKind.SILENCE: "设备失联",
        AlertKind.STILLNESS: "久未活动", AlertKind.ROUTINE: "生活作息异常", AlertKind.WANDERING: "走出安全范围",
        AlertKind.DEVICE: "设备异常", AlertKind.SYSTEM: "系统异常",
    },
    "en": {
        AlertKind.SOS: "called for help", AlertKind.FALL: "fell", AlertKind.SMOKE: "smoke alarm",
        AlertKind.GAS: "gas alarm", AlertKind.WATER: "water leak", AlertKind.VITALS: "vital signs out of range",
        AlertKind.STILLNESS: "has not moved for long", AlertKind.ROUTINE: "not as on other days",
        AlertKind.WANDERING: "has left the safe area", AlertKind.SILENCE: "device silent",
        AlertKind.DEVICE: "device fault", AlertKind.SYSTEM: "system fault",
    },
}  # fmt: skip
LINES = {
    "zh": {
        Purpose.ALARM: "【紧急】{who}{what}，请立即回应：{where}", Purpose.STAND_DOWN: "已有人前往，您不必再去：{who}",
        Purpose.NOTICE: "【通知】{who}{what}",
    },
    "en": {
        Purpose.ALARM: "URGENT: {who} – {what}. Please answer now. {where}",
        Purpose.STAND_DOWN: "Somebody else is going, you need not come: {who}",
        Purpose.NOTICE: "Notice: {who} – {what}",
    },
}  # fmt: skip
NO_SPEECH = {"zh": "，无应答", "en": ", no answer"}  # the countdown ran out, or she was called back in vain
TEST = {"zh": "【测试】", "en": "TEST – "}
SOMEBODY = {"zh": "一位长者", "en": "a resident"}
ORPHAN = {"zh": "未登记的设备", "en": "an unregistered device"}
RETIRED = {"zh": "已停用的设备（原属{who}）", "en": "a retired device, last of {who}"}
RETIRED_OF_NOBODY = {"zh": "已停用的设备", "en": "a retired device"}

# Who knows whom, and what for. Name: to ring the right bell. Medical: to bring the right help.
SEES_NAME = frozenset(Role) - {Role.THIRD_PARTY}
SEES_MEDICAL = frozenset({Role.OPERATOR, Role.VILLAGE_DOCTOR, Role.COUNTY_CENTRE, Role.AMBULANCE})
SEES_KEY = frozenset({Role.NEIGHBOUR, Role.OPERATOR, Role.COMMUNITY, Role.PROPERTY})
SEES_VITALS = SEES_MEDICAL | {Role.FAMILY}  # that it is a vital sign is itself a diagnosis
# What whoever opens the door must know: never a diagnosis.
HAZARDS = frozenset({
    "dog", "oxygen", "gas_stove", "stairs", "clutter", "wheelchair", "deaf", "blind", "lives_alone", "smoke", "gas",
})  # fmt: skip


def compose(row: Mapping[str, Any], *, public_url: str, link_key: str) -> OutboundPage:
    """Return a claimed page (query `claim`) as it goes out."""
    role, purpose = Role(row["role"]), Purpose(row["purpose"])
    key = Page(
        round=row["round"], step=row["step"], person_id=row["person_id"], role=role, channel=row["channel"],
        address=row["address"], due_at=row["due_at"], purpose=purpose,
    ).key(row["incident_id"])  # fmt: skip
    text = sentence(row, role, purpose)
    body = _body(row, role=role, purpose=purpose, key=key, text=text, public_url=public_url, link_key=link_key)
    return OutboundPage(
        page_id=row["id"], incident_id=row["incident_id"], key=key, attempt=row["attempts"], channel=row["channel"],
        address=row["address"], person_id=row["person_id"], role=role, purpose=purpose, language=row["language"],
        now=row["now"], text=text, body=body,
    )  # fmt: skip


def sentence(row: Mapping[str, Any], role: Role, purpose: Purpose) -> str:
    """Return the one line a phone shows while it is locked."""
    lang = tongue(row["language"])
    what = KINDS[lang][_kind(row, role)] + (NO_SPEECH[lang] if row["no_speech"] else "")
    who = _who(row, role, lang)
    line = LINES[lang][purpose].format(who=who, what=what, where=_place(row))
    return (TEST[lang] if row["test"] else "") + line.rstrip("：: .")


def _who(row: Mapping[str, Any], role: Role, lang: str) -> str:
    """Return whom it is about. A retired device is nobody's, but was somebody's, and may be in her home yet."""
    if row["resident_id"] is not None:
        return str(row["name"]) if row["name"] and role in SEES_NAME else SOMEBODY[lang]
    if row.get("retired_of") is None:
        return ORPHAN[lang]
    named = row["retired_of"] and role in SEES_NAME
    return RETIRED[lang].format(who=row["retired_of"]) if named else RETIRED_OF_NOBODY[lang]


def _body(
    row: Mapping[str, Any], *, role: Role, purpose: Purpose, key: str, text: str, public_url: str, link_key: str
) -> dict[str, Any]:
    return {
        "v": 1, "page": row["id"], "key": key, "incident": row["incident_id"], "purpose": str(purpose),
        "role": str(role),
        "kind": str(_kind(row, role)), "severity": row["severity"], "test": row["test"], "text": text,
        "opened_at": row["opened_at"], "sent_at": row["now"], "presses": row["presses"],
        "no_speech": row["no_speech"],
        "resident": _resident(row, role), "answer_url": _answer_url(row["id"], row["now"], public_url, link_key),
    }  # fmt: skip


def _resident(row: Mapping[str, Any], role: Role) -> dict[str, Any] | None:
    """Return what this role needs to get there and to help, and nothing else."""
    if row["resident_id"] is None:
        return None
    risks = set(row["risks"] or ())
    dangers = {row["kind"]} if row["kind"] in HAZARDS else set()
    seen: dict[str, Any] = {
        "address": _place(row), "entrance": row["entrance"], "hazards": sorted((risks & HAZARDS) | dangers),
        "speaks": row["spoken"],
    }  # fmt: skip
    if role in SEES_NAME:
        seen |= {"name": row["name"], "phone": row["phone"]}
    if role in SEES_KEY:
        seen["key_place"] = row["key_place"]
    if role in SEES_MEDICAL:
        seen["risks"] = sorted(risks)
    return seen


def _kind(row: Mapping[str, Any], role: Role) -> AlertKind:
    kind = AlertKind(row["kind"])
    return AlertKind.SOS if kind is AlertKind.VITALS and role not in SEES_VITALS else kind


def _place(row: Mapping[str, Any]) -> str:
    home, area = row["home"] or row.get("retired_home") or "", row["area"] or ""
    return home if home.startswith(area) else f"{area} {home}".strip()


def _answer_url(page_id: int, now: datetime, public_url: str, link_key: str) -> str:
    return f"{public_url.rstrip('/')}/r/{links.make(link_key, page_id, now)}" if link_key else ""
