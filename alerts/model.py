"""The nouns of the duty room: alerts, incidents, who may be called, what is decided. Values only, no rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alerts.policy import EscalationPolicy


class AlertError(Exception):
    """Base of every error this package raises."""


class Severity(IntEnum):
    """One scale for everything; a smaller number is worse."""

    CRITICAL = 1  # SOS, confirmed fall, smoke, gas
    HIGH = 2
    MEDIUM = 3
    LOW = 4
    TECHNICAL = 5


class AlertKind(StrEnum):
    SOS = "sos"
    FALL = "fall"
    SMOKE = "smoke"
    GAS = "gas"
    WATER = "water"
    VITALS = "vitals"
    STILLNESS = "stillness"  # a wearer does not move, a home is quiet
    ROUTINE = "routine"  # not as on other days: out of bed for long at night, water that runs
    WANDERING = "wandering"  # outside the fence
    SILENCE = "silence"  # a device missed its heartbeat
    DEVICE = "device"  # battery, tamper, a message that could not be read
    SYSTEM = "system"  # the hub itself, a broker, a gateway


class Role(StrEnum):
    FAMILY = "family"
    NEIGHBOUR = "neighbour"  # 邻里互助: neighbours and volunteers
    OPERATOR = "operator"
    COMMUNITY = "community"
    PROPERTY = "property"
    VILLAGE_DOCTOR = "village_doctor"
    THIRD_PARTY = "third_party"
    COUNTY_CENTRE = "county_centre"  # the last resort where nobody else is near
    AMBULANCE = "ambulance"


class State(StrEnum):
    CONFIRMING = "confirming"
    OPEN = "open"
    TAKEN = "taken"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    HANDED_OVER = "handed_over"
    HELD = "held"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.CLOSED, State.CANCELLED})


class Service(StrEnum):
    """Public emergency services, by the number that is dialled."""

    AMBULANCE = "120"
    FIRE = "119"
    POLICE = "110"


class Proof(StrEnum):
    """How we know that a responder is there."""

    TOLD = "told"  # he says so, and nothing else yet
    BUTTON = "button"  # the resident's own button was pressed about when he said so
    POSITION = "position"  # his phone is at her door
    TIME = "time"  # presumed: he said so long ago, and nothing has spoken against it


class TimerKind(StrEnum):
    CONFIRM = "confirm"  # the wearer may still cancel
    STEP = "step"  # nobody took it: next rung
    REPEAT = "repeat"  # last rung, ringing again
    EXPIRY = "expiry"  # taken or on the way, and then nothing was heard
    HOLD = "hold"
    CLOSING = "closing"  # resolved, but nobody has written how it ended


class Disposition(StrEnum):
    HOSPITAL = "hospital"
    TREATED_HOME = "treated_home"
    LIFTED = "lifted"
    FOUND_WELL = "found_well"
    FORCED_ENTRY = "forced_entry"
    ACCIDENTAL = "accidental"
    REASSURED = "reassured"
    SERVICE = "service"
    TEST = "test"
    DEVICE_FAULT = "device_fault"
    LOW_BATTERY = "low_battery"
    NOT_AT_HOME = "not_at_home"
    FRAUD = "fraud"
    DUPLICATE = "duplicate"
    DECEASED = "deceased"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One finding. It never changes; `alert_id` is the same whenever the same finding is made again."""

    alert_id: str
    kind: AlertKind
    severity: Severity
    raised_at: datetime  # the hub's clock
    measured_at: datetime | None = None  # the device's clock
    device_id: int | None = None
    resident_id: int | None = None
    area: str = ""
    rule: str | None = None  # "V2", "T3", …
    identity: str | None = None  # the press's own, when it has one
    countdown_s: float = 0.0  # > 0: the wearer is asked first
    test: bool = False
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dedup_key(self) -> str:
        """The case this belongs to: the resident's, or, for technical findings and unknown devices, the device's."""
        technical = self.severity is Severity.TECHNICAL
        if self.resident_id is not None and not technical:
            return f"resident:{self.resident_id}"
        if self.device_id is not None:
            return f"device:{self.device_id}:technical" if technical else f"device:{self.device_id}"
        return f"system:{self.rule or self.kind}"


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One way to reach a person. `address` is an id, URL or topic; it never holds a secret."""

    channel: str  # a name in hub.channels.CHANNELS
    address: str


@dataclass(frozen=True, kw_only=True)
class Responder:
    """Somebody who may be called for one incident, as things stood when the step fired."""

    person_id: int
    role: Role
    contacts: tuple[Contact, ...]
    on_duty: bool = True
    minutes_away: float | None = None
    position: int = 0  # order in the care circle
    roster: str = ""  # the duty list this person is on, when a policy asks for one by name
    proved: bool = True  # False: on duty by a list that wants a check-in, and none was heard
    quiet_until: datetime | None = None  # his night: until then only what is critical is told to him


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Everybody who might be called for one incident."""

    responders: tuple[Responder, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Timer:
    kind: TimerKind
    due_at: datetime
    step: int
    round: int


class Purpose(StrEnum):
    ALARM = "alarm"  # come
    STAND_DOWN = "stand_down"  # somebody else goes
    NOTICE = "notice"  # nothing to do but know


@dataclass(frozen=True, kw_only=True)
class Page:
    """One message to one person through one channel. The key below travels with every copy of it."""

    round: int
    step: int
    person_id: int
    role: Role
    channel: str
    address: str
    due_at: datetime
    purpose: Purpose = Purpose.ALARM
    quiet: bool = False  # he is not to be woken: it waits for his morning, and nobody waits for him

    def key(self, incident_id: int) -> str:
        return f"{incident_id}.{self.round}.{self.step}.{self.person_id}.{self.channel}.{self.purpose}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something the wearer's own devices are told."""

    say: str  # a devices.adapter.Say value
    role: Role | None = None  # who is coming, or who was told; None: nobody yet
    person_id: int | None = None  # that person, where one is meant
    identity: str | None = None  # the press that is answered


@dataclass(frozen=True, kw_only=True)
class Incident:
    """The case. A change makes a new value; `version` counts them."""

    incident_id: int
    dedup_key: str
    kind: AlertKind
    severity: Severity
    state: State
    policy: "EscalationPolicy"  # frozen when the incident opened
    opened_at: datetime
    resident_id: int | None = None
    device_id: int | None = None
    area: str = ""
    step: int = 0
    round: int = 0
    timer: Timer | None = None  # exactly one unless the incident has ended
    handler_id: int | None = None  # the operator who has it
    responder_id: int | None = None  # who goes there
    responder_role: Role | None = None
    presses: int = 0
    paged_at: datetime | None = None  # last time a press rang anybody
    test: bool = False
    handed_to: str | None = None
    expires_at: datetime | None = None  # taken … on scene: silence past this goes back to open; the timer may be sooner
    resolved_by: int | None = None
    disposition: Disposition | None = None
    linked_to: int | None = None  # the resident's case before this one, when that is not long ago
    services: tuple[Service, ...] = ()  # who has been joined, in order
    proof: Proof | None = None  # of the responder's arrival
    asked: frozenset[int] = frozenset()  # who was called by the last ring, operators apart
    declined: frozenset[int] = frozenset()  # who of them cannot go
    held_round: int | None = None  # in which round it was last put aside: never twice without a ring in between
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one event changes: the new incident with its one timer, who is paged, what is withdrawn, what is told.

    `reasons` are the words of the audit log, in order: (what, facts); facts are JSON as they stand.

    For the store: withdraw first (pages that already exist), then stand down, then write `pages`. Standing down:
    everybody who was sent an alarm page of this incident in one of the `stand_down` roles, but for
    `incident.handler_id` and `incident.responder_id`, gets one STAND_DOWN page at the incident's new step and round,
    `on conflict do nothing`. On every change write all columns: a worse alert also changes kind, severity, test and
    the policy's name (another policy of the same version).
    """

    incident: Incident
    pages: tuple[Page, ...] = ()
    withdraw: bool = False  # every waiting alarm page of this incident is withdrawn
    stand_down: tuple[Role, ...] = ()  # those of these roles who were paged hear that they need not come
    told: tuple[Told, ...] = ()
    reasons: tuple[tuple[str, Mapping[str, Any]], ...] = ()
