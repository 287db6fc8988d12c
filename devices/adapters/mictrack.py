"""Mictrack trackers in text (`MT;6;<imei>;R0;…`, and the older `<imei>$<time>,A,…`): one line in.

Source of the grammar: Mictrack's MT protocol: what is found with what stands in the letter and number before the data.
What its event numbers mean differs by model and is not told: they ring nobody.
"""

import re
from collections.abc import Sequence

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at, number

NAME = "mictrack/1"

_MT = re.compile(r"MT;\d{1,2};(?P<id>\d{15});(?P<type>[A-Z]\w{0,2});(?P<rest>.*)", re.ASCII | re.DOTALL)
_OLD = re.compile(r"(?P<id>\d{15})(?P<rest>\$\d.*)", re.ASCII | re.DOTALL)
_TIME = re.compile(r"\d{12}", re.ASCII)
MILLIVOLTS = -2  # the field before the last


class MictrackAdapter(TextTracker):
    """Both forms."""

    name = NAME
    scheme = "mictrack"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI."""
        text = frame.decode("latin-1")
        found = _MT.match(text) or _OLD.match(text)
        return found["id"] if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return one report, or of the older form one for each sentence."""
        text = self.text(frame)
        if (found := _MT.match(text)) is not None:
            return [_found(found["rest"].split("+"))]
        if (found := _OLD.match(text)) is not None:
            return [_sentence(part.split(",")) for part in found["rest"].split("$")[1:]]
        raise DecodeError(NAME, f"no head of a line in {frame[:40]!r}")


def reply(frame: bytes) -> None:
    """Nothing is waited for."""


def _found(fields: list[str]) -> Said:
    """Read satellites, time, place (or time, Wi-Fi or cells), event, millivolts, and one more."""
    said = Said()
    clock = next((n for n in (0, 1) if _TIME.fullmatch(at(fields, n))), None)
    if clock is None:
        return said
    said.at = nmea.moment(at(fields, clock)[:6], at(fields, clock)[6:], order="ymd")
    lat, lon = nmea.decimal(at(fields, clock + 1), 90), nmea.decimal(at(fields, clock + 2))
    if clock == 1 and lat is not None and lon is not None and "." in at(fields, clock + 1):  # 0 and 0 are no place
        said.place(lat, lon, valid=True)
    volts = number(at(fields, MILLIVOLTS))
    if volts is not None and 1000 <= volts < 20_000:
        said.measure("battery.voltage", volts / 1000)
    return said


def _sentence(fields: list[str]) -> Said:
    """Read time, A or V, latitude, N, longitude, E, speed, course, height, date."""
    said = Said()
    said.fix(nmea.rmc([*fields[:8], at(fields, 9)]))
    return said


ADAPTER = MictrackAdapter()
