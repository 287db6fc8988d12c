"""What can happen to an incident: an alert, the passing of time, and what people do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from alerts.model import Alert, AlertError, Disposition, Role

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
class Taken:
    """An operator: "I am handling it". Anybody else who was paged: "I am going"."""

    person_id: int
    role: Role


@dataclass(frozen=True, kw_only=True)
class Dispatched:
    """An operator sends this person, or, without one, the policy's next step."""

    by: int
    person_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class CannotGo:
    person_id: int


@dataclass(frozen=True, kw_only=True)
class EnRoute:
    person_id: int


@dataclass(frozen=True, kw_only=True)
class Arrived:
    person_id: int


@dataclass(frozen=True, kw_only=True)
class Left:
    """Somebody wants to leave the scene: refused until she is in somebody's hands."""

    person_id: int


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """The responder, or an operator who has it from him, says who is with her now: a name, or a 120 number."""

    person_id: int
    to: str


@dataclass(frozen=True, kw_only=True)
class Released:
    """Back into the queue, by whoever has it or an operator."""

    by: int


@dataclass(frozen=True, kw_only=True)
class Held:
    by: int
    reason: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    by: Literal["wearer"] | int


@dataclass(frozen=True, kw_only=True)
class Resolved:
    by: int
    how: str


@dataclass(frozen=True, kw_only=True)
class Closed:
    """The end. Severity 1 needs a second person, or that she was called back and answered."""

    by: int
    disposition: Disposition
    with_whom: str = ""
    second_person_id: int | None = None
    called_back: bool = False


Event: TypeAlias = (
    Raised
    | Due
    | Taken
    | Dispatched
    | CannotGo
    | EnRoute
    | Arrived
    | Left
    | HandedOver
    | Released
    | Held
    | Cancelled
    | Resolved
    | Closed
)

EVENTS: tuple[type[Event], ...] = get_args(Event)
