"""Sensative Square, Puck and Lifefinder: numbered outputs of a program, each with its age. Which number is what, the
program tells; by the model it is known.

Source of the grammar: Sensative's published translator and the symbol tables of its programs.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Frame, Said, alarm, measure, past, state
from devices.telemetry import Observation, Quality

_OUTPUT, _COMPRESSED = 1, 11  # ports
_AGES = (0, 1, 2, 4)  # bytes of an age, by the two highest bits of a head
_SIZES = (1, 1, 2, 4, 1, 1, 2, 4)  # bytes of a value, by the three highest bits of its number
_SHORT_SIZES = (1, 1, 2, 2, 1, 1, 2, 2)
FRESH_S = 300  # what is no older is how it is now

Says = Callable[[int], Observation]
_TEMPERATURE: Mapping[int, Says] = {
    0x30: lambda value: measure("env.temperature", value / 100),
    0x00: lambda value: alarm("alarm.temperature", value != 0),
}
PROGRAMS: Mapping[str, Mapping[int, Says]] = {
    "puck-radar": {0x00: lambda value: state("presence.occupied", value != 0)},
    "square-comfort": {
        **_TEMPERATURE,
        # So in the programs R5 to R8; what later ones number so is not known.
        0x33: lambda value: measure("env.humidity", value / 100, quality=Quality.UNVERIFIED),
        0x35: lambda value: measure("env.illuminance", value, quality=Quality.UNVERIFIED),
    },
    "square-tracker": {**_TEMPERATURE, 0x2E: lambda value: measure("battery.level", value)},
    "lifefinder": {
        **_TEMPERATURE,
        0x02: lambda value: alarm("alarm.sos", value != 0, native="buttonAlarm"),
        0x35: lambda value: measure("battery.voltage", value / 1000),
    },
}


def read(frame: Frame) -> Said:
    """Yield the outputs of the model's program, newest first; what is old, as it was then.

    Raises:
        DecodeError: A value is cut off.
    """
    program = PROGRAMS.get(frame.model, {})
    if frame.port not in (_OUTPUT, _COMPRESSED) or not program:
        return
    told: set[int] = set()
    for number, value, age in _outputs(frame, short=frame.port == _COMPRESSED):
        if number not in program:
            continue
        one = program[number](value)
        if number not in told and age <= FRESH_S:
            yield one
        else:
            yield past(one, frame.at - timedelta(seconds=age))
        told.add(number)


def _outputs(frame: Frame, *, short: bool) -> Iterator[tuple[int, int, int]]:
    """Yield number, value and age in seconds. An age counts from the output before."""
    at, age = 0, 0
    while at < len(frame):
        head = frame.u8(at)
        number = head & 0x3F
        if short:
            older, size = head >> 7, _SHORT_SIZES[number >> 3] if head & 0x40 else 0
        else:
            older, size = _AGES[head >> 6], _SIZES[number >> 3]
        at += 1
        if at + older + size > len(frame):
            raise DecodeError(NAME, f"output {number} is cut off")
        if older:
            raw = frame.number(at, older)
            age += _stretched(raw) * 2 if short else raw
        value = frame.number(at + older, size, signed=True) if size else 0
        at += older + size
        yield number, value, age


def _stretched(raw: int) -> int:
    """Return a count that was packed into five bits of exponent and three of a number, the middle of what it may be."""
    exponent, base = raw >> 3, raw & 7
    if exponent < 2:
        return 8 * exponent + base
    return ((8 + base) << (exponent - 1)) + (1 << (exponent - 2))
