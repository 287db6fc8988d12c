"""Xexun's trackers, pendants and watches of 2025: items with a type and a length, among them vital signs.

Source of the grammar: the maker's protocol V3 as open servers read it.
"""

import struct
from collections.abc import Callable, Sequence

from devices.adapter import DecodeError
from devices.adapters.tracker import Reader, Report, TrackerAdapter, since_1970
from devices.framers.xexun3 import HEAD_BYTES, TAIL_BYTES, VERSION, crc

NAME = "xexun3/1"
SCHEME = "xexun3"
REPORT, COMMAND = 0x20, 0x21
NONE = 0xFF  # how any reading of one byte says that there is none

ALARMS: dict[int, str] = {
    1: "alarm.sos",
    2: "battery.low",
    4: "alarm.removed",
    5: "alarm.movement",
    7: "alarm.fall",
    8: "alarm.accident",
    11: "alarm.powerRestored",
    12: "alarm.powerCut",
    13: "alarm.powerOn",
    14: "alarm.powerOff",
    15: "alarm.door",
    16: "alarm.door",
}
NO_ALARM = (0, 17)  # none; the card's number


class Xexun3Adapter(TrackerAdapter):
    """One grammar for all models."""

    name = NAME
    scheme = SCHEME

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI."""
        digits = frame[6:14].hex()
        return digits[1:] if frame[:1] == b"\xfc" and len(digits) == 16 and digits.isdecimal() else None

    def sequence(self, frame: bytes) -> int | None:
        """Return the running number of the frame."""
        return frame[5] if len(frame) > 5 else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return what the frame reports. Raises DecodeError."""
        if frame[:1] != b"\xfc" or frame[-1:] != b"\xcf" or len(frame) < HEAD_BYTES + 11 + TAIL_BYTES:
            raise DecodeError(NAME, f"no whole frame in {frame[:8].hex()}")
        if frame[4] != REPORT:
            return []
        body = Reader(frame[14:-TAIL_BYTES], NAME)
        report = Report()
        while body.left >= 2:
            kind, length = body.u(1), body.u(1)
            if length > body.left:
                break
            item = body.part(length)
            read = ITEMS.get(kind)
            if read is not None:
                try:
                    read(report, item)
                except DecodeError:  # an item shorter than it must be spoils no other
                    continue
        return [report]


def reply(frame: bytes) -> bytes | None:
    """Return the receipt. Without it the device sends the frame again. A command's answer needs none."""
    if frame[:1] != b"\xfc" or len(frame) < HEAD_BYTES + 11 or frame[4] == COMMAND:
        return None
    inner = bytes((VERSION, frame[4], frame[5])) + frame[6:14] + b"\0"
    return b"\xfc" + len(inner).to_bytes(2, "big") + inner + crc(inner).to_bytes(2, "big") + b"\xcf"


def _fix(report: Report, item: Reader) -> None:
    report.at = since_1970(item.u(4))
    lat, lon = struct.unpack(">dd", item.take(16))
    if abs(lat) < 1e6 and abs(lon) < 1e6:  # no infinity and no NaN either
        report.place(lat, lon, valid=True)


def _time(report: Report, item: Reader) -> None:
    report.at = since_1970(item.u(4))


def _alarm(report: Report, item: Reader) -> None:
    report.at = since_1970(item.u(4))
    alarm = item.u(1)
    report.alarm(ALARMS.get(alarm), f"69:{alarm:02x}")
    if alarm not in ALARMS and alarm not in NO_ALARM:
        report.unknown(f"69:{alarm:02x}")


def _state(report: Report, item: Reader) -> None:
    report.measure("battery.level", item.u(1))
    item.take(2)  # how long it took to find a net
    report.csq(item.u(1))
    item.take(1)
    report.state("motion.moving", item.u(1) > 0)
    report.state("battery.charging", item.u(1) > 0)
    if (steps := item.u(2)) != 0xFFFF:
        report.measure("activity.steps", steps)
    if (degrees := item.i(1)) != -1:
        report.measure("device.temperature", degrees)
    for code in VITALS:
        report.measure(code, item.u(1), absent=(0, NONE))
    item.take(1)  # fuel
    if (seconds := item.u(4)) != 0xFFFFFFFF:
        report.at = since_1970(seconds)


VITALS = (
    "vital.respiratory_rate",
    "vital.heart_rate",
    "vital.bp_systolic",
    "vital.bp_diastolic",
    "vital.spo2",
)
ITEMS: dict[int, Callable[[Report, Reader], None]] = {0x64: _fix, 0x65: _time, 0x66: _time, 0x69: _alarm, 0x6A: _state}

ADAPTER = Xexun3Adapter()
