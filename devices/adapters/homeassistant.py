"""Home Assistant MQTT discovery: a retained message says what a device is, where it speaks and how to read it.

The adapter keeps nothing. What was discovered is a table that whoever runs it holds and hands over: `entities_of` reads
a discovery message into rows, `HomeAssistantAdapter(entities=table)` reads the topics that stand in the table.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from devices import templates, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.adapters import homeassistant_words as words
from devices.telemetry import Observation, Quality, Telemetry

NAME = "homeassistant/1"
SCHEME = "ha"
PREFIXES = frozenset({"homeassistant", "hassdiscovery"})
MOST_COMPONENTS = 100  # of one device's discovery message
LONGEST_TOPIC = 400

_COMPONENTS = frozenset({
    "alarm_control_panel", "binary_sensor", "button", "camera", "climate", "cover", "device", "device_automation",
    "device_tracker", "event", "fan", "humidifier", "image", "lawn_mower", "light", "lock", "notify", "number", "scene",
    "select", "sensor", "siren", "switch", "tag", "text", "update", "vacuum", "valve", "water_heater",
})  # fmt: skip
_ANY = "|".join(sorted(_COMPONENTS))
_CONFIG = re.compile(
    rf"(?:(?P<home>.*?)/)?(?P<prefix>[^/]+)/(?P<component>{_ANY})/(?:(?P<node>[^/]+)/)?(?P<object>[^/]+)/config"
)


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a device says on one topic, as discovery describes it."""

    key: str  # the topic of its discovery message, and the component within it
    device: str  # address
    component: str
    topic: str
    template: templates.Template
    name: str
    device_class: str = ""
    unit: str = ""
    on: str = "on"  # the word for it, as `templates.said` writes it
    off: str = "off"
    payload: str | None = None  # a trigger's own word
    model: str | None = None


Entities: TypeAlias = Mapping[str, Sequence[Entity]]  # by state topic


class HomeAssistantAdapter:
    """Discovery messages, and the state topics of what was discovered."""

    name = NAME
    scheme = SCHEME

    def __init__(self, entities: Entities | None = None) -> None:
        self.entities: Entities = MappingProxyType({}) if entities is None else entities

    def claims(self, topic: str) -> bool:
        """Whether it is a discovery message, or a topic that one told of."""
        where = _config(topic)
        return topic in self.entities or (where is not None and where["prefix"].lower() in PREFIXES)

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether one of the entities on this topic may call for help."""
        told = self.entities.get(topic)
        return told is not None and any(_calls(one) for one in told)

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return what a discovery message describes, or what the entities on its topic state.

        Raises:
            DecodeError: A discovery message that is no JSON object.
        """
        told = self.entities.get(message.topic)
        if told is not None:
            return tuple(_states(told, message))
        where = _config(message.topic)
        if where is None:
            raise DecodeError(NAME, f"nothing was discovered on {message.topic[:80]!r}")
        if message.payload.strip() == b"":  # an empty discovery message takes the entity out of use
            device = _address(where, where["node"] or where["object"])
            return (
                Telemetry(
                    device=device, adapter=NAME, observations=(Observation(code="retained.cleared", value=True),)
                ),
            )
        config = _long(values.fields(NAME, message.payload))
        return (_described(where, config),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: an entity that could show words has a grammar of its own."""
        return None


def _config(topic: str) -> re.Match[str] | None:
    if not topic.endswith("/config"):
        return None
    return _CONFIG.fullmatch(topic)


def home_of(topic: str) -> str:
    """Return what stands before the prefix of a discovery topic: the house, as its gateway's credential names it."""
    where = _config(topic)
    return "" if where is None else where["home"] or ""


def _long(fields: Mapping[str, Any], base: str = "") -> dict[str, Any]:
    """Return a discovery message with its short names written out, and `~` replaced by the base topic."""
    base = fields["~"] if isinstance(fields.get("~"), str) else base
    long: dict[str, Any] = {}
    for name, value in fields.items():
        full = words.SHORT.get(name, name)
        if full == "device" and isinstance(value, dict):
            long[full] = _long(value, base)
        elif full == "components" and isinstance(value, dict):
            inner = list(value.items())[:MOST_COMPONENTS]
            long[full] = {key: _long(one, base) for key, one in inner if isinstance(one, dict)}
        else:
            topic = isinstance(value, str) and (full == "topic" or full.endswith("_topic"))
            long[full] = _based(value, base) if topic else value
    return long


def _based(topic: str, base: str) -> str:
    """Return a topic with `~`, which stands first or last, replaced."""
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _address(where: re.Match[str], native: str) -> str:
    return values.address(SCHEME, "/".join(part for part in (where["home"], native) if part))


def _about(where: re.Match[str], config: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the device's address and model. Entities of one device share an identifier."""
    device = config.get("device")
    about = device if isinstance(device, dict) else {}
    listed = about.get("identifiers")
    own = listed[0] if isinstance(listed, list) and listed else listed
    native = values.word(own) or values.word(config.get("unique_id")) or where["node"] or where["object"]
    model = values.word(about.get("model_id")) or values.word(about.get("model")) or None
    return _address(where, native), model


def _parts(where: re.Match[str], config: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield key, component and description of each entity: one, or with device discovery all of the device's."""
    if where["component"] != "device":
        yield "", where["component"], config
        return
    listed = config.get("components")
    shared = {name: config[name] for name in ("state_topic",) if name in config}
    for name, one in listed.items() if isinstance(listed, dict) else ():
        yield name, values.word(one.get("platform")), {**shared, **one}


def _described(where: re.Match[str], config: Mapping[str, Any]) -> Telemetry:
    """Return what a discovery message tells of a device. It is no sign of life: it may be years old."""
    device, model = _about(where, config)
    seen = [Observation(code="provision.candidate", value=device.partition(":")[2])]
    if model is not None:
        seen.append(Observation(code="provision.model", value=model))
    for name, component, one in _parts(where, config):
        sub = values.word(name) or None
        kind = values.word(one.get("device_class")) or values.word(one.get("automation_type"))
        topic = one.get("state_topic", one.get("topic"))
        if kind:
            seen.append(Observation(code="discovery.device_class", value=kind, sub=sub))
        if component:
            seen.append(Observation(code="discovery.component", value=component, sub=sub))
        if isinstance(topic, str) and 0 < len(topic) <= LONGEST_TOPIC:
            seen.append(Observation(code="discovery.state_topic", value=topic, sub=sub))
    return Telemetry(device=device, adapter=NAME, observations=tuple(seen), model=model)


def entities_of(topic: str, payload: bytes) -> tuple[str, tuple[Entity, ...]] | None:
    """Return the key of a discovery message and the entities it describes, none if it takes them out of use.

    None: this is no discovery message, or one that cannot be read. Entities whose template is not understood are left
    out. A gateway's own prefix is put before the state topics, because the bridge that wrote them publishes below it.
    """
    where = _config(topic)
    if where is None:
        return None
    if payload.strip() == b"":
        return topic, ()
    try:
        config = _long(values.fields(NAME, payload))
    except DecodeError:
        return None
    device, model = _about(where, config)
    found: list[Entity] = []
    for name, component, one in _parts(where, config):
        entity = _entity(where, (name, component), one)
        if entity is not None:
            found.append(msgspec.structs.replace(entity, device=device, model=model))
    return topic, tuple(found)


def _entity(where: re.Match[str], called: tuple[str, str], one: Mapping[str, Any]) -> Entity | None:
    name, component = called
    state_topic = one.get("state_topic", one.get("topic"))
    given = one.get("value_template")
    template = templates.parse(given if isinstance(given, str) else None)
    if not isinstance(state_topic, str) or not 0 < len(state_topic) <= LONGEST_TOPIC or template is None:
        return None
    if component not in ("binary_sensor", "sensor", "event", "device_automation"):
        return None
    home = where["home"]
    own = " ".join(str(part or "") for part in (one.get("object_id"), one.get("name"), name, where["object"]))
    payload = one.get("payload")
    return Entity(
        key=f"{where[0]}#{name}", device="", component=component,
        topic=f"{home}/{state_topic}" if home and not state_topic.startswith(f"{home}/") else state_topic,
        template=template, name=own[:200], device_class=values.word(one.get("device_class")),
        unit=values.word(one.get("unit_of_measurement")), on=templates.said(one.get("payload_on", "ON")),
        off=templates.said(one.get("payload_off", "OFF")), payload=payload[:80] if isinstance(payload, str) else None,
    )  # fmt: skip


# States.


def _calls(entity: Entity) -> bool:
    if entity.component in ("event", "device_automation"):
        return True
    return entity.component == "binary_sensor" and (_binary_code(entity) or ("",))[0].startswith("alarm.")


def _tokens(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^a-z0-9]+", name.lower()))


def _named(entity: Entity, table: Sequence[tuple[frozenset[str], str]]) -> str | None:
    tokens = _tokens(entity.name)
    return None if tokens & words.SETTINGS else next((code for row, code in table if row <= tokens), None)


def _binary_code(entity: Entity) -> tuple[str, bool] | None:
    """Return what it states when on. What its name says of a person goes before the class, which knows no falls."""
    named = _named(entity, words.NAMED_BINARY)
    if named in ("alarm.sos", "alarm.fall", "bed.occupied") and entity.device_class in (
        "",
        "safety",
        "problem",
        "occupancy",
    ):
        return named, True
    if entity.device_class:
        return words.BINARY.get(entity.device_class)
    return None if named is None else (named, named != "contact.open")


def _states(told: Sequence[Entity], message: Message) -> Iterator[Telemetry]:
    """Yield one telemetry for each device with entities on this topic."""
    text = values.text(NAME, message.payload)
    try:
        parsed: Any = values.parsed(text)
    except (ValueError, RecursionError):
        parsed = None
    fresh = values.old(message.retained)
    by_device: dict[str, list[Observation]] = {}
    for one in told:
        for seen in _state(one, text, parsed, fresh):
            values.add(by_device.setdefault(one.device, []), seen)
        by_device.setdefault(one.device, [])
    models = {one.device: one.model for one in told}
    for device, observations in by_device.items():
        yield Telemetry(
            device=device, adapter=NAME, observations=(*observations, values.alive(fresh)), model=models[device]
        )


def _state(entity: Entity, text: str, parsed: Any, fresh: Quality) -> Iterator[Observation]:
    found = templates.value(entity.template, text, parsed)
    if found in (None, "", "None", "unknown", "unavailable") or isinstance(found, dict | list):
        return
    if entity.component == "binary_sensor":
        yield from _binary(entity, found, fresh)
    elif entity.component == "sensor":
        yield from _reading(entity, found, fresh)
    else:
        yield from _trigger(entity, found, parsed, fresh)


def _binary(entity: Entity, found: Any, fresh: Quality) -> Iterator[Observation]:
    said, meaning = templates.said(found), _binary_code(entity)
    if meaning is None or said not in (entity.on, entity.off):
        return
    code, when_on = meaning
    yield Observation(
        code=code,
        value=when_on if said == entity.on else not when_on,
        lasting=code.startswith("alarm."),
        native=entity.device_class or None,
        quality=fresh,
    )


def _reading(entity: Entity, found: Any, fresh: Quality) -> Iterator[Observation]:
    code = _named(entity, words.NAMED_SENSOR) or words.SENSOR.get(entity.device_class)
    number = values.number(found)
    if code is None and entity.unit == "bpm" and "heart" in entity.name.lower():
        code = "vital.heart_rate"
    if code is None or number is None:
        return
    if code.endswith("temperature") and entity.unit in words.FAHRENHEIT:
        number = round((number - 32) / 1.8, 2)
    elif code == "env.pressure":
        number = round(number * words.PRESSURES.get(entity.unit, 1), 2)
    elif code == "vital.body_weight" and entity.unit in words.POUNDS:
        number = round(number * 0.45359237, 2)
    elif code == "battery.voltage":
        yield from values.voltage(number / 1000 if entity.unit in words.MILLIVOLTS else number, fresh=fresh)
        return
    yield from values.measure(code, number, native=entity.device_class or None, fresh=fresh)


def _trigger(entity: Entity, found: Any, parsed: Any, fresh: Quality) -> Iterator[Observation]:
    """Yield a press: an event's type, or a trigger's payload, which others on the same topic must not be taken for."""
    if entity.component == "event" and isinstance(parsed, dict):
        found = parsed.get("event_type", found)
    word = values.word(found)
    if not word or (entity.payload is not None and word != entity.payload):
        return
    if _tokens(word) & words.HELP or _tokens(entity.name) & words.HELP:
        yield Observation(code="alarm.sos", value=True, native=word, quality=fresh)
    else:
        yield Observation(code="button.press", value=word, native=entity.component, quality=fresh)


ADAPTER = HomeAssistantAdapter()
