"""Seeed SenseCAP: the T1000 cards (a frame number says what follows) and sensors of the S210x line (number, value)."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, absent, alarm, measure, place, press, unix
from devices.telemetry import Observation

_CARD_PORT = 5
_NOT_MEASURED = -0x8000
# frame number -> its bytes; None: it says itself how long it is
_SIZES: Mapping[int, int | None] = {
    0x01: 47, 0x02: 16, 0x03: 32, 0x04: 10, 0x05: 5, 0x06: 22, 0x07: 42, 0x08: 35, 0x09: 18, 0x0A: 38, 0x0B: 31,
    0x0C: 1, 0x0D: 5, 0x0E: None, 0x0F: 17, 0x10: 13, 0x11: 14,
}  # fmt: skip
_SOS, _PRESSED, _SHOCK = 0x40, 0x80, 0x08
# frame number -> where its event, its time, its place, its temperature and its battery stand; the last ones count
# from the frame's end where they are negative
_PARTS: Mapping[int, tuple[int | None, int | None, int | None, int | None, int | None]] = {
    0x01: (None, None, None, None, 1),
    0x02: (None, None, None, None, 1),
    0x05: (None, None, None, None, 1),
    0x06: (1, 5, 9, 17, 21),
    0x07: (1, 5, None, -5, -1),
    0x08: (1, 5, None, -5, -1),
    0x09: (1, 5, 9, None, 17),
    0x0A: (1, 5, None, None, -1),
    0x0B: (1, 5, None, None, -1),
    0x0F: (1, 5, None, 9, 13),
    0x10: (1, 5, None, None, 9),
    0x11: (2, 5, None, 9, 13),
}


def _frames(frame: Frame) -> Iterator[tuple[int, Frame]]:
    """Yield the numbered frames that make a card's message.

    Raises:
        DecodeError: A number that no card sends, or a frame that is cut off.
    """
    at = 0
    while at < len(frame):
        number = frame.u8(at)
        if number not in _SIZES:
            raise DecodeError(NAME, f"SenseCAP cards send no frame {number:#04x}")
        size = _SIZES[number] or frame.u8(at + 4) + 5
        part = Frame(data=frame.data[at : at + size], port=frame.port, model=frame.model, at=frame.at)
        part.needs(size)
        yield number, part
        at += size


def _card(frame: Frame) -> Said:
    if frame.port not in (_CARD_PORT, None):
        return
    for number, part in _frames(frame):
        events, _, where, warmth, battery = _PARTS.get(number, (None,) * 5)
        if events is not None:
            yield from _events(part.number(events, 3))
        if where is not None:
            yield place(part.i32(where + 4) / 1e6, part.i32(where) / 1e6)
        if warmth is not None:
            raw = part.i16(warmth % len(part))
            yield absent("device.temperature") if raw == _NOT_MEASURED else measure("device.temperature", raw / 10)
        if battery is not None:
            yield measure("battery.level", part.u8(battery % len(part)))


def _events(flags: int) -> Iterator[Observation]:
    """Yield the button held for help, or pressed once; a blow is named for what it is."""
    if flags & _SOS:
        yield alarm("alarm.sos", True)
    if flags & _PRESSED:
        yield press()
    if flags & _SHOCK:
        yield alarm("alarm.vibration", True, native="shock")


def _clock(frame: Frame) -> datetime | None:
    if frame.model not in _CARDS or frame.port not in (_CARD_PORT, None):
        return None
    times = [_PARTS[number][1] for number, _ in _frames(frame) if number in _PARTS]
    for (number, part), at in zip(_frames(frame), times, strict=False):
        if number in _PARTS and at is not None:
            return unix(part.u32(at))
    return None


# number of a measurement -> what it is; the maker has hundreds, of which these concern a home
_MEASUREMENTS: Mapping[int, str] = {
    4097: "env.temperature",
    4098: "env.humidity",
    4099: "env.illuminance",
    4100: "env.co2",
}
_SIGNED = frozenset({4097})
_ABOUT, _MEASURED, _CHECK = 7, range(4097, 5000), 2


def _sensor(frame: Frame) -> Said:
    """Yield the sensors' numbered values: channel, number, four bytes; a checksum ends the message."""
    at = 0
    while at + 7 <= len(frame):
        number = frame.u16le(at + 1)
        if number == _ABOUT:
            yield measure("battery.level", frame.u16le(at + 3))
        elif number in _MEASUREMENTS:
            raw = frame.i32le(at + 3) if number in _SIGNED else frame.u32le(at + 3)
            yield measure(_MEASUREMENTS[number], raw / 1000)
        elif number not in _MEASURED and number > 0x0200:
            raise DecodeError(NAME, f"SenseCAP has no measurement {number}")
        at += 7
    if at not in (len(frame), len(frame) - _CHECK):
        raise DecodeError(NAME, f"{len(frame) - at} bytes too many")


_CARDS = frozenset({"t1000", "t1000a", "t1000b", "sensecapt1000", "sensecapt1000a", "sensecapt1000b"})
_SENSORS = ("s2100", "s2101", "s2102", "s2103", "s2104", "s2105", "s2106", "s2110", "s2120")


def read(frame: Frame) -> Said:
    """Yield what a card or a sensor says."""
    return _card(frame) if frame.model in _CARDS else _sensor(frame)


CODEC = Codec(
    maker="seeed",
    read=read,
    models=dict.fromkeys((*sorted(_CARDS), *_SENSORS, *(f"sensecap{name}" for name in _SENSORS), "sensecapa1101")),
    clock=_clock,
    aliases=("sensecap",),
)
