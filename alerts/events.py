"""What can happen to an incident: an alert, the passing of time, and what people do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from alerts.model import Alert, AlertError, Disposition, Proof, Role, Service

WEARER: Literal["wearer"] = "wearer"


class Refused(AlertError):  # noqa: N818 - the word of the duty room
    """Somebody asked for what this state does not allow. `reason` is a code for the console, `text` says what to do."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


@dataclass(frozen=True, kw_only=True)
class Raised:
    """Another alert of the same case."""

    alert: Alert


@dataclass(frozen=True, kw_only=True)
class Due:
    """The timer fired. Too early is nothing: whoever wakes us may be wrong about the time."""


@dataclass(frozen=True, kw_only=True)
class Tapped:
    """What somebody says from where he is. On a poor line it comes late; `age_s` is how long it was under way."""

    person_id: int
    age_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """What an operator does. `at_desk` is what the hub's list of people says of him, looked up once for each press of a
    button; None: nobody looked, and the roster's word counts."""

    by: int
    at_desk: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Taken(Tapped):
    """An operator: "I am handling it". Anybody else who was paged: "I am going"."""

    role: Role
    at_desk: bool | None = None
    relieves: int | None = None  # at the end of a shift: from this colleague, who has it until now


@dataclass(frozen=True, kw_only=True)
class Dispatched(Ordered):
    """An operator sends this person, or, without one, the policy's next step."""

    person_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Called(Ordered):
    """An operator has a public service on the line and has read out where and what. Again is harmless."""

    service: Service
    reference: str = ""  # what the service calls it; words, so never in the chain


@dataclass(frozen=True, kw_only=True)
class MadeReal(Ordered):
    """A test that is none: an operator heard or saw it."""


@dataclass(frozen=True, kw_only=True)
class Identified(Ordered):
    """An operator knows who called: the case had no resident, or had got the wrong one by such a word."""

    resident_id: int
    area: str = ""


@dataclass(frozen=True, kw_only=True)
class CannotGo(Tapped):
    """Not he. When nobody who was called can go, the next step is not waited for."""


@dataclass(frozen=True, kw_only=True)
class EnRoute(Tapped):
    """On the way."""


@dataclass(frozen=True, kw_only=True)
class Arrived(Tapped):
    """At the door, and what proves it: see `alerts.arrival.proof_of`. None: his phone is somewhere else."""

    proof: Proof | None = Proof.TOLD
    distance_m: int | None = None


@dataclass(frozen=True, kw_only=True)
class Left(Tapped):
    """Somebody wants to leave the scene: refused until she is in somebody's hands."""


@dataclass(frozen=True, kw_only=True)
class HandedOver(Tapped):
    """The responder, or an operator who has it from him, says who is with her now: a name, or a 120 number."""

    to: str
    at_desk: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Mistaken(Tapped):
    """He takes back what he tapped last. What that was, the store knows."""

    tap: Literal["arrived", "handed_over", "cannot_go"]
    seq: int  # its event in the chain
    since_s: float  # between his two taps
    role: Role
    goes: bool  # before it he had said that he goes


@dataclass(frozen=True, kw_only=True)
class Released(Ordered):
    """Back into the queue, by whoever has it or an operator."""


@dataclass(frozen=True, kw_only=True)
class Held(Ordered):
    """Put aside for a reason and a time."""

    reason: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    by: Literal["wearer"] | int
    at_desk: bool | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # what is kept of it: how late, in the device's own words


@dataclass(frozen=True, kw_only=True)
class Resolved(Ordered):
    """The danger is over, and how one knows."""

    how: str


@dataclass(frozen=True, kw_only=True)
class Closed(Ordered):
    """The end. Severity 1 needs a second person, or that she was called back and answered."""

    disposition: Disposition
    with_whom: str = ""
    second_person_id: int | None = None
    called_back: bool = False
    duplicate_of: int | None = None  # the case it was the same as, for that disposition


Event: TypeAlias = (
    Raised
    | Due
    | Taken
    | Dispatched
    | Called
    | MadeReal
    | Identified
    | CannotGo
    | EnRoute
    | Arrived
    | Left
    | HandedOver
    | Mistaken
    | Released
    | Held
    | Cancelled
    | Resolved
    | Closed
)

EVENTS: tuple[type[Event], ...] = get_args(Event)
