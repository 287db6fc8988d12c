"""What a GT06 frame reports, by its kind: fix, cells, terminal information, alerts, and makers' variants of them.

Source: Concox' and Jimi's protocol documents for GT06N, GK310 and VL03. Variants are what open servers agree on; they
are told apart by kind and length, because no frame names its model.
"""

from collections.abc import Callable, Container

from devices.adapter import DecodeError
from devices.adapters.tracker import Reader, Report, moment, since_1970, told_position
from devices.telemetry import Quality

NAME = "gt06/1"
FIX_BYTES = 18  # time, satellites, latitude, longitude, speed, flags

GPS = frozenset(
    (0x10, 0x11, 0x12, 0x16, 0x1A, 0x1E, 0x22, 0x25, 0x26, 0x27, 0x2A, 0x2D, 0x31, 0x32, 0x37, 0x39, 0xA0, 0xA4)
)
CELLS = frozenset((0x11, 0x12, 0x16, 0x19, 0x22, 0x25, 0x26, 0x27, 0x2D, 0x31, 0x32, 0x37, 0x39, 0xA3, 0xA4, 0xA5))
STATUS = frozenset((0x13, 0x16, 0x19, 0x26, 0x27, 0x32, 0x36, 0x39, 0xA3, 0xA4, 0xA5))
BARE_CELLS = frozenset((0x19, 0x39, 0xA5))  # of those with a status: no length in front of their cells
LONG_ALERT = frozenset((0x27, 0x39, 0xA4))  # the byte behind holds four more bits of the alert
WIDE = frozenset((0xA3, 0xA4, 0xA5))  # cells of 4G: four bytes of area, eight of cell
# Open servers read these a byte off. We follow the maker's document, but believe only what calls for help.
DISPUTED = frozenset((0x32, 0xA3, 0xA4))
CALLS = ("alarm.sos", "alarm.fall", "alarm.general")
MODULES = frozenset((0x36, 0x39))

# Three bits of the terminal information.
TERMINAL: dict[int, str] = {
    1: "alarm.vibration",
    2: "alarm.powerCut",
    3: "battery.low",
    4: "alarm.sos",
    6: "alarm.geofence",
    7: "alarm.removed",
}
ALERTS: dict[int, str] = {
    0x01: "alarm.sos",
    0x02: "alarm.powerCut",
    0x03: "alarm.vibration",
    0x04: "alarm.geofenceEnter",
    0x05: "alarm.geofenceExit",
    0x06: "alarm.overspeed",
    0x09: "alarm.vibration",
    0x0E: "battery.low",
    0x0F: "battery.low",
    0x11: "alarm.powerOff",
    **dict.fromkeys((0x0C, 0x13, 0x25, 0x32), "alarm.tampering"),
    0x14: "alarm.door",
    0x15: "battery.low",  # switched itself off for it
    0x18: "alarm.removed",
    0x19: "battery.low",
    **dict.fromkeys((0x1A, 0x27, 0x28, 0x30), "alarm.hardBraking"),
    **dict.fromkeys((0x1B, 0x2A, 0x2B, 0x2E), "alarm.hardCornering"),
    0x23: "alarm.fall",
    0x26: "alarm.hardAcceleration",
    0x29: "alarm.hardAcceleration",
    0x2C: "alarm.accident",
    0x33: "alarm.lock",
    0x34: "alarm.unlock",
    0x53: "alarm.fuelLeak",
    0x5B: "alarm.temperature",
    0x5C: "alarm.temperature",
    0xC9: "alarm.idle",
    0x0107: "alarm.jamming",
    0x010B: "alarm.jamming",
}
# Models whose alerts differ, by the letters their names begin with.
MODEL_ALERTS: dict[str, dict[int, str]] = {
    "LW": {0x18: "alarm.accident", 0x19: "alarm.hardAcceleration"},
    "SEEWORLD": {0x28: "alarm.hardCornering", 0x29: "alarm.accident"},
    **{name: {0x09: "alarm.tow", 0x28: "alarm.powerOff"} for name in ("VL103", "VL512", "LL303", "G18")},
}
CAMERA_EVENTS: dict[int, str] = {
    0x0E: "alarm.lowPower",
    0x76: "alarm.temperature",
    0x80: "alarm.vibration",
    0x87: "alarm.overspeed",
    0x88: "alarm.powerCut",
    0x90: "alarm.hardAcceleration",
    0x91: "alarm.hardBraking",
    0x92: "alarm.hardCornering",
    0x93: "alarm.accident",
}
MODULE_EVENTS: dict[int, str] = {
    0x10: "alarm.door",
    0x12: "alarm.removed",
    0x14: "alarm.geofenceEnter",
    0x15: "alarm.geofenceExit",
    0x16: "alarm.temperature",
    0x1A: "battery.low",
    0x1B: "alarm.overspeed",
    0x1C: "alarm.powerOn",
    0x1D: "alarm.powerOff",
    0x20: "alarm.vibration",
    0x21: "alarm.powerCut",
    0x23: "alarm.tampering",
}
COLLAR_EVENTS: dict[int, str] = {0xA2: "battery.low", 0xA3: "battery.low", 0xA4: "alarm.general", 0xA5: "alarm.door"}
CARTRACK_VOLTS = (7, 36)  # what a car's battery can show, where two bytes may be volts or charge and signal


def read(kind: int, body: bytes, length: int, *, long: bool, model: str | None) -> Report | None:
    """Return what a frame of a kind reports, None if it is no report.

    Args:
        kind: the protocol number.
        body: what stands between kind and serial number.
        length: the length the frame says, by which variants are told apart.
        long: whether it started with 79 79.
        model: what the device is known to be.

    Raises:
        DecodeError: It ends before what its kind must say.
    """
    reader = Reader(body, NAME)
    if long and kind in LONG:
        return LONG[kind](kind, reader)
    if not body:
        return None
    own = next((row for row in OWN_FORMS if row[0] == kind and length in row[1]), None)
    if own is not None:
        return own[2](reader, length, model)
    return _common(kind, reader, length, model) if kind in GPS or kind in STATUS else None


def fix(report: Report, body: Reader, *, satellites: bool = True, speed: int = 1, flags_first: bool = False) -> None:
    """Read time and place as nearly all kinds have them. Times are UTC."""
    report.at = moment(list(body.take(6)))
    place(report, body, satellites=satellites, speed=speed, flags_first=flags_first)


def place(report: Report, body: Reader, *, satellites: bool = True, speed: int = 1, flags_first: bool = False) -> None:
    """Read latitude and longitude in 1/30000 minutes, speed, and the flags that say which half of the globe it is."""
    body.take(satellites)
    lat, lon = body.u(4) / 1_800_000, body.u(4) / 1_800_000
    if not flags_first:
        body.take(speed)
    flags = body.u(2)
    if flags_first:
        body.take(speed)
    report.place(lat if flags >> 10 & 1 else -lat, -lon if flags >> 11 & 1 else lon, valid=bool(flags >> 12 & 1))


def imei_in(body: bytes) -> tuple[int, str] | None:
    """Return where a date begins that an IMEI stands before, and the IMEI. No such tracker is from before 2010."""
    if body[:1] >= b"\x0a":
        return None
    for start in (0, 1):  # some say in the first byte where the fix comes from
        number, date = body[start : start + 8].hex(), body[start + 8 : start + 11]
        dated = len(date) == 3 and 10 <= date[0] < 100 and 1 <= date[1] <= 12 and 1 <= date[2] <= 31
        if dated and number.isdecimal() and number[0] == "0":
            return start + 8, number[1:]
    return None


def _common(kind: int, body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    named = imei_in(body.peek(12)) if kind in (0x12, 0x22, 0x25) else None
    own_clock = named is not None and named[0] == 9  # source, IMEI, when it was sent, when it was measured
    if named is not None:
        body.take(named[0] + (6 if own_clock else 0))
    if kind in GPS or kind == 0xA3:
        fix(report, body)
    seeworld = (kind, length) == (0x16, 0x26)
    vxt01 = length == 0x24 and kind in (0x12, 0x16)
    if kind in CELLS and body.left:
        sized = (kind in STATUS or own_clock) and kind not in BARE_CELLS and not vxt01
        _cells(body, kind, sized=sized, seeworld=seeworld)
    if own_clock:
        _nt(report, body, model)
    elif kind in STATUS:
        _status(report, body, kind, model, vxt01=vxt01)
    elif kind == 0x12 and length in (0x24, 0x2B):
        _wired(report, body, model, vxt01=vxt01)
    return report


def _cells(body: Reader, kind: int, *, sized: bool, seeworld: bool = False) -> None:
    """Pass over the cell. The length in front of it counts itself in most makers' frames, and not in others'."""
    says = body.u(1) if sized else None
    if says == 0:  # no cell: nothing follows, or 45 zeros do
        ahead = body.peek(45)
        if len(ahead) > 9 and not any(ahead[9:]):
            body.take(len(ahead))
        return
    generation = body.u(1) if kind == 0x39 else 0
    country = int.from_bytes(body.peek(2), "big")
    width = 3 + (country >> 15 or kind == 0x11) + (12 if kind in WIDE or generation >= 3 else 5)
    width += kind == 0x11 or seeworld
    if kind == 0x39:
        width += 2 if generation >= 3 else 1  # signal
    if says is not None and width + 1 < says <= body.left:
        width = says
    body.take(min(width, body.left))


def _status(report: Report, body: Reader, kind: int, model: str | None, *, vxt01: bool = False) -> None:
    """Read terminal information, charge, signal and alert: an alert may stand in either of two places, or in both."""
    disputed = kind in DISPUTED
    information = body.u(1)
    report.state("battery.charging", bool(information >> 2 & 1))
    _terminal(report, information, vxt01=vxt01, disputed=disputed)
    if body.left < 2:
        return
    if kind == 0x13 and model != "R11" and not _volts(body.peek(4)):
        _charge(report, body.u(1))
    elif kind == 0x13:
        body.take(2)
        _signal(report, body.u(1))
        return
    else:
        _charge(report, body.u(1))
    _signal(report, body.u(1))
    if body.left and not vxt01 and not (kind == 0x13 and (model or "").upper().startswith(("LW", "SEEWORLD"))):
        alert = body.u(1)
        if kind in LONG_ALERT and body.left:
            alert |= (body.peek(1)[0] >> 4) << 8
        _alert(report, alert, model, disputed=disputed)
    if kind in MODULES:
        _modules(report, body)


def _volts(ahead: bytes) -> bool:
    """Whether a heartbeat says volts of a car where others say charge and signal: then no alert stands behind."""
    low, high = CARTRACK_VOLTS
    return (
        len(ahead) == 4 and 6 < ahead[0] < 16 and low <= (ahead[0] << 8 | ahead[1]) / 100 <= high and 1 < ahead[2] <= 4
    )


def _terminal(report: Report, information: int, *, vxt01: bool = False, disputed: bool = False) -> None:
    bits = information >> 3 & 7
    code = "alarm.overspeed" if vxt01 and bits == 7 else TERMINAL.get(bits)
    report.alarm(code, f"terminal {information:02x}", quality=_quality(code, disputed=disputed))


def _alert(report: Report, alert: int, model: str | None, *, disputed: bool = False) -> None:
    own = next((table for name, table in MODEL_ALERTS.items() if (model or "").upper().startswith(name)), {})
    code = own.get(alert) or ALERTS.get(alert)
    report.alarm(code, f"alert {alert:02x}", quality=_quality(code, disputed=disputed))


def _quality(code: str | None, *, disputed: bool) -> Quality:
    return Quality.UNVERIFIED if disputed and code not in CALLS else Quality.OK


def _charge(report: Report, level: int) -> None:
    """Note the charge: 0 to 6 are steps, what is more is per cent, above 100 it is not known."""
    if level <= 100:
        report.measure("battery.level", level * 100 // 6 if level <= 6 else level)


def _signal(report: Report, level: int) -> None:
    if level <= 4:  # above it makers count differently, and do not say how
        report.measure("link.gsm_signal", level * 25)


def _modules(report: Report, body: Reader) -> None:
    body.take(min(1, body.left))  # language
    while body.left >= 3:
        kind, length = body.u(2), body.u(1)
        if length > body.left:
            return
        part = body.part(length)
        if kind == 0x0018 and length == 2:
            report.measure("battery.voltage", part.u(2) / 100)
        elif kind == 0x006A and length == 1:
            report.measure("battery.level", part.u(1))


def _nt(report: Report, body: Reader, model: str | None) -> None:
    _terminal(report, body.u(1))
    body.take(2)  # volts of the car
    report.measure("battery.voltage", body.u(1) / 10)
    _signal(report, body.u(1))
    _alert(report, body.u(1), model)


def _wired(report: Report, body: Reader, model: str | None, *, vxt01: bool) -> None:
    _terminal(report, body.u(1), vxt01=vxt01)
    body.take(2)  # volts of the car
    _signal(report, body.u(1))
    if not vxt01:
        _alert(report, body.u(1), model)


def _heartbeat(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    report.state("battery.charging", bool(body.u(1) >> 2 & 1))
    if body.left >= 2:
        report.measure("battery.voltage", body.u(2) / 100)
    if body.left:
        _signal(report, body.u(1))
    return report


def _pendant(body: Reader, length: int, model: str | None) -> Report:
    """Read the state of a small tracker: short as a heartbeat, or with steps. The second stands in no document."""
    report = Report()
    if length == 0x0C:
        information = body.u(1)
        report.state("battery.charging", bool(information >> 2 & 1))
        _terminal(report, information)
        _charge(report, body.u(1))
        _signal(report, body.u(1))
        _alert(report, body.u(1), model)
        return report
    _terminal(report, body.u(1))
    body.take(8)
    report.measure("activity.steps", body.u(4))
    report.measure("battery.level", body.u(1))
    return report


def _portable(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    information = body.u(1)
    if length == 0x13:  # in the longer form these bits mean something else
        _terminal(report, information)
    body.take(2)  # satellites and signal
    _alert(report, body.u(1), model)
    body.take(1)  # language
    report.measure("battery.level", body.u(1))
    body.take(1)  # mode
    report.measure("battery.voltage", body.u(2) / 100)
    return report


def _report_4g(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    fix(report, body)
    body.take(9)  # cell
    body.take(3 + 4 + 2)  # ignition, mode, whether it was held back, mileage, volts of the car
    report.measure("battery.voltage", body.u(1) / 10)
    return report


def _minute(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    fix(report, body)
    body.take(8 + 1 + 2)  # cell, ignition, volts of the car
    report.measure("battery.voltage", body.u(2) / 100)
    return report


def _x1(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    body.take(4)
    fix(report, body)
    body.take(2 + 4 + 9 + 4)  # information, mileage, cell, driver
    report.measure("battery.voltage", body.u(2) / 100)
    return report


def _placed(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    fix(report, body)
    return report


def _placed_after_imei(body: Reader, length: int, model: str | None) -> Report:
    body.take(8)
    return _placed(body, length, model)


def _wired_4g(body: Reader, length: int, model: str | None) -> Report:
    report = _placed(body, length, model)
    country = body.u(2)
    body.take((2 if country >> 15 else 1) + 12 + 1)  # cell, network
    _terminal(report, body.u(1))
    body.take(2)  # volts of the car
    _charge(report, body.u(1))
    _signal(report, body.u(1))
    _alert(report, body.u(1), model)
    return report


def _camera(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    placed = length - 5 > 7
    if body.peek(2) == b"\xff\xff":
        body.take(3)
        fix(report, body, speed=2, flags_first=True)
        body.take(2)  # volts
    elif placed:
        fix(report, body, satellites=False, speed=0)
    else:
        report.at = moment(list(body.take(6)))
    event = body.u(1)
    pressed = "alarm.sos" if placed else "alarm.general"
    report.alarm(pressed if event == 1 else CAMERA_EVENTS.get(event), f"event {event:02x}")
    return report


def _wifi_alarm(body: Reader, length: int, model: str | None) -> Report:
    report = Report(moment(list(body.take(6))))
    country = body.u(2)
    body.take(2 if country >> 15 else 1)
    wide, cells = body.u(1) > 0, body.u(1)
    body.take(cells * (13 if wide else 6) + 1)
    body.take(body.u(1) * 7)
    alert = body.u(1)
    if body.left:
        alert |= (body.u(1) >> 4) << 8
    _alert(report, alert, model)
    return report


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
# Kinds, or lengths of a kind, that have a form of their own.
ANY = range(256)
OWN_FORMS: tuple[tuple[int, Container[int], Callable[[Reader, int, str | None], Report]], ...] = (
    (0x13, (0x13, 0x15), _portable),
    (0x17, (0x28,), _placed),  # with a card reader; else it is Wi-Fi alone
    (0x23, ANY, _heartbeat),
    (0x24, (0x2E,), _minute),  # else cells alone
    (0x34, range(0x37), _x1),  # else cells alone
    (0x36, range(0x30, 256), _report_4g),
    (0x38, ANY, _placed),
    (0x61, ANY, _placed_after_imei),
    (0x95, ANY, _camera),
    (0xA2, (0x40,), _wired_4g),  # else Wi-Fi and cells alone
    (0xA3, (0x0C, 0x18), _pendant),
    (0xA9, ANY, _wifi_alarm),
)
