"""Queclink's @Track in text (GL pendants, GV and CV cars): `+RESP:GTSOS,…`, `+BUFF:…`, `+ACK:…`, one report in.

Source of the grammar: the @Track air interface protocols of GL200, GL300, GL300M, GL500, GV55, GV65, GV200, GV500. All
reports have the same ends – version, IMEI, name; send time, count – and the same block for a position: accuracy,
speed, azimuth, height, longitude, latitude, UTC time, cell. What stands between differs by report and family, and is
said here in tables.
"""

import re
from collections.abc import Sequence

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at, number

NAME = "gl200text/1"

_HEAD = re.compile(r"\+(?P<way>RESP|BUFF|ACK):GT(?P<kind>[A-Z0-9]{3}),")
_IMEI = re.compile(r"[0-9A-F]{14,15}", re.ASCII)  # of CDMA models an MEID
_TIME = re.compile(r"20\d{12}", re.ASCII)
_COUNT = re.compile(r"[0-9A-F]{4}", re.ASCII)
_DEGREES = re.compile(r"-?\d{1,3}\.\d{4,7}", re.ASCII)
_PERCENT = re.compile(r"\d{1,3}", re.ASCII)
_HOURS = re.compile(r"\d{5}:\d\d:\d\d", re.ASCII)  # cars count the engine's hours behind the mileage
_STATUS = re.compile(r"[0-9A-F]{6}", re.ASCII)  # what cars call device status; their battery stands before it

# What a report alarms about by its kind.
ALARMS = {
    "SOS": "alarm.sos",
    "BPL": "battery.low",
    "PFA": "alarm.powerOff",
    "PNA": "alarm.powerOn",
    "EPF": "alarm.powerCut",
    "MPF": "alarm.powerCut",
    "EPN": "alarm.powerRestored",
    "MPN": "alarm.powerRestored",
    "STT": "alarm.movement",
    "SWG": "alarm.geofence",
    "TEM": "alarm.temperature",
    "TMP": "alarm.temperature",
    "JDR": "alarm.jamming",
    "JDS": "alarm.jamming",
    "TOW": "alarm.tow",
    "IDL": "alarm.idle",
}
# Of cars, and kept without ringing: what a crash is was set by somebody.
DOUBTFUL = {"CRA": "alarm.accident"}
# By kind and the last digit of the report type.
TYPED = {
    ("HBM", "0"): "alarm.hardBraking",
    ("HBM", "1"): "alarm.hardAcceleration",
    ("HBM", "2"): "alarm.hardCornering",
    ("HBM", "3"): "alarm.hardBraking",
    ("HBM", "4"): "alarm.hardAcceleration",
    ("SPD", "0"): "alarm.overspeed",  # out of the range that was set; 1 is back in it
}
# Fences are told of in and out; which of the two is which digit differs by family.
FENCES = {"0": "alarm.geofenceExit", "1": "alarm.geofenceEnter"}
REPORT_TYPE = 5
CHARGING = {"BTC": True, "STC": False}

# Where a pendant's battery stands, counted from the end: before the send time and the count.
PENDANT = {"FRI", "NMR", "SOS", "RTL", "PNL", "LBC", "GEO", "SPD", "DOG", "IGL", "DIS", "GCR", "CTN", "WIF", "NOD"}
BEFORE_END = -3
CARS = {"FRI", "ERI", "RTL", "SOS", "GEO"}  # their status, if there is one, stands behind the battery
FAMILIES = {"DE": 10}  # counted from the longitude, where a family puts something between
SMALL = 10  # counted so too: GL500 and kin, told by what follows: mode, whether it moves, temperature
_DEGREES_C = re.compile(r"(?:-?\d{1,2}\.\d)?", re.ASCII)
CELL = 7  # fields from the longitude to what follows the cell
STATIONARY = {"STR": ("40", "44"), "CTN": ("40", "44")}  # GL500 and GL530 have it behind the temperature
STATIONARY_LEVEL = 8
AT_ONCE = {"LBS": 6}  # cells alone: the level stands before them
TIRED = ("DAR", "1")  # the report of a camera at the driver, and its fourth field
HEAD = 11  # where the longitude of a report's first position stands; two more fields before it end in the level
VIN = re.compile(r"[0-9A-Z]{17}", re.ASCII)  # of cars, in front of their name
BAT_LEVEL, BAT_VOLTS, BAT_CHARGING = 6, 7, 8
CSQ_SIGNAL = 4
INF_SIGNAL, INF_VOLTS, INF_CHARGING, INF_TIME, INF_LEVEL = 6, 11, 12, 17, 18
MOVING = {"11": False, "12": True, "21": False, "22": True, "41": False, "42": True}


class QueclinkAdapter(TextTracker):
    """One grammar for all families."""

    name = NAME
    scheme = "gl200text"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI, or the MEID."""
        fields = frame[:120].decode("latin-1").split(",")
        if _HEAD.match(frame[:20].decode("latin-1")) is None:
            return None
        # A report of the first models has no version in front.
        return next((field for field in fields[1:3] if _IMEI.fullmatch(field)), None)

    def sequence(self, frame: bytes) -> int | None:
        """Return the device's count of its reports."""
        return _ends(_fields(self.text(frame)))[1]

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return one report for each position of the frame, or one without any."""
        text = self.text(frame)
        head = _HEAD.match(text)
        if head is None:
            raise DecodeError(NAME, f"no report in text: {frame[:40]!r}")
        fields = _fields(text)
        sent, count = _ends(fields)
        places = [n for n in range(4, len(fields) - 2) if _is_place(fields, n)]
        said = [_place(fields, place) for place in places] or [Said(nmea.stamp(sent) if sent else None)]
        if head["way"] != "ACK":
            last = said[-1]
            last.named = f"{sent}:{count}" if sent else None
            _alarms(last, head["kind"], fields)
            _supply(last, head["kind"], fields, places)
        return said


def reply(frame: bytes) -> bytes | None:
    """Return the acknowledgement by count, which a device that was set to want it repeats its report without."""
    text = frame.decode("latin-1")
    head = _HEAD.match(text)
    fields = _fields(text)
    _, count = _ends(fields)
    if head is None or count is None:
        return None
    if head["way"] == "ACK":
        return f"+SACK:GTHBD,{fields[1]},{count:04X}$".encode("latin-1") if head["kind"] == "HBD" else None
    return f"+SACK:{count:04X}$".encode("ascii")


def _fields(text: str) -> list[str]:
    return text.strip("\r\n\0 ").rstrip("$").split(",")


def _ends(fields: list[str]) -> tuple[str | None, int | None]:
    """Return when the report was sent, in the zone the device was set to, and its count."""
    sent, count = at(fields, -2), at(fields, -1)
    if len(fields) < 4 or not _TIME.fullmatch(sent) or not _COUNT.fullmatch(count):
        return None, None
    return sent, int(count, 16)


def _is_place(fields: list[str], n: int) -> bool:
    return bool(
        _DEGREES.fullmatch(fields[n]) and _DEGREES.fullmatch(fields[n + 1]) and _TIME.fullmatch(fields[n + 2].strip())
    )


def _place(fields: list[str], n: int) -> Said:
    """Read a block by its longitude. An accuracy of 0 says that there is no fix: this is where the last one was."""
    said = Said(nmea.stamp(fields[n + 2]))
    said.current = at(fields, n - 4) not in ("", "0", "0.0")
    lon, lat = nmea.decimal(fields[n]), nmea.decimal(fields[n + 1], 90)
    if lon is not None and lat is not None:
        said.place(lat, lon, valid=said.current)
    return said


def _alarms(said: Said, kind: str, fields: list[str]) -> None:
    said.alarm(ALARMS.get(kind), f"GT{kind}")
    digit = at(fields, REPORT_TYPE)[-1:] if len(fields) > REPORT_TYPE + 1 else ""  # cut off, it may be another
    said.alarm(TYPED.get((kind, digit)), f"GT{kind},{at(fields, REPORT_TYPE)}")
    if kind == "GEO":
        said.doubt(FENCES.get(digit), f"GTGEO,{at(fields, REPORT_TYPE)}")
    said.doubt(DOUBTFUL.get(kind), f"GT{kind}")
    if (kind, at(fields, 4)) == TIRED:
        said.alarm("alarm.fatigueDriving", f"GT{kind}")
    if kind == "STT" and at(fields, 4) in MOVING:
        said.state("motion.moving", MOVING[at(fields, 4)])


def _supply(said: Said, kind: str, fields: list[str], places: list[int]) -> None:
    """Read the battery, in volts and percent, and whether it is being charged."""
    if kind in CHARGING:
        said.state("battery.charging", CHARGING[kind])
    if kind in _ASKED:
        _ASKED[kind](said, fields)
        return
    if kind == "BPL":
        _volts(said, at(fields, 4))
    if kind in STATIONARY and at(fields, 1)[:2] in STATIONARY[kind]:
        level: int | None = STATIONARY_LEVEL
    else:
        level = _level(kind, fields, places[-1] if places else None)
    if level is None or not _PERCENT.fullmatch(at(fields, level)):
        level = _before(kind, fields, places)
    if level is not None:
        said.level(at(fields, level))
    millivolts = at(fields, places[-1] + SMALL - 1) if places and _is_small(fields, places[-1]) else ""
    if re.fullmatch(r"\d{4}", millivolts, re.ASCII):
        _volts(said, f"{millivolts[0]}.{millivolts[1:]}")


def _before(kind: str, fields: list[str], places: list[int]) -> int | None:
    """Return where the percent stands in front of the positions, if it does there."""
    if kind in AT_ONCE:
        return AT_ONCE[kind]
    first = HEAD + 2 + bool(VIN.fullmatch(at(fields, 3)))
    there = kind in ("FRI", "GEO", "RTL", "DOG") and bool(places) and places[0] == first
    return first - 5 if there and _PERCENT.fullmatch(at(fields, first - 5)) else None


def _is_small(fields: list[str], place: int) -> bool:
    level, mode, moves, degrees = (at(fields, place + SMALL + n) for n in range(4))
    known = bool(_PERCENT.fullmatch(level)) and mode in ("0", "1") and moves in ("", "0", "1")
    return known and place + SMALL + 3 < len(fields) - 2 and bool(_DEGREES_C.fullmatch(degrees))


def _level(kind: str, fields: list[str], place: int | None) -> int | None:
    """Return where the battery's percent stands."""
    after = CELL if place is None else place + CELL
    found = _cars_level(fields, after, located=place is not None) if kind in CARS else None
    if found is not None:
        return found
    if place is not None and _is_small(fields, place):
        return place + SMALL
    if place is not None and at(fields, 1)[:2] in FAMILIES:
        return place + FAMILIES[at(fields, 1)[:2]]
    if kind == "ERI":
        return after + 1
    return _pendants_level(fields, after) if kind in PENDANT else None


def _cars_level(fields: list[str], after: int, *, located: bool) -> int | None:
    """Return the place before the device status, or, without one, the fifth behind the engine's hours."""
    status = next((n for n in range(after, len(fields) - 2) if _STATUS.fullmatch(fields[n])), None)
    if status is not None and (located or status > after):
        return status - 1
    return after + 5 if _HOURS.fullmatch(at(fields, after + 2)) else None


def _pendants_level(fields: list[str], after: int) -> int | None:
    """Return the place before the send time, or, where newer ones put something there, the one behind the mileage."""
    last = len(fields) + BEFORE_END
    if last > after and _PERCENT.fullmatch(at(fields, last)):
        return last
    # A mask in place of the mileage says that there is something before.
    return after + 1 if at(fields, after) in ("", "00") or "." in at(fields, after) else None


def _info(said: Said, fields: list[str]) -> None:
    """Read GTINF: signal, voltage; on pendants also the charger and the percent, behind the time of the last fix."""
    _signal(said, fields, INF_SIGNAL)
    _volts(said, at(fields, INF_VOLTS))
    if _TIME.fullmatch(at(fields, INF_TIME)):
        if at(fields, INF_CHARGING) in ("0", "1"):
            said.state("battery.charging", at(fields, INF_CHARGING) == "1")
        if _PERCENT.fullmatch(at(fields, INF_LEVEL)):
            said.level(at(fields, INF_LEVEL))


def _battery(said: Said, fields: list[str]) -> None:
    """Read GTBAT, the answer to a question."""
    said.level(at(fields, BAT_LEVEL))
    _volts(said, at(fields, BAT_VOLTS))
    if at(fields, BAT_CHARGING) in ("0", "1"):
        said.state("battery.charging", at(fields, BAT_CHARGING) == "1")


def _signal(said: Said, fields: list[str], place: int = CSQ_SIGNAL) -> None:
    """Read GTCSQ, the answer to a question."""
    if at(fields, place).isdecimal():
        said.csq(int(at(fields, place)[:3]))


def _volts(said: Said, text: str) -> None:
    volts = number(text)
    if volts is not None and 2 <= volts <= 9:
        said.measure("battery.voltage", volts)


_ASKED = {"INF": _info, "BAT": _battery, "CSQ": _signal}
ADAPTER = QueclinkAdapter()
