"""What a subscriber is told: an event as CloudEvents 1.0 has it, numbers and states, no name and nothing of health."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from devices.records import stamp

TYPE: Final = "carehub.incident."
KINDS: Final = (
    "opened", "attached", "not_cancelled", "taken", "released", "dispatched", "rung", "called", "no_speech", "held",
    "made_real", "cannot_go", "en_route", "arrived", "proved", "presumed", "handed_over", "mistaken", "resolved",
    "closed", "cancelled", "identified", "noted",
)  # fmt: skip


def known(kind: str) -> bool:
    """Whether a subscription may name this: `incident.taken`, `incident.*`; a later release has more of them."""
    noun, _, what = kind.partition(".")
    return noun == "incident" and (
        what == "*" or (what.isascii() and what.replace("_", "").isalpha() and what.islower())
    )


def message_id(number: int) -> str:
    """Return what stays the same however often it is told."""
    return f"carehub-event-{number}"


def body(
    *, number: int, incident: int, seq: int, at: datetime, what: str, area: str, actor: str,
    after: Mapping[str, Any] | None, source: str, health: Mapping[str, Any] | None, of: Mapping[str, Any],
) -> bytes:  # fmt: skip
    """Return one event as JSON.

    Args:
        after: what the case was after it, as the chain says; None: it changed nothing.
        source: the hub's own address.
        health: what happened to her, for subscriptions that may know; None for others.
        of: resident, device, severity, test: numbers.
    """
    data: dict[str, Any] = {"incident": incident, "seq": seq, "what": what, "area": area, "actor": actor, **of}
    if after is not None:
        data |= {name: after.get(name) for name in ("state", "step", "round", "handler", "responder", "version")}
    if health is not None:
        data |= dict(health)
    return msgspec.json.encode({
        "specversion": "1.0", "id": message_id(number), "source": f"{source.rstrip('/')}/incidents",
        "type": TYPE + what, "subject": f"incident/{incident}", "time": stamp(at),
        "datacontenttype": "application/json", "sequence": f"{number:020d}", "data": data,
    })  # fmt: skip
