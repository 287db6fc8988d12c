"""What every family's encoder is: a device with its counters, what is said of it, and the messages that say it."""

import json
import random as dice
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Protocol

CHINA = timezone(timedelta(hours=8))
SERIALS = 65_536  # most counters of devices have two bytes


class Transport(StrEnum):
    """How a device's words travel."""

    MQTT = "mqtt"
    TCP = "tcp"
    HTTP = "http"


class Awaits(StrEnum):
    """What the device waits for after it has spoken."""

    PUBACK = "puback"  # the broker's own acknowledgement
    REPLY = "reply"  # a frame back on the same connection: `Encoder.acknowledged` knows it
    NOTHING = "nothing"  # it sends and forgets


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message on its way. `topic` is MQTT's topic, TCP's protocol, HTTP's path; a TCP payload is one frame."""

    transport: Transport
    payload: bytes
    topic: str
    retain: bool = False


Messages = tuple[Outgoing, ...]


@dataclass(frozen=True, kw_only=True)
class Fix:
    """Where a device believes it is, WGS-84. `valid` False: the last place, said without a fix of now."""

    lat: float
    lon: float
    valid: bool = True
    speed_kmh: float = 0.0
    course_deg: int = 0
    altitude_m: int = 0
    satellites: int = 8


@dataclass(frozen=True, kw_only=True)
class Body:
    """What a device measured of a body just now. None: it measured nothing of the kind."""

    heart_rate_bpm: int | None = None
    spo2_pct: int | None = None
    respiration_rpm: int | None = None
    temperature_c: float | None = None
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None

    def only(self, measures: frozenset[str]) -> "Body":
        """Return what of it a family can say."""
        return Body(**{one.name: getattr(self, one.name) for one in fields(self) if one.name in measures})


@dataclass
class Device:
    """One device between its messages. `address` is what the hub will call it, `scheme:native`.

    The state is the device's own: it is made from the seed, and nothing but the encoder's calls changes it.
    """

    address: str
    seed: int | str = 0
    model: str = ""
    prefix: str = ""  # what its gateway puts before a topic that does not name the device
    zone: timezone = CHINA  # of a device that writes local time
    battery_pct: int = 80
    steps: int = 0
    fix: Fix = field(default_factory=lambda: Fix(lat=38.4667, lon=106.2731, valid=False))
    serial: int = field(init=False)
    random: dice.Random = field(init=False, repr=False)
    owed: bytes = b""  # what the reply to its last frame will have in it, where it looks at that
    memory: dict[str, bytes] = field(default_factory=dict)  # what it was told and keeps, as a code to sign in with
    counts: dict[str, int] = field(default_factory=dict)  # counters it has besides `serial`

    def __post_init__(self) -> None:
        self.random = dice.Random(f"{self.seed}/{self.address}")
        self.serial = self.random.randrange(1, 512)

    @property
    def native(self) -> str:
        """Its own name, without the scheme."""
        return self.address.partition(":")[2]

    def next_serial(self, limit: int = SERIALS) -> int:
        """Return the number of the message it is about to send; after the last comes 0."""
        self.serial = (self.serial + 1) % limit
        return self.serial

    def count(self, name: str, limit: int = SERIALS) -> int:
        """Return the next number of a counter it keeps under a name."""
        self.counts[name] = (self.counts.get(name, 0) + 1) % limit
        return self.counts[name]


# What is said, and with what. `identity` is a name no other event of the device has; families that can carry one do.
Told = Callable[[Device, datetime], Messages]
Event = Callable[[Device, datetime, str], Messages]
Flag = Callable[[Device, datetime, bool], Messages]
Number = Callable[[Device, datetime, int], Messages]


class Place(Protocol):
    """Says where the device is."""

    def __call__(self, device: Device, at: datetime, fix: Fix, /) -> Messages: ...


class Measured(Protocol):
    """Says what was measured."""

    def __call__(self, device: Device, at: datetime, body: Body, /) -> Messages: ...


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """One family. What is None the family cannot say: there is no such word in the maker's document.

    Every word returns the messages in the order they are sent; a press may be three, and vital signs one each. For a
    state, True is the thing itself: door open, somebody moves, water on the floor, on the wrist, in bed.
    """

    family: str  # the grammar's name in the hub, without its version
    transport: Transport
    awaits: Awaits
    model: str  # one that says all of this; the hub is told of it where the bytes do not name it
    example: str  # an address, of a form the family's devices have
    source: str  # the document it is written from
    press: Event | None = None
    fall: Event | None = None
    cancel: Event | None = None
    low_battery: Event | None = None
    taken_off: Event | None = None  # off the wrist, where there is no word for being put on
    vitals: Measured | None = None
    measures: frozenset[str] = frozenset()  # fields of Body
    steps: Number | None = None
    meter: Number | None = None  # litres of water counted in all
    battery: Number | None = None
    position: Place | None = None
    login: Told | None = None  # the first words on a connection
    heartbeat: Told | None = None
    farewell: Told | None = None  # its will, or what its gateway says when it has gone
    worn: Flag | None = None
    door: Flag | None = None
    motion: Flag | None = None
    presence: Flag | None = None
    bed: Flag | None = None
    water: Flag | None = None
    smoke: Flag | None = None
    gas: Flag | None = None
    models: Mapping[str, str] = field(default_factory=dict)  # word → the model that says it, where it is another one
    acknowledged: Callable[[Device, bytes], bool] | None = None  # does this reply settle what was said last?
    local_time: bool = False  # writes the time of `Device.zone`, without saying so

    @property
    def says(self) -> frozenset[str]:
        """The names of the words the family has."""
        return frozenset(name for name in WORDS if getattr(self, name) is not None)

    def model_of(self, word: str) -> str:
        """Return the model of a device that says a word: a door contact is no smoke detector."""
        return self.models.get(word, self.model)


EVENTS = ("press", "fall", "cancel", "low_battery", "taken_off")
STATES = ("worn", "door", "motion", "presence", "bed", "water", "smoke", "gas")
WORDS = (*EVENTS, *STATES, "vitals", "steps", "meter", "battery", "position", "login", "heartbeat", "farewell")

PULSE = frozenset({"heart_rate_bpm"})
PULSE_OXYGEN = PULSE | {"spo2_pct"}
PULSE_BREATH = PULSE | {"respiration_rpm"}
PRESSURE = frozenset({"systolic_mmhg", "diastolic_mmhg"})


def mqtt(topic: str, payload: bytes | str, *, retain: bool = False) -> Outgoing:
    """Return a publication."""
    body = payload.encode() if isinstance(payload, str) else payload
    return Outgoing(transport=Transport.MQTT, topic=topic, payload=body, retain=retain)


def publish(topic: str, words: Mapping[str, Any], *, retain: bool = False) -> Outgoing:
    """Return a publication of a JSON object without blanks."""
    return mqtt(topic, json.dumps(words, ensure_ascii=False, separators=(",", ":")), retain=retain)


def tcp(protocol: str, payload: bytes) -> Outgoing:
    """Return a frame."""
    return Outgoing(transport=Transport.TCP, topic=protocol, payload=payload)


def utc(at: datetime) -> datetime:
    """Return the time as UTC: every text below is made of its numbers."""
    return at.astimezone(UTC)
