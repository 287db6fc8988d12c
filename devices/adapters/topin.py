"""Topin's small trackers and their cousins (ZhongXun, 365GPS): GT06's marks around another grammar.

Source of the grammar: the maker's protocol document of 2018 as open servers read it. Only the login names the device.
"""

from collections.abc import Sequence
from datetime import datetime

from devices.adapter import DecodeError
from devices.adapters.gt06_parts import fix
from devices.adapters.tracker import Reader, Report, TrackerAdapter, bcd, moment
from devices.framers.gt06 import END
from devices.telemetry import Quality

NAME = "topin/1"
SCHEME = "topin"
HEAD_BYTES = 4  # 78 78, length, kind
LOGIN, FIX_2, FIX_2_OLD, FIX, FIX_OLD, STATUS = 0x01, 0x08, 0x09, 0x10, 0x11, 0x13
TIME_ASKED, SHAKEN = 0x30, 0x94
WIFI = (0x17, 0x18, 0x19, 0x69)
WELCOME = b"\x01"

ALARM_BITS: dict[int, tuple[str, ...]] = {
    0: ("alarm.vibration",),
    1: ("alarm.overspeed",),
    4: ("alarm.lowPower", "battery.low"),
}


class TopinAdapter(TrackerAdapter):
    """One grammar for all models."""

    name = NAME
    scheme = SCHEME

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI of a login."""
        if frame[:2] != b"xx" or frame[3:4] != bytes((LOGIN,)) or len(frame) < 12:
            return None
        digits = frame[4:12].hex()
        return digits.removeprefix("0") if digits.isdecimal() else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return what the frame reports. Raises DecodeError."""
        kind, body = _parse(frame)
        if not body.left:
            return [_shaken()] if kind == SHAKEN else []
        if kind in (FIX_2, FIX_2_OLD):
            return [_second_form(body, fresh=kind == FIX_2)]
        if kind in (FIX, FIX_OLD):
            report = Report()
            fix(report, body)
            if body.left >= 3:
                body.take(2)  # altitude
                _alarms(report, body.u(1))
            return [report]
        if kind == STATUS:
            return [_status(body)]
        return [_networks(body, frame[2])] if kind in WIFI else []


def reply(frame: bytes) -> bytes | None:
    """Return what the tracker waits for: a welcome, or what it sent (its time, or its state) back."""
    try:
        kind, body = _parse(frame)
    except DecodeError:
        return None
    if kind in (FIX, FIX_OLD, *WIFI) and body.left >= 6:
        return _frame(frame[2], kind, body.take(6))
    return _frame(frame[2], kind, body.rest()) if kind == STATUS else None


def timed_reply(frame: bytes, now: datetime) -> bytes | None:
    """Return the welcome and the time, or the time to who asks for it."""
    try:
        kind, _ = _parse(frame)
    except DecodeError:
        return None
    if kind not in (LOGIN, TIME_ASKED):
        return None
    parts = (now.month, now.day, now.hour, now.minute, now.second)
    clock = _frame(7, TIME_ASKED, now.year.to_bytes(2, "big") + bytes(parts))
    return _frame(frame[2], LOGIN, WELCOME) + clock if kind == LOGIN else clock


def _frame(length: int, kind: int, content: bytes) -> bytes:
    return b"xx" + bytes((length, kind)) + content + END


def _parse(frame: bytes) -> tuple[int, Reader]:
    if frame[:2] != b"xx" or len(frame) < HEAD_BYTES + len(END) or not frame.endswith(END):
        raise DecodeError(NAME, f"no whole frame in {frame[:8].hex()}")
    return frame[3], Reader(frame[HEAD_BYTES : -len(END)], NAME)


def _shaken() -> Report:
    report = Report()
    report.alarm("alarm.vibration", f"{SHAKEN:02x}")
    return report


def _alarms(report: Report, word: int) -> None:
    """Note the first alarm. Whether a second bit is a second alarm, or the word a number, no document says."""
    quality = Quality.OK
    for bit, codes in ALARM_BITS.items():
        if word >> bit & 1:
            for code in codes:
                report.alarm(code, f"{word:02x}", quality=quality)
            quality = Quality.UNVERIFIED


def _second_form(body: Reader, *, fresh: bool) -> Report:
    report = Report(moment(list(body.take(6))))
    report.place(_degrees(body), _degrees(body), valid=fresh)
    return report


def _degrees(body: Reader) -> float:
    whole, part = body.u(1), body.u(3)
    value = whole + (part & 0xFFFFF) / 1e6
    return -value if part >> 20 else value


def _status(body: Reader) -> Report:
    report = Report()
    report.measure("battery.level", body.u(1))
    if body.left >= 4:
        body.take(3)  # version, zone, interval
        if (signal := body.u(1)) <= 100:
            report.measure("link.gsm_signal", signal)
    if body.left >= 4:
        body.take(3)  # temperature
        report.state("battery.charging", body.u(1) > 0)
    if body.left:
        report.measure("vital.heart_rate", body.u(1), absent=(0, 0xFF))
    return report


def _networks(body: Reader, count: int) -> Report:
    """Read what a list of networks and cells says besides: when, and the alarms behind it."""
    report = Report(moment(bcd(body.take(6))))
    if body.left < 7 * count + 4:
        return report
    body.take(7 * count)
    cells = body.u(1)
    body.take(3)
    if body.left in (5 * cells + 1, 9 * cells + 1):
        body.take(body.left - 1)
        _alarms(report, body.u(1))
    return report


ADAPTER = TopinAdapter()
