"""YX wristbands: a text of `YX<imei>|V1.0|…|{F…#…}` between three bytes before and three behind, one frame in.

Source of the grammar: what open servers read of it; no document of the maker's was found.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at

NAME = "wristband/1"
HEADER, FOOTER = b"\x00\x01\x02", b"\xff\xfe\xfc"

_TEXT = re.compile(
    r"(?P<letters>[A-Za-z]{2})(?P<id>\d{10,17})\|(?P<version>[vV]\d+\.\d+)\|\d+\|"
    r"\{F(?P<type>\d{2})(?:#(?P<rest>[^}]*))?\}",
    re.ASCII,
)
STATUS, POSITIONS, PULSE = "01", "02", "64"
LOGINS = ("90", "91")


class WristbandAdapter(TextTracker):
    """One grammar."""

    name = NAME
    scheme = "wristband"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI."""
        found = _sentence(frame)
        return found["id"] if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return a status, or one report for each place the wearer was at."""
        found = _sentence(frame)
        if found is None:
            raise DecodeError(NAME, f"no sentence in {frame[:60]!r}")
        rest = found["rest"] or ""
        if found["type"] == STATUS:
            said = Said()
            said.level(at(rest.split(","), 0))
            return [said]
        if found["type"] == POSITIONS:
            return [place for part in rest.split("|") if (place := _place(part)) is not None]
        return []


def reply(frame: bytes) -> bytes | None:
    """Return what a status and a test are acknowledged with. A login waits for the hour: see `login`."""
    found = _sentence(frame)
    if found is None:
        return None
    rest = found["rest"] or ""
    if found["type"] == STATUS:
        return _answer(found, at(rest.split(","), 1))
    return _answer(found, rest) if found["type"] == PULSE else None


def login(frame: bytes, now: datetime) -> bytes | None:
    """Return the answer to a login, which sets the band's clock, or None if the frame is none."""
    found = _sentence(frame)
    if found is None or found["type"] != LOGINS[1]:
        return None
    return _answer(found, f"{now:%Y-%m-%d-%H-%M-%S}|")


def _sentence(frame: bytes) -> re.Match[str] | None:
    return _TEXT.search(frame[:8192].decode("latin-1"))


def _place(part: str) -> Said | None:
    fields = part.split(",")
    lon, lat = nmea.decimal(at(fields, 0)), nmea.decimal(at(fields, 1), 90)
    if lon is None or lat is None:
        return None
    said = Said(nmea.stamp(at(fields, 2)))
    said.place(lat, lon, valid=True)
    return said


def _answer(found: re.Match[str], data: str) -> bytes:
    text = f"{found['letters']}{found['id']}|{found['version']}|0|{{F{found['type']}#{data}}}\r\n".encode("latin-1")
    return HEADER + len(text).to_bytes(2, "big") + text + FOOTER


ADAPTER = WristbandAdapter()
