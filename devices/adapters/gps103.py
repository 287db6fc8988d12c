"""GPS103, TK102/103B, Coban (`imei:…,help me,…;`): one frame without its semicolon in, telemetry out.

Source of the grammar: Coban's GPRS protocol of 2012 and 2014. The first time is the SIM's, in a zone of its own; the
second, with the fix, is UTC.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from devices import alarm_words, nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at

NAME = "gps103/1"

_ID = re.compile(r"(?:##,|\d{10,17};?)?imei:(\d{10,17})(?=,|$)", re.ASCII)
_BARE = re.compile(r"\d{10,17}", re.ASCII)  # the heartbeat is the IMEI alone
_LOCAL = re.compile(r"(\d\d)/?(\d\d)/?(\d\d) ?(\d\d):?(\d\d)(\d\d)?", re.ASCII)
# Newer ones in cars: what happened, two fields of a sensor, then all of it in decimal degrees.
_DECIMAL = re.compile(
    r"[^,]*,[^,]*,[^,]*,(?P<time>\d{6}),(?P<day>\d{6}),(?P<signal>\d+),(?P<fix>\d),(?P<lat>-?\d+\.\d+),"
    r"(?P<lon>-?\d+\.\d+),(?:[^,]*,){6}(?P<charging>[01]),",
    re.ASCII,
)
FIXED = "F"  # the fourth field behind the alarm: F with a fix, L with a cell alone


class Gps103Adapter(TextTracker):
    """One grammar for all of them."""

    name = NAME
    scheme = "gps103"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI."""
        text = frame.decode("latin-1").strip()
        found = _ID.match(text)
        return found[1] if found else text if _BARE.fullmatch(text) else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a frame."""
        if self.device_of(frame) is None:
            raise DecodeError(NAME, f"no IMEI in {frame[:40]!r}")
        fields = self.text(frame).rstrip(";").split(",")
        said = Said()
        if len(fields) > 2 and not fields[0].startswith("##"):
            _read(said, fields)
        return [said]


def reply(frame: bytes) -> bytes | None:
    """Return LOAD to a login, ON to a heartbeat; a call for help is told that it was heard, else it is repeated."""
    text = frame.decode("latin-1").strip()
    if text.startswith("##,"):
        return b"LOAD"
    if _BARE.fullmatch(text.rstrip(";")):
        return b"ON"
    found = _ID.match(text)
    fields = text.split(",")
    if found is not None and len(fields) > 2 and alarm_words.meaning(fields[1]) == "alarm.sos":
        return f"**,imei:{found[1]},E;".encode("ascii")
    return None


def _read(said: Said, fields: list[str]) -> None:
    word, local = at(fields, 1), _local(at(fields, 2))
    said.alarm(alarm_words.meaning(word), word)
    if (parts := _DECIMAL.match(",".join(fields[2:]))) is not None:
        _decimal(said, parts)
        return
    if at(fields, 4) != FIXED:
        said.at = local if word == "OBD" else None
        said.guessed = True
        return
    place = next((n for n in range(6, len(fields) - 2) if at(fields, n) in ("N", "S")), None)
    if place is None:
        return
    before = at(fields, place - 1) in ("A", "V")  # some write the letter before its number
    lat, east = (at(fields, place + 1), place + 2) if before else (at(fields, place - 1), place + 1)
    letter = place + 3 if before else place + 2
    clock = at(fields, 5)
    found = nmea.utc_day(local, clock) if local is not None else None
    said.fix(
        nmea.Fix(
            at=found or local,
            valid="A" in (at(fields, 6), at(fields, place - 1), at(fields, place - 2)),
            lat=nmea.degrees(lat, at(fields, place)),
            lon=nmea.degrees(*_east(fields, east, letter)),
        )
    )
    said.guessed = found is None


def _decimal(said: Said, found: re.Match[str]) -> None:
    lat, lon = nmea.decimal(found["lat"], 90), nmea.decimal(found["lon"])
    said.fix(nmea.Fix(at=nmea.moment(found["day"], found["time"]), valid=found["fix"] != "0", lat=lat, lon=lon))
    said.state("battery.charging", found["charging"] == "1")


def _east(fields: list[str], number: int, letter: int) -> tuple[str, str]:
    """Return the longitude and its letter, which stands before it where the latitude's does."""
    if at(fields, number) in ("E", "W"):
        return at(fields, number + 1), at(fields, number)
    return at(fields, number), at(fields, letter)


def _local(text: str) -> datetime | None:
    """Return `yymmddhhmm` or `yymmddhhmmss` as if it were UTC."""
    parts = _LOCAL.fullmatch(text)
    if parts is None:
        return None
    return nmea.moment("".join(parts.groups()[:3]), f"{parts[4]}{parts[5]}{parts[6] or '00'}", order="ymd")


ADAPTER = Gps103Adapter()
