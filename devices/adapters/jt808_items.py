"""What a JT/T 808 position report says: its alarm word, its fix, and the items behind it, the makers' own among them.

Source of the standard part: JT/T 808-2011, -2013 and -2019, tables of message 0200. The makers' items stand in no
standard: they are what the makers' documents and open servers agree on, told apart by their length.
"""

import re
from collections.abc import Callable

from devices.adapter import DecodeError
from devices.adapters import jt808_nested
from devices.adapters.jt808_words import ALARMS, DOUBTFUL, DRIVING, MODEL_ALARMS
from devices.adapters.tracker import GMT8, Reader, Report, bcd, moment
from devices.telemetry import Quality

NAME = "jt808/1"
FIX_BYTES = 28  # alarm word, status, latitude, longitude, altitude, speed, direction, time
OLD_LOCK_TAIL = 18  # what follows the fix in one maker's reports, which have no items
LOCATED, SOUTH, WEST = 1, 2, 3  # bits of the status
UNUSED = 0xFF
_FIRMWARE = re.compile(rb"\xf2[\x0b-\x60]AOVX_([A-Z]{2}\d{3})")


def position(body: Reader, model: str | None) -> Report:
    """Return what the body of a position report says.

    Raises:
        DecodeError: It ends before its fixed part does.
    """
    word = body.u(4)
    report = Report()
    model = model or _named(body.peek(body.left))
    own = MODEL_ALARMS.get(model or "")
    for bit, code in (own or ALARMS).items():
        report.alarm(code if word >> bit & 1 else None, f"{word:08x}")
    report.lasting.update(report.alarms)
    for bit, code in ({} if own else DOUBTFUL).items():
        report.alarm(code if word >> bit & 1 else None, f"{word:08x}", quality=Quality.UNVERIFIED)
    status = body.u(4)
    _fix(report, body, status)
    body.take(6)  # altitude, speed, direction
    report.at = moment(bcd(body.take(6)), GMT8)
    if body.left == OLD_LOCK_TAIL:
        _old_lock(report, body)
    else:
        _items(report, body, model)
    return report


def _named(rest: bytes) -> str | None:
    """Return the model that a report names itself, in the text of its firmware (item F2)."""
    found = _FIRMWARE.search(rest, FIX_BYTES - 4)
    return None if found is None else found[1].decode("ascii")


def coordinates(report: Report, body: Reader) -> None:
    """Read status, latitude and longitude, as they stand in several messages."""
    _fix(report, body, body.u(4))


def _fix(report: Report, body: Reader, status: int) -> None:
    lat, lon = body.u(4) / 1e6, body.u(4) / 1e6
    lat = -lat if status >> SOUTH & 1 else lat
    lon = -lon if status >> WEST & 1 else lon
    report.place(lat, lon, valid=bool(status >> LOCATED & 1))


def _old_lock(report: Report, body: Reader) -> None:
    body.take(8)  # charge, mileage
    report.measure("battery.voltage", body.u(2) / 10)
    body.take(4)  # area
    report.csq(body.u(1))


def _items(report: Report, body: Reader, model: str | None) -> None:
    """Read id, length, value until they end. An item cut short, or shorter than its maker says, is passed over."""
    pendant = model in ("C5", "C5L")
    while body.left >= 2:
        code, length = body.u(1), body.u(1)
        if length > body.left:
            return
        value = body.part(length)
        pendant = pendant or code == 0xE4 or (code == 0xE7 and length == 8)
        if code == 0x80:
            value = Reader(value.rest() + body.rest(), NAME)
        if code == 0xF8 and length == 2 and pendant:
            report.measure("activity.steps", value.u(2))
            continue
        read = ITEMS.get(code)
        if read is not None:
            try:
                read(report, value)
            except DecodeError:
                continue


def _battery_pct(report: Report, value: Reader) -> None:
    if value.left == 1:
        report.measure("battery.level", value.u(1))
    elif value.left == 2:  # since 2019: the load's temperature, its sign in the highest bit
        degrees = value.u(2)
        report.measure("env.temperature", -(degrees & 0x7FFF) if degrees >> 15 else degrees)


def _battery_or_card(report: Report, value: Reader) -> None:
    if value.left != 1:
        return
    level = value.u(1)
    if level == UNUSED:
        report.state("battery.charging", True)
    else:
        report.measure("battery.level", level)


def _battery_tenths(report: Report, value: Reader) -> None:
    report.measure("battery.level", value.u(1) * 10)


def _battery_hundredths(report: Report, value: Reader) -> None:
    report.measure("battery.level", value.u(2) / 100)


def _battery_volts(report: Report, value: Reader) -> None:
    if value.left == 2:
        report.measure("battery.voltage", value.u(2) / 100)


def _battery_both(report: Report, value: Reader) -> None:
    value.take(1)
    report.measure("battery.level", value.u(1))
    report.measure("battery.voltage", value.u(2) / 100)


def _battery_charging(report: Report, value: Reader) -> None:
    if value.u(1) == 0:
        report.state("battery.charging", True)
    report.measure("battery.level", value.u(1))


def _battery_tracker(report: Report, value: Reader) -> None:
    if value.left == 2:
        report.measure("env.humidity", value.u(2) / 10)
        return
    report.measure("battery.voltage", value.u(4) / 1000)
    if value.left:
        report.state("battery.charging", value.u(1) in (2, 3))
    if value.left:
        report.measure("battery.level", value.u(1))


def _lock_text(report: Report, value: Reader) -> None:
    said = value.rest()  # *M00,45,1136...: volts in hundredths
    if said.startswith(b"*M00") and said[10:13].isdigit():
        report.measure("battery.voltage", int(said[10:13]) / 100)


def _signal(report: Report, value: Reader) -> None:
    report.csq(value.u(1))


def _switches(report: Report, value: Reader) -> None:
    word = value.u(2)
    for bit, code in ((8, "alarm.hardAcceleration"), (9, "alarm.hardBraking"), (10, "alarm.hardCornering")):
        report.alarm(code if word >> bit & 1 else None, f"57:{word:04x}")
    if value.left == 6:
        value.take(2)  # switches
        word = value.u(4)
        report.alarm("alarm.door" if word >> 16 & 1 else None, f"57:{word:08x}")


def _driving(report: Report, value: Reader) -> None:
    value.take(5)  # number, whether it starts or ends
    what = value.u(1)
    report.alarm(DRIVING.get(what), f"70:{what:02x}")


def _shaken(report: Report, value: Reader) -> None:
    word = value.u(4)
    report.alarm("alarm.vibration" if word >> 3 & 1 else None, f"d0:{word:08x}")


def _moving(report: Report, value: Reader) -> None:
    if value.left == 1:
        report.state("motion.moving", value.u(1) == 1)


def _pressed(report: Report, value: Reader) -> None:
    """Read the pendants' own alarm word: bit 0 shaken, bits 1 to 3 the SOS button, once, twice or long."""
    if value.left != 8:
        return
    word = value.u(2)
    report.alarm("alarm.sos" if word >> 1 & 7 else None, f"e7:{word:04x}")
    report.alarm("alarm.vibration" if word & 1 else None, f"e7:{word:04x}")


def _modem(report: Report, value: Reader) -> None:
    if value.left == 6:
        report.csq(value.u(1))
        value.take(2)  # the car's battery
        report.measure("battery.voltage", value.u(2) / 1000)


def _obd(report: Report, value: Reader) -> None:
    report.measure("battery.voltage", value.u(2) / 10)


ITEMS: dict[int, Callable[[Report, Reader], None]] = {
    0x06: _battery_pct,
    0x30: _signal,
    0x33: _lock_text,
    0x56: _battery_tenths,
    0x57: _switches,
    0x68: _battery_hundredths,
    0x69: _battery_volts,
    0x70: _driving,
    0x80: jt808_nested.held,
    0x91: _obd,
    0xD0: _shaken,
    0xD4: _battery_or_card,
    0xD5: _battery_volts,
    0xE1: _battery_or_card,
    0xE3: _battery_both,
    0xE4: _battery_charging,
    0xE5: _moving,
    0xE7: _pressed,
    0xE8: jt808_nested.event,
    0xE9: _battery_or_card,
    0xEB: jt808_nested.extended,
    0xEE: _modem,
    0xF7: _battery_tracker,
    0xFE: jt808_nested.last,
}
