"""What a GT06 frame reports, by its kind, and makers' variants of a kind.

Source: Concox' and Jimi's protocol documents for GT06N, GK310 and VL03. Variants are what open servers agree on; they
are told apart by kind and length, because no frame names its model.
"""

from collections.abc import Callable, Container

from devices.adapters.gt06_long import LONG
from devices.adapters.gt06_parts import alert, charge, fix, imei_in, signal, status, terminal
from devices.adapters.gt06_words import CAMERA_EVENTS
from devices.adapters.tracker import Reader, Report, moment, since_1970

NAME = "gt06/1"


GPS = frozenset(
    (0x10, 0x11, 0x12, 0x16, 0x1A, 0x1E, 0x22, 0x25, 0x26, 0x27, 0x2A, 0x2D, 0x31, 0x32, 0x37, 0x39, 0xA0, 0xA4)
)
CELLS = frozenset((0x11, 0x12, 0x16, 0x19, 0x22, 0x25, 0x26, 0x27, 0x2D, 0x31, 0x32, 0x37, 0x39, 0xA3, 0xA4, 0xA5))
STATUS = frozenset((0x13, 0x16, 0x19, 0x26, 0x27, 0x32, 0x36, 0x39, 0xA3, 0xA4, 0xA5))
BARE_CELLS = frozenset((0x19, 0x39, 0xA5))  # of those with a status: no length in front of their cells
WIDE = frozenset((0xA3, 0xA4, 0xA5))  # cells of 4G: four bytes of area, eight of cell


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
        status(report, body, kind, model, vxt01=vxt01)
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


def _nt(report: Report, body: Reader, model: str | None) -> None:
    terminal(report, body.u(1))
    body.take(2)  # volts of the car
    report.measure("battery.voltage", body.u(1) / 10)
    signal(report, body.u(1))
    alert(report, body.u(1), model)


def _wired(report: Report, body: Reader, model: str | None, *, vxt01: bool) -> None:
    terminal(report, body.u(1), vxt01=vxt01)
    body.take(2)  # volts of the car
    signal(report, body.u(1))
    if not vxt01:
        alert(report, body.u(1), model)


def _heartbeat(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    report.state("battery.charging", bool(body.u(1) >> 2 & 1))
    if body.left >= 2:
        report.measure("battery.voltage", body.u(2) / 100)
    if body.left:
        signal(report, body.u(1))
    return report


def _pendant(body: Reader, length: int, model: str | None) -> Report:
    """Read the state of a small tracker: short as a heartbeat, or with steps. The second stands in no document."""
    report = Report()
    if length == 0x0C:
        information = body.u(1)
        report.state("battery.charging", bool(information >> 2 & 1))
        terminal(report, information)
        charge(report, body.u(1))
        signal(report, body.u(1))
        alert(report, body.u(1), model)
        return report
    terminal(report, body.u(1))
    body.take(8)
    report.measure("activity.steps", body.u(4))
    report.measure("battery.level", body.u(1))
    return report


def _portable(body: Reader, length: int, model: str | None) -> Report:
    report = Report()
    information = body.u(1)
    if length == 0x13:  # in the longer form these bits mean something else
        terminal(report, information)
    body.take(2)  # satellites and signal
    alert(report, body.u(1), model)
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
    terminal(report, body.u(1))
    body.take(2)  # volts of the car
    charge(report, body.u(1))
    signal(report, body.u(1))
    alert(report, body.u(1), model)
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


def _cells_of_battery(body: Reader, length: int, model: str | None) -> Report:
    body.take(8)  # serial number
    report = Report(since_1970(body.u(4)))
    body.take(1 + 2 + 1 + 2 + 1 + 2 + 2)  # capacities, health, temperature, current
    report.measure("battery.voltage", body.u(2) / 1000)
    return report


def _wifi_alarm(body: Reader, length: int, model: str | None) -> Report:
    report = Report(moment(list(body.take(6))))
    country = body.u(2)
    body.take(2 if country >> 15 else 1)
    wide, cells = body.u(1) > 0, body.u(1)
    body.take(cells * (13 if wide else 6) + 1)
    body.take(body.u(1) * 7)
    word = body.u(1)
    if body.left:
        word |= (body.u(1) >> 4) << 8
    alert(report, word, model)
    return report


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
    (0x40, range(30, 256), _cells_of_battery),
    (0x61, ANY, _placed_after_imei),
    (0x95, ANY, _camera),
    (0xA2, (0x40,), _wired_4g),  # else Wi-Fi and cells alone
    (0xA3, (0x0C, 0x18), _pendant),
    (0xA9, ANY, _wifi_alarm),
)
