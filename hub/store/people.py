"""Who might be called for a case, and which devices can speak to the resident."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.model import Contact, Responder, Role, Roster

SIGNED_IN = timedelta(seconds=30)  # an operator whose console was heard of in this time is on duty without a shift


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A device that belongs to a case. `answered` is true for the one that raised it."""

    device_id: int
    address: str
    answered: bool
    language: str


def roster(rows: Iterable[Sequence[Any]]) -> Roster:
    """Return the rows of query `roster` as the engine wants them."""
    return Roster(responders=tuple(_responder(row) for row in rows))


def _responder(row: Sequence[Any]) -> Responder:
    person_id, role, on_duty, minutes, position, channels, addresses, duty = row
    contacts = tuple(Contact(channel=c, address=a) for c, a in zip(channels or (), addresses or (), strict=True))
    return Responder(
        person_id=person_id,
        role=Role(role),
        contacts=contacts,
        on_duty=on_duty,
        minutes_away=minutes,
        position=position,
        roster=duty,
    )


def listeners(rows: Iterable[Sequence[Any]]) -> tuple[Listener, ...]:
    """Return the rows of query `devices`."""
    return tuple(Listener(device_id=d, address=a, answered=bool(x), language=lang) for d, a, x, lang in rows)
