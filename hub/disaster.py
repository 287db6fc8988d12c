"""Disaster mode at the desk: a supervisor declares and ends it; operators act on many cases, one transaction each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import structlog

from alerts import surge
from alerts.events import Refused as EngineRefused
from hub import desk
from hub.incidents import UnknownIncidentError
from hub.refusals import Refused
from hub.store import surges
from hub.store.incidents import RaceError
from hub.store.pool import Connection, hub_now
from hub.taps import actor

AT_ONCE = 200  # cases one press of a button acts on: as many as a screen shows
TRIES = 4  # of one case whose transaction fell to another's …
PAUSE_S = 0.02  # … each this much later than the one before: whoever was in the way has ended
FELL = frozenset({"40001", "40P01"})  # serialization, deadlock: the same again may well succeed
WAITED = frozenset({"55P03", "57014"})  # a lock not had, a statement cut off: it has taken long enough
log = structlog.get_logger()


async def declare(conn: Connection, person_id: int, area: str, reason: str, minutes: int) -> int:
    """Begin disaster mode for an area ("" means everywhere), and return its number.

    Raises:
        Refused: Not a supervisor, no reason, too long, or it is on there already.
    """
    await _supervisor(conn, person_id)
    async with conn.transaction():
        await surges.lock(conn)
        now = await hub_now(conn)
        if any(other.area == area for other in await surges.active(conn)):
            raise Refused("surge_running")
        try:
            begun = surge.declare(area, reason, now, now + timedelta(minutes=minutes))
        except EngineRefused as no:
            raise Refused(no.reason, no.text) from no
        number = await surges.insert(conn, begun, person_id)
    log.warning("disaster_mode_declared", surge=number, area=area, person_id=person_id, minutes=minutes)
    return number


async def end(conn: Connection, person_id: int, surge_id: int) -> bool:
    """End it before its time; False when it was over already."""
    await _supervisor(conn, person_id)
    async with conn.transaction():
        await surges.lock(conn)
        ended = await surges.end(conn, surge_id, person_id)
    if ended:
        log.warning("disaster_mode_ended", surge=surge_id, person_id=person_id)
    return ended


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What became of a button that was meant for many cases."""

    done: tuple[int, ...] = ()
    refused: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # by code


async def take_all(conn: Connection, incidents: Iterable[int], person_id: int, *, nonce: str | None = None) -> Batch:
    """An operator handles all of these."""
    return await _each(incidents, lambda i: desk.take(conn, i, person_id, nonce=nonce))


async def send_to_all(
    conn: Connection, incidents: Iterable[int], by: int, person_id: int, *, nonce: str | None = None
) -> Batch:
    """One responder goes to all of these: one house, one way."""
    return await _each(incidents, lambda i: desk.dispatch(conn, i, by, person_id, nonce=nonce))


async def note_all(
    conn: Connection, incidents: Iterable[int], person_id: int, text: str, *, nonce: str | None = None
) -> Batch:
    """Write the same words into all of these."""
    return await _each(incidents, lambda i: desk.note(conn, i, person_id, text, nonce=nonce))


async def _each(incidents: Iterable[int], act: Callable[[int], Awaitable[object]]) -> Batch:
    """Each case in a transaction of its own, with its own entry in its own chain; what one refuses stops no other."""
    done: list[int] = []
    refused: dict[str, list[int]] = {}
    for incident_id in list(dict.fromkeys(incidents))[:AT_ONCE]:
        try:
            await _patiently(incident_id, act)
        except Refused as no:
            refused.setdefault(no.code, []).append(incident_id)
        except UnknownIncidentError:
            refused.setdefault("no_such_case", []).append(incident_id)
        else:
            done.append(incident_id)
    return Batch(done=tuple(done), refused={code: tuple(ids) for code, ids in refused.items()})


async def _patiently(incident_id: int, act: Callable[[int], Awaitable[object]]) -> None:
    """Act on one case, again when its transaction fell to another's.

    A connection that is gone is no case's own: it ends the batch.
    """
    fell: Exception | None = None
    for tried in range(TRIES):
        await asyncio.sleep(PAUSE_S * tried)
        try:
            await act(incident_id)
        except RaceError as error:
            fell = error
        except psycopg.Error as error:
            if error.sqlstate not in FELL | WAITED:
                raise
            fell = error
            if error.sqlstate in WAITED:
                break
        else:
            return
    log.warning("batch_case_not_done", incident=incident_id, error=type(fell).__name__, detail=str(fell)[:200])
    raise Refused("busy") from fell


async def _supervisor(conn: Connection, person_id: int) -> None:
    if (await actor(conn, person_id)).role != "supervisor":
        raise Refused("not_a_supervisor")
