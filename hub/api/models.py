"""What the API shows: one model a noun, with the field's own words. Nothing else leaves."""

from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.model import Disposition, Service, State
from hub.store.console import Row

M = TypeVar("M", bound="Shown")
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Shown(BaseModel):
    """Something that is shown; built of a row, whose other columns are left out."""

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def of(cls: type[M], row: Row) -> M:
        return cls.model_validate(row)


class Asked(BaseModel):
    """Something that is sent to us; a field nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Incident(Shown):
    """A case, 警情. `version` changes with every change, and is its ETag."""

    id: int
    kind: str
    severity: int = Field(ge=1, le=5, description="1 critical … 4 low, 5 technical")
    state: State
    opened_at: datetime
    closed_at: datetime | None
    area: str
    test: bool
    resident_id: int | None
    device_id: int | None
    handler_id: int | None = Field(description="the operator who has it")
    responder_id: int | None = Field(description="who goes there")
    responder_role: str | None
    presses: int
    policy_name: str
    policy_version: int
    step: int
    round: int
    services: list[Service] = Field(description="120, 119, 110 that were called")
    proof: str | None = Field(description="how it is known that somebody is there")
    disposition: Disposition | None
    linked_to: int | None
    timer: str | None = Field(description="what happens by itself next; null: it has ended")
    due_at: datetime | None
    version: int


class Event(Shown):
    """One entry of a case's chain. hash = SHA-256 of prev_hash and the JSON of [seq, at, actor, what, body]."""

    seq: int
    at: datetime
    actor: str = Field(description="device:7, person:3, timer, hub")
    what: str
    body: dict[str, Any]
    prev_hash: str
    hash: str


class Alert(Shown):
    alert_id: str
    kind: str
    severity: int
    rule: str | None
    raised_at: datetime
    measured_at: datetime | None
    evidence: dict[str, Any]


class Told(Shown):
    """A page: who was told, how, and whether it arrived."""

    id: int
    round: int
    step: int
    person_id: int
    role: str
    channel: str
    purpose: str
    state: str
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    attempts: int


class Together(Shown):
    """Another case that belongs to one."""

    id: int
    why: str
    kind: str
    severity: int
    state: State
    opened_at: datetime


class Case(Incident):
    """A case with its chain from the beginning; what is longer is read on at …/events."""

    events: list[Event]
    alerts: list[Alert]
    told: list[Told]
    links: list[Together]


class Note(Shown):
    id: int
    at: datetime
    person_id: int | None
    text: str


class DoorCode(Shown):
    door_code: str


class Vital(Shown):
    at: datetime
    device_id: int
    heart_rate_bpm: float | None
    spo2_pct: float | None


class Called(Shown):
    person_id: int
    name: str
    relation: str
    minutes_away: float | None


class Resident(Shown):
    """长者. Door codes and health notes are not here."""

    id: int
    name: str
    born: date | None
    area: str
    address: str
    entrance: str
    language: str
    ability: str
    risks: list[str]
    key_place: str
    phone: str
    has_door_code: bool
    lat: float | None
    lon: float | None
    fence_m: int
    spo2_scale: int
    risk_class: str
    languages: list[str]
    hazards: str
    ended_at: datetime | None = Field(description="since when she is cared for no more")
    ended_why: str
    version: int = Field(description="changes with every change, and is its ETag")
    circle: list[Called]


class Person(Shown):
    id: int
    name: str
    role: str
    area: str
    organisation_id: int | None
    active: bool
    on_duty: bool
    channels: list[str] = Field(description="the kinds of ways to reach her, never the addresses")


class Device(Shown):
    id: int
    address: str
    model: str
    state: str
    resident_id: int | None
    room: str
    deadline_s: int | None
    test_until: datetime | None
    heard_at: datetime | None
    silent_since: datetime | None
    battery_pct: float | None
    flat_on: date | None


class Surge(Shown):
    """Disaster mode, 应急模式."""

    id: int
    area: str
    reason: str
    declared_by: int
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ended_by: int | None


class Visit(Shown):
    """Somebody must go there."""

    id: int
    device_id: int | None = None
    resident_id: int | None
    area: str
    reason: str
    booked_at: datetime
    due: date
    status: str
    done_at: datetime | None
    done_by: str | None
    note: str


Moment = Annotated[AwareDatetime, Field(description="ISO 8601 with its zone", examples=["2026-11-22T02:14:00+08:00"])]
