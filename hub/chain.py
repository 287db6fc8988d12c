"""The event chain of one incident: each entry hashes the one before it, and folding all of them rebuilds the case.

An outsider recomputes it with any SHA-256: hash = sha256(prev_hash + JSON of [seq, at, actor, what, body]), the JSON
with sorted keys, no spaces, UTF-8, whole numbers without a fraction, times in UTC with microseconds and "Z".
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from alerts.model import Decision, Page, Timer
from hub.errors import HubError

GENESIS = bytes(32)  # what stands before the first entry
_WRITTEN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class ChainError(HubError):
    """The chain of an incident does not hold; `seq` is the first entry that is wrong."""

    def __init__(self, incident_id: int, seq: int, why: str) -> None:
        super().__init__(f"incident {incident_id}, event {seq}: {why}; compare with the last backup before this time")
        self.incident_id = incident_id
        self.seq = seq
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Entry:
    seq: int
    at: datetime
    actor: str
    what: str
    body: Mapping[str, Any]
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, kw_only=True)
class Folded:
    """An incident as its chain tells it: what `incident`, `timer` and `page` must hold."""

    state: Mapping[str, Any] = field(default_factory=dict)
    timer: Mapping[str, Any] | None = None
    pages: tuple[tuple[Any, ...], ...] = ()  # round, step, person, channel, purpose, due_at


def plain(value: Any) -> Any:
    """Return a value as JSON and jsonb both keep it: enums as values, times as text, 3.0 as 3."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, float):
        return (int(value) if value.is_integer() else value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def canonical(value: Any) -> str:
    return written(plain(value))


def written(value: Any) -> str:
    """Return the one text of a value that is `plain` already."""
    return _WRITTEN.encode(value)


def link(prev_hash: bytes, *, seq: int, at: datetime, actor: str, what: str, body: Mapping[str, Any]) -> Entry:
    """Return the next entry of a chain that ends in `prev_hash`."""
    body = plain(body)
    text = written([seq, plain(at), actor, what, body])
    digest = hashlib.sha256(prev_hash + text.encode()).digest()
    return Entry(seq=seq, at=at, actor=actor, what=what, body=body, prev_hash=prev_hash, hash=digest)


def verify(
    incident_id: int, entries: Iterable[Entry], *, seq: int = 0, prev_hash: bytes = GENESIS
) -> tuple[int, bytes]:
    """Check entries that continue a chain known to be good, and return its new end.

    Raises:
        ChainError: An entry is missing, out of order, or not what was written.
    """
    for entry in entries:
        if entry.seq != seq + 1:
            raise ChainError(incident_id, entry.seq, f"comes after {seq}")
        if entry.prev_hash != prev_hash:
            raise ChainError(incident_id, entry.seq, "does not follow from the one before it")
        if _again(entry).hash != entry.hash:
            raise ChainError(incident_id, entry.seq, "was changed after it was written")
        seq, prev_hash = entry.seq, entry.hash
    return seq, prev_hash


def _again(entry: Entry) -> Entry:
    return link(entry.prev_hash, seq=entry.seq, at=entry.at, actor=entry.actor, what=entry.what, body=entry.body)


def entries_of(
    incident_id: int, decision: Decision, *, seq: int, prev_hash: bytes, at: datetime, actor: str
) -> list[Entry]:
    """Return what a decision adds to the chain: its reasons in order, the last one with the whole outcome."""
    reasons = decision.reasons or (("changed", {}),)
    entries: list[Entry] = []
    for index, (what, facts) in enumerate(reasons):
        last = index == len(reasons) - 1
        body = {**facts, "after": outcome(incident_id, decision)} if last else dict(facts)
        entries.append(link(prev_hash, seq=seq + 1 + index, at=at, actor=actor, what=str(what), body=body))
        prev_hash = entries[-1].hash
    return entries


def outcome(incident_id: int, decision: Decision) -> dict[str, Any]:
    """Return what the incident, its timer and its pages are after a decision: identifiers and times only."""
    i = decision.incident
    return {
        "incident": incident_id, "kind": i.kind, "severity": i.severity, "state": i.state, "step": i.step, "round":
        i.round,
        "handler": i.handler_id, "responder": i.responder_id, "responder_role": i.responder_role, "presses": i.presses,
        "handed_to": _digest(i.handed_to), "resolved_by": i.resolved_by, "disposition": i.disposition,
        "linked_to": i.linked_to, "services": list(i.services), "proof": i.proof, "declined": sorted(i.declined),
        "version": i.version,
        "timer": _timer(i.timer), "pages": [_page(p) for p in decision.pages], "withdraw": decision.withdraw,
    }  # fmt: skip


def fold(entries: Sequence[Entry]) -> Folded:
    """Rebuild the case from its chain."""
    folded = Folded()
    for entry in entries:
        after = entry.body.get("after")
        if isinstance(after, Mapping):
            state = {k: v for k, v in after.items() if k not in ("timer", "pages", "withdraw")}
            pages = (*folded.pages, *(tuple(p) for p in after["pages"]))
            folded = Folded(state=state, timer=after["timer"], pages=pages)
    return folded


def _digest(words: str | None) -> str | None:
    """Words people write may hold a name: the chain proves them without keeping them."""
    return None if words is None else "sha256:" + hashlib.sha256(words.encode()).hexdigest()


def _timer(timer: Timer | None) -> dict[str, Any] | None:
    return (
        None
        if timer is None
        else {"kind": timer.kind, "due_at": timer.due_at, "step": timer.step, "round": timer.round}
    )


def _page(page: Page) -> list[Any]:
    return [page.round, page.step, page.person_id, page.channel, page.purpose, page.due_at]
