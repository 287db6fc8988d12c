"""MiniFinder Pico, Atto and the EV-07 in its text dialect (`!D,…`): one frame without its semicolon in.

Source of the grammar: MiniFinder's GPRS protocol V1.26. Only `!1` names the device; the gateway remembers it.
"""

import re
from collections.abc import Sequence

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at

NAME = "minifinder/1"

_HEAD = re.compile(r"!(?P<type>[0-9A-Za-z])(?=,|$)")
_LOGIN = re.compile(rb"!1,(\d{15})(?=[,;]|\Z)")
POSITIONS = "ABCD"
FLAGS = 7  # the field of the flags, behind type, date, time, latitude, longitude, speed and course

# Bits of the flags, worst first.
FIXED = 0b11
ALARMS = (
    (6, "alarm.sos"), (8, "alarm.fall"), (7, "alarm.overspeed"), (9, "alarm.geofence"), (10, "alarm.geofence"),
    (11, "alarm.geofence"), (14, "alarm.movement"), (15, "alarm.movement"), (2, "alarm.fault"), (12, "battery.low"),
)  # fmt: skip
SIGNAL, CHARGING = 16, 22  # five bits of signal, then whether it is on its charger


class MiniFinderAdapter(TextTracker):
    """One grammar for all; the letter says how much of it a model sends."""

    name = NAME
    scheme = "minifinder"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI of a login."""
        found = _LOGIN.match(frame)
        return found[1].decode("ascii") if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a frame."""
        text = self.text(frame).rstrip(";")
        head = _HEAD.match(text)
        if head is None:
            raise DecodeError(NAME, f"no head of a frame in {frame[:40]!r}")
        fields = text.split(",")
        said = Said()
        if head["type"] in POSITIONS:
            _position(said, fields)
        elif head["type"] == "5":
            signal = at(fields, 1)
            if signal.isdecimal():
                said.csq(int(signal[:3]))
            said.level(at(fields, 3))
        return [said]


def reply(frame: bytes) -> None:
    """Nothing is waited for."""


def _position(said: Said, fields: list[str]) -> None:
    date = "".join(f"{part:0>2}" for part in at(fields, 1).split("/"))
    clock = "".join(f"{part:0>2}" for part in at(fields, 2).split(":"))
    flags = at(fields, FLAGS)
    if len(fields) <= FLAGS + 1 or not re.fullmatch(r"[0-9A-Fa-f]{1,8}", flags, re.ASCII):
        flags = ""  # cut off: half a number has other bits
    word = int(flags, 16) if flags else 0
    said.fix(
        nmea.Fix(
            at=nmea.moment(date, clock),
            valid=bool(word & FIXED) if fields[0] != "!A" else False,
            lat=nmea.decimal(at(fields, 3), 90),
            lon=nmea.decimal(at(fields, 4)),
        )
    )
    if not flags or fields[0] == "!A":  # in the oldest form the sixth field is a course
        return
    for bit, code in ALARMS:
        if word >> bit & 1:
            said.alarm(code, flags)
    said.csq(word >> SIGNAL & 31)
    if word >> CHARGING & 1:
        said.state("battery.charging", True)
    said.level(at(fields, FLAGS + 2))


ADAPTER = MiniFinderAdapter()
