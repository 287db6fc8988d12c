"""She does not answer: while somebody is on the way, her device is told again and again to dial the desk."""

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
import structlog

from alerts.model import ENDED
from devices.orders import Call, OrderError
from hub import incidents
from hub.refusals import Refused
from hub.store import device_commands
from hub.store import incidents as store
from hub.store.console import Row, row, rows
from hub.store.pool import Connection, Pool
from hub.store.sql import queries

Q = queries("desk")
log = structlog.get_logger()
EVERY = timedelta(seconds=60)
MOST = 5  # tries of one case; afterwards somebody is there, or the device does not answer either
LOOK_S = 5.0
_SPACES = re.compile(r"[\s\-()]")


def number_of(desk_phone: str) -> Call | None:
    """Return what makes a device dial the desk; None where the desk has no number that a device could dial."""
    try:
        return Call(number=_SPACES.sub("", desk_phone))
    except OrderError:
        return None


async def dial(conn: Connection, incident_id: int, device: int, call: Call, by: str) -> bool:
    """Tell a device to dial the desk, and write it into the case; False when it cannot or was told a moment ago."""
    try:
        async with conn.transaction():
            at = await incidents.situation(conn, incident_id)
            if at.incident is None or at.incident.state in ENDED:
                return False
            told = await device_commands.ask(conn, str(device), by, call, incident_id=incident_id)
            await store.append(conn, at, by, "device_told", {"device": device, "order": "call", "command": told})
    except Refused as no:
        log.info("retry_refused", incident_id=incident_id, device_id=device, code=no.code)
        return False
    return True


async def first(conn: Connection, incident_id: int, desk_phone: str, by: str) -> bool:
    """Have the device that called dial the desk, now; the rest of the tries follows by itself."""
    call = number_of(desk_phone)
    found = await row(conn, _DEVICE, incident=incident_id)
    if call is None or found is None or not device_commands.can(found["address"], found["model"], call):
        return False
    return await dial(conn, incident_id, found["device"], call, by)


async def standing(conn: Connection, it: Row, desk_phone: str) -> Row | None:
    """Return how the tries of a case stand, for its page; None where nobody tries."""
    if not it["no_speech"] or it["ended"] or it["state"] not in ("taken", "dispatched", "en_route"):
        return None
    call = number_of(desk_phone)
    found = await row(conn, _DEVICE, incident=it["id"]) if call else None
    tries = await row(conn, Q.tries, incident=it["id"])
    assert tries is not None
    can = bool(call and found and device_commands.can(found["address"], found["model"], call))
    due = tries["last"] + EVERY if can and tries["last"] and tries["count"] < MOST else None
    return {"can": can, "count": tries["count"], "due_at": due}


_DEVICE = b"""select d.id as device, d.address, coalesce(d.model, '') as model
from incident i join device d on d.id = i.device_id and d.state <> 'retired' where i.id = %(incident)s"""


class Retries:
    """The loop of one console process. Several do no harm: the same order within seconds is one."""

    def __init__(self, pool: Pool, desk_phone: str) -> None:
        self._pool = pool
        self._call = number_of(desk_phone)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._call is not None:
            group = asyncio.TaskGroup()
            await self._stack.enter_async_context(group)
            task = group.create_task(self._run(self._call), name="console retries")
            self._stack.callback(task.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _run(self, call: Call) -> None:
        while True:
            try:
                async with self._pool.connection() as conn:
                    await turn(conn, call)
            except (psycopg.Error, OSError) as error:
                log.warning("retries_lost", error=type(error).__name__)
            await asyncio.sleep(LOOK_S)


async def turn(conn: Connection, call: Call) -> int:
    """Tell every device that is due; returns how many."""
    due = await rows(conn, Q.to_retry, every=EVERY, most=MOST)
    told = [
        await dial(conn, each["id"], each["device"], call, "hub")
        for each in due if device_commands.can(each["address"], each["model"], call)
    ]  # fmt: skip
    return sum(told)
