"""Yobiiq: smoke alarm SD-1001: channel, type, value; what stands under channel FF is about the device."""

from collections.abc import Callable, Mapping

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, alarm, measure, state
from devices.telemetry import Observation

_ABOUT, _POWER = 0xFF, 0x0B
_ABOUT_SIZES = {0x01: 1, 0x03: 2, 0x05: 2, 0x09: 2, 0x0A: 2, 0x0B: 1, 0x0F: 1, 0x16: 5, 0xFF: 2}
_CHANNELS: Mapping[int, Callable[[int], Observation] | None] = {
    0x01: lambda raw: measure("battery.level", raw),
    0x02: None,  # whether the mains feed it: a detector on its battery alone is no event
    0x03: lambda raw: state("battery.low", raw != 0),
    0x04: lambda raw: alarm("alarm.fault", raw != 0),
    0x05: lambda raw: alarm("alarm.smoke", raw != 0),
    0x06: lambda raw: alarm("alarm.smoke", raw != 0, channel="interconnect"),
    0x07: lambda raw: state("test.smoke", raw != 0),
}


def read(frame: Frame) -> Said:
    """Yield what every channel says; a single byte answers a command.

    Raises:
        DecodeError: A channel or a fact about itself that the detector does not have.
    """
    at = 0
    while len(frame) > 1 and at < len(frame):
        channel, kind = frame.u8(at), frame.u8(at + 1)
        if channel == _ABOUT:
            size = _ABOUT_SIZES.get(kind, 0)
            if not size:
                raise DecodeError(NAME, f"Yobiiq tells nothing {kind:#04x} of itself")
            frame.number(at + 2, size)
            at += 2 + size
            continue
        if channel not in _CHANNELS or kind != 0:
            raise DecodeError(NAME, f"Yobiiq has no channel {channel:#04x} of type {kind:#04x}")
        says = _CHANNELS[channel]
        raw = frame.u8(at + 2)
        if says is not None:
            yield says(raw)
        at += 3


CODEC = Codec(maker="yobiiq", read=read, models=dict.fromkeys(("sd-1001",)))
