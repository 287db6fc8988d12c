"""Eview EV-07B and those sold as MiniFinder: keys with values, of which a repeated one begins the next record.

Source of the grammar: Eview's protocol document, V1.2 of 2020. What its alarm bits 3, 11 and 18 mean differs between
editions: they are told, but nobody is called for them. A wrong check sum is no reason to refuse an alarm.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from devices.adapter import DecodeError
from devices.adapters.tracker import Reader, Report, TrackerAdapter, since_1970
from devices.framers.eview import HEAD_BYTES, seal
from devices.telemetry import Quality

NAME = "eview/1"
SCHEME = "eview"
DATA, CONFIGURATION, SERVICES, RESPONSE = 0x01, 0x02, 0x03, 0x7F
WANTS_REPLY = 4  # bit of the flags
IMEI_DIGITS = 15
TIME_ASKED = 0x12
PLACE_ASKED = (0x11, 0x21, 0x22)  # by satellites' help, by cells, by networks: we know none
NO_READING = (0, 1)  # of the pulse and of the oxygen

ALARMS: dict[int, str] = {
    12: "alarm.sos",
    2: "alarm.fall",
    8: "alarm.powerOff",
    9: "alarm.powerOn",
    **dict.fromkeys((4, 5, 6, 7), "alarm.geofence"),
    1: "alarm.overspeed",
    10: "alarm.movement",
    0: "battery.low",
}
BUTTONS = {13: "1", 14: "2"}
DOUBTFUL: dict[int, str] = {3: "alarm.general", 11: "alarm.inactivity", 18: "alarm.general"}  # welfare, still, amber


class EviewAdapter(TrackerAdapter):
    """One grammar for all models; they differ in which keys they send."""

    name = NAME
    scheme = SCHEME

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI, which stands under another key in a report than in a configuration."""
        try:
            kind, _, body = _parse(frame)
            number = {DATA: 0x01, CONFIGURATION: 0x03}.get(kind)
            for key, value in _keys(body):
                if key == number and value.left == IMEI_DIGITS and (imei := value.rest()).isdigit():
                    return imei.decode("ascii")
        except DecodeError:
            return None
        return None

    def sequence(self, frame: bytes) -> int | None:
        """Return the running number of the frame."""
        return int.from_bytes(frame[6:8], "little")

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return the records of a frame. Raises DecodeError."""
        kind, _, body = _parse(frame)
        if kind == DATA:
            return _records(body)
        if kind == CONFIGURATION:
            report = Report()
            for key, value in _keys(body):
                if key == 0x14:
                    _charge(report, value)
            return [report]
        return []


def reply(frame: bytes) -> bytes | None:
    """Return the receipt, where the frame asks for one. Without it the device sends the frame again."""
    try:
        kind, number, _ = _parse(frame)
    except DecodeError:
        return None
    return seal(RESPONSE, b"\x01\0", number) if _asks(frame) and kind not in (SERVICES, RESPONSE) else None


def timed_reply(frame: bytes, now: datetime) -> bytes | None:
    """Return the time, and that we know no place, to a device that asks for them."""
    try:
        kind, number, body = _parse(frame)
        if kind != SERVICES or not _asks(frame):
            return None
        content = b""
        for key, _ in _keys(body):
            if key == TIME_ASKED:
                content += bytes((5, key)) + int(now.timestamp()).to_bytes(4, "little")
            elif key in PLACE_ASKED:
                content += bytes((10, key)) + bytes(9)
    except DecodeError:
        return None
    return seal(SERVICES, content, number)


def _asks(frame: bytes) -> bool:
    return bool(frame[1] >> WANTS_REPLY & 1)


def _parse(frame: bytes) -> tuple[int, int, Reader]:
    """Return kind, running number, and what follows. Raises DecodeError."""
    if frame[:1] != b"\xab" or len(frame) <= HEAD_BYTES:
        raise DecodeError(NAME, f"no head of a frame in {frame[:9].hex()}")
    length = int.from_bytes(frame[2:4], "little")
    if length > len(frame) - HEAD_BYTES:
        raise DecodeError(NAME, f"{length} bytes are promised, {len(frame) - HEAD_BYTES} are there")
    body = Reader(frame[HEAD_BYTES : HEAD_BYTES + length], NAME)
    return body.u(1), int.from_bytes(frame[6:8], "little"), body


def _keys(body: Reader) -> Sequence[tuple[int, Reader]]:
    """Return keys and values as far as they go: a value that is cut short ends them."""
    found = []
    while body.left >= 2:
        length = body.u(1)
        if length == 0 or length > body.left:
            break
        part = body.part(length)
        found.append((part.u(1), part))
    return found


def _records(body: Reader) -> list[Report]:
    report, reports, known = Report(), [], set[int]()
    for key, value in _keys(body):
        if key in known:
            reports.append(report)
            report, known = Report(), set()
        known.add(key)
        read = KEYS.get(key)
        if read is not None:
            try:
                read(report, value)
            except DecodeError:  # a value shorter than its key needs spoils no other
                continue
    return [*reports, report]


def _alarm(report: Report, value: Reader) -> None:
    word = value.ule(4)
    native = f"02:{word:08x}"
    for bit, code in ALARMS.items():
        report.alarm(code if word >> bit & 1 else None, native)
    for bit, channel in BUTTONS.items():
        if word >> bit & 1:
            report.press(channel, native)
    for bit, code in DOUBTFUL.items():
        report.alarm(code if word >> bit & 1 else None, native, quality=Quality.UNVERIFIED)
    if value.left >= 4 and report.at is None:
        report.at = since_1970(value.ule(4))


def _charge(report: Report, value: Reader) -> None:
    report.measure("battery.level", value.u(1))
    report.measure("battery.voltage", value.ule(2) / 1000)


def _fix(report: Report, value: Reader) -> None:
    lat, lon = value.ile(4) / 1e7, value.ile(4) / 1e7
    value.take(6)  # speed, direction, altitude
    report.place(lat, lon, valid=value.ule(2) > 0)  # accuracy; 0 is no fix


def _beacon(report: Report, value: Reader) -> None:
    value.take(6)
    _fixed_place(report, value)


def _beacon_named(report: Report, value: Reader) -> None:
    flags = value.u(1)
    value.take(6 + 2)  # its address, how loud it is here and would be at a metre
    if flags >> 7 & 1:
        _fixed_place(report, value)


def _network(report: Report, value: Reader) -> None:
    value.take(1 + 6 + 1)
    _fixed_place(report, value)


def _fixed_place(report: Report, value: Reader) -> None:
    lat, lon = value.ile(4) / 1e7, value.ile(4) / 1e7
    report.place(lat, lon, valid=True)


def _state(report: Report, value: Reader) -> None:
    report.at = since_1970(value.ule(4))
    report.measure("battery.level", value.ule(4) >> 24)


def _steps(report: Report, value: Reader) -> None:
    at = since_1970(value.ule(4))
    report.measure("activity.steps", value.ule(4), at=at)


def _pulse(report: Report, value: Reader) -> None:
    at = since_1970(value.ule(4))
    report.measure("vital.heart_rate", value.u(1), absent=NO_READING, at=at)


def _oxygen(report: Report, value: Reader) -> None:
    at = since_1970(value.ule(4))
    report.measure("vital.spo2", value.u(1), absent=NO_READING, at=at)


# What is not here is heard and not told: cells (21, 29, 2B), networks (22), calls made (25), beacons without a place.
KEYS: dict[int, Callable[[Report, Reader], None]] = {
    0x02: _alarm,
    0x14: _charge,
    0x20: _fix,
    0x23: _beacon,
    0x24: _state,
    0x28: _beacon_named,
    0x2A: _network,
    0x30: _steps,
    0x40: _pulse,
    0x41: _oxygen,
}

ADAPTER = EviewAdapter()
