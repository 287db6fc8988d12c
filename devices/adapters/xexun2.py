"""Xexun's trackers and pendants of 2021 (TRX16 and kin): several records a frame, each with what its masks say.

Source of the grammar: the maker's protocol as open servers read it; of the alarm word, two bits are known.
"""

import struct
from collections.abc import Sequence

from devices.adapter import DecodeError
from devices.adapters.tracker import Reader, Report, TrackerAdapter, since_1970
from devices.framers.xexun2 import MARK, escape

NAME = "xexun2/1"
SCHEME = "xexun2"
POSITION = 0x14
CHARGING = 15  # bit of the charge

ALARMS: dict[int, str] = {0: "alarm.sos", 15: "alarm.fall"}


class Xexun2Adapter(TrackerAdapter):
    """One grammar for all models."""

    name = NAME
    scheme = SCHEME

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI: 15 of the 16 half bytes."""
        digits = frame[6:14].hex()[:15]
        return digits if frame[:2] == MARK and len(digits) == 15 and digits.isdecimal() else None

    def sequence(self, frame: bytes) -> int | None:
        """Return the running number of the frame."""
        return int.from_bytes(frame[4:6], "big")

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return the records of a frame. Raises DecodeError."""
        if frame[:2] != MARK or frame[-2:] != MARK:
            raise DecodeError(NAME, f"no two marks around {frame[:8].hex()}")
        body = Reader(frame[2:-2], NAME)
        kind = body.u(2)
        body.take(2 + 8 + 2 + 2)  # number, IMEI, length, check sum
        if kind != POSITION:
            return []
        lengths = [body.u(2) for _ in range(body.u(1))]
        return [_record(body.part(length)) for length in lengths]


def reply(frame: bytes) -> bytes | None:
    """Return the receipt. Without it the device sends the frame again."""
    if frame[:2] != MARK or len(frame) < 18:
        return None
    return MARK + escape(frame[2:14] + b"\0\x01\xff\xfe\x01") + MARK


def _record(body: Reader) -> Report:
    body.take(1)  # running number
    report = Report(since_1970(body.u(4)))
    signal = body.u(1)
    charge = body.u(2)
    report.state("battery.charging", bool(charge >> CHARGING & 1))
    report.measure("battery.level", charge & 0x7FFF)
    report.csq(signal)
    mask = body.u(1)
    if mask & 1:
        word = body.u(4)
        for bit, code in ALARMS.items():
            report.alarm(code if word >> bit & 1 else None, f"{word:08x}")
        if word & ~sum(1 << bit for bit in ALARMS):
            report.unknown(f"{word:08x}")
    if mask >> 1 & 1:
        _place(report, body)
    return report


def _place(report: Report, body: Reader) -> None:
    mask = body.u(1)
    if mask & 1:
        body.take(1)  # satellites
        _coordinates(report, *struct.unpack(">ff", body.take(8)))
    if mask >> 1 & 1:
        body.take(7 * body.u(1))  # networks
    if mask >> 2 & 1:
        body.take(13 * body.u(1))  # cells
    if mask >> 3 & 1:
        body.take(12 * body.u(1))  # times of flight
    if mask >> 5 & 1:
        body.take(4)  # speed, direction
    if mask >> 6 & 1:
        body.take(1)
        _coordinates(report, *struct.unpack(">dd", body.take(16)))


def _coordinates(report: Report, lon: float, lat: float) -> None:
    """Note degrees and minutes written as one number: 12138.7 is 121 degrees, 38.7 minutes."""
    if abs(lon) < 100_000 and abs(lat) < 100_000:  # no infinity and no NaN either
        report.place(_degrees(lat), _degrees(lon), valid=True)


def _degrees(value: float) -> float:
    whole, minutes = divmod(abs(value), 100)
    degrees = whole + minutes / 60
    return -degrees if value < 0 else degrees


ADAPTER = Xexun2Adapter()
