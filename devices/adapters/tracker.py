"""What all trackers' grammars share: bytes read in order, what one frame reports, and who it is from."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from devices import encoders, plausible, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.codes import unit_of
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality, Value

NOBODY = "unknown"  # who sent a frame that names nobody, on a connection nobody has signed in on
GMT8 = timezone(timedelta(hours=8))
STRONGEST_CSQ = 31  # 3GPP 27.007; 99 is "not known"

# Worst first: what a person may need help for, then what happened to the device, then the rest.
ORDER = (
    "alarm.sos",
    "alarm.fall",
    "alarm.general",
    "alarm.accident",
    "alarm.removed",
    "alarm.powerOff",
    "alarm.powerCut",
)
LAST = ("battery.low",)

_POSITION = re.compile(
    r"Lat: ?([NS])(\d{1,2}\.\d{1,8}).{0,20}?Lon: ?([EW])(\d{1,3}\.\d{1,8}).{0,60}?Date ?Time: ?"
    r"20(\d\d)-(\d\d)-(\d\d) +(\d\d):(\d\d):(\d\d)",
    re.ASCII | re.DOTALL,
)


class Reader:
    """Bytes read in order. Every method raises DecodeError if they end too early."""

    __slots__ = ("_adapter", "_at", "_bytes")

    def __init__(self, data: bytes, adapter: str) -> None:
        self._bytes = data
        self._at = 0
        self._adapter = adapter

    @property
    def left(self) -> int:
        """How many bytes are not read yet."""
        return len(self._bytes) - self._at

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > self.left:
            raise DecodeError(self._adapter, f"{count} bytes expected, {self.left} are left")
        self._at += count
        return self._bytes[self._at - count : self._at]

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.left)

    def part(self, count: int) -> "Reader":
        """Return a reader of the next `count` bytes alone."""
        return Reader(self.take(count), self._adapter)

    def peek(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer if they end, without reading them."""
        return self._bytes[self._at : self._at + count]

    def u(self, count: int) -> int:
        """Return an unsigned number of `count` bytes, the highest first."""
        return int.from_bytes(self.take(count), "big")

    def i(self, count: int) -> int:
        """Return a signed number of `count` bytes, the highest first."""
        return int.from_bytes(self.take(count), "big", signed=True)

    def ule(self, count: int) -> int:
        """Return an unsigned number of `count` bytes, the lowest first."""
        return int.from_bytes(self.take(count), "little")

    def ile(self, count: int) -> int:
        """Return a signed number of `count` bytes, the lowest first."""
        return int.from_bytes(self.take(count), "little", signed=True)


class Report:
    """What one record of a frame says, as it is read. A code said again replaces what was said before."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at
        self.alarms: dict[str, tuple[str, Quality]] = {}
        self.pressed = False
        self.lasting: set[str] = set()  # alarms that stand in a word of bits: set until they are cleared
        self._seen: dict[tuple[str, str | None], Observation] = {}

    def alarm(self, code: str | None, native: str, *, quality: Quality = Quality.OK) -> None:
        """Note an alarm in the device's own word; None: a word that is no alarm."""
        if code is not None and (code not in self.alarms or self.alarms[code][1] is not Quality.OK):
            self.alarms[code] = native[:40], quality

    def unknown(self, native: str) -> None:
        """Note an alarm in a word nobody has written down: it is told, and calls nobody."""
        self.alarm("alarm.general", native, quality=Quality.UNVERIFIED)

    def measure(self, code: str, value: float, *, absent: tuple[float, ...] = (), at: datetime | None = None) -> None:
        """Note a number; one of `absent` is how this device says that it could not measure. `at`: a time of its own."""
        unit = unit_of(code)
        if value in absent:
            seen = Observation(code=code, unit=unit, quality=Quality.ABSENT, native=str(value), measured_at=at)
        else:
            quality = plausible.quality(code, value)
            seen = Observation(code=code, value=value, unit=unit, quality=quality, measured_at=at)
        self._seen[code, None] = seen

    def press(self, channel: str, native: str) -> None:
        """Note that a button was pressed which is not the SOS button."""
        self.pressed = True
        self._seen["button.press", channel] = Observation(
            code="button.press", value=True, channel=channel, native=native[:40]
        )

    def state(self, code: str, value: Value, *, quality: Quality = Quality.OK, native: str | None = None) -> None:
        """Note how something is."""
        self._seen[code, None] = Observation(code=code, value=value, quality=quality, native=native)

    def csq(self, level: int) -> None:
        """Note the signal as the modem says it, 0 to 31; what is outside is not said."""
        if level <= STRONGEST_CSQ:
            self.measure("link.gsm_signal", round(level * 100 / STRONGEST_CSQ))

    def place(self, lat: float, lon: float, *, valid: bool) -> None:
        """Note where the device is, or was if it has no fix now. 0/0 is where receivers say they are at first."""
        if abs(lat) > 90 or abs(lon) > 180:
            seen = Observation(code="location", lat=lat, lon=lon, valid=False, quality=Quality.IMPLAUSIBLE)
        else:
            seen = Observation(code="location", lat=lat, lon=lon, valid=valid and (lat, lon) != (0, 0))
        self._seen["location", None] = seen

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All of it, the worst alarm first."""
        alarms = (
            Observation(code=code, value=True, native=native, quality=quality, lasting=code in self.lasting)
            for code, (native, quality) in sorted(self.alarms.items(), key=lambda entry: _rank(entry[0]))
        )
        return (*alarms, *self._seen.values())


class TrackerAdapter:
    """Base of the grammars of TCP trackers: a grammar says who a frame is from and what it reports."""

    name: str
    scheme: str

    def claims(self, topic: str) -> bool:
        """Whether this came in from the TCP gateway's port of this protocol."""
        return topic == f"tcp/{self.scheme}" or topic.startswith(f"tcp/{self.scheme}/")

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether the frame alarms, tells of a press, or cannot be read at all. A press may be a call button's."""
        try:
            reports = self.reports(payload, None)
        except DecodeError:
            return True
        return any(report.alarms or report.pressed for report in reports)

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return what a frame says, one entry a record of it, in the order the frame has them.

        Raises:
            DecodeError: The frame does not follow the grammar.
        """
        reports = self.reports(message.payload, message.model) or [Report()]
        own = self.device_of(message.payload)
        native = own or message.topic.removeprefix(f"tcp/{self.scheme}").strip("/") or NOBODY
        device = values.address(self.scheme, native)
        sequence = self.sequence(message.payload)
        said = [self._said(report, device, sequence, message.received_at) for report in reports]
        alive = (*said[-1].observations, Observation(code="link.seen", value=True))  # once a frame
        return [*said[:-1], msgspec.structs.replace(said[-1], observations=alive)]

    def encode(self, command: Command) -> Downlink | None:
        """Return the command in the maker's words, if there are any."""
        device = command.device.removeprefix(f"{self.scheme}:")
        words = encoders.WORDS.get(self.scheme)
        payload = words(command, device) if words is not None and device != command.device else None
        return None if payload is None else Downlink(topic=f"tcp/{self.scheme}/{device}", payload=payload)

    def device_of(self, frame: bytes) -> str | None:
        """Return the id the frame names, or None if it names none."""
        raise NotImplementedError

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return what the frame reports, nothing if it is only a sign of life. Raises DecodeError."""
        raise NotImplementedError

    def sequence(self, frame: bytes) -> int | None:
        """Return the number the device gave the frame."""
        return None

    def _said(self, report: Report, device: str, sequence: int | None, received_at: datetime) -> Telemetry:
        quality = plausible.clock(report.at, received_at)
        sure = (code for code, (_, sureness) in report.alarms.items() if sureness is Quality.OK)
        rung = "+".join(sorted(code for code in sure if code.startswith("alarm.")))
        # A device whose clock was reset says the same time at every press: that is no identity.
        known = rung and report.at is not None and quality is TimeQuality.DEVICE
        return Telemetry(
            device=device,
            adapter=self.name,
            observations=tuple(_timed(seen, received_at) for seen in report.observations),
            measured_at=report.at,
            time_quality=quality,
            sequence=sequence,
            identity=f"{rung}:{report.at:%Y%m%dT%H%M%S}" if known else None,
        )


def moment(parts: Sequence[int], zone: timezone = UTC) -> datetime | None:
    """Return the time of (year of the century, month, day, hour, minute, second), or None if there is no such time."""
    year, month, day, hour, minute, second = parts
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def since_1970(seconds: int) -> datetime:
    """Return the time so many seconds after 1970, fewer than 2**32. 0 is a clock that was never set: it is suspect."""
    return datetime.fromtimestamp(seconds, UTC)


def bcd(data: bytes) -> list[int]:
    """Return a number a byte: each half of it is one decimal digit. A half above 9 makes the number larger than 99."""
    return [(byte >> 4) * 10 + (byte & 15) if byte >> 4 <= 9 and byte & 15 <= 9 else 100 for byte in data]


def told_position(answer: str) -> Report | None:
    """Return the position in a tracker's answer in words to a question of ours, None if there is none in it."""
    found = _POSITION.search(answer)
    if found is None:
        return None
    report = Report(moment([int(part) for part in found.groups()[4:]]))
    lat, lon = float(found[2]), float(found[4])
    report.place(-lat if found[1] == "S" else lat, -lon if found[3] == "W" else lon, valid=True)
    return report


def _timed(seen: Observation, received_at: datetime) -> Observation:
    if seen.measured_at is None:
        return seen
    return msgspec.structs.replace(seen, time_quality=plausible.clock(seen.measured_at, received_at))


def _rank(code: str) -> int:
    if code in ORDER:
        return ORDER.index(code)
    return len(ORDER) + (code in LAST)
