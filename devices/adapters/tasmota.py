"""Tasmota: its own sensors, and the Zigbee, Bluetooth and 433 MHz devices that a bridge running it hears.

Every device behind a bridge is one of its own: `tasmota:<bridge>/0x128F`, `…/beacon/<MAC>`, `…/rf/<code>`. A 433 MHz
code says nothing but itself, so the table of devices is the binding table: the code of a call button is registered as a
device of model `call-button`, and only then does it ring; that of a door or a detector as one of `devices.rf_models`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from devices import plausible, rf_models, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.adapters import tasmota_words as words
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NAME = "tasmota/1"
SCHEME = "tasmota"
MOST_DEVICES = 64  # of one message: a bridge puts all Bluetooth sensors it has heard into one

_PREFIXES = frozenset({"tele", "stat", "cmnd"})
_SUFFIX = re.compile(r"[A-Z][A-Z0-9_]{1,30}")
_SHORT = re.compile(r"0x[0-9A-Fa-f]{4}")
_COMMAND = re.compile(r"([0-9A-F]{4})[!?<]([0-9A-F]{2})")
_URGENT = re.compile(rb'"(?:ZbReceived|RfReceived|Action|Button\d*|Btn|Click|Fire|Smoke|Gas|Water|Leak|CO|Panic)"')


class Topic(msgspec.Struct, frozen=True):
    """A Tasmota topic, taken apart: the device's name is what is neither the prefix nor the last word."""

    prefix: str
    name: str
    suffix: str


def split(topic: str) -> Topic | None:
    """Return the parts of `tele/<name>/SENSOR`, also of `<name>/tele/SENSOR`; None for any other topic."""
    parts = topic.split("/")
    at = next((at for at, part in enumerate(parts[:-1]) if part in _PREFIXES), None)
    if at is None or not _SUFFIX.fullmatch(parts[-1]):
        return None
    name = "/".join([*parts[:at], *parts[at + 1 : -1]])
    return Topic(parts[at], name, parts[-1]) if name else None


class _Time(msgspec.Struct, frozen=True):
    at: datetime | None
    quality: TimeQuality


class TasmotaAdapter:
    """Everything that runs Tasmota, and what it bridges."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether `tele` or `stat` stands in the topic, and a word in capitals ends it."""
        return split(topic) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether a button, a radio code or a detector may be in it."""
        where = split(topic)
        if where is None:
            return True
        if where.suffix not in ("SENSOR", "RESULT"):
            return False
        return _URGENT.search(payload) is not None or b"\\u" in payload

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return one telemetry for each device that the bridge speaks of.

        Raises:
            DecodeError: Not a Tasmota topic, or not the JSON that stands on it.
        """
        where = split(message.topic)
        if where is None:
            raise DecodeError(NAME, f"neither tele nor stat in {message.topic[:80]!r}")
        if where.prefix == "cmnd" or message.payload.strip() == b"":
            return ()
        if where.suffix == "LWT":
            return (_will(where, message),)
        if where.suffix not in ("STATE", "SENSOR", "RESULT"):
            return ()
        said = values.fields(NAME, message.payload)
        return tuple(_devices(where, said, message))

    def encode(self, command: Command) -> Downlink | None:
        """Return None: what a bridge could be told depends on what is wired to it."""
        return None


def _will(where: Topic, message: Message) -> Telemetry:
    state = {"online": True, "offline": False}.get(values.text(NAME, message.payload).lower())
    if state is None:
        raise DecodeError(NAME, f"LWT: neither Online nor Offline: {message.payload[:40]!r}")
    seen = Observation(code="link.online", value=state)  # retained on purpose: it says how the line is
    return Telemetry(device=values.address(SCHEME, where.name), adapter=NAME, observations=(seen,))


def _devices(where: Topic, said: Mapping[str, Any], message: Message) -> Iterator[Telemetry]:
    time = _time(said, message)
    fresh = values.old(message.retained)
    zigbee, radio, beacon = said.get("ZbReceived"), said.get("RfReceived"), said.get("IBEACON")
    if isinstance(zigbee, dict):
        for name, attributes in list(zigbee.items())[:MOST_DEVICES]:
            if isinstance(attributes, dict):
                yield _zigbee(where, name, attributes, time, fresh)
    elif isinstance(radio, dict):
        yield from _radio(where, radio, time, fresh, message.model)
    elif isinstance(beacon, dict):
        yield from _beacon(where, beacon, time, fresh)
    else:
        yield _own(where, said, time, fresh)


def _said(
    native: str, observations: Iterator[Observation], time: _Time, model: str | None = None, bridge: str | None = None
) -> Telemetry:
    return Telemetry(
        device=values.address(SCHEME, native), adapter=NAME, observations=tuple(values.distinct(observations)),
        measured_at=time.at, time_quality=time.quality, model=model,
        via=None if bridge is None else values.address(SCHEME, bridge),
    )  # fmt: skip


def _time(said: Mapping[str, Any], message: Message) -> _Time:
    """Return the device's time: `Epoch` is UTC, `Time` is local and mostly says no zone."""
    epoch = said.get("Epoch")
    at = plausible.instant(epoch) if isinstance(epoch, int | float) else plausible.instant(said.get("Time"))
    return _Time(at, plausible.clock(at, message.received_at))


# Its own sensors.


def _own(where: Topic, said: Mapping[str, Any], time: _Time, fresh: Quality) -> Telemetry:
    return _said(where.name, _sensors(where, said, fresh), time)


def _sensors(where: Topic, said: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    candidate = said.get("ZbState")
    if isinstance(candidate, dict) and candidate.get("Status") == 30 and values.word(candidate.get("IEEEAddr")):
        yield Observation(code="provision.candidate", value=values.word(candidate["IEEEAddr"]))
    for name, value in list(said.items())[:MOST_DEVICES]:
        if name in words.NO_SENSOR or not isinstance(value, dict):
            continue
        button = re.fullmatch(r"Button(\d{1,2})", name)
        if button is not None:
            yield from _press(value.get("Action"), fresh, channel=button[1])
        elif where.suffix == "SENSOR":
            yield from _attributes(value, fresh, sub=name[: values.LONGEST_WORD], units=said)
    yield values.alive(fresh)


def _attributes(
    fields: Mapping[str, Any], fresh: Quality, *, sub: str, units: Mapping[str, Any]
) -> Iterator[Observation]:
    """Yield what a sensor's object states, in the units that stand beside it or around it."""
    for name, code in words.FLAGS.items():
        state = values.flag(fields.get(name))
        if state is not None:
            unsure = code == "contact.open" and sub.startswith(words.UNVERIFIED_CONTACTS)
            quality = Quality.UNVERIFIED if unsure else fresh
            yield Observation(
                code=code, value=state, native=name, sub=sub, quality=quality, lasting=code.startswith("alarm.")
            )
    for name, code in words.NUMBERS.items():
        value = _in_our_unit(code, values.number(fields.get(name)), {**units, **fields})
        own = code == "env.temperature" and sub in words.OWN_CHIPS
        yield from values.measure("device.temperature" if own else code, value, native=name, fresh=fresh, sub=sub)
    for name in words.VOLTAGES:
        for one in values.voltage(fields.get(name), native=name, fresh=fresh):
            yield msgspec.structs.replace(one, sub=sub)
    mode = fields.get("AqaraVibrationMode")
    if isinstance(mode, str) and mode in words.AQARA_MODES:
        yield Observation(code=words.AQARA_MODES[mode], value=True, native=mode, sub=sub, quality=fresh)
    for name in words.CLICKS:
        value = fields.get(name)
        press = words.ARROWS.get(str(value)) if name.startswith("Arrow") else None
        yield from _press(press or (name if name.startswith("Dimmer") and value is not None else value), fresh, sub=sub)


def _in_our_unit(code: str, value: float | None, units: Mapping[str, Any]) -> float | None:
    if value is None:
        return None
    if code == "env.temperature" and units.get("TempUnit") == "F":
        return round((value - 32) / 1.8, 2)
    if code == "env.pressure" and units.get("PressureUnit") == "mmHg":
        return round(value * 1.333224, 2)
    return value


def _press(
    value: object, fresh: Quality, *, sub: str | None = None, channel: str | None = None
) -> Iterator[Observation]:
    said = str(value) if isinstance(value, int) and not isinstance(value, bool) else values.word(value)
    if said.lower() not in words.NO_CLICK:
        yield Observation(code="button.press", value=said.lower(), native=said, sub=sub, channel=channel, quality=fresh)


# What it bridges.


def _zigbee(where: Topic, name: str, attributes: Mapping[str, Any], time: _Time, fresh: Quality) -> Telemetry:
    """Return one Zigbee device's telemetry. Its short address changes when it joins again; a given name does not."""
    device = values.word(attributes.get("Device")) or name
    short = device if _SHORT.fullmatch(device) else name[: values.LONGEST_ADDRESS]
    given = values.word(attributes.get("Name")) or (name if not _SHORT.fullmatch(name) else short)
    model = values.word(attributes.get("ModelId")) or None
    bridge = _bridge(where, short)
    return _said(f"{bridge}/{given}", _zigbee_states(attributes, fresh, short, model), time, model, bridge)


def _bridge(where: Topic, short: str) -> str:
    """Return the bridge's name: with an own topic for each device, the device's address ends it."""
    head, _, last = where.name.rpartition("/")
    return head if head and last.lower() == short.lower().removeprefix("0x") else where.name


def _zigbee_states(attributes: Mapping[str, Any], fresh: Quality, sub: str, model: str | None) -> Iterator[Observation]:
    for raw, payload in list(attributes.items())[:MOST_DEVICES]:
        command = _COMMAND.fullmatch(raw)
        if command is None:
            continue
        number = command[1] + command[2]
        if number in words.CALLS:
            yield Observation(code=words.CALLS[number], value=True, native=raw, sub=sub, quality=fresh)
        elif number == "0006FD":
            yield from _press(words.TUYA_CLICKS.get(str(payload)[:2]), fresh, sub=sub)
        elif number in words.COMMANDS:
            yield from _press(words.COMMANDS[number], fresh, sub=sub)
    status = values.number(attributes.get("ZoneStatusChange"))
    if isinstance(status, int) and 0 <= status <= 0xFFFF:
        yield Observation(code="alarm.tamper", value=bool(status & words.TAMPER_BIT), sub=sub, quality=fresh)
        yield Observation(code="battery.low", value=bool(status & words.BATTERY_BIT), sub=sub, quality=fresh)
    yield from _attributes(attributes, fresh, sub=sub, units={})
    if model is not None:
        yield Observation(code="provision.model", value=model, sub=sub)
    if attributes.get("Reachable") is not False:
        yield values.alive(fresh)


def _radio(
    where: Topic, radio: Mapping[str, Any], time: _Time, fresh: Quality, model: str | None
) -> Iterator[Telemetry]:
    code = radio.get("Data")
    said = f"0x{code:X}" if isinstance(code, int) and not isinstance(code, bool) and code >= 0 else values.word(code)
    plain = said.lower().removeprefix("0x").upper()
    if not re.fullmatch(r"[0-9A-F]{1,32}", plain):
        raise DecodeError(NAME, f"RfReceived: no code in hex: {str(code)[:40]!r}")
    heard = Observation(code="rf.code", value=said, quality=fresh)
    seen = iter([heard, *rf_models.meant(model, fresh), values.alive(fresh)])
    yield _said(f"{where.name}/rf/{plain}", seen, time, bridge=where.name)


def _beacon(where: Topic, beacon: Mapping[str, Any], time: _Time, fresh: Quality) -> Iterator[Telemetry]:
    mac, here = values.word(beacon.get("MAC")), values.flag(beacon.get("STATE"))
    if mac and here is not None:
        seen = Observation(code="beacon.seen", value=here, sub=mac, quality=fresh)
        told = iter([seen, *([values.alive(fresh)] if here else [])])
        yield _said(f"{where.name}/beacon/{mac}", told, time, bridge=where.name)


ADAPTER = TasmotaAdapter()
