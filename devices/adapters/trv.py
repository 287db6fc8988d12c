"""IW and TRV watches and trackers (Thinkrace, Beehome, Kati and many names): one frame `IWAP…#` or `TRVYP…#` in.

Source of the grammar: the maker's protocol V3 (AP00 to AP50), its health messages (APHT, APHP, APJK), and the car
trackers' twin with YP and CP in place of AP.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from devices import nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at

NAME = "trv/1"

_HEAD = re.compile(rb"(?P<maker>TRV|IW)(?P<side>[A-Z])P(?P<type>[0-9A-Z]{2})")
_ID = re.compile(r",?(\d{15})(?!\d)", re.ASCII)
_POSITION = re.compile(
    r"(?P<day>\d{6})(?P<fix>[AV])(?P<lat>\d{4}\.\d{1,6})(?P<ns>[NS])(?P<lon>\d{5}\.\d{1,6})(?P<ew>[EW])"
    r"(?P<speed>[\d.]{5})(?P<time>\d{6})(?P<course>[\d.]{6})(?P<status>\d*)",
    re.ASCII,
)
_STATUS = re.compile(r"(?P<gsm>\d{3})(?P<sats>\d{3})(?P<battery>\d{3})", re.ASCII)
# A car's heartbeat goes on: ignition, armed, mode, intervals and how it guards, then three of which 0 is not known.
_GUARD = re.compile(r"\d{9}\d\d\d\d\d\d{3}\d\d{3}\d\d{4}\d(?P<power>\d)(?P<moving>\d)", re.ASCII)

# What AP10 alarms about. Documents differ on 05, a fall or the strap: a missed fall would be worse.
ALARMS: dict[str, str | None] = {
    "00": None,  # the wearer asked where he is
    "01": "alarm.sos",
    "02": "battery.low",
    "03": "alarm.removed",
    "05": "alarm.fall",
    "06": "alarm.fall",
    "07": "alarm.heartRate",
    "08": "alarm.heartRate",
    "09": "alarm.heartRate",
    "10": "alarm.bloodPressure",
    "14": "alarm.inactivity",
    "19": "alarm.powerOff",
    "20": "alarm.geofenceExit",
    "21": "alarm.geofenceEnter",
}
ALARM_FIELD = 5  # of an AP10: behind the position and the cell's four numbers

# A reading's message -> the codes of its fields in order ("" is a field that is none).
READINGS: dict[str, tuple[str, ...]] = {
    "49": ("vital.heart_rate",),
    "50": ("vital.body_temperature", "battery.level"),
    "HT": ("vital.heart_rate", "vital.bp_systolic", "vital.bp_diastolic"),
    "HP": ("vital.heart_rate", "vital.bp_systolic", "vital.bp_diastolic", "vital.spo2", "", "vital.body_temperature"),
}
# APJK says in its second field which of these its third is.
KINDS = {"2": "vital.heart_rate", "3": "vital.body_temperature", "4": "vital.spo2"}
PRESSURE = "1"  # diastolic|systolic

ANSWERED = {
    "AP01", "AP02", "AP03", "AP04", "AP10", "AP49", "AP50", "APFD", "APHP", "APHT", "APTP", "APWR", "CP01", "YP02",
    "YP03", "YP14",
}  # fmt: skip


class TrvAdapter(TextTracker):
    """One grammar for watches and cars. Only the login and a few others name their device."""

    name = NAME
    scheme = "trv"
    longest = 0x10000

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI with which a login, and some other messages, begin."""
        head = _HEAD.match(frame)
        if head is None:
            return None
        found = _ID.match(frame[head.end() : head.end() + 20].decode("latin-1"))
        return found[1] if found is not None and head["type"] not in (b"01", b"10", b"14") else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a frame."""
        head = _HEAD.match(frame)
        if head is None:
            raise DecodeError(NAME, f"no head of a frame in {frame[:40]!r}")
        kind, content = head["type"].decode("ascii"), self.text(frame[head.end() :]).rstrip("#")
        said = Said()
        if head["side"] == b"C":
            _status(said, content.removeprefix(","))
            if (guard := _GUARD.match(content.removeprefix(","))) is not None:
                for code, field in (("battery.charging", "power"), ("motion.moving", "moving")):
                    if guard[field] != "0":
                        said.state(code, guard[field] == "1")
        elif kind == "10":
            _alarm(said, content)
        elif kind == "01":
            if not _position(said, content):
                raise DecodeError(NAME, f"no position in {content[:60]!r}")
        elif not _position(said, content):  # YP14 is one; AP14 answers what we set
            _spoken(said, kind, content.removeprefix(",").split(","))
        return [said]


def reply(frame: bytes) -> bytes | None:
    """Return the answer the watch waits for: the letter after its own, and the same number.

    A login is answered with the hour, which is not ours to know here: see `login`.
    """
    head = _HEAD.match(frame)
    if head is None:
        return None
    side, kind = head["side"].decode("ascii"), head["type"].decode("ascii")
    answer = f"{head['maker'].decode('ascii')}{chr(ord(side) + 1)}P{kind}"
    if kind == "JK":
        fields = frame[head.end() :].decode("latin-1").split(",")
        return f"{answer},{at(fields, 2)[:2]}#".encode("latin-1")
    return f"{answer}#".encode("ascii") if f"{side}P{kind}" in ANSWERED else None


def login(frame: bytes, now: datetime) -> bytes | None:
    """Return the answer to a login, which sets the watch's clock, or None if the frame is none."""
    head = _HEAD.match(frame)
    if head is None or head["type"] != b"00":
        return None
    maker, side = head["maker"].decode("ascii"), chr(head["side"][0] + 1)
    clock = f",{now:%Y%m%d%H%M%S},0" if maker == "IW" else f"{now:%Y%m%d%H%M%S}"
    return f"{maker}{side}P00{clock}#".encode("ascii")


def _status(said: Said, content: str) -> None:
    found = _STATUS.match(content)
    if found is not None:
        said.reading("link.gsm_signal", found["gsm"])
        said.level(found["battery"])


def _position(said: Said, content: str) -> bool:
    """Read a position and the status in its tail. False if there is none."""
    found = _POSITION.match(content)
    if found is None:
        return False
    said.fix(
        nmea.Fix(
            at=nmea.moment(found["day"], found["time"], order="ymd"),
            valid=found["fix"] == "A",
            lat=nmea.degrees(found["lat"], found["ns"]),
            lon=nmea.degrees(found["lon"], found["ew"]),
        )
    )
    _status(said, found["status"])
    return True


def _alarm(said: Said, content: str) -> None:
    """Read an AP10. A number nobody has told us of is an alarm all the same."""
    _position(said, content)
    word = at(content.split(","), ALARM_FIELD)
    if not re.fullmatch(r"\d{2}", word, re.ASCII):
        raise DecodeError(NAME, f"an alarm without its number in {content[:80]!r}")
    said.alarm(ALARMS.get(word, "alarm.general"), word)
    if ALARMS.get(word) == "alarm.removed":
        said.state("wear.worn", False)


def _spoken(said: Said, kind: str, fields: list[str]) -> None:
    if kind == "03" and _ID.fullmatch(at(fields, 0)) is None:  # some name the watch there, and nothing else
        _status(said, at(fields, 0))
        said.reading("activity.steps", at(fields, 1))
        said.reading("activity.turns", at(fields, 2))
    elif kind == "04":
        said.state("battery.low", True)
        said.level(at(fields, 1) or at(fields, 0))
    elif kind == "FD":
        said.alarm("alarm.fall", "APFD")
    elif kind == "WR" and at(fields, 1) in ("0", "1"):
        said.state("wear.worn", at(fields, 1) == "1")
    elif kind == "TP":
        said.reading("vital.body_temperature", at(fields, 0))
    elif kind == "JK":
        _health(said, fields)
    for place, code in enumerate(READINGS.get(kind, ())):
        if code:
            said.reading(code, at(fields, place))


def _health(said: Said, fields: list[str]) -> None:
    """Read an APJK: time, which reading, its value. The time is the watch's own, without a zone."""
    said.at = nmea.stamp(re.sub(r"[-: ]", "", at(fields, 0)))
    said.guessed = True
    kind, value = at(fields, 1), at(fields, 2)
    if kind == PRESSURE:
        low, _, high = value.partition("|")
        said.reading("vital.bp_systolic", high)
        said.reading("vital.bp_diastolic", low)
    elif kind in KINDS:
        said.reading(KINDS[kind], value)


ADAPTER = TrvAdapter()
