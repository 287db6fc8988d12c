"""OpenMQTTGateway: the 433 MHz codes and Bluetooth devices a small gateway hears, one JSON object each.

A code says nothing but itself: it is a device of its own, `omg:<gateway>/rf/5A3C11`, and rings where it is registered
as a call button.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devices import rf_models, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry

NAME = "openmqttgateway/1"
SCHEME = "omg"

RADIO = frozenset({"433toMQTT", "PilighttoMQTT", "RTL_433toMQTT", "RFtoMQTT", "SRFBtoMQTT"})
BLUETOOTH = "BTtoMQTT"
NUMBERS = {
    "tempc": "env.temperature",
    "hum": "env.humidity",
    "batt": "battery.level",
    "lux": "env.illuminance",
}
FLAGS = {"open": "contact.open", "motion": "presence.motion", "leak": "alarm.water_leak", "smoke": "alarm.smoke"}


def split(topic: str) -> tuple[str, str, str] | None:
    """Return the gateway's name, the kind of topic and what follows it; None for any other topic."""
    parts = topic.split("/")
    for at, part in enumerate(parts):
        if at > 0 and (part in RADIO or part == BLUETOOTH):
            return "/".join(parts[:at]), part, "/".join(parts[at + 1 :])
    if len(parts) >= 2 and parts[-1] == "LWT" and "gateway" in parts[-2].lower():
        return "/".join(parts[:-1]), "LWT", ""
    return None


class OpenMqttGatewayAdapter:
    """Gateways that run OpenMQTTGateway or Theengs."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic is one of a gateway's."""
        return split(topic) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether a code, or a detector's finding, may be in it."""
        where = split(topic)
        return where is None or where[1] in RADIO or b'"smoke"' in payload or b'"leak"' in payload

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the telemetry of what was heard.

        Raises:
            DecodeError: Not a gateway's topic, or not what stands on it.
        """
        where = split(message.topic)
        if where is None:
            raise DecodeError(NAME, f"no gateway's topic: {message.topic[:80]!r}")
        gateway, kind, rest = where
        if message.payload.strip() == b"":
            return ()
        fresh = values.old(message.retained)
        if kind == "LWT":
            return (_will(gateway, message),)
        said = values.fields(NAME, message.payload)
        if kind in RADIO:
            return tuple(_radio(gateway, said, fresh, message.model))
        return tuple(_bluetooth(gateway, rest, said, fresh))

    def encode(self, command: Command) -> Downlink | None:
        """Return None: a gateway has nothing to show words on."""
        return None


def _will(gateway: str, message: Message) -> Telemetry:
    state = {"online": True, "offline": False}.get(values.text(NAME, message.payload).lower())
    if state is None:
        raise DecodeError(NAME, f"LWT: neither online nor offline: {message.payload[:40]!r}")
    seen = Observation(code="link.online", value=state)  # retained on purpose: it says how the line is
    return Telemetry(device=values.address(SCHEME, gateway), adapter=NAME, observations=(seen,))


def _radio(gateway: str, said: Mapping[str, Any], fresh: Quality, model: str | None) -> Iterator[Telemetry]:
    code = said.get("value")
    if not isinstance(code, int) or isinstance(code, bool) or not 0 < code < 1 << 64:
        return  # a weather station's message or raw pulses: no code of a button
    heard = Observation(code="rf.code", value=f"0x{code:X}", native=str(code), quality=fresh)
    device = values.address(SCHEME, f"{gateway}/rf/{code:X}")
    yield Telemetry(
        device=device, adapter=NAME, observations=(heard, *rf_models.meant(model, fresh), values.alive(fresh)),
        via=values.address(SCHEME, gateway),
    )  # fmt: skip


def _bluetooth(gateway: str, rest: str, said: Mapping[str, Any], fresh: Quality) -> Iterator[Telemetry]:
    mac = values.word(said.get("id")) or values.word(said.get("mac")) or values.word(rest)
    if not mac:
        return
    seen: list[Observation] = [Observation(code="beacon.seen", value=True, sub=mac, quality=fresh)]
    for name, code in NUMBERS.items():
        seen += values.measure(code, said.get(name), native=name, fresh=fresh)
    seen += values.voltage(said.get("volt"), native="volt", fresh=fresh)
    for name, code in FLAGS.items():
        state = values.flag(said.get(name))
        if state is not None:
            seen.append(Observation(code=code, value=state, native=name, quality=fresh))
    plain = values.key(mac)
    yield Telemetry(
        device=values.address(SCHEME, f"{gateway}/{plain}"), adapter=NAME, observations=(*seen, values.alive(fresh)),
        model=values.word(said.get("model_id")) or None, via=values.address(SCHEME, gateway),
    )  # fmt: skip


ADAPTER = OpenMqttGatewayAdapter()
