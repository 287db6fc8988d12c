"""Sensative Strips: a number of its memory, then fields of one type byte and a value; port 2 is what it remembers.

Squares, Pucks and Lifefinder have another grammar: see `square`.
"""

from collections.abc import Mapping
from datetime import timedelta

from devices.adapter import DecodeError
from devices.adapters.lorawan import square
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, Says, alarm, measure, past, state

_NOW, _MEMORY = 1, 2


def _quiet(frame: Frame, at: int) -> Said:
    return ()


def _temperature(frame: Frame, at: int) -> Said:
    yield measure("env.temperature", frame.i16(at) / 10)


def _battery(frame: Frame, at: int) -> Said:
    yield measure("battery.level", frame.u8(at))


def _humidity(frame: Frame, at: int) -> Said:
    yield measure("env.humidity", frame.u8(at) / 2)


def _lux(frame: Frame, at: int) -> Said:
    yield measure("env.illuminance", frame.u16(at))


def _door(frame: Frame, at: int) -> Said:
    yield state("contact.open", frame.u8(at) != 0)


def _alarmed(code: str) -> Says:
    def says(frame: Frame, at: int) -> Said:
        yield alarm(code, frame.u8(at) != 0)

    return says


def _presence(frame: Frame, at: int) -> Said:
    yield state("presence.occupied", frame.u8(at) != 0)


def _climate(frame: Frame, at: int) -> Said:
    yield from _humidity(frame, at)
    yield from _temperature(frame, at + 1)


def _door_and_temperature(frame: Frame, at: int) -> Said:
    yield from _door(frame, at)
    yield from _temperature(frame, at + 1)


# type -> its bytes, and what it says. Averages and the alarms that somebody set as limits are left to those limits.
_FIELDS: Mapping[int, tuple[int, Says]] = {
    0: (0, _quiet),  # nothing to say, but alive
    1: (1, _battery),
    2: (2, _temperature),
    3: (1, _quiet),
    4: (2, _quiet),
    5: (1, _quiet),
    6: (1, _humidity),
    7: (2, _lux),
    8: (2, _lux),
    9: (1, _door),
    10: (1, _quiet),  # a door left open for too long
    11: (1, _quiet),
    12: (1, _alarmed("alarm.tamper")),
    13: (1, _quiet),
    14: (1, _alarmed("alarm.water_leak")),
    15: (1, _quiet),
    16: (1, _quiet),
    17: (2, _quiet),
    18: (1, _presence),
    19: (2, _quiet),
    20: (2, _quiet),
    21: (1, _quiet),
    22: (1, _quiet),
    80: (3, _climate),
    81: (3, _quiet),
    82: (3, _door_and_temperature),
    110: (8, _quiet),
    112: (2, _quiet),
    113: (2, _quiet),
    114: (2, _quiet),
}


def read(frame: Frame) -> Said:
    """Yield what the fields say; of memory, as it was then.

    Raises:
        DecodeError: A type that strips do not have, or a value that is cut off.
    """
    if frame.model not in STRIPS:
        yield from square.read(frame)
        return
    if frame.port not in (_NOW, _MEMORY, None) or len(frame) <= 2:
        return
    at = 2
    while at < len(frame):
        then = None
        if frame.port == _MEMORY:
            then = frame.at - timedelta(seconds=frame.u32(at))
            at += 4
        kind = frame.u8(at) & 0x7F
        if kind not in _FIELDS:
            raise DecodeError(NAME, f"strips have no type {kind}")
        size, says = _FIELDS[kind]
        frame.number(at + 1, size)
        for one in says(frame, at + 1):
            yield one if then is None else past(one, then)
        at += 1 + size


STRIPS = frozenset({"strip", "strips", "ms-guard", "ms-drip", "ms-drip-oil", "ms-comfort", "presence", "lora-strips"})
_UNREAD = ("square", "square-radar", "square-air", "square-sound")  # what their outputs are is not known
CODEC = Codec(maker="sensative", read=read, models=dict.fromkeys((*sorted(STRIPS), *square.PROGRAMS, *_UNREAD)))
