"""Tells subscribers what happens to cases: signed, in each case's order, again until it is taken or given up."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from prometheus_client import Counter

from hub.api import messages, signing
from hub.api.outgoing import Answer, Guard, Outgoing
from hub.api.settings import ApiSettings
from hub.config import Settings
from hub.loops.turns import take_turns
from hub.sealed import SealError
from hub.store import api_answers as answers
from hub.store import events
from hub.store.console import Row
from hub.store.pool import Connection, Pool

EVERY_S = 1.0
AT_ONCE = 16  # told side by side
SWEEP_EVERY_S = 600.0
GONE = 410  # "never again", says the receiver
PAUSES_S = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)  # the last one for ever, until it is given up
TOLD = Counter("carehub_events_total", "Events told to subscribers, by what came of it", ["outcome"])
log = structlog.get_logger()


def pause(attempts: int, wish_s: float = 0.0) -> timedelta:
    """Return how long until the next try; attempts include this one."""
    return timedelta(seconds=max(PAUSES_S[min(attempts, len(PAUSES_S)) - 1], wish_s))


@dataclass(kw_only=True)
class EventsLoop:
    """Gathers and tells until cancelled. Any number may run."""

    dsn: str
    pool: Pool
    out: Outgoing
    settings: ApiSettings
    source: str
    key: str = field(repr=False)  # the hub's own: keys of subscriptions from before are made of it
    _swept_at: float = 0.0

    @classmethod
    def of(cls, settings: Settings, pool: Pool) -> "EventsLoop":
        guard = Guard(private=settings.api.private_networks)
        return cls(
            dsn=settings.database.dsn, pool=pool, out=Outgoing(guard), settings=settings.api,
            source=settings.public_url, key=settings.secrets.link_key,
        )  # fmt: skip

    async def run(self) -> None:
        async with self.out:
            await take_turns(self.dsn, "events", self.once, every_s=EVERY_S)

    async def once(self, conn: Connection) -> bool:
        """Read the chains, tell what is due; True: there is more."""
        _, more = await events.gather(conn, self.settings.keep_days)
        if time.monotonic() - self._swept_at > SWEEP_EVERY_S:
            await events.sweep(conn, self.settings.keep_days)
            await answers.sweep(conn)
            self._swept_at = time.monotonic()
        due = await events.claim(conn, AT_ONCE)
        await together([self._tell(one) for one in due])
        return more or bool(due)

    async def _tell(self, one: Row) -> None:
        try:
            answer = await self._send(one)
        except SealError as err:
            answer = Answer(status=0, why=str(err))
        async with self.pool.connection() as conn, conn.transaction():
            if answer.taken:
                await events.delivered(conn, one, answer.says)
            else:
                await self._missed(conn, one, answer)
        TOLD.labels("delivered" if answer.taken else "missed").inc()
        log.info("event_told", number=one["number"], subscription=one["subscription_id"], answer=answer.says)

    async def _missed(self, conn: Connection, one: Row, answer: Answer) -> None:
        patience = timedelta(days=self.settings.give_up_days)
        over = await events.missed(conn, one, answer.says, pause(one["attempts"], answer.again_s), patience)
        if over or answer.status == GONE:
            why = "gone (410)" if answer.status == GONE else f"nothing taken for {patience.days} days: {answer.says}"
            if await events.disable(conn, one["subscription_id"], why):
                log.error("subscription_disabled", subscription=one["subscription_id"], why=why)

    async def _send(self, one: Row) -> Answer:
        health = {name: one[name] for name in ("kind", "disposition")} if one["health"] else None
        body = messages.body(
            number=one["number"], incident=one["incident_id"], seq=one["seq"], at=one["at"], what=one["what"],
            area=one["area"], actor=one["actor"], after=one["after"], source=self.source, health=health,
            of={"resident": one["resident_id"], "device": one["device_id"], "severity": one["severity"],
                "test": one["test"]},
        )  # fmt: skip
        keys = events.keys(one, lambda salt: signing.secret(self.key, "subscription", salt))
        # The clock of this machine, not the hub's: a receiver compares with its own.
        headers = signing.headers(keys, messages.message_id(one["number"]), int(time.time()), body)
        return await self.out.post(one["url"], body, headers)


async def together(acts: list[Awaitable[None]]) -> None:
    """Do some things side by side; a fault in one is raised when all have ended."""
    for error in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(error, BaseException):
            raise error
