"""Eelink's trackers and pendants (TK115, TK116, TK119, TPT02 …), in the old and in the new form of package.

Source of the grammar: Eelink's protocol documents V1.x (kinds 01 to 07) and V2.0 (12 and up). Only the login, and the
envelope used over UDP, name the device.
"""

from collections.abc import Sequence
from datetime import datetime

from devices.adapter import DecodeError
from devices.adapters.tracker import Reader, Report, TrackerAdapter, since_1970, told_position
from devices.framers.eelink import ENVELOPE_BYTES

NAME = "eelink/1"
SCHEME = "eelink"
LOGIN, OLD_FIX, HEARTBEAT, OLD_ALARM, OLD_STATE, OLD_TEXT, OLD_CAR = range(1, 8)
NORMAL, WARNING, REPORT, COMMAND, CAR, CAR_BODY, CAR_FAULTS = 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19
SAID, DATA = 0x80, 0x81
UNANSWERED = (OLD_FIX, SAID, DATA)
PACKAGES_MAX = 32  # in one envelope
PER_DEGREE = 1_800_000
POWERED, CHARGED = 7, 8  # bits of the status: whether the next one means anything, and whether power comes in
ARMABLE, ACTIVE = 3, 9

ALARMS: dict[int, str] = {
    0x01: "alarm.powerOff",
    0x02: "alarm.sos",
    0x03: "battery.low",
    0x04: "alarm.vibration",
    0x08: "alarm.gpsAntennaCut",
    0x09: "alarm.gpsAntennaCut",
    0x25: "alarm.removed",
    0x81: "alarm.lowspeed",
    0x82: "alarm.overspeed",
    0x83: "alarm.geofenceEnter",
    0x84: "alarm.geofenceExit",
    0x85: "alarm.accident",
    0x86: "alarm.fall",
}


class EelinkAdapter(TrackerAdapter):
    """One grammar for all models."""

    name = NAME
    scheme = SCHEME

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI of a login or of an envelope."""
        if frame[:2] == b"EL":
            return _imei(frame[6:ENVELOPE_BYTES])
        return _imei(frame[7:15]) if frame[:2] == b"gg" and frame[2:3] == bytes((LOGIN,)) else None

    def sequence(self, frame: bytes) -> int | None:
        """Return the running number of the first package."""
        start = ENVELOPE_BYTES if frame[:2] == b"EL" else 0
        number = frame[start + 5 : start + 7]
        return int.from_bytes(number, "big") if len(number) == 2 else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return what the packages report. Raises DecodeError."""
        body = Reader(frame, NAME)
        if body.peek(2) == b"EL":
            body.take(ENVELOPE_BYTES)
        reports = []
        for _ in range(PACKAGES_MAX):
            if not body.left:
                break
            if body.take(2) != b"gg":
                raise DecodeError(NAME, f"no start of a package in {frame[:16].hex()}")
            kind = body.u(1)
            part = body.part(body.u(2))
            part.take(2)  # running number
            report = _read(kind, part)
            if report is not None:
                reports.append(report)
        return reports


def reply(frame: bytes) -> bytes | None:
    """Return what the device waits for: kind and number back. Without it a warning is sent again."""
    if frame[:2] != b"gg" or len(frame) < 7 or frame[2] in (*UNANSWERED, LOGIN):
        return None
    return _package(frame[2], frame[5:7], b"")


def timed_reply(frame: bytes, now: datetime) -> bytes | None:
    """Return the answer to a login, which tells the time and the version of the protocol."""
    if frame[:2] != b"gg" or len(frame) < 15 or frame[2] != LOGIN:
        return None
    return _package(LOGIN, frame[5:7], int(now.timestamp()).to_bytes(4, "big") + b"\0\x01\0")


def _package(kind: int, number: bytes, content: bytes) -> bytes:
    return b"gg" + bytes((kind,)) + (len(content) + 2).to_bytes(2, "big") + number + content


def _imei(number: bytes) -> str | None:
    digits = number.hex()
    return digits.removeprefix("0") if len(digits) == 16 and digits.isdecimal() else None


def _read(kind: int, body: Reader) -> Report | None:
    if kind in (OLD_FIX, OLD_ALARM, OLD_STATE, OLD_TEXT):
        return _old(kind, body)
    if kind in (NORMAL, WARNING, REPORT, COMMAND):
        return _new(kind, body)
    if (kind == HEARTBEAT and body.left >= 2) or (kind == OLD_CAR and body.left == 4):
        report = Report()
        _status(report, body.u(2))
        return report
    return _answered(body) if kind == SAID and body.left > 5 else None


def _old(kind: int, body: Reader) -> Report:
    report = Report(since_1970(body.u(4)))
    lat, lon = body.i(4) / PER_DEGREE, body.i(4) / PER_DEGREE
    body.take(3 + 9)  # speed, direction, cell
    report.place(lat, lon, valid=bool(body.u(1) & 1))
    if kind == OLD_FIX and body.left >= 2:
        _status(report, body.u(2))
        if body.left >= 8:
            report.measure("battery.voltage", body.u(2) / 1000)
    elif kind == OLD_ALARM:
        _alarm(report, body)
    elif kind == OLD_STATE and body.u(1) in (1, 2, 3) and body.left >= 6:
        body.take(4)  # when the state began
        _status(report, body.u(2))
    return report


def _new(kind: int, body: Reader) -> Report:
    report = Report(since_1970(body.u(4)))
    flags = body.u(1)
    place = None
    if flags & 1:
        place = body.i(4) / PER_DEGREE, body.i(4) / PER_DEGREE
        body.take(7)  # altitude, speed, direction, satellites
    _cells(body, flags)
    if kind == WARNING:
        _alarm(report, body)
    elif kind == REPORT:
        body.take(1)
    status = body.u(2) if kind != COMMAND else None
    if place is not None:
        report.place(*place, valid=status is None or bool(status & 1))
    if status is not None:
        _status(report, status)
    if kind == NORMAL:
        _measured(report, body)
    return report


def _alarm(report: Report, body: Reader) -> None:
    alarm = body.u(1)
    report.alarm(ALARMS.get(alarm), f"{alarm:02x}")
    if alarm and alarm not in ALARMS:
        report.unknown(f"{alarm:02x}")


def _cells(body: Reader, flags: int) -> None:
    """Pass over cells and networks, as many as the flags say."""
    for bit, size in ((1, 11), (2, 7), (3, 7), (4, 7), (5, 7), (6, 7)):
        if flags >> bit & 1:
            body.take(size)
    if flags >> 7 & 1:
        body.take(1)
        count = body.u(1)
        if count & 7:
            body.take(19 + ((count & 7) - 1) * 5)
        body.take((count >> 3 & 15) * 7)


def _status(report: Report, status: int) -> None:
    if status >> POWERED & 1:
        report.state("battery.charging", bool(status >> CHARGED & 1))
    if status >> ARMABLE & 1 and status >> ACTIVE & 1:
        report.state("motion.moving", True)


def _measured(report: Report, body: Reader) -> None:
    """Read what stands behind, as far as this model goes."""
    if body.left >= 2:
        report.measure("battery.voltage", body.u(2) / 1000)
    if body.left < 4 + 4 + 4 + 4:
        return
    body.take(4 + 4 + 4)  # two inputs, mileage, counters
    report.measure("activity.steps", body.u(2))
    body.take(2)  # minutes walked
    if body.left >= 12 and any(body.peek(12)):  # all zeros: no sensors
        report.measure("env.temperature", body.i(2) / 256)
        report.measure("env.humidity", body.u(2) / 10)
        report.measure("env.illuminance", body.u(4) / 256)
        if co2 := body.u(4):
            report.measure("env.co2", co2)


def _answered(body: Reader) -> Report | None:
    body.take(5)
    return told_position(body.rest().decode("utf-8", "replace"))


ADAPTER = EelinkAdapter()
