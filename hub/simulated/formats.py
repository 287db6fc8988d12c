"""What the hub and a simulated town tell each other: town.json as far as it is read here, joined.json, a step and its
answer, account.json.

The town (`python -m simulator`) has structs of its own for the same files, in simulator/town_file.py: neither imports
the other. Times are ISO 8601 with a zone. Keys that a reader does not know are passed over, so either may add some.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from hub.errors import HubError

FORMAT = 1


class TownError(HubError):
    """town.json cannot be used."""


# ---- town.json: written by the town, without secrets ----


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a resident. With a `gateway` it has no connection, and no credential, of its own."""

    address: str  # scheme:native
    adapter: str = ""  # name/version
    model: str = ""
    kind: str = ""
    transport: str = "mqtt"  # mqtt, tcp, http
    room: str = ""
    gateway: str = ""
    deadline_s: int = 0  # 0: not supervised


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """One of a resident's own people, by key, in the order they are called."""

    person: str
    relation: str = ""
    minutes_away: int = 30


class Resident(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who lives there."""

    key: str
    name: str
    born: str
    language: str = "普通话"
    ability: str = ""
    risks: tuple[str, ...] = ()
    community: str = ""
    address: str = ""
    entrance: str = ""
    lat: float | None = None
    lon: float | None = None
    phone: str = ""
    key_place: str = ""
    door_code: str = ""
    spo2_scale: int = 1  # 2: set by her doctor
    devices: tuple[Device, ...] = ()
    contacts: tuple[Contact, ...] = ()


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for several devices over one connection, below its first topic level."""

    name: str
    base: str


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of every day in the town's zone; `until` at or below `since` goes over midnight."""

    since: str = "00:00"
    until: str = "24:00"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who answers."""

    key: str
    name: str
    role: str
    area: str = ""
    organisation: str = ""
    phone: str = ""
    channels: tuple[str, ...] = ("webhook",)
    lat: float | None = None
    lon: float | None = None
    shift: Shift | None = None


class TownOperator(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who signs in at the console."""

    key: str
    login: str
    name: str
    role: str = "operator"
    shift: Shift | None = None


class Community(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's area."""

    name: str


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """town.json."""

    title: str
    seed: int
    begins: datetime
    ends: datetime
    zone: str
    communities: tuple[Community, ...] = ()
    residents: tuple[Resident, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    people: tuple[Person, ...] = ()
    operators: tuple[TownOperator, ...] = ()
    policy: str = ""  # TOML; empty: hub/simulated/policy.toml
    tcp: tuple[str, ...] = ()  # protocols, by the names of devices/protocols.py


# ---- joined.json, mode 0600: written by the hub when everybody of town.json is registered ----


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where something listens, on this machine."""

    host: str
    port: int


class App(msgspec.Struct, frozen=True, kw_only=True):
    """Where the town must listen: webhooks of people with the channel `webhook` come to `path` of their PersonKey,
    POST, signed as hub/channels/webhook.py says with `key`; X-Carehub-Timestamp is of simulated time."""

    host: str
    port: int
    key: str


class DeviceKey(msgspec.Struct, frozen=True, kw_only=True):
    """One device of town.json. What speaks through a gateway, or over TCP, has no secret of its own."""

    address: str  # scheme:native, as in town.json
    device: int  # the hub's number
    username: str = ""
    secret: str = ""
    prefix: str = ""  # may publish and subscribe below this and nowhere else


class GatewayKey(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway of town.json: what it signs in with over MQTT for all devices behind it."""

    name: str
    username: str
    secret: str
    prefix: str


class ResidentKey(msgspec.Struct, frozen=True, kw_only=True):
    """One resident of town.json by her key there."""

    key: str
    resident: int


class PersonKey(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of town.json who answers."""

    key: str
    person: int
    path: str = ""  # with the channel `webhook`: of the town's App
    username: str = ""  # with the channel `mqtt`: subscribes <prefix>page, publishes <prefix>answer
    secret: str = ""
    prefix: str = ""


class AccountKey(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of town.json who signs in at the console. A session lasts `session_hours` of simulated time."""

    key: str
    person: int
    role: str
    login: str
    password: str


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a town needs to live against this hub. Holds secrets of this one run."""

    v: int = FORMAT
    now: datetime  # where the hub's clock stands: the start in town.json
    zone: str
    session_hours: int
    step_url: str  # POST with `Authorization: Bearer <step_key>`
    step_key: str
    listener: Endpoint  # MQTT 3.1.1 and 5
    trackers: dict[str, Endpoint]  # TCP, one port a protocol, by the names of devices/protocols.py
    console_url: str
    app: App
    callback_key: str  # of the providers' callbacks
    devices: list[DeviceKey]
    gateways: list[GatewayKey]
    residents: list[ResidentKey]
    people: list[PersonKey]
    accounts: list[AccountKey]


# ---- a step ----


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """POST /step: let the time pass up to `to`, everything at its own moment on the way.

    Send it when everything sent before is acknowledged: what is acknowledged is committed, and what follows from it is
    done in this step. `to` may be the present: then only what is in hand is done. It is never before the present.
    """

    to: datetime
    until_called: bool = False  # stop where somebody is called: he may answer before `to`


class Counts(msgspec.Struct, kw_only=True):
    """What was done in a step, or in a whole run."""

    moments: int = 0  # times at which the clock stood
    timers: int = 0
    late_ms: int = 0  # the latest of those timers, by the hub's clock
    pages: int = 0  # sending attempts
    ticks: int = 0  # the detectors were shown that time passes
    failed: int = 0  # pieces of work that failed and are tried again

    def add(self, other: "Counts") -> None:
        """Take another's into this one."""
        for name in self.__struct_fields__:
            both = getattr(self, name), getattr(other, name)
            setattr(self, name, max(both) if name == "late_ms" else sum(both))


class Stepped(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, 200. 409: `to` is before the present. 503: it did not come to rest in time; `faults` says what is
    still in hand. 401: the key is wrong."""

    now: datetime
    next_due: datetime | None  # the next timer, page or lease
    open: int  # incidents that have not ended
    counts: Counts
    took_ms: int
    faults: list[str]  # new since the last step


# ---- account.json: what the hub recorded, when the town has ended ----


class PressKept(msgspec.Struct, frozen=True, kw_only=True):
    """A press that was counted, once."""

    device: str
    identity: str  # the device's own, or one made up, beginning with ~
    kind: str
    incident: int
    at: datetime  # received


class AlertKept(msgspec.Struct, frozen=True, kw_only=True):
    """One finding."""

    alert: str
    incident: int
    device: str | None  # address
    resident: int | None  # the hub's number: see Joined.residents
    kind: str  # sos, fall, vitals, inactivity, smoke, gas, water, system …
    severity: int
    rule: str | None
    identity: str | None
    raised_at: datetime
    measured_at: datetime | None
    evidence: dict[str, Any]


class EventKept(msgspec.Struct, frozen=True, kw_only=True):
    """One link of an incident's chain: `actor` is device:7, person:3, timer, hub; `body` holds ids only."""

    seq: int
    at: datetime
    actor: str
    what: str
    body: Any


class IncidentKept(msgspec.Struct, frozen=True, kw_only=True):
    """One case, with its chain."""

    incident: int
    kind: str
    severity: int
    resident: int | None
    device: str | None
    area: str
    state: str
    test: bool
    policy: str
    presses: int
    opened_at: datetime
    closed_at: datetime | None
    disposition: str | None
    events: list[EventKept]


class PageKept(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person through one channel."""

    page: int
    incident: int
    round: int
    step: int
    person: int
    role: str
    channel: str
    purpose: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    withdrawn_at: datetime | None
    receipt: str


class DeviceKept(msgspec.Struct, frozen=True, kw_only=True):
    """What was stored of one device: messages as they came, by the device their topic belongs to, and rows by table."""

    device: str
    number: int
    resident: int | None
    messages: int  # repeats and what nobody could read included
    readable: int  # of these, what can be read and is no copy of a numbered one: there are at least so many wide rows
    wide: int  # rows of messages: vitals and supply, where they tell of any
    observations: int  # signs of home sensors and everything else
    windows: int  # bursts of acceleration
    presses: int
    unreadable: int
    last_at: datetime | None


class WordsKept(msgspec.Struct, frozen=True, kw_only=True):
    """Words to devices and terminals, counted by topic."""

    topic: str
    sent: int
    delivered: int
    expired: int


class UnreadKept(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that nobody could read, counted by source, topic and error."""

    source: str
    topic: str
    error: str
    messages: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Counted by the running hub."""

    stored: int  # messages kept as they came, repeats and what nobody could read included
    repeated: int  # telemetry recognised as sent before
    unreadable: int
    steps: Counts
    real_s: float


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """account.json, one object. The hub writes it row by row, in the order of these keys; a week of 2,000 residents is
    some tens of megabytes."""

    v: int = FORMAT
    start: datetime
    end: datetime
    zone: str
    totals: Totals
    faults: list[str]  # of the hub itself: what failed, what the auditor found
    topics: dict[str, int]  # messages as they came, by topic
    presses: list[PressKept]
    alerts: list[AlertKept]
    incidents: list[IncidentKept]
    pages: list[PageKept]
    devices: list[DeviceKept]
    words: list[WordsKept]
    unread: list[UnreadKept]


def read_town(path: Path) -> Town:
    """Read town.json.

    Raises:
        TownError: It cannot be read, or is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Town)
    except (OSError, msgspec.MsgspecError) as err:
        raise TownError(f"{path}: {err}; it is written by `python -m simulator plan`") from err
