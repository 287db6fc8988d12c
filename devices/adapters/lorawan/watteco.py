"""Watteco: the frames of ZigBee's cluster library on port 125: command, cluster, attribute, type, value."""

from collections.abc import Mapping

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, measure, state

PORT = 125
_ANSWER, _REPORT, _ALARM_REPORT = 0x01, 0x0A, 0x8A
_SIZES: Mapping[int, int] = {
    **dict.fromkeys((0x08, 0x10, 0x18, 0x20, 0x28, 0x30), 1),
    **dict.fromkeys((0x09, 0x19, 0x21, 0x29, 0x31), 2),
    **dict.fromkeys((0x0A, 0x1A, 0x22, 0x2A), 3),
    **dict.fromkeys((0x0B, 0x1B, 0x23, 0x2B, 0x39), 4),
}
_SIGNED = frozenset({0x28, 0x29, 0x2A, 0x2B})
_BINARY_INPUT, _PRESENT_VALUE = 0x000F, 0x0055
_CONFIGURATION, _BATTERIES = 0x0050, 0x0006
_MEASURED: Mapping[int, tuple[str, float]] = {
    0x0400: ("env.illuminance", 1),
    0x0402: ("env.temperature", 0.01),
    0x0403: ("env.pressure", 1),
    0x0405: ("env.humidity", 0.01),
}
_REED = 1  # the end point of the door; 0 is the sensor's own case, and what hangs on the others is not known here
_RECHARGEABLE, _DISPOSABLE = 1, 2
_OCCUPANCY = 0x0406
_CO2 = 0x800C  # concentration


def read(frame: Frame) -> Said:
    """Yield the attribute that is reported. Batches are packed otherwise and are left alone.

    Raises:
        DecodeError: A value of a type that the library does not have, or cut off.
    """
    if frame.port not in (PORT, None) or len(frame) < 8:
        return
    command, cluster, attribute, at = frame.u8(1), frame.u16(2), frame.u16(4), 6
    if command not in (_ANSWER, _REPORT, _ALARM_REPORT):
        return
    if command == _ANSWER:
        if frame.u8(6):
            return  # it has no such attribute
        at = 7
    kind, end_point = frame.u8(at), (frame.u8(0) & 0xE0) >> 5 | (frame.u8(0) & 0x06) << 2
    if kind in (0x41, 0x42, 0x43):
        if (cluster, attribute) == (_CONFIGURATION, _BATTERIES):
            yield from _batteries(frame, at + 1)
        return
    if kind not in _SIZES:
        raise DecodeError(NAME, f"Watteco has no type {kind:#04x}")
    value = frame.number(at + 1, _SIZES[kind], signed=kind in _SIGNED)
    channel = str(end_point) if end_point else None
    if cluster in _MEASURED and attribute == 0:
        code, by = _MEASURED[cluster]
        yield measure(code, value * by, channel=channel)
    elif cluster == _OCCUPANCY and attribute == 0:
        yield state("presence.occupied", bool(value & 1), channel=channel)
    elif cluster == _CO2 and attribute == 0 and kind == 0x21:
        yield measure("env.co2", value, channel=channel)
    elif (cluster, attribute, end_point) == (_BINARY_INPUT, _PRESENT_VALUE, _REED) and frame.model in DOORS:
        yield state("contact.open", bool(value))


def _batteries(frame: Frame, at: int) -> Said:
    """Yield the batteries' voltages: after a length and the source in use, a bit for each source and its millivolts."""
    size, sources, voltage = frame.u8(at), frame.u8(at + 2), at + 3
    frame.number(at + 1, size)
    for bit in range(5):
        if sources >> bit & 1:
            if bit in (_RECHARGEABLE, _DISPOSABLE):
                yield measure("battery.voltage", frame.u16(voltage) / 1000)
            voltage += 2


DOORS = frozenset({"closo", "closo-v1-1"})
CODEC = Codec(
    maker="watteco",
    read=read,
    models=dict.fromkeys(
        (*sorted(DOORS), "moveo", "moveo-v1-1", "moveo-lite", "moveo-lite-v1-1", "celso", "tempo", "hygrotempo", "th",
         "ventilo", "inclino", "flasho", "atmo", "senso", "ino", "pulso", "presso", "vaqao", "vaqao-plus"),
    ),
    others=True,
    aliases=("nke watteco", "nkewatteco"),
)  # fmt: skip
