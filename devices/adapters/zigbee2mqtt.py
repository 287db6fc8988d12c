"""Zigbee2MQTT: many makers' call buttons, contacts, detectors and radars, by the names the bridge gives them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devices import values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.adapters import zigbee2mqtt_words as words
from devices.envelopes.zigbee2mqtt import (
    Freshness,
    Part,
    Place,
    freshness,
    online,
    place,
    read,
    split_base,
)
from devices.telemetry import Observation, Quality, Stage, Telemetry, TimeQuality

NAME = "zigbee2mqtt/1"
SCHEME = "z2m"
MOST_PROPERTIES = 500  # of one message that are looked at
MOST_DEVICES = 1000  # of one bridge; its list is longer than any house
LONGEST_PAYLOAD = 1024 * 1024  # `bridge/devices` of a large house; a device's own state is under 10 kB

# Anything of a calling property that is not plainly nothing. Looked for in bytes, so it errs on this side.
_URGENT = re.compile(
    rb'"(?:%s)(?:_(?:alarm_)?[a-z0-9]{1,8})?"\s*:(?!\s*(?:null|false|0\s*[,}]|"\s*"|"(?:%s)"))'
    % (
        "|".join(words.CALLING).encode(),
        "|".join(
            [*filter(None, words.NO_ACTION), "off", "false", *words.POSTURES]
            + [word for word, (on, _) in words.FALL_WORDS.items() if not on]
        ).encode(),
    )
)


class Zigbee2MqttAdapter:
    """All devices behind Zigbee2MQTT. `bases` are base topics that cannot be told by their name."""

    name = NAME
    scheme = SCHEME

    def __init__(self, bases: tuple[str, ...] = ()) -> None:
        self.bases = tuple(base.strip("/") for base in bases)

    def claims(self, topic: str) -> bool:
        """Whether a Zigbee2MQTT base stands in the topic, with something below it."""
        found = split_base(topic, self.bases)
        return found is not None and found[1] != ""

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this may be a press, a fall, smoke, gas, water or tampering."""
        found = split_base(topic, self.bases)
        if found is None:
            return True
        rest = found[1]
        if rest.startswith("bridge/") or rest.endswith("/availability"):
            return rest == "bridge/state"  # after its start it tells what it remembers: that is known before
        if payload[:1] == b"{":
            return b"\\u" in payload or _URGENT.search(payload.lower()) is not None
        return payload != b"" and rest.rpartition("/")[2] not in words.QUIET

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the one device's telemetry, or nothing for the bridge's own business.

        Raises:
            DecodeError: Neither a JSON object nor a known attribute's bare value.
        """
        found = split_base(message.topic, self.bases)
        if found is None:
            raise DecodeError(NAME, f"no base topic in {message.topic[:80]!r}")
        if len(message.payload) > LONGEST_PAYLOAD:
            raise DecodeError(NAME, f"{len(message.payload)} bytes, at most {LONGEST_PAYLOAD} allowed")
        said = read(message.payload)
        if isinstance(said, str) and said.startswith("{"):
            raise DecodeError(NAME, f"JSON cut off or damaged: {said[:60]!r}")
        where = place(*found, is_object=isinstance(said, dict))
        if where.part is Part.REQUEST:
            return ()
        if message.payload.strip() == b"":  # an empty retained message takes a name out of use
            return () if where.part is Part.BRIDGE else (_cleared(where),)
        return _READERS[where.part](where, said, message)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: a Zigbee button has no screen. Sirens are told on their own channel."""
        return None


def _address(where: Place, name: str | None = None) -> str:
    return values.address(SCHEME, f"{where.base}/{where.name if name is None else name}")


def _cleared(where: Place) -> Telemetry:
    gone = Observation(code="retained.cleared", value=True)
    return Telemetry(device=_address(where), adapter=NAME, observations=(gone,))


def _availability(where: Place, said: object, message: Message) -> Sequence[Telemetry]:
    state = online(said)
    if state is None:
        raise DecodeError(NAME, f"availability: neither online nor offline: {str(said)[:40]!r}")
    seen = Observation(code="link.online", value=state)  # retained on purpose: it says how the line is
    return (Telemetry(device=_address(where), adapter=NAME, observations=(seen,)),)


def _bridge(where: Place, said: object, message: Message) -> Sequence[Telemetry]:
    if where.name == "state":
        state = online(said)
        if state is None:
            raise DecodeError(NAME, f"bridge/state: neither online nor offline: {str(said)[:40]!r}")
        seen = Observation(code="link.online", value=state)
        return (Telemetry(device=_address(where, "bridge"), adapter=NAME, observations=(seen,)),)
    if where.name == "devices" and isinstance(said, list):
        return tuple(_listed(where, said))
    if where.name not in ("event", "log") or not isinstance(said, dict):
        return ()
    about = said.get("data") or said.get("meta") or said.get("message")  # `log` is how versions before 1.19 say it
    if not isinstance(about, dict) or not isinstance(about.get("friendly_name"), str):
        return ()
    name, ieee = about["friendly_name"], about.get("ieee_address")
    observations, model = _provisioning(said, str(ieee or name), about)
    if not observations:
        return ()
    return (Telemetry(device=_address(where, name), adapter=NAME, observations=observations, model=model),)


def _listed(where: Place, said: Sequence[Any]) -> Iterator[Telemetry]:
    """Yield what the bridge's list says each of its devices is. The list is no sign of life of any of them."""
    for one in said[:MOST_DEVICES]:
        name = one.get("friendly_name") if isinstance(one, dict) else None
        definition = one.get("definition") if isinstance(one, dict) else None
        model = definition.get("model") if isinstance(definition, dict) else None
        if isinstance(name, str) and name and isinstance(model, str) and model:
            known = Observation(code="provision.model", value=model, sub=name[: values.LONGEST_ADDRESS])
            yield Telemetry(device=_address(where, name), adapter=NAME, observations=(known,), model=model)


def _provisioning(
    said: Mapping[str, Any], ieee: str, about: Mapping[str, Any]
) -> tuple[tuple[Observation, ...], str | None]:
    """Return what the bridge says of a device that comes, is questioned, or leaves."""
    kind = said.get("type")
    if kind in ("device_leave", "device_removed"):
        return (Observation(code="provision.left", value=ieee[: values.LONGEST_ADDRESS]),), None
    if kind in ("device_announce", "device_announced"):
        return (Observation(code="link.seen", value=True),), None
    if kind not in ("device_joined", "device_connected", "device_interview", "pairing"):
        return (), None
    candidate = Observation(code="provision.candidate", value=ieee[: values.LONGEST_ADDRESS])
    definition = about.get("definition")
    model = definition.get("model") if isinstance(definition, dict) else about.get("model")
    if not isinstance(model, str):
        return (candidate,), None
    return (candidate, Observation(code="provision.model", value=model[: values.LONGEST_ADDRESS])), model


def _attribute(where: Place, said: object, message: Message) -> Sequence[Telemetry]:
    if where.attribute not in words.PROPERTIES:
        if isinstance(said, list):
            raise DecodeError(NAME, "a list is no state")
        return ()  # an attribute that is of no concern here
    return _device(where, {where.attribute: said}, message)


def _state(where: Place, said: object, message: Message) -> Sequence[Telemetry]:
    if not isinstance(said, dict):
        raise DecodeError(NAME, f"a JSON object is expected, not {type(said).__name__}")
    return _device(where, said, message)


def _device(where: Place, fields: Mapping[str, Any], message: Message) -> Sequence[Telemetry]:
    age = freshness(fields.get("last_seen"), message.received_at, retained=message.retained)
    about = fields.get("device")
    named = about if isinstance(about, dict) else {}
    model = next(
        (named[key] for key in ("model", "modelID", "modelId") if isinstance(named.get(key), str)), message.model
    )
    seen = [*values.distinct(_observe(fields, age, model)), values.alive(age.state)]
    return (
        Telemetry(
            device=_address(where),
            adapter=NAME,
            observations=tuple(seen),
            measured_at=age.measured_at,
            time_quality=age.time_quality,
            identity=_identity(seen, age),
            model=model,
            via=_address(where, "bridge"),
        ),
    )


def _identity(seen: Sequence[Observation], age: Freshness) -> str | None:
    """Return what the press or alarm in a message is recognised by: what it is, and when the bridge heard it."""
    rung = [
        f"{one.code}{'' if one.stage is None else '.' + one.stage.value}"
        for one in seen
        if (one.code.startswith("alarm.") and one.value is True) or one.code == "button.press"
    ]
    if not rung or age.measured_at is None or age.time_quality is not TimeQuality.DEVICE:
        return None
    return f"{'+'.join(sorted(set(rung)))}@{_milliseconds(age.measured_at)}"


def _milliseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def _observe(fields: Mapping[str, Any], age: Freshness, model: str | None) -> Iterator[Observation]:
    """Yield what the properties state, alarms first."""
    for name in ("action", "click"):
        yield from _action(fields.get(name), age.action)
    for name, code in words.FLAGS.items():
        state = values.flag(fields.get(name))
        if state is not None:
            yield Observation(code=code, value=state, native=name, quality=age.state, lasting=code.startswith("alarm."))
    for name in words.FALL_PROPERTIES:
        yield from _fall(fields.get(name), age.state)
    yield from _words(fields, age.state)
    yield from _contact(fields.get("contact"), age.state, model)
    for name, code in words.NUMBERS.items():
        yield from values.measure(code, fields.get(name), native=name, fresh=age.state)
    yield from values.voltage(fields.get("voltage"), native="voltage", fresh=age.state)
    yield from _several(fields, age.state)


def _several(fields: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    """Yield what devices with several contacts, probes or buttons state, each with which it is."""
    for name, value in list(fields.items())[:MOST_PROPERTIES]:
        found = words.single(name) if name not in words.PROPERTIES else None
        if found is None:
            continue
        one, channel = found
        if one in words.NUMBERS:
            yield from values.measure(words.NUMBERS[one], value, native=name, fresh=fresh, channel=channel)
        elif one in words.FLAGS or one == "contact":
            state = values.flag(value)
            if state is not None:
                code, meant = ("contact.open", not state) if one == "contact" else (words.FLAGS[one], state)
                yield Observation(
                    code=code, value=meant, native=name, channel=channel, quality=fresh,
                    lasting=code.startswith("alarm."),
                )  # fmt: skip


def _action(value: object, fresh: Quality) -> Iterator[Observation]:
    word = value.strip() if isinstance(value, str) else ""
    if word.lower() in words.NO_ACTION or len(word) > 80:
        return
    if word.lower() in words.MOVES:
        yield Observation(code=words.MOVES[word.lower()], value=True, native="action", quality=fresh)
        return
    tokens = set(re.split(r"[^a-z0-9]+", word.lower()))
    code = "alarm.sos" if tokens & words.HELP else "alarm.fire" if tokens & words.FIRE else None
    if code is None:
        yield Observation(code="button.press", value=word, native="action", quality=fresh)
    elif tokens & words.OVER:
        yield Observation(code=code, value=False, stage=Stage.CANCELLED, native=word, quality=fresh)
    else:
        yield Observation(code=code, value=True, native=word, quality=fresh)


def _fall(value: object, fresh: Quality) -> Iterator[Observation]:
    word = value.strip().lower().replace(" ", "_") if isinstance(value, str) else value
    if isinstance(word, bool):
        yield Observation(code="alarm.fall", value=word, quality=fresh, lasting=True)
    elif isinstance(word, str) and word in words.FALL_WORDS:
        on, stage = words.FALL_WORDS[word]
        yield Observation(code="alarm.fall", value=on, stage=stage, native=word, quality=fresh, lasting=True)


def _words(fields: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    posture = values.word(fields.get("status")).lower().replace(" ", "_")
    if posture == "falling":
        yield from _fall(posture, fresh)
        yield Observation(code="presence.occupied", value=True, native="status", quality=fresh)
    elif posture in words.POSTURES:
        yield Observation(code="alarm.fall", value=False, native="status", quality=fresh, lasting=True)
        yield Observation(code="presence.occupied", value=words.POSTURES[posture], native="status", quality=fresh)
        yield Observation(code="presence.posture", value=posture, quality=fresh)
    for name, code, meaning in words.STATES:
        word = fields.get(name)
        if isinstance(word, str) and word.lower() in meaning:
            yield Observation(code=code, value=meaning[word.lower()], native=name, quality=fresh,
                              lasting=code.startswith("alarm."))  # fmt: skip


def _contact(value: object, fresh: Quality, model: str | None) -> Iterator[Observation]:
    closed = values.flag(value)
    if closed is None:
        return
    if model in words.BED_PADS:
        yield Observation(code="bed.occupied", value=closed, native="contact", quality=Quality.UNVERIFIED)
    yield Observation(code="contact.open", value=not closed, native="contact", quality=fresh)


_READERS: Mapping[Part, Callable[[Place, Any, Message], Sequence[Telemetry]]] = {
    Part.STATE: _state,
    Part.ATTRIBUTE: _attribute,
    Part.AVAILABILITY: _availability,
    Part.BRIDGE: _bridge,
}

ADAPTER = Zigbee2MqttAdapter()
