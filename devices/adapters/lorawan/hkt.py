"""HKT SmartHard: door sensors, smoke alarms, an SOS button and an SOS tracker.

Source of the grammar: the maker's tables of payloads. What it only names, and does not lay out, is passed over.
"""

from collections.abc import Callable, Mapping

from devices.adapters.lorawan.parts import Codec, Frame, Said, alarm, measure, place, state
from devices.telemetry import Observation

_HEAD_BYTES = 5  # `hkt`, and two more
_LENGTHS: Mapping[int, int] = {
    0x01: 2, 0x03: 1, 0x08: 1, 0x09: 3, 0x22: 1, 0x23: 4, 0x24: 2, 0x25: 1, 0x26: 12, 0x27: 1, 0x28: 1, 0x84: 1,
    0x89: 1,
}  # fmt: skip
_ITEMS: Mapping[int, Callable[[int], Observation]] = {
    0x03: lambda value: measure("battery.level", value),
    0x08: lambda value: state("contact.open", value != 0),
    0x27: lambda value: alarm("alarm.smoke", value != 0),
    0x28: lambda value: alarm("alarm.temperature", value != 0),
    0x84: lambda value: alarm("alarm.tamper", value != 0),
    0x89: lambda value: measure("battery.level", value),
}
_TRACKER_HEAD, _CALLED, _COUNTED = 0xAA, 0x01, 0x02


def _items(frame: Frame) -> Said:
    """Yield the door sensors and SD-300: after a head, facts and their values. One that is not known ends it."""
    at = _HEAD_BYTES
    while at < len(frame):
        fact = frame.u8(at)
        if fact not in _LENGTHS:
            return
        if fact in _ITEMS:
            yield _ITEMS[fact](frame.u8(at + 1))
        at += 1 + _LENGTHS[fact]


def _smoke(frame: Frame) -> Said:
    """Yield SD-100: a word of states, then measurements, each of two bytes."""
    if frame.u8(0) != 0x01 or frame.u8(1) != 0x28:
        return
    word = frame.u8(2) | frame.u8(3) << 8
    yield alarm("alarm.smoke", bool(word >> 1 & 1))
    yield alarm("alarm.fault", bool(word >> 2 & 1))
    yield alarm("alarm.tamper", bool(word >> 4 & 1))
    yield state("battery.low", bool(word >> 8 & 1))
    for at in range(5, min(5 + 3 * frame.u8(4), len(frame) - 2), 3):
        value = frame.number(at + 1, 2, "little", signed=True)
        if frame.u8(at) == 0x88:
            yield measure("battery.voltage", value / 1000)
        elif frame.u8(at) == 0x03:
            yield measure("env.temperature", value / 10)


def _button(frame: Frame) -> Said:
    """Yield OBA-1000: a call, or one that could not be sent at once, and whether somebody opened it."""
    if len(frame) != 5:
        return
    yield alarm("alarm.sos", frame.u8(2) in (1, 2), native="delayed" if frame.u8(2) == 2 else None)
    yield alarm("alarm.tamper", bool(frame.u8(3) & 1))
    yield measure("battery.voltage", (frame.u8(4) & 0x7F) / 10)


def _tracker(frame: Frame) -> Said:
    """Yield GT-100: where it is, and a call or its steps. What it calls for is one byte of which nothing is told."""
    if frame.u8(0) != _TRACKER_HEAD or len(frame) < 21:
        return
    lat, lon = (frame.number(at, 4, "big", signed=True) / 1e6 for at in (5, 9))
    kind = frame.u8(18)
    if kind == _CALLED:
        yield alarm("alarm.sos", frame.u8(20) != 0)
    yield place(lat, lon, fixed=bool(lat or lon))
    if kind == _COUNTED and len(frame) >= 27:
        yield measure("activity.steps", frame.number(20, 2, "big"))
        yield measure("battery.level", frame.u8(26))


MODELS: Mapping[str, Callable[[Frame], Said]] = {
    **dict.fromkeys(("doorsensor", "ds-100", "dms01", "sd-300"), _items),
    "sd-100": _smoke,
    "oba-1000": _button,
    "gt-100": _tracker,
}

CODEC = Codec(maker="hkt", read=lambda frame: MODELS[frame.model](frame), models=MODELS)
