"""The 3G*/SG*/CS*/ZJ* watch (SeTracker, Beesure and many names): one unescaped frame in, telemetry out.

Source of the grammar: the vendors' published server protocol, V1.8 of 2019; which replies a watch insists on is
what open servers send it.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from devices import plausible
from devices.adapter import Answer, Command, DecodeError, Downlink, Message
from devices.codes import unit_of
from devices.encoders import watch_3g as words
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NAME = "watch3g/1"
SCHEME = "watch3g"
TOPIC = "tcp/watch3g"  # frames come in on it; a frame for one watch goes out on tcp/watch3g/<id>
LONGEST_ANSWER = 200  # characters of it that are kept
DEFAULT_VENDOR = "3G"

_HEAD = re.compile(
    rb"\[(?P<vendor>[^*\[\],]{2})\*(?P<id>[0-9A-Za-z]{4,20})\*(?:(?P<index>[0-9A-Fa-f]{4})\*)?"
    rb"[0-9A-Fa-f]{1,8}\*(?P<command>[^,\]]{0,40})"
)
_POSITION = re.compile(
    r"(\d\d)(\d\d)(\d\d),(\d\d)(\d\d)(\d\d),(?P<fix>[AV]),"
    r" *(?P<lat>-?\d{1,3}(?:\.\d{0,15})?),(?P<ns>[NS]?), *(?P<lon>-?\d{1,3}(?:\.\d{0,15})?),(?P<ew>[EW]?),"
    r"[^,]*,[^,]*,[^,]*,[^,]*,(?P<gsm>[^,]*),(?P<battery>[^,]*),(?P<steps>[^,]*),(?P<turns>[^,]*),"
    r"(?P<status>[0-9A-Fa-f]{1,8})(?=,|$)",
    re.ASCII,
)

# Status bits, worst first: the low half is how things are, the high half what the watch alarms about. Bit 3 (off the
# wrist) is not told in every firmware's manual.
ALARMS: tuple[tuple[tuple[int, ...], str], ...] = (
    ((16,), "alarm.sos"),
    ((21, 22), "alarm.fall"),
    ((20,), "alarm.removed"),
    ((14,), "alarm.powerCut"),
    ((1, 18), "alarm.geofenceExit"),
    ((2, 19), "alarm.geofenceEnter"),
    ((0, 17), "battery.low"),
)
ALARM_CODES = frozenset(code for _, code in ALARMS)
ALARM_BITS = sum(1 << bit for bits, _ in ALARMS for bit in bits if bit >= 16)
STATUS_HALF = 4  # hex digits; old firmware sends no more, and alarms with the low bits
MOVING, OFF_WRIST, REMOVED = 4, 3, 20

# A reading command -> the codes of its fields in order ("" is a field that is none).
READINGS: dict[str, tuple[str, ...]] = {
    "HEART": ("vital.heart_rate",),
    "PULSE": ("vital.heart_rate",),
    "BLOOD": ("vital.bp_systolic", "vital.bp_diastolic", "vital.heart_rate"),
    "BPHRT": ("vital.bp_systolic", "vital.bp_diastolic", "vital.heart_rate"),
    "OXYGEN": ("", "vital.spo2"),
    "TEMP": ("vital.body_temperature",),
}
REPLIES = {"LK": "LK", "AL": "AL", "TKQ": "TKQ", "TKQ2": "TKQ2", "INIT": "INIT,1"}
POSITIONS = ("AL", "UD", "WT")


class Frame(msgspec.Struct, frozen=True):
    """A frame taken apart. `whole` is False for one that the next frame cut off."""

    vendor: str
    id: str
    index: str | None
    command: str
    content: str  # what follows the command's comma
    whole: bool


def parse(frame: bytes) -> Frame:
    """Return the parts of an unescaped frame.

    Raises:
        DecodeError: No head of a frame.
    """
    frame = frame.rstrip(b"\r\n")
    head = _HEAD.match(frame)
    if head is None:
        raise DecodeError(NAME, f"no frame head in {frame[:40]!r}")
    whole = frame.endswith(b"]")
    rest = frame[head.end() : -1 if whole else len(frame)]
    return Frame(
        vendor=head["vendor"].decode("latin-1"),
        id=head["id"].decode("ascii"),
        index=head["index"].decode("ascii") if head["index"] else None,
        command=head["command"].decode("latin-1"),
        content=rest[1:].decode("utf-8", "replace"),
        whole=whole,
    )


class Watch3gAdapter:
    """One grammar for all watches of this family; they differ in which readings they send."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether this came in from the TCP gateway's watch port."""
        return topic == TOPIC or topic.startswith(f"{TOPIC}/")

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this is an alarm frame, a position with an alarm bit, or not to be read at a glance."""
        head = _HEAD.match(payload)
        if head is None:
            return True
        command = head["command"].upper()
        if command.startswith((b"AL", b"SOS")):
            return True
        if not command.startswith((b"UD", b"WT")):
            return False
        position = _POSITION.match(payload[head.end() + 1 :].decode("latin-1"))
        return position is None or int(position["status"], 16) >> 16 != 0

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the one watch's telemetry.

        Raises:
            DecodeError: The frame has no head, or a position report does not follow the grammar.
        """
        frame = parse(message.payload)
        command = frame.command.upper()
        if command.startswith("AL"):
            said = _alarm(frame, message.received_at)
        elif command.startswith(POSITIONS) and frame.content:
            found = _position(frame, message.received_at)
            if found is None:
                raise DecodeError(NAME, f"{frame.command}: no position in {frame.content[:60]!r}")
            said = found
        else:
            said = _Said(tuple(_spoken(command, _fields(frame) if frame.whole else [])))
        return (
            Telemetry(
                device=f"{SCHEME}:{frame.id}",
                adapter=NAME,
                observations=(*said.observations, Observation(code="link.seen", value=True)),
                measured_at=said.measured_at,
                time_quality=said.time_quality,
                sequence=int(frame.index, 16) if frame.index else None,
                identity=said.identity,
            ),
        )

    def encode(self, command: Command) -> Downlink | None:
        """Return the command as a frame: texts as MESSAGE, their characters as UCS-2 in hex.

        The vendor letters are the commonest ones; `readdress` puts in those the watch itself used.
        """
        watch = command.device.removeprefix(f"{SCHEME}:")
        content = words.content(command)
        if watch == command.device or content is None or not re.fullmatch(r"[0-9A-Za-z]{4,20}", watch, re.ASCII):
            return None
        return Downlink(topic=f"{TOPIC}/{watch}", payload=_frame(DEFAULT_VENDOR, watch, None, content))


def id_of(frame: bytes) -> str | None:
    """Return the number of the watch that sent an unescaped frame, or None if it is no frame."""
    head = _HEAD.match(frame)
    return None if head is None else head["id"].decode("ascii")


def reply(frame: bytes) -> bytes | None:
    """Return what the watch waits for after this frame, or None if it waits for nothing.

    For an alarm it is the acknowledgement: the caller sends it once the alarm is saved. Without it the watch
    repeats the alarm.
    """
    try:
        sent = parse(frame)
    except DecodeError:
        return None
    command = sent.command.upper()
    answer = REPLIES["AL"] if command.startswith("AL") else REPLIES.get(command)
    return None if answer is None else _frame(sent.vendor, sent.id, sent.index, answer)


def answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the echo of our command's word, with which a watch says that it was heard; None for any other frame."""
    try:
        ours, its = parse(sent), parse(frame)
    except DecodeError:
        return None
    if ours.command.upper() != its.command.upper():
        return None
    return Answer(words=f"{its.command},{its.content}"[:LONGEST_ANSWER].rstrip(","))


def readdress(payload: bytes, heard: bytes) -> bytes:
    """Return one of our frames with the vendor letters and the index style of a frame the watch sent.

    Raises:
        DecodeError: One of the two is no frame.
    """
    ours, its = parse(payload), parse(heard)
    content = f"{ours.command},{ours.content}" if ours.content else ours.command
    return _frame(its.vendor, ours.id, None if its.index is None else "0001", content)


class _Said(msgspec.Struct, frozen=True):
    observations: tuple[Observation, ...] = ()
    measured_at: datetime | None = None
    time_quality: TimeQuality = TimeQuality.HUB
    identity: str | None = None


def _frame(vendor: str, watch: str, index: str | None, content: str) -> bytes:
    head = f"{vendor}*{watch}*" + (f"{index}*" if index is not None else "")
    return f"[{head}{len(content):04X}*{content}]".encode("latin-1")


def _fields(frame: Frame) -> list[str]:
    return [field.strip() for field in frame.content.split(",")] if frame.content else []


def _spoken(command: str, fields: list[str]) -> list[Observation]:
    """Return what a frame without a position says. One that says nothing we know is still a sign of life."""
    if command == "LK":
        return _keepalive(fields)
    if command == "BTEMP2":  # flag, temperature; a flag of 0 means nothing was measured
        measured = _float(fields, 0) or 0.0
        return _reading("vital.body_temperature", fields, 1) if measured > 0 else []
    codes = READINGS.get(command, ())
    return [seen for at, code in enumerate(codes) if code for seen in _reading(code, fields, at)]


def _keepalive(fields: list[str]) -> list[Observation]:
    if len(fields) >= 3:  # steps, turns, battery
        return [
            *_reading("activity.steps", fields, 0),
            *_reading("activity.turns", fields, 1),
            *_reading("battery.level", fields, 2),
        ]
    return []  # some firmware sends two fields, and no manual says which


def _float(fields: list[str], at: int) -> float | None:
    text = fields[at] if at < len(fields) else ""
    if len(text) > 12 or not re.fullmatch(r"-?\d+(?:\.\d*)?", text, re.ASCII):
        return None
    return float(text) if "." in text else int(text)


def _reading(code: str, fields: list[str], at: int) -> list[Observation]:
    value = _float(fields, at)
    if value is None:
        return []
    if value == 0 and code.startswith("vital."):  # 0 is how the watch says that it could not measure
        return [Observation(code=code, unit=unit_of(code), quality=Quality.ABSENT, native=fields[at])]
    return [Observation(code=code, value=value, unit=unit_of(code), quality=plausible.quality(code, value))]


def _alarm(frame: Frame, received_at: datetime) -> _Said:
    """Return an alarm whatever happened to the rest: the letters AL alone say that help may be needed."""
    said = _position(frame, received_at) if frame.whole else None
    if said is None:
        return _Said((_alarm_of("alarm.general", frame.command),))
    if any(_alarmed_about(seen) for seen in said.observations):
        return said
    general = _alarm_of("alarm.general", frame.command)
    identity = said.identity or _identity("alarm.general", said.measured_at, said.time_quality)
    return msgspec.structs.replace(said, observations=(general, *said.observations), identity=identity)


def _alarmed_about(seen: Observation) -> bool:
    """Whether an alarm frame was sent because of this: its bit stands in the high half, if the status has one.

    A wearer whose battery is low, or who is away from home, has pressed all the same.
    """
    word = seen.native or ""
    return seen.code in ALARM_CODES and (len(word) <= STATUS_HALF or int(word, 16) & ALARM_BITS != 0)


def _alarm_of(code: str, native: str) -> Observation:
    return Observation(code=code, value=True, native=native[:40])


def _position(frame: Frame, received_at: datetime) -> _Said | None:
    match = _POSITION.match(frame.content)
    if match is None:
        return None
    status = int(match["status"], 16)
    measured_at = _time(match)
    time_quality = plausible.clock(measured_at, received_at) if measured_at else TimeQuality.SUSPECT
    alarms = [_alarm_of(code, match["status"]) for bits, code in ALARMS if any(status >> bit & 1 for bit in bits)]
    rung = "+".join(seen.code for seen in alarms if seen.code.startswith("alarm."))
    fields = [match["battery"], match["steps"], match["turns"], match["gsm"]]
    codes = ("battery.level", "activity.steps", "activity.turns", "link.gsm_signal")
    readings = [seen for at, code in enumerate(codes) for seen in _reading(code, fields, at)]
    return _Said(
        observations=(*alarms, *_wear(status), *readings, *_location(match)),
        measured_at=measured_at,
        time_quality=time_quality,
        identity=_identity(rung, measured_at, time_quality) if rung else None,
    )


def _identity(rung: str, measured_at: datetime | None, time_quality: TimeQuality) -> str | None:
    # A watch whose clock was reset says the same time at every press: that is no identity.
    if measured_at is None or time_quality is not TimeQuality.DEVICE:
        return None
    return f"{rung}:{measured_at:%Y%m%dT%H%M%S}"


def _time(match: re.Match[str]) -> datetime | None:
    day, month, year, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _wear(status: int) -> list[Observation]:
    seen = []
    if status >> REMOVED & 1:
        seen.append(Observation(code="wear.worn", value=False))
    elif status >> OFF_WRIST & 1:
        seen.append(Observation(code="wear.worn", value=False, quality=Quality.UNVERIFIED))
    if status >> MOVING & 1:
        seen.append(Observation(code="motion.moving", value=True))
    return seen


def _location(match: re.Match[str]) -> list[Observation]:
    lat, lon = float(match["lat"]), float(match["lon"])
    lat = -abs(lat) if match["ns"] == "S" else lat
    lon = -abs(lon) if match["ew"] == "W" else lon
    if abs(lat) > 90 or abs(lon) > 180:
        return [Observation(code="location", lat=lat, lon=lon, valid=False, quality=Quality.IMPLAUSIBLE)]
    return [Observation(code="location", lat=lat, lon=lon, valid=match["fix"] == "A")]


ADAPTER = Watch3gAdapter()
