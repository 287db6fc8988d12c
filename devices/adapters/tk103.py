"""TK103 and its kin in parentheses (`(013612345678BP05…)`, `(864768011069660,ZC11,…)`): one frame in.

Source of the grammar: the "TK103 GPRS protocol": an id, a command of two letters and two digits, data without
separators; and the personal trackers' form of it, with commas, day first, and commands of their own (ZC, DW).
"""

import re
from collections.abc import Sequence

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at, number

NAME = "tk103/1"

_FRAME = re.compile(
    r"\(?(?P<id>\w{10,16}?)(?P<comma>,?)(?P<command>[A-Z]{2}[0-9A-F]{2})(?P<rest>[^)]*)\)?", re.ASCII | re.DOTALL
)
_JOINED = re.compile(
    r"(?P<day>\d{6})(?P<fix>[AV])(?P<lat>[ \d]{4}\.\d{3,5})(?P<ns>[NS])(?P<lon>[ \d]{5}\.\d{3,5})(?P<ew>[EW])"
    r"[ .\d]{1,5}(?:\d*,)?(?P<time>\d{6}),?[ .\d]{2,6}",
    re.ASCII,
)
_PARTED = re.compile(
    r",(?P<day>\d{6}),(?P<fix>[AV]),(?P<lat>\d{1,4}\.\d+)(?P<ns>[NS]),(?P<lon>\d{1,5}\.\d+)(?P<ew>[EW]),"
    r"-?[.\d]+,(?P<time>\d{6})(?=,|$)",
    re.ASCII,
)
_WHEN = re.compile(r",(\d{6}),(\d{6})$", re.ASCII)  # of cells and Wi-Fi

# BO01: the digit before the date says what is the matter.
CAR_ALARM = "BO01"
CAR_ALARMS = {
    "1": "alarm.accident",
    "2": "alarm.sos",
    "3": "alarm.vibration",
    "4": "alarm.lowspeed",
    "5": "alarm.overspeed",
    "6": "alarm.geofenceExit",
}
POWER = "0"  # the car's power, off in some documents and cut in others
# The personal trackers' commands: the same in three rows, for a message of the GPRS line, with a fix and without.
_PERSONAL = {
    ("ZC11", "DW31", "DW51"): "alarm.movement",
    ("ZC12", "DW32", "DW52"): "battery.low",
    ("ZC13", "DW33", "DW53"): "alarm.powerCut",
    ("ZC17", "DW37", "DW57"): "alarm.removed",
    ("ZC25", "DW3E", "DW5E"): "alarm.sos",
    ("ZC26", "DW3F", "DW5F"): "alarm.tampering",
    ("ZC27", "DW40", "DW60"): "alarm.lowPower",  # the supply's, where the battery's own is ZC12
}
PERSONAL = {command: code for commands, code in _PERSONAL.items() for command in commands}
BATTERY = "ZC20"
# Its charge in six steps; 1 is all but empty, and no document says how much that is.
STEPS = {2: 10, 3: 20, 4: 50, 5: 80, 6: 100}
DRIVING = "BQ81"
_DRIVING = re.compile(r",ALARM,(\d),")
DRIVING_ALARMS = {
    "0": "battery.low",
    "1": "alarm.overspeed",
    "2": "alarm.idle",
    "3": "alarm.hardAcceleration",
    "4": "alarm.hardBraking",
    "5": "alarm.temperature",
}


class Tk103Adapter(TextTracker):
    """Both forms."""

    name = NAME
    scheme = "tk103"

    def device_of(self, frame: bytes) -> str | None:
        """Return the id before the command."""
        found = _FRAME.match(frame.decode("latin-1"))
        return found["id"] if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a frame."""
        found = _FRAME.match(self.text(frame))
        if found is None:
            raise DecodeError(NAME, f"no command in {frame[:40]!r}")
        said = Said()
        command, rest = found["command"], found["rest"]
        _when_and_where(said, rest)
        if command == CAR_ALARM:
            _car_alarm(said, rest[:1])
        elif command == BATTERY:
            _battery(said, rest.split(","))
        elif command == DRIVING and (driving := _DRIVING.match(rest)) is not None:
            said.alarm(DRIVING_ALARMS.get(driving[1]), f"ALARM,{driving[1]}")
        elif rest.startswith(","):
            said.alarm(PERSONAL.get(command), command)
        return [said]


def reply(frame: bytes) -> bytes | None:
    """Return the answer to a handshake, a login and an alarm."""
    found = _FRAME.match(frame.decode("latin-1"))
    if found is None or found["comma"]:
        return None
    answers = {"BP00": "AP01HSO", "BP05": "AP05", CAR_ALARM: f"AS01{found['rest'][:1]}"}
    answer = answers.get(found["command"])
    return None if answer is None else f"({found['id']}{answer})".encode("latin-1")


def _car_alarm(said: Said, digit: str) -> None:
    if not digit.isdecimal():
        raise DecodeError(NAME, "an alarm without its number")
    if digit == POWER:
        said.doubt("alarm.powerCut", digit)
    else:
        said.alarm(CAR_ALARMS.get(digit, "alarm.general"), digit)


def _when_and_where(said: Said, rest: str) -> None:
    joined, parted = _JOINED.search(rest), _PARTED.match(rest)
    found = joined or parted
    if found is not None:
        said.fix(
            nmea.Fix(
                at=nmea.moment(found["day"], found["time"], order="dmy" if joined is None else "ymd"),
                valid=found["fix"] == "A",
                lat=nmea.degrees(found["lat"], found["ns"]),
                lon=nmea.degrees(found["lon"], found["ew"]),
            )
        )
    elif (when := _WHEN.search(rest)) is not None:
        said.at = nmea.moment(when[1], when[2])


def _battery(said: Said, fields: list[str]) -> None:
    """Read day, time, sixths of the battery, hundredths of a volt, and the supply's. All ones: not measured."""
    said.at = nmea.moment(at(fields, 1), at(fields, 2))
    sixths, volts = number(at(fields, 3)), number(at(fields, 4))
    if sixths in STEPS:
        said.measure("battery.level", STEPS[int(sixths)])
    if volts is not None and 0 < volts < 0xFFFF:
        said.measure("battery.voltage", volts / 100)


ADAPTER = Tk103Adapter()
