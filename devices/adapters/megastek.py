"""Megastek trackers and wrist straps: `$MGV002,…;!`, and the two older forms around a `$GPRMC` sentence.

Source of the grammar: Megastek's GPRS upload document: 34 fields in order, of which watches fill the five behind the
signal with pulse, steps and sleep.
"""

import re
from collections.abc import Sequence

from devices import alarm_words, nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at

NAME = "megastek/1"

_NEW = re.compile(r"\d{0,4}\$MG\w{4},(?P<rest>[^;]*)(?P<end>;)?")
_OLD = re.compile(r"(?:LOG)?STX(?P<id>[^$]*)\$GPRMC,(?P<rest>[^;]*)(?P<end>;)?")
_IMEI = re.compile(r"imei:\s*(\d{14,17})", re.ASCII)
_BATTERY = re.compile(r"Battery=(\d{1,3})%", re.ASCII)
_PULSE, _BITS = re.compile(r"\d{3}", re.ASCII), re.compile(r"[01]{4}", re.ASCII)
_COUNT = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)  # in fields of bits, which trackers have in its place, zeros lead

# What only this maker calls its alarms.
WORDS = {
    "low extern voltage": "alarm.lowPower",
    "gps cut": "alarm.gpsAntennaCut",
    "corner": "alarm.hardCornering",
    "fatigue": "alarm.fatigueDriving",
    "psd": "alarm.powerCut",
    "psr": "alarm.powerRestored",
    "hit": "alarm.vibration",
    "belton": "alarm.lock",
    "beltoff": "alarm.unlock",
    "error": "alarm.fault",
}

# Fields of the new form, behind `$MGV002`.
IMEI, DAY, CLOCK, FIX, LAT, LON = 0, 3, 4, 5, 6, 8
HEALTH, ACCESSORIES, BATTERY, ALARM = 23, 31, 32, 33
CSQ = 22
# Fields of the oldest form, behind the sentence's nine and its checksum's three.
SENTENCE = 12
OLD_BATTERY = 5


class MegastekAdapter(TextTracker):
    """All three forms."""

    name = NAME
    scheme = "megastek"

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI, or in the oldest form what the unit is called."""
        text = frame.decode("latin-1")
        if (new := _NEW.match(text)) is not None:
            return at(new["rest"].split(","), IMEI) or None
        if (imei := _IMEI.search(text)) is not None:
            return imei[1]
        old = _OLD.match(text)
        return None if old is None else re.sub(r"[^0-9A-Za-z]", "", old["id"].split(" ")[0])[:20] or None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a frame."""
        text = self.text(frame)
        said = Said()
        if (new := _NEW.match(text)) is not None:
            _new(said, new["rest"].split(","), whole=new["end"] is not None)
        elif (old := _OLD.match(text)) is not None:
            _old(said, old["rest"].split(","), whole=old["end"] is not None)
        else:
            raise DecodeError(NAME, f"no head of a frame in {frame[:40]!r}")
        return [said]


def reply(frame: bytes) -> None:
    """Nothing is waited for."""


def _new(said: Said, fields: list[str], *, whole: bool) -> None:
    said.fix(
        nmea.Fix(
            at=nmea.moment(at(fields, DAY), at(fields, CLOCK)),
            valid=at(fields, FIX) == "A",
            lat=nmea.degrees(at(fields, LAT), at(fields, LAT + 1)),
            lon=nmea.degrees(at(fields, LON), at(fields, LON + 1)),
        )
    )
    said.current = True  # its clock runs without a fix
    if at(fields, CSQ).isdecimal():
        said.csq(int(at(fields, CSQ)[:3]))
    if _PULSE.fullmatch(at(fields, HEALTH)) and _BITS.fullmatch(at(fields, HEALTH + 1)):  # a strap's pulse, put between
        said.reading("vital.heart_rate", at(fields, HEALTH))
        if not at(fields, BATTERY).isdecimal() or not at(
            fields, ACCESSORIES
        ):  # else a later field has made room for it
            fields = [*fields[:HEALTH], *fields[HEALTH + 1 :]]
    if all(_COUNT.fullmatch(at(fields, HEALTH + n)) for n in range(5)) and not at(fields, HEALTH + 5):
        said.reading("vital.heart_rate", at(fields, HEALTH))
        said.reading("activity.steps", at(fields, HEALTH + 1))
    accessories = at(fields, ACCESSORIES)
    if re.fullmatch(r"[01]\d", accessories, re.ASCII):
        said.state("battery.charging", accessories[0] == "1")
    said.level(at(fields, BATTERY))
    code = _meaning(at(fields, ALARM)) if whole or len(fields) > ALARM + 1 else None
    if code != "alarm.powerOn" or at(fields, LAT):  # the first report of one that was switched on says nothing else
        said.alarm(code, at(fields, ALARM))


def _old(said: Said, fields: list[str], *, whole: bool) -> None:
    said.fix(nmea.rmc(fields))
    percent = next((found for field in fields if (found := _BATTERY.fullmatch(field.strip()))), None)
    if percent is not None:
        said.level(percent[1])
    elif not any(_IMEI.search(field) for field in fields):
        said.level(at(fields, SENTENCE + OLD_BATTERY))
    for word in fields[SENTENCE:] if whole else fields[SENTENCE:-1]:
        said.alarm(_meaning(word), word.strip())


def _meaning(word: str) -> str | None:
    return alarm_words.meaning(word) or WORDS.get(word.strip().lower().replace("belt o", "belto"))


ADAPTER = MegastekAdapter()
