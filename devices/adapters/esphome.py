"""ESPHome: `<node>/<kind>/<name>/state`, one bare value each. What it is stands in the name its installer gave it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from devices import values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Stage, Telemetry

NAME = "esphome/1"
SCHEME = "esphome"
MARKS = frozenset({"esphome"})
KINDS = frozenset({
    "binary_sensor", "sensor", "text_sensor", "event", "button", "switch", "number", "select", "text", "light", "fan",
    "cover", "climate", "lock", "valve", "alarm_control_panel", "update", "datetime", "time", "date",
})  # fmt: skip

# Words of a binary sensor's name, in this order -> code. All words of a row must stand in the name.
BINARY: Sequence[tuple[frozenset[str], str]] = tuple(
    (frozenset(words.split()), code)
    for words, code in (
        ("battery low", "battery.low"), ("low battery", "battery.low"), ("charging", "battery.charging"),
        ("tamper", "alarm.tamper"), ("fall", "alarm.fall"), ("falling", "alarm.fall"), ("fallen", "alarm.fall"),
        ("falled", "alarm.fall"), ("sos", "alarm.sos"), ("panic", "alarm.sos"), ("emergency", "alarm.sos"),
        ("smoke", "alarm.smoke"), ("carbon monoxide", "alarm.carbon_monoxide"), ("gas", "alarm.gas"),
        ("leak", "alarm.water_leak"), ("flood", "alarm.water_leak"), ("moisture", "alarm.water_leak"),
        ("bed", "bed.occupied"), ("people", "presence.occupied"), ("person", "presence.occupied"),
        ("presence", "presence.occupied"), ("occupancy", "presence.occupied"), ("target", "presence.occupied"),
        ("occupied", "presence.occupied"), ("motion", "presence.motion"), ("pir", "presence.motion"),
        ("door", "contact.open"), ("window", "contact.open"), ("contact", "contact.open"),
        ("vibration", "alarm.vibration"),
    )
)  # fmt: skip
NUMBERS: Sequence[tuple[frozenset[str], str]] = tuple(
    (frozenset(words.split()), code)
    for words, code in (
        ("heart rate", "vital.heart_rate"), ("heartrate", "vital.heart_rate"), ("heart", "vital.heart_rate"),
        ("respiratory", "vital.respiratory_rate"), ("respiration", "vital.respiratory_rate"),
        ("breath", "vital.respiratory_rate"), ("breathing", "vital.respiratory_rate"),
        ("breathe", "vital.respiratory_rate"), ("spo2", "vital.spo2"), ("body temperature", "vital.body_temperature"),
        ("battery voltage", "battery.voltage"), ("battery", "battery.level"),
        ("internal temperature", "device.temperature"),
        ("cpu temperature", "device.temperature"), ("temperature", "env.temperature"), ("humidity", "env.humidity"),
        ("illuminance", "env.illuminance"), ("lux", "env.illuminance"), ("pressure", "env.pressure"),
        ("co2", "env.co2"), ("weight", "vital.body_weight"),
    )
)  # fmt: skip
# Names of settings and of the node's own health that hold such a word and mean something else.
SETTINGS = frozenset({
    "threshold", "sensitivity", "enable", "enabled", "led", "mute", "calibration", "offset", "timeout", "delay",
    "duration", "interval", "count", "counter", "connected", "wifi", "signal", "uptime", "version", "mode", "height",
    "zone", "gate", "energy", "test", "trend", "average", "max", "min", "range", "phase", "bell", "lamp",
})  # fmt: skip
FALL_WORDS: Mapping[str, tuple[bool, Stage | None]] = {
    "no fall": (False, None), "normal": (False, None), "fall": (True, Stage.CONFIRMED),
    "falling": (True, Stage.CONFIRMED), "fallen": (True, Stage.CONFIRMED), "suspected": (True, Stage.SUSPECTED),
}  # fmt: skip
UNKNOWN = frozenset({"", "unknown", "unavailable", "nan", "none", "null"})


class Topic(msgspec.Struct, frozen=True):
    """An ESPHome topic, taken apart; `kind` is "" for the node's own status."""

    node: str
    kind: str
    name: str


def split(topic: str) -> Topic | None:
    """Return the parts of `<node>/<kind>/<name>/state` or `<node>/status`; None for any other topic."""
    parts = topic.split("/")
    if len(parts) >= 4 and parts[-1] == "state" and parts[-3] in KINDS:
        return Topic("/".join(parts[:-3]), parts[-3], parts[-2])
    if len(parts) >= 2 and parts[-1] == "status":
        return Topic("/".join(parts[:-1]), "", "")
    return None


class EspHomeAdapter:
    """Everything whose firmware was made with ESPHome and that speaks MQTT."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic is an entity's state; a bare `status` only below a prefix that says `esphome`."""
        where = split(topic)
        return values.below(topic, MARKS) is not None or (where is not None and where.kind != "")

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this may be a press, a fall or a detector that has found something."""
        where = split(topic)
        if where is None or where.kind not in ("binary_sensor", "event", "text_sensor"):
            return False
        if where.kind == "binary_sensor":
            code = _code(where.name, BINARY)
            return code is not None and code.startswith("alarm.") and payload.strip().upper() != b"OFF"
        return where.kind == "event" or "fall" in where.name.lower()

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the node's telemetry.

        Raises:
            DecodeError: The value is not one that such an entity has.
        """
        where = split(message.topic)
        if where is None or not where.node or message.payload.strip() == b"":
            return ()
        said = values.text(NAME, message.payload)
        device = values.address(SCHEME, where.node)
        if not where.kind:
            return (Telemetry(device=device, adapter=NAME, observations=(_status(said),)),)
        fresh = values.old(message.retained)
        seen = [*_entity(where, said, fresh), values.alive(fresh)]
        return (Telemetry(device=device, adapter=NAME, observations=tuple(seen)),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: which of a node's entities could speak is its maker's business."""
        return None


def _status(said: str) -> Observation:
    state = {"online": True, "offline": False}.get(said.lower())
    if state is None:
        raise DecodeError(NAME, f"status: neither online nor offline: {said[:40]!r}")
    return Observation(code="link.online", value=state)  # retained on purpose: it says how the line is


def _tokens(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))


def _code(name: str, table: Sequence[tuple[frozenset[str], str]]) -> str | None:
    tokens = _tokens(name)
    if tokens & SETTINGS:
        return None
    return next((code for words, code in table if words <= tokens), None)


def _entity(where: Topic, said: str, fresh: Quality) -> Iterator[Observation]:
    if said.lower() in UNKNOWN:
        return
    if where.kind == "binary_sensor":
        yield from _binary(where.name, said, fresh)
    elif where.kind == "sensor":
        yield from _number(where.name, said, fresh)
    elif where.kind == "text_sensor" and "fall" in _tokens(where.name) and said.lower() in FALL_WORDS:
        on, stage = FALL_WORDS[said.lower()]
        yield Observation(code="alarm.fall", value=on, stage=stage, native=said, quality=fresh)
    elif where.kind == "event":
        yield from _event(where.name, said, fresh)


def _binary(name: str, said: str, fresh: Quality) -> Iterator[Observation]:
    state = {"ON": True, "OFF": False}.get(said)
    if state is None:
        raise DecodeError(NAME, f"binary sensor: neither ON nor OFF: {said[:40]!r}")
    code = _code(name, BINARY)
    if code is not None:
        yield Observation(
            code=code, value=state, native=values.word(name) or None, quality=fresh, lasting=code.startswith("alarm.")
        )
    elif "button" in _tokens(name) and state:
        yield Observation(code="button.press", value="press", native=values.word(name) or None, quality=fresh)


def _number(name: str, said: str, fresh: Quality) -> Iterator[Observation]:
    code = _code(name, NUMBERS)
    if values.number(said) is None:
        raise DecodeError(NAME, f"sensor: no number: {said[:40]!r}")
    if code == "battery.voltage":
        yield from values.voltage(said, native=values.word(name) or None, fresh=fresh)
    elif code is not None:
        yield from values.measure(code, said, native=values.word(name) or None, fresh=fresh)
    elif {"distance", "target"} <= _tokens(name) or {"distance", "detection"} <= _tokens(name):
        yield from values.measure("presence.distance", said, native=name, fresh=fresh, scale=0.01)  # cm


def _event(name: str, said: str, fresh: Quality) -> Iterator[Observation]:
    try:
        about: Any = values.parsed(said)
    except (ValueError, RecursionError) as error:
        raise DecodeError(NAME, f"event: not JSON: {str(error)[:120]}") from None
    kind = values.word(about.get("event_type")) if isinstance(about, dict) else ""
    if not kind:
        return
    if _tokens(name) & {"sos", "panic", "emergency"} or _tokens(kind) & {"sos", "panic", "emergency"}:
        yield Observation(code="alarm.sos", value=True, native=kind, quality=fresh)
    else:
        yield Observation(code="button.press", value=kind, native=values.word(name) or None, quality=fresh)


ADAPTER = EspHomeAdapter()
