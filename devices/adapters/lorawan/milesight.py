"""Milesight: channel, type, value. What a channel means depends on the model, so each model is a row of channels."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from devices.adapter import DecodeError
from devices.adapters.lorawan import milesight_radar as radar
from devices.adapters.lorawan.parts import (
    NAME,
    Codec,
    Frame,
    Said,
    absent,
    alarm,
    measure,
    past,
    place,
    press,
    state,
    unix,
)
from devices.telemetry import Observation

_PRESSES = {1: "short", 2: "long", 3: "double"}


class Field(msgspec.Struct, frozen=True):
    """The value of one channel: its bytes, and what they say."""

    size: int
    says: Callable[[Frame, int], Said]


Row = Mapping[tuple[int, int], Field]


def _nothing(frame: Frame, at: int) -> Said:
    return ()


def _skip(size: int) -> Field:
    return Field(size, _nothing)


def _flag(code: str, *, alarming: bool = False, when: int = 1) -> Field:
    def says(frame: Frame, at: int) -> Said:
        value = frame.u8(at)
        if value in (0, 1):  # 2 and 255 are other words: the sensor failed, or is learning
            yield alarm(code, value == when) if alarming else state(code, value == when)

    return Field(1, says)


def _number(code: str, size: int, by: float, *, signed: bool = False, rest: int = 0, **more: str) -> Field:
    """Return a number of `size` bytes in steps of `by`, followed by `rest` bytes about thresholds."""

    def says(frame: Frame, at: int) -> Said:
        raw = frame.number(at, size, "little", signed=signed)
        failed = (1 << size * 8) - 1 if not signed else -1
        if raw == failed and code != "battery.level":
            yield absent(code, **more)
        else:
            yield measure(code, raw * by, **more)

    return Field(size + rest, says)


def _light_levels(frame: Frame, at: int) -> Said:
    yield measure("env.illuminance", frame.u16le(at))


def _press(frame: Frame, at: int) -> Said:
    word = _PRESSES.get(frame.u8(at))
    if word is not None:
        yield press(word)


def _numbered_press(frame: Frame, at: int) -> Said:
    yield press(channel=str(frame.u8(at)))


def _located(frame: Frame, at: int) -> Said:
    yield place(frame.i32le(at) / 1e6, frame.i32le(at + 4) / 1e6)
    yield from _fence(frame.u8(at + 8))


def _fence(status: int) -> Iterator[Observation]:
    motion = status & 0x0F
    if motion in (1, 2, 3):
        yield state("motion.moving", motion != 3)
    if status >> 4 == 1:
        yield alarm("alarm.geofenceExit", True)


def _access_point(frame: Frame, at: int) -> Said:
    if frame.u8(at + 8) & 0x0F in (1, 2, 3):
        yield state("motion.moving", frame.u8(at + 8) & 0x0F != 3)


def _regions(frame: Frame, at: int) -> Said:
    """Yield the zones of a desk sensor that are switched on."""
    enabled, taken = frame.u16le(at), frame.u16le(at + 2)
    for zone in range(10):
        if enabled >> zone & 1:
            yield state("presence.occupied", bool(taken >> zone & 1), channel=str(zone + 1))


def _people(frame: Frame, at: int) -> Said:
    yield state("presence.occupied", frame.u16le(at) > 0, native=str(frame.u16le(at)))


def _climate_history(code: str | None, *, alarming: bool = False) -> Field:
    """Return a reading out of the memory of an EM300: time, temperature, humidity and, if it has one, its contact."""

    def says(frame: Frame, at: int) -> Said:
        then = unix(frame.u32le(at))
        yield past(measure("env.temperature", frame.i16le(at + 4) / 10), then)
        yield past(measure("env.humidity", frame.u8(at + 6) / 2), then)
        if code is not None and frame.u8(at + 7) in (0, 1):
            yield past(Observation(code=code, value=frame.u8(at + 7) == 1), then)

    return Field(8, says)


def _occupancy_history(frame: Frame, at: int) -> Said:
    then = unix(frame.u32le(at))
    yield past(state("presence.occupied", frame.u8(at + 5) == 1), then)
    yield past(measure("env.temperature", frame.i16le(at + 6) / 10), then)
    yield past(measure("env.humidity", frame.u8(at + 8) / 2), then)


def _way_history(frame: Frame, at: int) -> Said:
    yield past(place(frame.i32le(at + 8) / 1e6, frame.i32le(at + 4) / 1e6), unix(frame.u32le(at)))


def _gas(frame: Frame, at: int) -> Said:
    yield alarm("alarm.gas", frame.u8(at) == 1)


_GAS_FAULTS = {
    2: (True, "sensor failed"),
    3: (False, None),
    4: (True, "sensor near its end"),
    5: (True, "sensor worn out"),
}


def _gas_event(frame: Frame, at: int) -> Said:
    """Yield what a gas detector reports beside the gas: its supply and its own faults."""
    event = frame.u8(at)
    if event in (0, 1):
        yield state("link.online", event == 1)  # cut from the mains it speaks once more, and is gone
    elif event in _GAS_FAULTS:
        on, word = _GAS_FAULTS[event]
        yield alarm("alarm.fault", on, native=word)


BATTERY = _number("battery.level", 1, 1)
TEMPERATURE = _number("env.temperature", 2, 0.1, signed=True)
HUMIDITY = _number("env.humidity", 1, 0.5)
PRESSURE = _number("env.pressure", 2, 0.1)
CO2 = _number("env.co2", 2, 1)
CONTACT = _flag("contact.open")
TAMPER = _flag("alarm.tamper", alarming=True)
LEAK = _flag("alarm.water_leak", alarming=True)
MOTION = _flag("presence.motion")
OCCUPIED = _flag("presence.occupied")
LIGHT = Field(6, _light_levels)
BUTTON = Field(1, _press)
NUMBERED = Field(3, _numbered_press)
WIFI = Field(9, _access_point)
DISTANCE = _skip(2)

# What every model says: battery, and on channel 255 itself (versions, serial number, class, restart).
EVERY: Row = {
    (0x01, 0x75): BATTERY,
    **{(0xFF, kind): _skip(size) for kind, size in (
        (0x01, 1), (0x08, 6), (0x09, 2), (0x0A, 2), (0x0B, 1), (0x0F, 1), (0x16, 8), (0x18, 2), (0xFF, 2), (0xFE, 1),
    )},
}  # fmt: skip
CLIMATE: Row = {
    (0x03, 0x67): TEMPERATURE,
    (0x04, 0x68): HUMIDITY,
    (0x83, 0x67): _number("env.temperature", 2, 0.1, signed=True, rest=1),
    (0x84, 0x68): _number("env.humidity", 1, 0.5, rest=1),
    (0x83, 0xD7): _number("env.temperature", 2, 0.1, signed=True, rest=3),
}
_EM300: Row = {**CLIMATE, (0x20, 0xCE): _climate_history(None)}
_EM300_LEAK: Row = {**CLIMATE, (0x05, 0x00): LEAK, (0x20, 0xCE): _climate_history("alarm.water_leak")}
_EM300_DOOR: Row = {**CLIMATE, (0x06, 0x00): CONTACT, (0x20, 0xCE): _climate_history("contact.open")}
_AIR: Row = {
    **CLIMATE,
    (0x05, 0x00): MOTION,
    (0x05, 0x6A): _skip(2),
    (0x06, 0x65): LIGHT,
    (0x06, 0xCB): _skip(1),
    (0x07, 0x7D): CO2,
    (0x08, 0x7D): _skip(2),
    (0x08, 0xE6): _skip(2),
    (0x09, 0x73): PRESSURE,
    (0x0A, 0x7D): _skip(2),
    (0x0B, 0x7D): _skip(2),
    (0x0C, 0x7D): _skip(2),
    (0x0D, 0x7D): _skip(2),
    (0x0E, 0x01): _skip(1),
}
_SOCKET: Row = {
    (0x03, 0x74): _number("electric.voltage", 2, 0.1),
    (0x04, 0x80): _skip(4),
    (0x05, 0x81): _skip(1),
    (0x06, 0x83): _skip(4),
    (0x07, 0xC9): _skip(2),
    (0x08, 0x70): _skip(1),
    (0xFF, 0x26): _skip(1),
    (0xFF, 0x3F): _skip(1),
}
_GANGS: Row = {(0x08, 0x29): _skip(1), (0xFF, 0x29): _skip(1), (0x08, 0x31): _skip(2), **_SOCKET}
_DISTANCE: Row = {(0x03, 0x82): DISTANCE, (0x04, 0x82): DISTANCE, (0x04, 0x00): _skip(1), (0x05, 0x00): _skip(1)}
_TILT: Row = {(0x03, 0xD4): _skip(7), (0x04, 0xD4): _skip(7), (0x03, 0xCF): _skip(7)}
_COUNTER: Row = {
    (0x03, 0x67): TEMPERATURE,
    (0x83, 0x67): _number("env.temperature", 2, 0.1, signed=True, rest=1),
    (0x04, 0xCC): _skip(4),
    (0x05, 0xCC): _skip(4),
    (0x0D, 0xCC): _skip(4),
    (0x0E, 0xCC): _skip(4),
    (0x84, 0xCC): _skip(5),
    (0x85, 0xCC): _skip(5),
    (0x0A, 0xEF): _skip(4),
    (0x81, 0xEE): _skip(1),
}
_VALVE: Row = {
    (0x03, 0x67): TEMPERATURE,
    (0x04, 0x67): _skip(2),
    (0x05, 0x92): _skip(1),
    (0x06, 0x00): TAMPER,
    (0x07, 0x00): _flag("contact.open"),
    (0x08, 0xE5): _skip(1),
    (0x09, 0x90): _skip(2),
    (0x0A, 0x00): _skip(1),
    (0x0B, 0x90): _skip(2),
}
_SEAT: Row = {(0x03, 0x00): OCCUPIED}
_PROBE: Row = {(0x03, 0x67): TEMPERATURE, (0x83, 0xD7): _number("env.temperature", 2, 0.1, signed=True, rest=3)}
_FALL: Row = {
    (0x03, 0xF8): Field(6, radar.detection),
    (0x07, 0xB0): Field(8, radar.detection),
    (0x04, 0xF9): Field(4, radar.regions_before),
    (0x0A, 0xB3): Field(5, radar.regions),
    (0x05, 0xFA): _skip(8),
    (0x0B, 0xB4): _skip(8),
    (0x06, 0xFB): Field(5, radar.event),
    (0x08, 0xB1): Field(3, radar.respiration),
    (0x20, 0xCE): Field(9, radar.past_event),
}

_LEVEL: Row = {
    **_DISTANCE,
    (0x03, 0x67): TEMPERATURE,
    (0x06, 0x88): Field(9, _located),
    (0x83, 0x67): _number("env.temperature", 2, 0.1, signed=True, rest=1),
    (0x84, 0x82): _skip(3),
}
_NUMBERED: Row = {(0xFF, 0x34): NUMBERED}
_BASICS: Row = {}  # what every model has

MODELS: Mapping[str, Row] = {
    "ws101": {(0xFF, 0x2E): BUTTON},
    **dict.fromkeys(("ws136", "ws156"), _NUMBERED),
    "ws201": {(0x03, 0x82): DISTANCE, (0x04, 0xD6): _skip(1)},
    "ws202": {(0x03, 0x00): MOTION, (0x04, 0x00): _skip(1)},
    "ws203": {**CLIMATE, (0x05, 0x00): OCCUPIED, (0x20, 0xCE): Field(9, _occupancy_history)},
    "ws301": {(0x03, 0x00): CONTACT, (0x04, 0x00): TAMPER},
    "ws302": {(0x05, 0x5B): _skip(7)},
    "ws303": {(0x03, 0x00): LEAK},
    **dict.fromkeys(("ws501", "ws502", "ws503", "ws50x"), _GANGS),
    **dict.fromkeys(("ws513", "ws515", "ws523", "ws525", "ws52x", "ws51x"), _SOCKET),
    "ws558": {(0x03, 0x74): _number("electric.voltage", 2, 0.1), (0x08, 0x31): _skip(2)},
    "vs321": {
        **CLIMATE,
        (0x05, 0xFD): Field(2, _people),
        (0x06, 0xFE): Field(4, _regions),
        (0x07, 0xFF): _skip(1),
        (0x08, 0xF4): _skip(2),
        (0x0A, 0xEF): _skip(4),
    },
    "vs330": {
        (0x02, 0x82): DISTANCE,
        (0x03, 0x8E): OCCUPIED,
        (0x04, 0x8E): _skip(1),
        (0x04, 0xA8): _skip(1),
        (0x08, 0xA8): _skip(1),
        (0x09, 0xA9): _skip(4),
        (0x02, 0xA5): _skip(8),
        (0x06, 0xA6): _skip(4),
    },
    **dict.fromkeys(("vs340", "vs341"), _SEAT),
    **dict.fromkeys(("vs350", "vs351", "vs360"), _COUNTER),
    "vs373": _FALL,
    "vs370": {**CLIMATE, (0x03, 0x00): OCCUPIED, (0x04, 0x00): _skip(1)},
    "gs101": {
        (0x05, 0x8E): Field(1, _gas),
        (0x06, 0x01): _skip(1),
        (0x07, 0x01): _skip(1),
        (0xFF, 0x3F): Field(1, _gas_event),
        (0xFF, 0x7D): _skip(4),
    },
    "gs301": {
        (0x02, 0x67): TEMPERATURE,
        (0x03, 0x68): HUMIDITY,
        (0x04, 0x7D): _skip(2),
        (0x05, 0x7D): _skip(2),
        (0x06, 0x7D): _skip(2),
        (0x07, 0xEA): _skip(5),
    },
    "gs524n": {},  # speaks the six bytes of its maker instead, see milesight_radar.smoke
    "at101": {
        (0x03, 0x67): TEMPERATURE,
        (0x83, 0x67): _number("env.temperature", 2, 0.1, signed=True, rest=1),
        (0x04, 0x88): Field(9, _located),
        (0x84, 0x88): Field(9, _located),
        (0x05, 0x00): _skip(1),
        (0x06, 0xD9): WIFI,
        (0x07, 0x00): TAMPER,
        (0x08, 0x9B): _skip(6),
        (0x20, 0xCE): Field(18, _way_history),
    },
    **dict.fromkeys(("em300-th", "em300", "em320-th", "ts101", "ts201", "ts301", "ts302"), _EM300),
    **dict.fromkeys(("em300-sld", "em300-zld", "em300-mld"), _EM300_LEAK),
    "em300-mcs": _EM300_DOOR,
    "em300-di": {**CLIMATE, (0x05, 0x00): _skip(1), (0x05, 0xC8): _skip(4), (0x05, 0xE1): _skip(8)},
    "em300-cl": {(0x03, 0xED): _skip(1), (0x83, 0xED): _skip(2), (0x04, 0xEE): _skip(1)},
    **dict.fromkeys(("em310-udl", "em400-mud", "em400-tld", "em400-udl", "em410-rdl", "em500-udl"), _LEVEL),
    **dict.fromkeys(("em310-tilt", "em320-tilt"), _TILT),
    "em500-co2": {**CLIMATE, (0x05, 0x7D): CO2, (0x06, 0x73): PRESSURE},
    "em500-lgt": {(0x03, 0x94): _number("env.illuminance", 4, 1)},
    "em500-pp": {(0x03, 0x7B): _skip(2)},
    "em500-swl": {(0x03, 0x77): _skip(2)},
    "em500-pt100": _PROBE,
    "em500-smt": {**CLIMATE, (0x04, 0xCA): _skip(2), (0x05, 0x7F): _skip(2), (0x05, 0x68): _skip(1)},
    **dict.fromkeys(
        ("am100", "am102", "am102l", "am103", "am103l", "am104", "am107", "am300", "am307", "am307l", "am308",
         "am308l", "am319", "am319l"), _AIR,
    ),
    **dict.fromkeys(("wt101", "wt102"), _VALVE),
    **dict.fromkeys(("uc100", "uc300", "uc11xx", "uc501", "uc502", "uc511", "uc512", "uc521"), _BASICS),
}  # fmt: skip

_REPLIES = frozenset({0xFE, 0xFF, 0xF8, 0xF9})  # answers to a downlink: their lengths are the settings' business


def read(frame: Frame) -> Said:
    """Yield what the channels say, up to the first that this model does not have.

    Raises:
        DecodeError: Not even the first channel is one of this model's.
    """
    if frame.model == "gs524n" and len(frame) == 6:
        yield from radar.smoke(frame)
        return
    row, at = MODELS.get(frame.model, {}), 0
    while at + 1 < len(frame):
        channel = frame.u8(at), frame.u8(at + 1)
        field = row.get(channel) or EVERY.get(channel)
        if field is None:
            if at == 0 and channel[0] not in _REPLIES:
                raise DecodeError(NAME, f"{frame.model} has no channel {channel[0]:02x} {channel[1]:02x}")
            return
        if at + 2 + field.size > len(frame):
            return  # cut off: what came before it stands
        yield from field.says(frame, at + 2)
        at += 2 + field.size


def fits(frame: Frame) -> Iterator[str]:
    """Yield the models in whose channels this frame can be read to its end, of those that need not be told."""
    for model, row in MODELS.items():
        at = 0
        while at + 1 < len(frame):
            channel = frame.u8(at), frame.u8(at + 1)
            field = row.get(channel) or EVERY.get(channel)
            if field is None:
                break
            at += 2 + field.size
        if at == len(frame) and at:
            yield model


CODEC = Codec(maker="milesight", read=read, models=MODELS, aliases=("milesight-iot", "ursalink"))
