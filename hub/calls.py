"""Alarms on their way into their cases, many in one transaction: asked in one round trip, written in another."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.model import Alert, Told
from devices.adapter import Say
from hub import incidents
from hub.incidents import Raised
from hub.store import hot, presses
from hub.store import incidents as store
from hub.store.incidents import Look, Situation
from hub.store.people import Listener
from hub.store.pool import Connection

MERGED, REPEAT, LASTING = "merged", "repeat", "lasting"  # what became of an alarm that was heard before


@dataclass(frozen=True, kw_only=True)
class Source:
    """The device that said it, and how this press is remembered. `identity` is what the device named it, if it did;
    `since`, when the alarm began, if it is one that goes on.
    """

    device_id: int
    address: str
    identity: str | None
    kept_as: str
    at: datetime
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One alarm. Without a source it was noticed by a detector."""

    alert: Alert
    source: Source | None = None
    outcomes: list[str] = field(default_factory=list)  # what became of it, for the counters


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Alarms whose cases were asked about: whether each was heard before, and how its case stands."""

    calls: Sequence[Call]
    heard: Sequence[hot.Cursor | None]
    look: Look | None


async def ask(conn: Connection, calls: Sequence[Call]) -> Asked:
    """Ask about the cases of some alarms, no two of one case. Inside a transaction and a pipeline: nothing waits."""
    heard = [await _known(conn, call) for call in calls]
    return Asked(calls=calls, heard=heard, look=await store.ask(conn, [c.alert for c in calls]) if calls else None)


async def raise_all(conn: Connection, asked: Asked) -> None:
    """Put alarms into their cases. Inside the transaction and the pipeline they were asked about in.

    Where another transaction opened one of the cases meanwhile, the commit fails, and all of it is to be tried again.
    """
    if asked.look is None:
        return
    looked = await store.told(conn, asked.look)
    fresh: list[tuple[Call, Situation]] = []
    for call, cursor, at in zip(asked.calls, asked.heard, looked, strict=True):
        row = await cursor.fetchone() if cursor is not None else None
        if row is None:
            fresh.append((call, at))
        elif call.source is not None:
            await _heard_before(conn, call, call.source, int(row[0]))
    raised = await incidents.raise_alerts(conn, [(call.alert, at) for call, at in fresh])
    kept = [_kept(call, one) for (call, _), one in zip(fresh, raised, strict=True)]
    await presses.keep_all(conn, [press for press in kept if press is not None])


async def raise_in_turn(conn: Connection, calls: Sequence[Call]) -> None:
    """Put what one device said in one breath into its cases, one after another: they may be of one case."""
    # Asked before the first of them is remembered under the name that they share.
    heard = [await _known(conn, call) for call in calls]
    for call, known in zip(calls, heard, strict=True):
        await raise_all(conn, Asked(calls=[call], heard=[known], look=await store.ask(conn, [call.alert])))
        if call.outcomes[-1] == REPEAT:
            return  # and so is all it says; it is told once


async def _known(conn: Connection, call: Call) -> hot.Cursor | None:
    source = call.source
    if source is None:
        return None
    test, severity = call.alert.test, int(call.alert.severity)
    if source.since is not None:
        return await presses.ask_going_on(conn, source.device_id, call.alert.kind, source.since, test=test)
    if source.identity is not None:
        return await presses.ask_seen(conn, source.device_id, source.identity)
    return await presses.ask_just_counted(conn, source.device_id, call.alert.kind, severity, source.at, test=test)


async def _heard_before(conn: Connection, call: Call, source: Source, incident_id: int) -> None:
    if source.since is not None:  # said every few seconds, and answered when it began
        call.outcomes.append(LASTING)
        return
    call.outcomes.append(MERGED if source.identity is None else REPEAT)
    if source.identity is not None:  # the device repeats itself because it did not hear that it was heard
        language = await presses.language(conn, source.device_id)
        listener = Listener(device_id=source.device_id, address=source.address, answered=True, language=language)
        said = incidents.say(Told(say=Say.RECEIVED, identity=source.identity), listener, incident_id)
        if said is not None:
            await presses.tell(conn, source.device_id, said.downlink)


def _kept(call: Call, raised: Raised) -> presses.Kept | None:
    call.outcomes.append("opened" if raised.opened else "rang" if raised.rang else "attached")
    if call.source is None or raised.incident_id is None:
        return None
    return presses.Kept(
        device_id=call.source.device_id, identity=call.source.kept_as, kind=call.alert.kind,
        incident_id=raised.incident_id, at=call.source.at,
    )  # fmt: skip
