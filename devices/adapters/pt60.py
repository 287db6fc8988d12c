"""PT60 and kin, watches for older people: `@G#@,V01,…,@R#@` or `@B#@|01|…|@E#@`, one frame in.

Source of the grammar: the maker's numbers of messages in the dialect with commas. Of the other the position is known.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at

NAME = "pt60/1"

_G = re.compile(
    r"@[GB]#@,V\d\d,(?P<type>\d{1,3}),(?P<id>\d{15}),(?P<imsi>\d*),(?P<rest>.*?)(?:@[RE]#@)?", re.ASCII | re.DOTALL
)
_B = re.compile(
    r"@B#@\|\d\d\|(?P<type>\d{1,3})\|(?P<id>\d{15})\|(?P<imsi>\d*)\|(?P<rest>.*?)(?:@E#@)?", re.ASCII | re.DOTALL
)
_TIME = re.compile(r"20\d{12}", re.ASCII)

# Messages of the G dialect: 42 and 104 alarm, 110 and 113 are the blood pressure as it should and should not be.
POSITION, POWERED, BATTERY_PULSE, STEPS = 6, 2, 14, 13
ALARMS = {42: "alarm.sos", 104: "alarm.fall"}
PULSES, PRESSURES = (14, 99), (110, 113)
B_POSITION = 1


class Pt60Adapter(TextTracker):
    """Both dialects."""

    name = NAME
    scheme = "pt60"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI."""
        text = frame.decode("latin-1").strip()
        found = _G.fullmatch(text) or _B.fullmatch(text)
        return found["id"] if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a frame."""
        text = self.text(frame)
        said = Said()
        if (new := _G.fullmatch(text)) is not None:
            _watch(said, int(new["type"]), new["rest"].split(","))
        elif (old := _B.fullmatch(text)) is not None:
            kind = int(old["type"])
            if kind == B_POSITION:
                _place(said, old["rest"].split("|"))
            said.doubt(ALARMS.get(kind), str(kind))  # nobody has told that the numbers are the same here
        else:
            raise DecodeError(NAME, f"no head of a frame in {frame[:40]!r}")
        return [said]


def reply(frame: bytes) -> None:
    """What it waits for is the hour, which is not ours to know here: see `answer`."""


def answer(frame: bytes, now: datetime) -> bytes | None:
    """Return the answer to a frame, which sets the watch's clock, or None if the frame is none."""
    text = frame.decode("latin-1").strip()
    if _G.fullmatch(text) is not None:
        return f"@G#@,V01,38,{now:%Y%m%d%H%M%S},@R#@".encode("ascii")
    found = _B.fullmatch(text)
    if found is None:
        return None
    return f"@B#@|01|{int(found['type']) + 1:03}|{found['id']}|0|{now:%Y%m%d%H%M%S}|@E#@".encode("ascii")


def _watch(said: Said, kind: int, fields: list[str]) -> None:
    fields = _from_time(fields)
    said.at = nmea.stamp(at(fields, 0))
    said.alarm(ALARMS.get(kind), str(kind))
    if kind == POSITION:
        lat, _, lon = at(fields, 1).partition(";")
        _located(said, lat, lon)
    elif kind in PULSES:
        said.reading("vital.heart_rate", at(fields, 1))
    elif kind == STEPS:
        said.reading("activity.steps", at(fields, 1))
    elif kind in PRESSURES:
        said.reading("vital.bp_systolic", at(fields, 1))
        said.reading("vital.bp_diastolic", at(fields, 2))
    said.level(at(fields, {POWERED: 1, BATTERY_PULSE: 2}.get(kind, len(fields))))


def _place(said: Said, fields: list[str]) -> None:
    """Read a position in decimal degrees, or the cells there were instead."""
    fields = _from_time(fields)
    said.at = nmea.stamp(at(fields, 0))
    _located(said, at(fields, 1), at(fields, 2))


def _from_time(fields: list[str]) -> list[str]:
    """Return the fields from the time on. Firmware, a state and a battery may stand in front of it."""
    start = next((n for n in range(min(4, len(fields))) if _TIME.fullmatch(fields[n].strip())), 0)
    return fields[start:]


def _located(said: Said, lat: str, lon: str) -> None:
    north, east = nmea.decimal(lat, 90), nmea.decimal(lon)
    if north is not None and east is not None and "." in lat and "." in lon:
        said.place(north, east, valid=True)


ADAPTER = Pt60Adapter()
