"""The parts that many kinds of GT06 frames share: fix, terminal information, charge, signal and alert."""

from devices.adapters.gt06_words import ALERTS, MODEL_ALERTS, NO_ALARM, TERMINAL
from devices.adapters.tracker import Reader, Report, moment
from devices.telemetry import Quality

FIX_BYTES = 18  # time, satellites, latitude, longitude, speed, flags
LONG_ALERT = frozenset((0x27, 0x39, 0xA4))  # the byte behind holds four more bits of the alert
# Open servers read these a byte off. We follow the maker's document, but believe only what calls for help.
DISPUTED = frozenset((0x32, 0xA3, 0xA4))
CALLS = ("alarm.sos", "alarm.fall", "alarm.general")
ALARM_KINDS = frozenset((0x16, 0x19, 0x26, 0x27, 0xA3, 0xA4, 0xA5))  # sent for the alert, not by the clock
MODULES = frozenset((0x36, 0x39))
CARTRACK_VOLTS = (7, 36)  # what a car's battery can show, where two bytes may be volts or charge and signal


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


def status(report: Report, body: Reader, kind: int, model: str | None, *, vxt01: bool = False) -> None:
    """Read terminal information, charge, signal and alert: an alert may stand in either of two places, or in both."""
    disputed = kind in DISPUTED
    information = body.u(1)
    report.state("battery.charging", bool(information >> 2 & 1))
    terminal(report, information, vxt01=vxt01, disputed=disputed)
    if body.left < 2:
        return
    if kind == 0x13 and model != "R11" and not _volts(body.peek(4)):
        charge(report, body.u(1))
    elif kind == 0x13:
        body.take(2)
        signal(report, body.u(1))
        return
    else:
        charge(report, body.u(1))
    signal(report, body.u(1))
    if body.left and not vxt01 and not (kind == 0x13 and (model or "").upper().startswith(("LW", "SEEWORLD"))):
        word = body.u(1)
        if kind in LONG_ALERT and body.left:
            word |= (body.peek(1)[0] >> 4) << 8
        alert(report, word, model, disputed=disputed)
        if kind in ALARM_KINDS and not report.alarms and word not in NO_ALARM:
            report.unknown(f"alert {word:02x}")
    if kind in MODULES:
        _modules(report, body)


def _volts(ahead: bytes) -> bool:
    """Whether a heartbeat says volts of a car where others say charge and signal: then no alert stands behind."""
    low, high = CARTRACK_VOLTS
    return (
        len(ahead) == 4 and 6 < ahead[0] < 16 and low <= (ahead[0] << 8 | ahead[1]) / 100 <= high and 1 < ahead[2] <= 4
    )


def terminal(report: Report, information: int, *, vxt01: bool = False, disputed: bool = False) -> None:
    """Note the alarm in the terminal information."""
    bits = information >> 3 & 7
    code = "alarm.overspeed" if vxt01 and bits == 7 else TERMINAL.get(bits)
    report.alarm(code, f"terminal {information:02x}", quality=_quality(code, disputed=disputed))


def alert(report: Report, word: int, model: str | None, *, disputed: bool = False) -> None:
    """Note the alert, as this model means it."""
    own = next((table for name, table in MODEL_ALERTS.items() if (model or "").upper().startswith(name)), {})
    code = own.get(word) or ALERTS.get(word)
    report.alarm(code, f"alert {word:02x}", quality=_quality(code, disputed=disputed))


def _quality(code: str | None, *, disputed: bool) -> Quality:
    return Quality.UNVERIFIED if disputed and code not in CALLS else Quality.OK


def charge(report: Report, level: int) -> None:
    """Note the charge: 0 to 6 are steps, what is more is per cent, above 100 it is not known."""
    if level <= 100:
        report.measure("battery.level", level * 100 // 6 if level <= 6 else level)


def signal(report: Report, level: int) -> None:
    """Note the signal in its five steps."""
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
