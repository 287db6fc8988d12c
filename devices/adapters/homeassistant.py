"""What entities state that Home Assistant discovery told of.

The adapter keeps nothing. What was discovered is a table that whoever runs it holds and hands over: `entities_of` reads
a discovery message into rows, `HomeAssistantAdapter(entities=table)` reads the topics that stand in the table.
"""

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

from devices import templates, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.adapters import homeassistant_words as words
from devices.adapters.homeassistant_discovery import NAME, PREFIXES, SCHEME, Entities, Entity, config_topic, described
from devices.telemetry import Observation, Quality, Telemetry


class HomeAssistantAdapter:
    """Discovery messages, and the state topics of what was discovered."""

    name = NAME
    scheme = SCHEME

    def __init__(self, entities: Entities | None = None) -> None:
        self.entities: Entities = MappingProxyType({}) if entities is None else entities

    def claims(self, topic: str) -> bool:
        """Whether it is a discovery message, or a topic that one told of."""
        where = config_topic(topic)
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
        where = config_topic(message.topic)
        if where is None:
            raise DecodeError(NAME, f"nothing was discovered on {message.topic[:80]!r}")
        return (described(where, message.payload),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: an entity that could show words has a grammar of its own."""
        return None


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
        lasting=entity.clears and code.startswith("alarm."),
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
    elif code == "water.total":
        if entity.unit not in words.CUBIC_METRES:
            return
        number = round(number * words.CUBIC_METRES[entity.unit], 6)
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
