"""H02 trackers (Cantrack, Sinotrack, Reachfar and many names): text `*HQ,…#` or binary `$…`, one frame in.

Source of the grammar: the makers' "car tracker" protocol (V1, V4, the status word of four bytes, 0 = alarm), its
extensions for watches and pendants (NBR, LINK, V3, HTBT), and the binary form of the same fields in BCD.
"""

import re
from collections.abc import Sequence

from devices import alarm_words, nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import SIXTHS, Said, TextTracker, at
from devices.adapters.tracker import Reader

NAME = "h02/1"

_HEAD = re.compile(rb"\*[A-Za-z]{2},(?P<id>[0-9A-Za-z]{0,20}),(?P<type>[^,#]{0,12})")
_STATUS = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_DATE = re.compile(r"\d{6}", re.ASCII)

# Status bits, by their number in the word of 32; a 0 alarms. The first table's four are what every model sets alike;
# the others are in the car tracker's document, and pendants are seen to clear them for reasons of their own.
ALARMS = ((18, "alarm.sos"), (1, "alarm.sos"), (0, "alarm.vibration"), (2, "alarm.overspeed"), (19, "alarm.powerCut"))
DOUBTFUL = (
    (4, "alarm.geofenceEnter"), (7, "alarm.geofenceExit"), (20, "alarm.powerCut"), (21, "alarm.gpsAntennaCut"),
    (24, "alarm.temperature"),
)  # fmt: skip
LEAST_SET = 16  # bits of a word that is a status: with more alarms at once it is something else

LONG_ID = 42  # bytes of the binary frame whose id has 15 digits
FIXED, NORTH, EAST = 2, 4, 8  # bits behind the longitude


class H02Adapter(TextTracker):
    """One grammar for all; the models differ in which messages they send."""

    name = NAME
    scheme = "h02"

    def device_of(self, frame: bytes) -> str | None:
        """Return the id in the frame's head."""
        if frame[:1] == b"$":
            digits = frame[1:9].hex()[:15] if len(frame) == LONG_ID else frame[1:6].hex()
            return digits if len(frame) >= 6 and digits.isdigit() else None
        head = _HEAD.match(frame)
        return head["id"].decode("ascii") or None if head else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a frame."""
        if frame[:1] == b"$":
            return [_binary(frame)]
        head = _HEAD.match(frame)
        if head is None:
            raise DecodeError(NAME, f"no head of a frame in {frame[:40]!r}")
        fields = self.text(frame[head.end() :]).strip("#").split(",")[1:]
        if head["type"].upper() == b"ALRM" and not frame.rstrip().endswith(b"#"):
            raise DecodeError(NAME, f"an alarm cut off: {frame[:80]!r}")
        read = _READERS.get(head["type"].decode("latin-1").upper(), _position)
        said = Said()
        read(said, fields)
        return [said]


def reply(frame: bytes) -> bytes | None:
    """Return the heartbeat again, which is the answer to one. Nothing else has to be answered."""
    head = _HEAD.match(frame)
    return head[0] + b"#" if head is not None and head["type"].upper() in (b"HTBT", b"V0") else None


def _position(said: Said, fields: list[str]) -> None:
    """Read V1, V4 and whatever else has a position, wherever in it the position stands."""
    letters = (n for n in range(len(fields) - 2) if at(fields, n) in ("N", "S") and at(fields, n + 2) in ("E", "W"))
    north = next(letters, None)
    if north is None:
        _alarms(said, _status(fields), on_battery=False)
        return
    day = next((n for n in (north + 5, north + 6) if _DATE.fullmatch(at(fields, n))), None)
    when = at(fields, north - 3) if north >= 3 else ""
    said.fix(
        nmea.Fix(
            at=None if day is None else nmea.moment(at(fields, day), when or "000000"),
            valid=at(fields, north - 2) == "A",
            lat=nmea.degrees(at(fields, north - 1), at(fields, north)),
            lon=nmea.degrees(at(fields, north + 1), at(fields, north + 2)),
        )
    )
    said.guessed = not when  # VP1 has a date and no time of day
    # Models with a battery of their own put its level before the date.
    _alarms(said, _status(fields), on_battery=day == north + 6 and at(fields, north + 5) != "")


def _link(said: Said, fields: list[str]) -> None:
    """Read LINK: time, signal, satellites, battery, steps, turns, date, status."""
    said.level(at(fields, 3))
    said.reading("activity.steps", at(fields, 4))
    said.reading("activity.turns", at(fields, 5))
    _cells(said, fields)


def _cells(said: Said, fields: list[str]) -> None:
    """Read NBR and V3: a time first, cells, and the date before the status."""
    word = _status(fields)
    if word is not None:
        said.at = nmea.moment(at(fields, word[0] - 1), at(fields, 0))
    _alarms(said, word, on_battery=False)


def _heartbeat(said: Said, fields: list[str]) -> None:
    """Read HTBT, which some send with the battery in percent."""
    said.level(at(fields, 0))


def _validation(said: Said, fields: list[str]) -> None:
    """Read XT: a flag, the battery in percent."""
    said.level(at(fields, 1))


def _alarm(said: Said, fields: list[str]) -> None:
    """Read ALRM, which names its alarm and may carry a position. One that names none is an alarm all the same."""
    _position(said, fields)
    named = next(((code, field) for field in fields if (code := alarm_words.meaning(field)) is not None), None)
    if named is not None:
        said.alarm(*named)
    elif fields and not said.alarms:
        said.alarm("alarm.general", ",".join(["ALRM", at(fields, 0)]))


def _nothing(said: Said, fields: list[str]) -> None:
    """A message that is only a sign of life to us: the answer to a text message, a network report."""


_READERS = {
    "LINK": _link, "NBR": _cells, "V3": _cells, "HTBT": _heartbeat, "V0": _heartbeat, "XT": _validation,
    "ALRM": _alarm, "SMS": _nothing,
}  # fmt: skip


def _status(fields: list[str]) -> tuple[int, str] | None:
    """Return where the status word is and what it says. A number of eight digits alone may be a phone's."""
    for place, field in enumerate(fields):
        if _STATUS.fullmatch(field) and not field.isdigit():
            return place, field
    return None


def _alarms(said: Said, word: tuple[int, str] | None, *, on_battery: bool) -> None:
    if word is None:
        return
    status = int(word[1], 16)
    if status.bit_count() < LEAST_SET:
        return
    for bit, code in ALARMS:
        if not status >> bit & 1:
            # What runs on its own battery has no supply that could be cut, and its bit means nothing.
            (said.doubt if on_battery and code == "alarm.powerCut" else said.alarm)(code, word[1])
    for bit, code in DOUBTFUL:
        if not status >> bit & 1:
            said.doubt(code, word[1])


def _binary(frame: bytes) -> Said:
    bytes_ = Reader(frame, NAME)
    bytes_.take(9 if len(frame) == LONG_ID else 6)
    when, day = bytes_.take(3).hex(), bytes_.take(3).hex()
    lat = bytes_.take(4).hex()  # ddmmmmmm
    battery = bytes_.u(1)
    lon = bytes_.take(5).hex()  # dddmmmmmm, then a half byte of flags
    if not (when + day + lat + lon[:9]).isdecimal():  # noise behind a dollar sign has bits of alarms as well
        raise DecodeError(NAME, f"no time and place in {frame[:20].hex()}")
    flags = int(lon[9], 16)
    bytes_.take(3)  # speed and course
    status = bytes_.take(4).hex()
    said = Said(nmea.moment(day, when))
    said.current = bool(flags & FIXED)
    found = (
        nmea.degrees(f"{lat[:4]}.{lat[4:]}", "N" if flags & NORTH else "S"),
        nmea.degrees(f"{lon[:5]}.{lon[5:9]}", "E" if flags & EAST else "W"),
    )
    if found[0] is not None and found[1] is not None:
        said.place(found[0], found[1], valid=said.current)
    if battery in SIXTHS:
        said.measure("battery.level", SIXTHS[battery])
    elif max(SIXTHS) < battery <= 100:
        said.measure("battery.level", battery)
    _alarms(said, (0, status), on_battery=False)
    return said


ADAPTER = H02Adapter()
