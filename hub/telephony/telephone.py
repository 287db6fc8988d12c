"""What a way to telephone is: it connects two numbers, hangs up, says what became of a call. SIP fits in as well."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.channels.provided import e164
from hub.errors import HubError
from hub.telephony.states import State

WHY = frozenset({
    "busy", "no_answer", "rejected", "unreachable", "off", "bad_number", "desk_no_answer", "desk_busy", "limited",
    "cancelled", "missed", "provider", "refused", "other",
})  # fmt: skip


def dialable(said: str) -> str | None:
    """Return a number as the world writes it; also the 13 digits that networks give to devices. None: it is none."""
    digits = re.sub(r"[\s()-]", "", said)
    return f"+86{digits}" if re.fullmatch(r"1[0-9]{12}", digits) else e164(said)


class ReportError(HubError):
    """What was reported cannot be read, or is not the provider's."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One call to be made: the operator's telephone first, then the other."""

    ours: str  # our number of it, given back with every report; the same on a repeat
    desk: str  # an extension, or +86…
    number: str  # +86…
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the provider answered. Neither a reference nor `why`: nobody knows whether it took the order."""

    reference: str = ""
    why: str = ""  # of WHY: it did not
    detail: str = ""  # its own code, for the log: no numbers, no sentence


@dataclass(frozen=True, kw_only=True)
class Report:
    """One thing that happened to a call. `nonce` is the same when the same report comes again."""

    state: State | None  # None: nothing but what stands beside it, a recording
    reference: str = ""
    ours: str = ""
    nonce: str = ""
    at: datetime | None = None
    seconds: int | None = None
    why: str = ""
    recording: str = ""
    incoming: bool = False
    number: str = ""  # of a call that comes in: who calls; empty: withheld
    extension: str = ""  # who answered


class Telephone(Protocol):
    """One provider. Errors of the other side are answers, not exceptions."""

    name: str
    patience_s: float  # without a report, it is asked after so long

    async def originate(self, order: Order) -> Asked:
        """Connect the desk with a number."""

    async def hang_up(self, reference: str, now: datetime) -> bool:
        """End a call; False: it could not be, or was over."""

    async def look(self, reference: str, ours: str, asked_at: datetime, now: datetime) -> Report | None:
        """Return how a call stands, for those whose reports were lost; None: it cannot be said now."""

    def read(self, body: bytes, headers: Mapping[str, str], path: str, now: datetime) -> list[Report]:
        """Return what the provider reports.

        Raises:
            ReportError: It is not the provider's, too old, or no report.
        """
