"""Swisscom Multisense: version, mode, what caused the frame, battery; then numbered fields."""

from collections.abc import Mapping

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, measure, press, state

_PORT = 3
_SIZES: Mapping[int, int] = {1: 2, 2: 1, 3: 2, 4: 2, 5: 6, 6: 16, 7: 8}
_TEMPERATURES, _HUMIDITIES = (1, 6), (2, 7)  # the newest first, in 6 and 7 with older ones behind it
_BUTTON_MODE = 1


def read(frame: Frame) -> Said:
    """Yield why the frame came, the battery, and the newest of what was measured.

    Raises:
        DecodeError: A field that Multisense does not have.
    """
    if frame.port not in (_PORT, None):
        return
    mode, cause = frame.u8(1), frame.u8(2)
    if cause & (0x20 if mode == _BUTTON_MODE else 0x40):
        yield press()
    if cause & 0x04 and mode != _BUTTON_MODE:
        yield state("presence.motion", True)
    yield measure("battery.voltage", (frame.u8(3) * 6 + 2000) / 1000)
    at = 4
    while at < len(frame):
        field = frame.u8(at)
        if field not in _SIZES:
            raise DecodeError(NAME, f"Multisense has no field {field}")
        frame.number(at + 1, _SIZES[field])
        if field in _TEMPERATURES:
            yield measure("env.temperature", frame.i16(at + 1) / 100)
        elif field in _HUMIDITIES:
            yield measure("env.humidity", frame.u8(at + 1) / 2)
        at += 1 + _SIZES[field]


CODEC = Codec(maker="swisscom", read=read, models=dict.fromkeys(("multisense", "multisense-button")), others=True)
