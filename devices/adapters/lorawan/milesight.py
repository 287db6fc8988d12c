"""Milesight: channel, type, value. What a channel means depends on the model, so each model is a row of channels."""

from collections.abc import Iterator, Mapping

from devices.adapter import DecodeError
from devices.adapters.lorawan import milesight_radar as radar
from devices.adapters.lorawan.milesight_fields import (
    Field,
    access_point,
    climate_history,
    counted_history,
    flagged,
    gas,
    gas_event,
    light_levels,
    located,
    number,
    numbered_press,
    occupancy_history,
    people,
    pressed,
    regions,
    skip,
    way_history,
)
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said

Row = Mapping[tuple[int, int], Field]

BATTERY = number("battery.level", 1, 1)
TEMPERATURE = number("env.temperature", 2, 0.1, signed=True)
HUMIDITY = number("env.humidity", 1, 0.5)
PRESSURE = number("env.pressure", 2, 0.1)
CO2 = number("env.co2", 2, 1)
CONTACT = flagged("contact.open")
TAMPER = flagged("alarm.tamper", alarming=True)
LEAK = flagged("alarm.water_leak", alarming=True)
MOTION = flagged("presence.motion")
OCCUPIED = flagged("presence.occupied")
LIGHT = Field(6, light_levels)
BUTTON = Field(1, pressed)
NUMBERED = Field(3, numbered_press)
WIFI = Field(9, access_point)
DISTANCE = skip(2)

# What every model says: battery, and on channel 255 itself (versions, serial number, class, restart).
EVERY: Row = {
    (0x01, 0x75): BATTERY,
    **{(0xFF, kind): skip(size) for kind, size in (
        (0x01, 1), (0x08, 6), (0x09, 2), (0x0A, 2), (0x0B, 1), (0x0F, 1), (0x16, 8), (0x18, 2), (0xFF, 2), (0xFE, 1),
    )},
}  # fmt: skip
CLIMATE: Row = {
    (0x03, 0x67): TEMPERATURE,
    (0x04, 0x68): HUMIDITY,
    (0x83, 0x67): number("env.temperature", 2, 0.1, signed=True, rest=1),
    (0x84, 0x68): number("env.humidity", 1, 0.5, rest=1),
    (0x83, 0xD7): number("env.temperature", 2, 0.1, signed=True, rest=3),
}
_EM300: Row = {**CLIMATE, (0x20, 0xCE): climate_history(None)}
_EM300_LEAK: Row = {**CLIMATE, (0x05, 0x00): LEAK, (0x20, 0xCE): climate_history("alarm.water_leak")}
_EM300_DOOR: Row = {**CLIMATE, (0x06, 0x00): CONTACT, (0x20, 0xCE): climate_history("contact.open")}
_AIR: Row = {
    **CLIMATE,
    (0x05, 0x00): MOTION,
    (0x05, 0x6A): skip(2),
    (0x06, 0x65): LIGHT,
    (0x06, 0xCB): skip(1),
    (0x07, 0x7D): CO2,
    (0x08, 0x7D): skip(2),
    (0x08, 0xE6): skip(2),
    (0x09, 0x73): PRESSURE,
    (0x0A, 0x7D): skip(2),
    (0x0B, 0x7D): skip(2),
    (0x0C, 0x7D): skip(2),
    (0x0D, 0x7D): skip(2),
    (0x0E, 0x01): skip(1),
}
_SOCKET: Row = {
    (0x03, 0x74): number("electric.voltage", 2, 0.1),
    (0x04, 0x80): skip(4),
    (0x05, 0x81): skip(1),
    (0x06, 0x83): skip(4),
    (0x07, 0xC9): skip(2),
    (0x08, 0x70): skip(1),
    (0xFF, 0x26): skip(1),
    (0xFF, 0x3F): skip(1),
}
_GANGS: Row = {(0x08, 0x29): skip(1), (0xFF, 0x29): skip(1), (0x08, 0x31): skip(2), **_SOCKET}
_DISTANCE: Row = {(0x03, 0x82): DISTANCE, (0x04, 0x82): DISTANCE, (0x04, 0x00): skip(1), (0x05, 0x00): skip(1)}
_TILT: Row = {(0x03, 0xD4): skip(7), (0x04, 0xD4): skip(7), (0x03, 0xCF): skip(7)}
_COUNTER: Row = {
    (0x03, 0x67): TEMPERATURE,
    (0x83, 0x67): number("env.temperature", 2, 0.1, signed=True, rest=1),
    (0x04, 0xCC): skip(4),
    (0x05, 0xCC): skip(4),
    (0x0D, 0xCC): skip(4),
    (0x0E, 0xCC): skip(4),
    (0x84, 0xCC): skip(5),
    (0x85, 0xCC): skip(5),
    (0x0A, 0xEF): skip(4),
    (0x81, 0xEE): skip(1),
    (0x02, 0x75): number("battery.level", 1, 1, channel="node"),
    (0x03, 0xF4): skip(2),
    (0x20, 0xCE): counted_history((4, 8)),
}
_VALVE: Row = {
    (0x03, 0x67): TEMPERATURE,
    (0x04, 0x67): skip(2),
    (0x05, 0x92): skip(1),
    (0x06, 0x00): TAMPER,
    (0x07, 0x00): flagged("contact.open"),
    (0x08, 0xE5): skip(1),
    (0x09, 0x90): skip(2),
    (0x0A, 0x00): skip(1),
    (0x0B, 0x90): skip(2),
}
_SEAT: Row = {(0x03, 0x00): OCCUPIED}
_PROBE: Row = {(0x03, 0x67): TEMPERATURE, (0x83, 0xD7): number("env.temperature", 2, 0.1, signed=True, rest=3)}
_FALL: Row = {
    (0x03, 0xF8): Field(6, radar.detection),
    (0x07, 0xB0): Field(8, radar.detection),
    (0x04, 0xF9): Field(4, radar.regions_before),
    (0x0A, 0xB3): Field(5, radar.regions),
    (0x05, 0xFA): skip(8),
    (0x0B, 0xB4): skip(8),
    (0x06, 0xFB): Field(5, radar.event),
    (0x08, 0xB1): Field(3, radar.respiration),
    (0x20, 0xCE): Field(9, radar.past_event),
}

_LEVEL: Row = {
    **_DISTANCE,
    (0x03, 0x67): TEMPERATURE,
    (0x06, 0x88): Field(9, located),
    (0x83, 0x67): number("env.temperature", 2, 0.1, signed=True, rest=1),
    (0x84, 0x82): skip(3),
}
_WAY: Row = {
    (0x03, 0x67): TEMPERATURE,
    (0x83, 0x67): number("env.temperature", 2, 0.1, signed=True, rest=1),
    (0x04, 0x88): Field(9, located),
    (0x84, 0x88): Field(9, located),
    (0x05, 0x00): skip(1),
    (0x06, 0xD9): WIFI,
    (0x07, 0x00): TAMPER,
    (0x08, 0x9B): skip(6),
    (0x20, 0xCE): Field(18, way_history),
}
_NUMBERED: Row = {(0xFF, 0x34): NUMBERED}
_BASICS: Row = {}  # what every model has

MODELS: Mapping[str, Row] = {
    "ws101": {(0xFF, 0x2E): BUTTON},
    **dict.fromkeys(("ws136", "ws156"), _NUMBERED),
    "ws201": {(0x03, 0x82): DISTANCE, (0x04, 0xD6): skip(1)},
    "ws202": {(0x03, 0x00): MOTION, (0x04, 0x00): skip(1)},
    "ws203": {**CLIMATE, (0x05, 0x00): OCCUPIED, (0x20, 0xCE): Field(9, occupancy_history)},
    "ws301": {(0x03, 0x00): CONTACT, (0x04, 0x00): TAMPER},
    "ws302": {(0x05, 0x5B): skip(7)},
    "ws303": {(0x03, 0x00): LEAK},
    **dict.fromkeys(("ws501", "ws502", "ws503", "ws50x"), _GANGS),
    **dict.fromkeys(("ws513", "ws515", "ws523", "ws525", "ws52x", "ws51x"), _SOCKET),
    "ws558": {(0x03, 0x74): number("electric.voltage", 2, 0.1), (0x08, 0x31): skip(2)},
    "vs321": {
        **CLIMATE,
        (0x05, 0xFD): Field(2, people),
        (0x06, 0xFE): Field(4, regions),
        (0x07, 0xFF): skip(1),
        (0x08, 0xF4): skip(2),
        (0x0A, 0xEF): skip(4),
        (0x20, 0xCE): counted_history((2, 4)),
    },
    "vs330": {
        (0x02, 0x82): DISTANCE,
        (0x03, 0x8E): OCCUPIED,
        (0x04, 0x8E): skip(1),
        (0x04, 0xA8): skip(1),
        (0x08, 0xA8): skip(1),
        (0x09, 0xA9): skip(4),
        (0x02, 0xA5): skip(8),
        (0x06, 0xA6): skip(4),
    },
    **dict.fromkeys(("vs340", "vs341"), _SEAT),
    **dict.fromkeys(("vs350", "vs351", "vs360"), _COUNTER),
    "vs373": _FALL,
    "vs370": {**CLIMATE, (0x03, 0x00): OCCUPIED, (0x04, 0x00): skip(1)},
    "gs101": {
        (0x05, 0x8E): Field(1, gas),
        (0x06, 0x01): skip(1),
        (0x07, 0x01): skip(1),
        (0xFF, 0x3F): Field(1, gas_event),
        (0xFF, 0x7D): skip(4),
    },
    "gs301": {
        (0x02, 0x67): TEMPERATURE,
        (0x03, 0x68): HUMIDITY,
        (0x04, 0x7D): skip(2),
        (0x05, 0x7D): skip(2),
        (0x06, 0x7D): skip(2),
        (0x07, 0xEA): skip(5),
    },
    "gs524n": {},  # speaks the six bytes of its maker instead, see milesight_radar.smoke
    **dict.fromkeys(("at101", "at101-fh"), _WAY),
    **dict.fromkeys(
        ("em300-th", "em300", "em320-th", "em330-th", "ts101", "ts201", "ts201v2", "ts301", "ts302", "ts30x"), _EM300
    ),
    **dict.fromkeys(("em300-sld", "em300-zld", "em300-mld"), _EM300_LEAK),
    "em300-mcs": _EM300_DOOR,
    "em300-di": {**CLIMATE, (0x05, 0x00): skip(1), (0x05, 0xC8): skip(4), (0x05, 0xE1): skip(8)},
    "em300-cl": {(0x03, 0xED): skip(1), (0x83, 0xED): skip(2), (0x04, 0xEE): skip(1)},
    **dict.fromkeys(
        ("em310-udl", "em400-mud", "em400-tld", "em400-udl", "em410-rdl", "em411-rdl", "em500-udl"), _LEVEL
    ),
    **dict.fromkeys(("em310-tilt", "em320-tilt"), _TILT),
    "em500-co2": {**CLIMATE, (0x05, 0x7D): CO2, (0x06, 0x73): PRESSURE},
    "em500-lgt": {(0x03, 0x94): number("env.illuminance", 4, 1)},
    "em500-pp": {(0x03, 0x7B): skip(2)},
    "em500-swl": {(0x03, 0x77): skip(2)},
    "em500-pt100": _PROBE,
    "em500-smt": {**CLIMATE, (0x04, 0xCA): skip(2), (0x05, 0x7F): skip(2), (0x05, 0x68): skip(1)},
    **dict.fromkeys(
        ("am100", "am102", "am102l", "am103", "am103l", "am104", "am107", "am300", "am307", "am307l", "am308",
         "am308l", "am319", "am319l"), _AIR,
    ),
    **dict.fromkeys(("wt101", "wt102"), _VALVE),
    **dict.fromkeys(
        ("uc100", "uc300", "uc11xx", "uc1114", "uc1122", "uc1152", "uc50x", "uc51x", "uc501", "uc502", "uc511",
         "uc512", "uc521", "ct101", "ct103", "ct105", "ct303", "ct305", "ct310", "vs121", "vs132", "vs133", "vs135",
         "em300-di-hall", "em500-smtc"), _BASICS,
    ),
}  # fmt: skip

# What a model says that is no row: nothing whose meaning hangs on the model.
OTHERS: Row = {(0x03, 0x67): TEMPERATURE, (0x04, 0x68): HUMIDITY}
# Types that have one length in all models: a channel of one that a row lacks is passed over.
_LENGTHS: Mapping[int, int] = {0x00: 1, 0x67: 2, 0x68: 1, 0x73: 2, 0x75: 1, 0x7D: 2, 0x82: 2, 0x8E: 1, 0xCB: 1, 0xEF: 4}
_OWN_CHANNELS = 0x1F  # above stand thresholds, memory and answers
_REPLIES = frozenset({0xFE, 0xFF, 0xF8, 0xF9})  # answers to a downlink: their lengths are the settings' business


def read(frame: Frame) -> Said:
    """Yield what the channels say, up to the first of which nobody knows how long it is.

    Raises:
        DecodeError: Not even the first channel is one of this model's.
    """
    if frame.model == "gs524n" and len(frame) == 6:
        yield from radar.smoke(frame)
        return
    row, at = MODELS.get(frame.model, OTHERS), 0
    while at + 1 < len(frame):
        channel = frame.u8(at), frame.u8(at + 1)
        field = row.get(channel) or EVERY.get(channel)
        if field is None and at == 0 and channel[0] not in _REPLIES and frame.model in MODELS:
            raise DecodeError(NAME, f"{frame.model} has no channel {channel[0]:02x} {channel[1]:02x}")
        if field is None and channel[0] <= _OWN_CHANNELS and channel[1] in _LENGTHS:
            field = skip(_LENGTHS[channel[1]])
        if field is None or at + 2 + field.length(frame, at + 2) > len(frame):
            return  # cut off, or nobody knows: what came before it stands
        yield from field.says(frame, at + 2)
        at += 2 + field.length(frame, at + 2)


def fits(frame: Frame) -> Iterator[str]:
    """Yield the models in whose channels this frame can be read to its end, of those that need not be told."""
    for model, row in MODELS.items():
        at = 0
        while at + 1 < len(frame):
            channel = frame.u8(at), frame.u8(at + 1)
            field = row.get(channel) or EVERY.get(channel)
            if field is None:
                break
            at += 2 + field.length(frame, at + 2)
        if at == len(frame) and at:
            yield model


CODEC = Codec(
    maker="milesight", read=read, models=MODELS, others=True, named=True, aliases=("milesight-iot", "ursalink")
)
