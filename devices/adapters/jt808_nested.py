"""Items of a JT/T 808 position report that hold items of their own, as some makers send them.

They stand in no standard: they are what the makers' documents and open servers agree on.
"""

from devices.adapters.jt808_words import BUMPS, EVENTS
from devices.adapters.tracker import Reader, Report


def held(report: Report, body: Reader) -> None:
    """Read an item that holds all items behind it, which mean something else there."""
    body.take(1)
    while body.left >= 2:
        code, value = body.u(1), body.part(body.u(1))
        if code == 0x56:
            value.take(1)
            report.measure("battery.level", value.u(1))
        elif code == 0x69:
            report.measure("battery.voltage", value.u(2) / 100)


def event(report: Report, value: Reader) -> None:
    """Read a code and what belongs to it. Three bytes alone are a lock's state."""
    if value.left <= 3:
        return
    code = value.u(2)
    report.alarm(EVENTS.get(code), f"e8:{code:04x}")
    if code == 0x2003:
        value.take(1)
        report.state("battery.charging", value.u(1) == 1)
        sixths = value.u(1)
        if 1 <= sixths <= 6:
            report.measure("battery.level", sixths * 100 // 6)
        report.measure("battery.voltage", value.u(2) / 100)
        report.csq(value.u(1))
    elif code == 0x2005:
        value.take(1)
        while value.left >= 3:
            what, part = value.u(2), value.part(value.u(1))
            if what == 0x0001:
                report.measure("battery.voltage", part.u(2) / 100)
            elif what == 0x0003:
                report.measure("battery.level", part.u(1))
            elif what == 0x0004:
                report.state("battery.charging", part.u(1) == 0)


def extended(report: Report, value: Reader) -> None:
    """Read the item that holds items of its own: length of type and value, type, value. Or cells, or a zone's name."""
    country = int.from_bytes(value.peek(2), "big")
    if country > 200 and (value.left - 3) % 5 == 0:  # it has no length: these are cells
        return
    while value.left >= 4:
        inner = value.part(value.u(2))
        kind = inner.u(2)
        if kind in (0x00A8, 0x00E1):
            report.measure("battery.level", inner.u(1))
        elif kind == 0x002D and inner.left == 2:
            report.measure("battery.voltage", inner.u(2) / 1000)
        elif kind == 0x00C6:
            report.alarm("battery.low" if inner.u(1) in (3, 4) else None, "c6")
        elif kind == 0x0089:  # a bit that is 0 is an alarm
            word = inner.u(4)
            report.alarm(None if word & 1 else "alarm.powerOff", f"89:{word:08x}")
            report.alarm(None if word >> 12 & 1 else "alarm.removed", f"89:{word:08x}")
        elif kind == 0x00C5:
            _motion(report, inner.u(4))


def _motion(report: Report, word: int) -> None:
    report.alarm(None if word >> 6 & 1 else "alarm.vibration", f"c5:{word:08x}")
    if (state := word >> 23 & 3) in (0, 1):
        report.state("motion.moving", state == 0)


def last(report: Report, value: Reader) -> None:
    """Read the charge, or a list of items whose first is a word of bumps."""
    if value.left == 1:
        report.measure("battery.level", value.u(1))
    elif value.left > 4 and value.u(1) == 0x7C:
        while value.left >= 2:
            kind, part = value.u(1), value.part(value.u(1))
            if kind == 0x01:
                word = part.u(4)
                for bit, code in BUMPS.items():
                    report.alarm(code if word >> bit & 1 else None, f"fe:{word:08x}")
