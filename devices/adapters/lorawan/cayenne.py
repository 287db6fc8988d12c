"""Cayenne LPP, the format that many small makers and self-built sensors speak: channel, type, value."""

from collections.abc import Callable, Mapping

import msgspec

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, measure, place, state
from devices.telemetry import Observation

# type -> its bytes, and what they say; None: nothing of concern here (actuators, generic numbers).
_TYPES: Mapping[int, tuple[int, Callable[[Frame, int], Observation] | None]] = {
    0x00: (1, None),  # digital input
    0x01: (1, None),
    0x02: (2, None),  # analogue input
    0x03: (2, None),
    0x64: (4, None),
    0x65: (2, lambda frame, at: measure("env.illuminance", frame.u16(at))),
    0x66: (1, lambda frame, at: state("presence.occupied", frame.u8(at) != 0)),
    0x67: (2, lambda frame, at: measure("env.temperature", frame.i16(at) / 10)),
    0x68: (1, lambda frame, at: measure("env.humidity", frame.u8(at) / 2)),
    0x71: (6, None),  # accelerometer
    0x73: (2, lambda frame, at: measure("env.pressure", frame.u16(at) / 10)),
    0x74: (2, lambda frame, at: measure("electric.voltage", frame.u16(at) / 100)),
    0x75: (2, None),
    0x76: (4, None),
    0x78: (1, None),
    0x79: (2, None),
    0x7D: (2, lambda frame, at: measure("env.co2", frame.u16(at))),
    0x80: (2, None),
    0x82: (4, lambda frame, at: measure("presence.distance", frame.u32(at) / 1000)),
    0x83: (4, None),
    0x84: (2, None),
    0x85: (4, None),
    0x86: (6, None),
    0x87: (3, None),
    0x88: (
        9,
        lambda frame, at: place(frame.number(at, 3, signed=True) / 1e4, frame.number(at + 3, 3, signed=True) / 1e4),
    ),
    0x8E: (1, None),
}


def read(frame: Frame) -> Said:
    """Yield what every channel says.

    Raises:
        DecodeError: A type that the format does not have, or a value that is cut off.
    """
    at = 0
    while at < len(frame):
        channel, kind = frame.u8(at), frame.u8(at + 1)
        size, says = _TYPES.get(kind, (0, None))
        if not size:
            raise DecodeError(NAME, f"Cayenne LPP has no type {kind:#04x}")
        frame.number(at + 2, size)
        if says is not None:
            yield _on(says(frame, at + 2), channel)
        at += 2 + size


def _on(seen: Observation, channel: int) -> Observation:
    return msgspec.structs.replace(seen, channel=str(channel))


CODEC = Codec(maker="cayenne", read=read, models={"lpp": None, "cayenne": None}, others=True, aliases=("mydevices",))
