"""Home Assistant discovery messages: which entities a device has, where they speak and how to read them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from devices import templates, values
from devices.adapter import DecodeError
from devices.adapters import homeassistant_words as words
from devices.telemetry import Observation, Telemetry

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
    clears: bool = True  # it says when it is off; with `off_delay`, or without a word for it, it says only ON
    payload: str | None = None  # a trigger's own word
    model: str | None = None


Entities: TypeAlias = Mapping[str, Sequence[Entity]]  # by state topic


def config_topic(topic: str) -> re.Match[str] | None:
    """Return what the topic of a discovery message names; None for any other topic."""
    if not topic.endswith("/config"):
        return None
    return _CONFIG.fullmatch(topic)


def home_of(topic: str) -> str:
    """Return what stands before the prefix of a discovery topic: the house, as its gateway's credential names it."""
    where = config_topic(topic)
    return "" if where is None else where["home"] or ""


def _written_out(fields: Mapping[str, Any], base: str = "") -> dict[str, Any]:
    """Return a discovery message with its short names written out, and `~` replaced by the base topic."""
    base = fields["~"] if isinstance(fields.get("~"), str) else base
    long: dict[str, Any] = {}
    for name, value in fields.items():
        full = words.SHORT.get(name, name)
        if full == "device" and isinstance(value, dict):
            long[full] = _written_out(value, base)
        elif full == "components" and isinstance(value, dict):
            inner = list(value.items())[:MOST_COMPONENTS]
            long[full] = {key: _written_out(one, base) for key, one in inner if isinstance(one, dict)}
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


def described(where: re.Match[str], payload: bytes) -> Telemetry:
    """Return what a discovery message tells of a device. It is no sign of life: it may be years old.

    Raises:
        DecodeError: It is no JSON object.
    """
    if payload.strip() == b"":  # it takes the entity out of use
        device = _address(where, where["node"] or where["object"])
        return Telemetry(device=device, adapter=NAME, observations=(Observation(code="retained.cleared", value=True),))
    config = _written_out(values.fields(NAME, payload))
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
    where = config_topic(topic)
    if where is None:
        return None
    if payload.strip() == b"":
        return topic, ()
    try:
        config = _written_out(values.fields(NAME, payload))
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
    clears = not one.get("off_delay") and one.get("payload_off", "OFF") not in (None, "")
    return Entity(
        key=f"{where[0]}#{name}", device="", component=component,
        topic=f"{home}/{state_topic}" if home and not state_topic.startswith(f"{home}/") else state_topic,
        template=template, name=own[:200], device_class=values.word(one.get("device_class")),
        unit=values.word(one.get("unit_of_measurement")), on=templates.said(one.get("payload_on", "ON")),
        off=templates.said(one.get("payload_off", "OFF")), payload=payload[:80] if isinstance(payload, str) else None,
        clears=clears,
    )  # fmt: skip
