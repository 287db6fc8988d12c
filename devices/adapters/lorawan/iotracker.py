"""ioTracker: a head of flags, a list of what is inside, then the values in that order and the place at the end."""

from collections.abc import Generator

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, alarm, measure, place, press
from devices.telemetry import Observation, Stage

_PRESSED, _HAS_PLACE, _HAS_SENSORS = 0x01, 0x08, 0x10
_TEMPERATURE, _LIGHT, _ACCELERATION, _STRONGEST, _WIFI, _BUTTON, _EXTERNAL, _MORE = (1 << bit for bit in range(8))
_BLUETOOTH, _HUMIDITY, _PRESSURE, _MAN_DOWN = 1, 2, 4, 8
_MAINS = 0xFF
_WORDS = {(True, False): "single", (False, True): "long", (True, True): "double"}
_EXTERNAL_SIZES = {0x0A: 4, 0x64: 2, 0x65: 1, 0x66: 1}
_BEACON_SIZES = {0: (7, 7, 7, 7), 1: (21, 17, 21, 21), 2: (6, 8, 6, 6)}  # how they are named -> by kind of beacon
_DOWN = {0: (False, None), 1: (False, None), 2: (True, Stage.SUSPECTED), 3: (True, None)}


def read(frame: Frame) -> Said:
    """Yield a press, the sensors' values and the place."""
    head, battery, at = frame.u8(0), frame.u8(2), 3
    if battery != _MAINS:
        yield measure("battery.level", round(battery / 254 * 100))
    content = more = 0
    if head & _HAS_SENSORS:
        content, at = frame.u8(at), at + 1
        if content & _MORE:
            more, at = frame.u8(at), at + 1
    word = _WORDS.get((bool(head & _PRESSED), bool(content & _BUTTON)))
    if word is not None:
        yield press(native=word)
    at = yield from _first(frame, content, at)
    at = yield from _second(frame, more, at)
    if head & _HAS_PLACE:
        yield place(frame.i32(at + 1) / 1e7, frame.i32(at + 5) / 1e7, fixed=frame.u8(at) != 0)


def _first(frame: Frame, content: int, at: int) -> Generator[Observation, None, int]:
    """Yield what the first list names; return where it ends."""
    if content & _TEMPERATURE:
        yield measure("env.temperature", frame.i16(at) / 100)
        at += 2
    if content & _LIGHT:
        raw, at = frame.u16(at), at + 2
        yield measure("env.illuminance", ((raw & 0x0FFF) << (raw >> 12)) / 100)
    at += 6 if content & _ACCELERATION else 0
    at += 4 if content & _STRONGEST else 0
    if content & _WIFI:
        seen = frame.u8(at)
        at += 1 + (seen & 7) * (7 if seen & 0x20 else 6)
    if content & _EXTERNAL:
        kind = frame.u8(at)
        if kind not in _EXTERNAL_SIZES:
            raise DecodeError(NAME, f"ioTracker has no external sensor {kind:#04x}")
        at += 1 + _EXTERNAL_SIZES[kind]
    return at


def _second(frame: Frame, more: int, at: int) -> Generator[Observation, None, int]:
    """Yield what the second list names; return where it ends."""
    if more & _BLUETOOTH:
        seen, at = frame.u8(at), at + 1
        sizes = _BEACON_SIZES.get(seen >> 5 & 3)
        if sizes is None:
            raise DecodeError(NAME, "ioTracker names beacons in no fourth way")
        for _ in range(seen & 7):
            at += sizes[frame.u8(at) & 3]
    if more & _HUMIDITY:
        yield measure("env.humidity", frame.u16(at) / 100)
        at += 2
    if more & _PRESSURE:
        yield measure("env.pressure", frame.number(at, 3) / 100)
        at += 3
    if more & _MAN_DOWN:
        on, stage = _DOWN.get(frame.u8(at) & 0x0F, (False, None))
        yield alarm("alarm.man_down", on, stage)
        at += 1
    at += 6 if more & 0x10 else 0
    return at + (1 if more & 0x20 else 0)


CODEC = Codec(
    maker="iotracker", read=read, models=dict.fromkeys(("iotracker", "iotracker2", "iotracker3")), others=True
)
