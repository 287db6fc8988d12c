"""Elsys: a type byte and its value, one after another; the same for all models."""

from collections.abc import Mapping

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, Says, flag, measure, place, state

_SETTINGS_PORT, _SETTINGS = 6, 0x3E


def _quiet(frame: Frame, at: int) -> Said:
    return ()


def _scaled(code: str, size: int, by: float, channel: str | None = None) -> Says:
    def says(frame: Frame, at: int) -> Said:
        yield measure(code, frame.number(at, size, signed=size == 4 or code == "env.temperature") * by, channel=channel)

    return says


def _place(frame: Frame, at: int) -> Said:
    yield place(frame.number(at, 3, signed=True) / 1e4, frame.number(at + 3, 3, signed=True) / 1e4)


def _occupancy(frame: Frame, at: int) -> Said:
    """Yield somebody there: 0 nobody, 1 probably, 2 surely."""
    yield state("presence.occupied", frame.u8(at) > 0)


_FIELDS: Mapping[int, tuple[int, Says]] = {
    0x01: (2, _scaled("env.temperature", 2, 0.1)),
    0x02: (1, _scaled("env.humidity", 1, 1)),
    0x03: (3, _quiet),
    0x04: (2, _scaled("env.illuminance", 2, 1)),
    0x05: (1, flag("presence.motion")),
    0x06: (2, _scaled("env.co2", 2, 1)),
    0x07: (2, _scaled("battery.voltage", 2, 0.001)),
    0x08: (2, _quiet),
    0x09: (6, _place),
    0x0A: (2, _quiet),
    0x0B: (4, _quiet),
    0x0C: (2, _scaled("env.temperature", 2, 0.1, "probe")),
    0x0D: (1, _quiet),  # the external input: a door on some models, anything on others
    0x0E: (2, _scaled("presence.distance", 2, 0.001)),
    0x0F: (1, _quiet),  # how often it was moved
    0x10: (4, _quiet),
    0x11: (1, _occupancy),
    0x12: (1, flag("alarm.water_leak")),
    0x13: (65, _quiet),
    0x14: (4, _scaled("env.pressure", 4, 0.001)),
    0x15: (2, _quiet),
    0x16: (2, _quiet),
    0x17: (4, _quiet),
    0x18: (2, _quiet),
    0x19: (2, _scaled("env.temperature", 2, 0.1, "probe 2")),
    0x1A: (1, _quiet),
    0x1B: (4, _quiet),
    0x1C: (2, _quiet),
}


def read(frame: Frame) -> Said:
    """Yield what every field says.

    Raises:
        DecodeError: A type that the maker does not have, or a value that is cut off.
    """
    if frame.port == _SETTINGS_PORT:
        return
    at = 0
    while at < len(frame):
        kind = frame.u8(at)
        if kind == _SETTINGS:
            return
        if kind not in _FIELDS:
            raise DecodeError(NAME, f"Elsys has no type {kind:#04x}")
        size, says = _FIELDS[kind]
        frame.number(at + 1, size)
        yield from says(frame, at + 1)
        at += 1 + size


CODEC = Codec(
    maker="elsys",
    read=read,
    models=dict.fromkeys(
        ("ers", "ers2", "ers-co2", "ers-eye", "ers-lite", "ers-sound", "ers-desk", "ers-voc", "ersd", "ersdco2", "ems",
         "ems-door", "ems-desk", "ems-lite", "elt-1", "elt-2", "elt-lite", "eiaqd10", "ethd10", "esm5k"),
    ),
    others=True,
)  # fmt: skip
