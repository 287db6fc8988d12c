"""120, 119, 110: which of them what happened calls for, and what the operator reads out to them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from alerts.events import Called
from alerts.model import AlertKind, Decision, Incident, Roster, Service
from alerts.values import replace

FIRE = (AlertKind.SMOKE, AlertKind.GAS)
BODY = (AlertKind.FALL, AlertKind.VITALS, AlertKind.SOS)  # the one that says most comes first
# What a device says of somebody else, or of her being somewhere else: then nobody lies there who needs 120.
POLICE = {"alarm.burglar": "burglar", "alarm.wandering": "strays"}
KEYS = {Service.AMBULANCE: "1", Service.FIRE: "2", Service.POLICE: "3"}  # always the same finger


@dataclass(frozen=True, kw_only=True)
class Happened:
    """What is known of a case when services are chosen."""

    alerts: Collection[tuple[AlertKind, str]]  # each with the device's own word, "" where it has none
    no_speech: bool = False


@dataclass(frozen=True, kw_only=True)
class Proposal:
    service: Service
    because: str  # smoke, gas, no_speech, sos, fall, vitals, burglar, strays: a word of the console


def propose(happened: Happened, joined: Collection[Service] = ()) -> tuple[Proposal, ...]:
    """Return which services to join, the most pressing first, without those that are on the line already."""
    found: dict[Service, str] = {}
    kinds = {kind for kind, code in happened.alerts if code not in POLICE}
    if fire := next((k for k in FIRE if k in kinds), None):
        found[Service.FIRE] = fire.value
        found[Service.AMBULANCE] = fire.value  # somebody is inside
    if happened.no_speech:
        found.setdefault(Service.AMBULANCE, "no_speech")
    if body := next((k for k in BODY if k in kinds), None):
        found.setdefault(Service.AMBULANCE, body.value)
    codes = {code for _, code in happened.alerts}
    if police := next((why for code, why in POLICE.items() if code in codes), None):
        found[Service.POLICE] = police
    return tuple(Proposal(service=s, because=b) for s, b in found.items() if s not in joined)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What may be read out, in words already. Empty is not said."""

    address: str
    entrance: str = ""
    key_place: str = ""
    age: int | None = None
    happened: str = ""  # "跌倒 + 呼救"
    presses: int = 0
    no_speech: bool = False
    hazards: tuple[str, ...] = ()  # for whoever opens the door
    medical: tuple[str, ...] = ()  # for 120 only
    call_back: str = ""  # the desk's number


WORDS = {
    "zh": {
        "address": "地址：{v}", "unknown": "地址不详：请按来电定位，并等我回电", "entrance": "进门：{v}",
        "key": "钥匙：{v}", "age": "长者，{v} 岁", "happened": "情况：{v}", "presses": "按了 {v} 次",
        "no_speech": "现在没有应答", "hazards": "现场注意：{v}", "medical": "病史：{v}", "call_back": "回电：{v}",
        "join": "、", "stop": "，",
    },
    "en": {
        "address": "Address: {v}", "unknown": "Address unknown: locate this call, and wait for mine",
        "entrance": "Way in: {v}", "key": "Key: {v}", "age": "One older person, {v}", "happened": "What: {v}",
        "presses": "pressed {v} times", "no_speech": "does not answer now", "hazards": "Beware: {v}",
        "medical": "Known: {v}", "call_back": "Call back: {v}", "join": ", ", "stop": ", ",
    },
}  # fmt: skip


def script(service: Service, scene: Scene, lang: str = "zh") -> tuple[str, ...]:
    """Return what to read out, line by line: where first, for the line may break. Diagnoses are for 120 alone."""
    say = WORDS["en" if lang.startswith("en") else "zh"]

    def line(word: str, value: object) -> str:
        return say[word].format(v=value)

    what = [scene.happened] if scene.happened else []
    what += [line("presses", scene.presses)] if scene.presses > 1 else []
    what += [say["no_speech"]] if scene.no_speech else []
    medical = scene.medical if service is Service.AMBULANCE else ()
    lines = [
        line("address", scene.address) if scene.address else say["unknown"],
        line("entrance", scene.entrance) if scene.entrance else "",
        line("key", scene.key_place) if scene.key_place else "",
        line("age", scene.age) if scene.age is not None else "",
        line("happened", say["stop"].join(what)) if what else "",
        line("hazards", say["join"].join(scene.hazards)) if scene.hazards else "",
        line("medical", say["join"].join(medical)) if medical else "",
        line("call_back", scene.call_back) if scene.call_back else "",
    ]
    return tuple(text for text in lines if text)


def called(incident: Incident, event: Called, _roster: Roster, _now: datetime) -> Decision:
    """A service is on the line. Said twice it is one call; what the service calls it lies in a note."""
    if event.service in incident.services:
        return Decision(incident=incident)
    joined = replace(incident, services=(*incident.services, event.service))
    return Decision(incident=joined, reasons=(("called", {"by": event.by, "service": event.service.value}),))
