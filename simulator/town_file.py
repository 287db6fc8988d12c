"""The files a town is told by: what was invented, what the hub made of it, what really happened, what the hub recorded.

`town.json` and `truth.json` are this program's and described here; `joined.json` and `account.json` are the hub's and
read here as far as they are needed. Every time is ISO 8601 with a zone. Unknown fields are passed over, so either side
may add some. No file but joined.json holds a secret.
"""

from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from simulator.expect import Expect

# ---- town.json: who lives there ----


class TownDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a resident.

    `address` is what the hub's adapter calls it ("carehub:w-0017", "watch3g:8800000017", "z2m:home17/浴室"); `adapter`
    is the hub's name of the adapter ("carehub/1"); `family` the encoder's name in this program. A device with a
    `gateway` has no connection of its own.
    """

    address: str
    name: str  # as the device calls itself on the wire
    family: str
    adapter: str
    model: str
    kind: str  # watch, pendant, button, door, motion, smoke, gas, water, bed, meter, monitor
    transport: str = "mqtt"  # mqtt, tcp, http
    room: str = ""
    gateway: str = ""  # a name in Town.gateways
    deadline_s: int = 0  # heard at least this often, or it is a technical case; 0: not supervised


class TownContact(msgspec.Struct, frozen=True, kw_only=True):
    """One of a resident's own people, in the order they are called. `person` is a key in Town.people."""

    person: str
    relation: str = ""
    minutes_away: int = 30


class TownResident(msgspec.Struct, frozen=True, kw_only=True):
    """One resident. `key` is hers alone in this file and in joined.json; the name is unique too."""

    key: str
    name: str
    born: str  # date
    sex: str  # "female", "male"
    language: str
    ability: str  # 自理, 半失能, 失能
    risks: tuple[str, ...]
    community: str
    address: str
    entrance: str
    lat: float
    lon: float
    phone: str
    key_place: str = ""
    door_code: str = ""
    spo2_scale: int = 1  # 2: her doctor has set NEWS2's second scale, whose lungs never bring her to 94 %
    devices: tuple[TownDevice, ...] = ()
    contacts: tuple[TownContact, ...] = ()
    index: int = 0  # her row in this program's arrays; the hub has no use for it


class TownGateway(msgspec.Struct, frozen=True, kw_only=True):
    """Something that speaks for several devices over one connection: a Zigbee2MQTT, a building's box."""

    name: str
    base: str  # its first topic level; its credential allows what lies below
    family: str
    community: str = ""


class TownShift(msgspec.Struct, frozen=True, kw_only=True):
    """On duty from hour to hour of every day, in the town's zone; `until` below `since` goes over midnight."""

    since: str = "00:00"
    until: str = "24:00"


class TownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who answers. Family have no shift: they are reached at any hour.

    `channels` are carehub's own: "webhook" (an app behind a signed callback), "mqtt" (a terminal). Numbers begin with
    000.
    """

    key: str
    name: str
    role: str  # family, neighbour, community, property, village_doctor, third_party, ambulance, county_centre
    area: str = ""  # the community served; "": all of them
    organisation: str = ""
    phone: str = ""
    channels: tuple[str, ...] = ("webhook",)
    lat: float | None = None
    lon: float | None = None
    shift: TownShift | None = None


class TownOperator(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who signs in at the console."""

    key: str
    login: str
    name: str
    role: str = "operator"  # or supervisor
    shift: TownShift | None = None


class TownCommunity(msgspec.Struct, frozen=True, kw_only=True):
    """A community: the hub's area."""

    name: str
    lat: float
    lon: float


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """town.json."""

    title: str
    seed: int
    begins: datetime  # the hub's clock is set here first
    ends: datetime  # nothing new happens afterwards; what is open is worked to its end
    zone: str
    communities: tuple[TownCommunity, ...]
    residents: tuple[TownResident, ...]
    gateways: tuple[TownGateway, ...]
    people: tuple[TownPerson, ...]
    operators: tuple[TownOperator, ...]
    policy: str = ""  # TOML of the policies to publish; empty: the hub's own for towns
    tcp: tuple[str, ...] = ()  # the TCP protocols the gateway has to listen for, by the hub's names


# ---- joined.json: how it is reached (the hub's; what is read of it) ----


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where something listens."""

    host: str
    port: int


class App(msgspec.Struct, frozen=True, kw_only=True):
    """Where we listen for webhooks, and the key that proves a page is the hub's."""

    host: str
    port: int
    key: str


class DeviceKey(msgspec.Struct, frozen=True, kw_only=True):
    """One device; what speaks through a gateway or over TCP has no secret."""

    address: str
    device: int
    username: str = ""
    secret: str = ""
    prefix: str = ""


class GatewayKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway signs in with."""

    name: str
    username: str
    secret: str
    prefix: str = ""


class ResidentKey(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's number of a resident."""

    key: str
    resident: int


class PersonKey(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody's pages arrive: `path` below our receiver, or a terminal's credential."""

    key: str
    person: int
    path: str = ""
    username: str = ""
    secret: str = ""
    prefix: str = ""


class AccountKey(msgspec.Struct, frozen=True, kw_only=True):
    """One operator's sign-in."""

    key: str
    person: int
    role: str
    login: str
    password: str


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """joined.json."""

    now: datetime
    session_hours: int
    step_url: str
    step_key: str
    listener: Endpoint  # MQTT
    trackers: dict[str, Endpoint]  # TCP, by protocol
    console_url: str
    app: App
    devices: tuple[DeviceKey, ...]
    gateways: tuple[GatewayKey, ...]
    residents: tuple[ResidentKey, ...]
    people: tuple[PersonKey, ...]
    accounts: tuple[AccountKey, ...]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in a step."""

    moments: int = 0
    timers: int = 0
    pages: int = 0


class Stepped(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a step."""

    now: datetime
    next_due: datetime | None
    open: int
    took_ms: float = 0.0
    counts: Counts = Counts()
    faults: tuple[str, ...] = ()


# ---- truth.json: what really happened ----


class Happened(msgspec.Struct, kw_only=True):
    """Something that really happened to a resident, or a press nobody meant.

    `wants` is what the hub owes her: "incident", "nothing" (she said it was nothing in time, she is on a visit), or
    "notice" (a technical case). `kind` is the kind of alert that would be right.
    """

    number: int
    resident: str  # key
    what: str
    kind: str
    at: datetime
    until: datetime | None = None
    wants: str = "incident"
    note: str = ""
    cancelled_at: datetime | None = None


class Sent(msgspec.Struct, kw_only=True):
    """One press, fall or alarm as a device told it, whatever the number of copies."""

    device: str  # address
    family: str
    resident: str
    kind: str  # sos, fall, smoke, gas, water, cancel, motion
    happened: int  # Happened.number
    at: datetime  # when it was pressed
    identity: str | None = None
    first_at: datetime | None = None  # first put on the wire
    saved_at: datetime | None = None  # acknowledged by the wire: PUBACK, AL, …
    heard_at: datetime | None = None  # 收到 on the device
    copies: int = 0
    spoilt: int = 0  # of them went out in pieces nobody can read
    whole_at: datetime | None = None  # first put on the wire whole: from then on the hub could have known
    stamped_at: datetime | None = None  # what the device's own clock said
    reachable: bool = True  # False: the device never had a line again


class Tap(msgspec.Struct, kw_only=True):
    """One answer of somebody who was called."""

    at: datetime
    verb: str
    refused: str = ""


class Received(msgspec.Struct, kw_only=True):
    """One page as it reached a person."""

    page: int
    incident: int
    person: str
    role: str
    channel: str
    purpose: str
    at: datetime
    resident: str = ""
    copies: int = 1
    taps: list[Tap] = []


class Deed(msgspec.Struct, kw_only=True):
    """One thing an operator did at the console."""

    at: datetime
    operator: str
    incident: int
    verb: str
    status: int
    said: str = ""


class Counted(msgspec.Struct, kw_only=True):
    """What one device put on the wire: messages, not copies of presses."""

    family: str
    sent: int = 0  # different messages that went out at least once
    saved: int = 0  # … of which the hub acknowledged
    heard: int = 0  # messages and frames acknowledged in all, every copy and whatever a thief said in its name
    topics: dict[str, int] = {}  # of `heard`, by topic: a gateway's may be several devices'
    copies: int = 0  # sent again although already sent: repeats, late bursts
    bursts: int = 0  # of `sent`, samples of a wrist
    nonsense: int = 0  # of `sent`, bytes no adapter can read
    dropped: int = 0  # never got a line
    worn_minutes: int = 0


class Trouble(msgspec.Struct, kw_only=True):
    """Something that went wrong with devices or a network, for the report."""

    what: str
    who: str
    at: datetime
    until: datetime | None = None
    devices: int = 0
    note: str = ""


class Lasting(msgspec.Struct, kw_only=True):
    """What was so of a resident for a while: see `lived`."""

    resident: str  # key
    what: str
    since: datetime
    until: datetime


class Truth(msgspec.Struct, kw_only=True):
    """truth.json."""

    title: str
    seed: int
    begins: datetime
    ends: datetime
    ended_at: datetime
    residents: int
    numbers: dict[str, int] = {}  # resident's key → the hub's number, from joined.json
    about: str = ""
    expect: Expect | None = None  # what the story says should come of it
    happened: list[Happened] = []
    sent: list[Sent] = []
    received: list[Received] = []
    deeds: list[Deed] = []
    counted: dict[str, Counted] = {}
    troubles: list[Trouble] = []
    lasting: list[Lasting] = []
    faults: list[str] = []
    took_s: float = 0.0
    steps: int = 0
    cpu_s: float = 0.0


# ---- account.json: what the hub recorded (the hub's; what is read of it) ----


class PressKept(msgspec.Struct, frozen=True, kw_only=True):
    """A press that was counted, once."""

    device: str
    identity: str  # made up by the hub where it begins with ~
    kind: str
    incident: int
    at: datetime


class AlertKept(msgspec.Struct, frozen=True, kw_only=True):
    """One finding."""

    alert: str
    incident: int
    kind: str
    severity: int
    raised_at: datetime
    device: str | None = None
    resident: int | None = None  # the hub's number: see Joined.residents
    rule: str | None = None
    identity: str | None = None
    measured_at: datetime | None = None


class EventKept(msgspec.Struct, frozen=True, kw_only=True):
    """One link of a case's chain."""

    at: datetime
    actor: str
    what: str


class IncidentKept(msgspec.Struct, frozen=True, kw_only=True):
    """One case."""

    incident: int
    kind: str
    severity: int
    state: str
    opened_at: datetime
    resident: int | None = None
    device: str | None = None
    test: bool = False
    presses: int = 0
    closed_at: datetime | None = None
    disposition: str | None = None
    events: tuple[EventKept, ...] = ()


class PageKept(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person through one channel."""

    page: int
    incident: int
    person: int
    role: str
    channel: str
    purpose: str
    state: str
    due_at: datetime
    sent_at: datetime | None = None
    delivered_at: datetime | None = None


class DeviceKept(msgspec.Struct, frozen=True, kw_only=True):
    """What was stored of one device."""

    device: str
    messages: int = 0  # kept as they came: copies, greetings and what nobody could read included
    readable: int | None = None  # of these, what can be read and is no copy: there are at least so many wide rows
    wide: int = 0
    observations: int = 0
    windows: int = 0
    presses: int = 0
    unreadable: int = 0
    last_at: datetime | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Counted by the running hub."""

    stored: int = 0
    repeated: int = 0
    unreadable: int = 0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """account.json."""

    start: datetime
    end: datetime
    totals: Totals = Totals()
    faults: tuple[str, ...] = ()
    topics: dict[str, int] = {}  # messages as they came, by topic
    presses: tuple[PressKept, ...] = ()
    alerts: tuple[AlertKept, ...] = ()
    incidents: tuple[IncidentKept, ...] = ()
    pages: tuple[PageKept, ...] = ()
    devices: tuple[DeviceKept, ...] = ()


File = TypeVar("File", Town, Joined, Truth, Account)


def read(path: Path, type_: type[File]) -> File:
    """Read one of the files.

    Raises:
        OSError: It cannot be read.
        msgspec.MsgspecError: It is not such a file.
    """
    return msgspec.json.decode(path.read_bytes(), type=type_)


def write(path: Path, value: Town | Truth) -> None:
    """Write one of our files: beside, then renamed, so that nobody reads half of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1))
    part.replace(path)
