"""Mictrack trackers in text (`MT;6;<imei>;R0;…`, MT700's `#<imei>#MT700#…`, the older `<imei>$<time>,A,…`).

Source of the grammar: Mictrack's MT protocol: what is found with what stands in the letter and number before the data;
its protocol for MT700, V1.0, of two lines: who and why, then where. They come one by one or together. What events mean
is what open servers agree on.
"""

import re
from collections.abc import Sequence

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at, number

NAME = "mictrack/1"

_MT = re.compile(r"MT;\d{1,2};(?P<id>\d{15});(?P<type>[A-Z]\w{0,2});(?P<rest>.*)", re.ASCII | re.DOTALL)
_OLD = re.compile(r"(?P<id>\d{15})(?P<rest>\$\d.*)", re.ASCII | re.DOTALL)
_WHY = re.compile(r"#(?P<id>\d{15})#(?P<model>[^#]*)#[^#]*#(?P<event>[^#]*)#", re.ASCII)
_WHERE = re.compile(r"#(?P<volts>\d{4}|\d\d)?(?:#[^$]*|[0-9A-Fa-f]*)\$(?P<kind>GPRMC|WIFI),(?P<rest>[^*]*)", re.ASCII)
_TIME = re.compile(r"\d{12}", re.ASCII)
EVENT, MILLIVOLTS = -3, -2  # fields before the last
WHOLE = (5, 9)  # fields at least, with the time first or behind the satellites
EVENTS: dict[str, str] = {
    "0": "alarm.powerOn",
    "5": "alarm.sos",
    "8": "battery.low",
    "9": "alarm.geofenceEnter",
    "10": "alarm.geofenceExit",
    "12": "alarm.powerOff",
}
WORDS: dict[str, str] = {
    "SOS": "alarm.sos",
    "SHAKE": "alarm.vibration",
    "TOWED": "alarm.tow",
    "DEF": "alarm.removed",
    "BLP": "battery.low",
    "CLP": "battery.low",
    "OVERSPEED": "alarm.overspeed",
    "OS": "alarm.geofenceExit",
    "RS": "alarm.geofenceEnter",
}
WORDS_OF_A_CAR = {**WORDS, "DEF": "alarm.powerCut", "HT": "alarm.temperature"}  # MT600 and all but MT700


class MictrackAdapter(TextTracker):
    """All three forms."""

    name = NAME
    scheme = "mictrack"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI."""
        text = frame.decode("latin-1")
        found = _MT.match(text) or _OLD.match(text) or _WHY.match(text)
        return found["id"] if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return one report, or of the older form one for each sentence."""
        text = self.text(frame)
        if (found := _MT.match(text)) is not None:
            return [_found(found["rest"].split("+"))]
        if (found := _OLD.match(text)) is not None:
            return [_sentence(part.split(",")) for part in found["rest"].split("$")[1:]]
        if text.startswith("#"):
            return _two_lines(text)
        raise DecodeError(NAME, f"no head of a line in {frame[:40]!r}")


def reply(frame: bytes) -> None:
    """Nothing is waited for."""


def _two_lines(text: str) -> list[Said]:
    """Read who and why, and where, whichever of the two is there."""
    said = Said()
    why = _WHY.match(text)
    where = next((found for line in text.splitlines() if (found := _WHERE.match(line)) is not None), None)
    if why is not None:
        words = WORDS if why["model"].startswith("MT700") else WORDS_OF_A_CAR
        said.alarm(words.get(why["event"]), why["event"])
    if where is not None:
        volts = where["volts"]
        if volts:
            said.measure("battery.voltage", int(volts) / (10 if len(volts) == 2 else 1000))
        fields = where["rest"].split(",")
        if where["kind"] == "GPRMC":
            said.fix(nmea.rmc(fields))
        else:
            said.at = nmea.moment(at(fields, -1), at(fields, 0)[:6])
    return [said] if why is not None or where is not None else []


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
    if len(fields) < WHOLE[clock]:  # cut off: another field stands where the event should
        return said
    volts = number(at(fields, MILLIVOLTS))
    said.alarm(EVENTS.get(at(fields, EVENT)), at(fields, EVENT))
    if volts is not None and 1000 <= volts < 20_000:
        said.measure("battery.voltage", volts / 1000)
    return said


def _sentence(fields: list[str]) -> Said:
    """Read time, A or V, latitude, N, longitude, E, speed, course, height, date."""
    said = Said()
    said.fix(nmea.rmc([*fields[:8], at(fields, 9)]))
    return said


ADAPTER = MictrackAdapter()
