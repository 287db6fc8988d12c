"""Laipac bracelets and lockets (S-911, Lola): `$AVRMC,…*78` in, telemetry out.

Source of the grammar: Laipac's bracelet protocol with its synchronisation of 2011. A small letter as the status asks
for an acknowledgement; V is no fix, R and P are fixes told again or at rest.
"""

import re
from collections.abc import Sequence
from functools import reduce

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at, number

NAME = "laipac/1"

_FRAME = re.compile(r"\$(?P<body>(?P<type>[A-Z]{4,6}),(?P<id>[0-9A-Za-z]{1,20})[^*]*)(?:\*(?P<sum>[0-9A-Fa-f]{2}))?")
TYPES = ("AV", "EAV", "ECHK")  # how their names begin
EVENT, BATTERY = 11, 12  # fields of AVRMC

# What AVRMC's event alarms about.
EVENTS = {
    "3": "alarm.sos",
    "4": "alarm.geofenceExit",
    "6": "alarm.overspeed",
    "7": "alarm.geofenceExit",
    "8": "alarm.vibration",
    "H": "alarm.powerOff",
    "T": "alarm.tampering",
    "X": "alarm.geofenceEnter",
    "Y": "alarm.tow",
    "Z": "battery.low",
}
# What no document at hand tells for all models.
DOUBTFUL = {"5": "alarm.powerCut"}


class LaipacAdapter(TextTracker):
    """One grammar for all."""

    name = NAME
    scheme = "laipac"

    def device_of(self, frame: bytes) -> str | None:
        """Return the unit's id."""
        found = _FRAME.match(frame.decode("latin-1"))
        return found["id"] if found is not None else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a sentence."""
        found = _FRAME.match(self.text(frame))
        if found is None or not found["type"].startswith(TYPES):
            raise DecodeError(NAME, f"no sentence in {frame[:40]!r}")
        said = Said()
        if found["type"] == "AVRMC":
            _position(said, found["body"].split(","))
        return [said]


def reply(frame: bytes) -> bytes | None:
    """Return what a handshake, or a position that asks for it, is acknowledged with."""
    found = _FRAME.match(frame.decode("latin-1"))
    if found is None:
        return None
    fields = found["body"].split(",")
    if found["type"] == "ECHK":
        return _sentence(found["body"])
    if found["type"] == "AVRMC" and at(fields, 3).islower() and found["sum"]:
        return _sentence(f"EAVACK,{at(fields, EVENT)},{found['sum']}")
    return None


def _position(said: Said, fields: list[str]) -> None:
    status = at(fields, 3).upper()
    said.fix(
        nmea.Fix(
            at=nmea.moment(at(fields, 10), at(fields, 2)),
            valid=status in ("A", "R", "P"),
            lat=nmea.degrees(at(fields, 4), at(fields, 5)),
            lon=nmea.degrees(at(fields, 6), at(fields, 7)),
        )
    )
    if len(fields) > BATTERY:  # an event is whole once another field follows it
        said.alarm(EVENTS.get(at(fields, EVENT)), at(fields, EVENT))
        said.doubt(DOUBTFUL.get(at(fields, EVENT)), at(fields, EVENT))
        volts = number(at(fields, BATTERY))
        if volts is not None and volts > 0:
            said.measure("battery.voltage", volts / 1000 if volts >= 100 else volts)


def _sentence(body: str) -> bytes:
    return f"${body}*{reduce(lambda total, byte: total ^ byte, body.encode('latin-1'), 0):02X}\r\n".encode("latin-1")


ADAPTER = LaipacAdapter()
