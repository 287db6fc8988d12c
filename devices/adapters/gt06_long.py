"""What a GT06 frame of the long form (79 79) reports, by its kind.

Source: Concox' protocol documents; modules and collars are what open servers agree on.
"""

from collections.abc import Callable

from devices.adapter import DecodeError
from devices.adapters.gt06_parts import place
from devices.adapters.gt06_words import COLLAR_EVENTS, MODULE_EVENTS, POWER_EVENTS
from devices.adapters.tracker import Reader, Report, moment, since_1970, told_position


def _passed_on(kind: int, body: Reader) -> Report | None:
    """Read what a terminal passes on of others: of all that, only a climate sensor is for us."""
    if body.u(1) != 0x1E or body.left < 8:
        return None
    report = Report()
    report.measure("env.temperature", body.i(4) / 10)
    report.measure("env.humidity", body.i(4) / 10)
    return report


def _modular(kind: int, body: Reader) -> Report:
    """Read modules: kind, length, content. What one says wrongly spoils no other."""
    report = Report()
    while body.left >= 4:
        kind, length = body.u(2), body.u(2)
        if length > body.left:
            break
        part = body.part(length)
        try:
            if kind == 0x18:
                report.measure("battery.voltage", part.u(2) / 100)
            elif kind == 0x2B:
                event = part.u(1)
                report.alarm(POWER_EVENTS.get(event), f"2b:{event:02x}")
            elif kind == 0x33:
                report.at = since_1970(part.u(4))
                part.take(3)  # satellites, altitude
                place(report, part, satellites=False)
            elif kind == 0x34:
                event = part.u(1)
                report.alarm(MODULE_EVENTS.get(event), f"event {event:02x}")
        except DecodeError:
            continue
    return report


def _collar(kind: int, body: Reader) -> Report:
    report = Report()
    at = moment(list(body.take(6)))
    if body.u(1):
        place(report, body)
    report.at = at
    if cell := body.u(1):
        body.take(max(cell - 1, 8) + 1)  # the cell, and its signal
    body.take(body.u(1))  # more cells
    body.take(body.u(1))  # Wi-Fi
    event = body.u(1)
    if kind == 0x33:
        report.alarm(COLLAR_EVENTS.get(event), f"event {event:02x}")
    return report


def _answered(kind: int, body: Reader) -> Report | None:
    if body.left < 6:
        return None
    body.take(4)
    encoding = "latin-1" if body.u(1) == 1 else "utf-16-be"
    return told_position(body.rest().decode(encoding, "replace"))


def _picture(kind: int, body: Reader) -> Report | None:
    return None


# Kinds of the long form that are something else in the short one.
LONG: dict[int, Callable[[int, Reader], Report | None]] = {
    0x21: _answered,
    0x32: _collar,
    0x33: _collar,
    0x36: _picture,
    0x70: _modular,
    0x94: _passed_on,
}
