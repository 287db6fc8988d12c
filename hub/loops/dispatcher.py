"""From the outbox to people: claims due pages, sends each through its channel, writes the receipt. At least once, and
every copy under one key."""

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram
from psycopg_pool import PoolTimeout

from alerts.model import Purpose, Severity
from hub.channels import wording
from hub.channels.attempt import attempt
from hub.channels.channel import Channel, Outcome, Receipt
from hub.loops import bell
from hub.loops.retries import ATTEMPTS, ATTEMPTS_WORDS, pause_s
from hub.store import outbox
from hub.store.outbox import Lane, Reached
from hub.store.pool import Connection, Pool, connect, tuned
from hub.store.sql import queries

Q = queries("outbox")
NEVER_LONGER_S = 1.0  # a lost NOTIFY costs at most this
TAKE_BACK_EVERY_S = 0.5
LEASE_MARGIN_S = 5.0  # a lease outlives its channel's timeout by at least this
PROVIDERS_AT_ONCE = 8  # a channel whose other ends hang one by one may have so many times its senders under way
RECEIPTS_AT_ONCE = 200  # written in one transaction
RECEIPT_TRIES = 5  # writing a receipt while the database restarts; after that the page is taken back and sent again

PAGES = Counter("carehub_pages_total", "Pages by what came of one attempt", ["channel", "outcome"])
UNDER_WAY = Gauge("carehub_pages_under_way", "Pages being sent", ["channel"])
TAKEN_BACK = Counter("carehub_pages_taken_back_total", "Pages taken back from workers that are gone or hang")
FIRST = Histogram(
    "carehub_first_page_seconds", "From opening an incident to its first page delivered or sent",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60),
)  # fmt: skip
SEND = Histogram("carehub_page_send_seconds", "How long a channel took", ["channel"])

log = structlog.get_logger()


@dataclass(frozen=True)
class _Arrived:
    """A receipt that waits to be written, and who waits for it."""

    reached: Reached
    written: asyncio.Future[datetime | None]

    def tell(self, now: datetime | None) -> None:
        if not self.written.done():
            self.written.set_result(now)

    def fail(self, error: Exception) -> None:
        if not self.written.done():
            self.written.set_exception(error)


@dataclass(kw_only=True)
class Dispatcher:
    """Sends pages until cancelled.

    Args:
        dsn: for the session whose advisory lock proves this worker's life.
        senders: pages under way at once, for each channel, or where it has several providers for each of them; ordinary
            pages may use a quarter of it.
    """

    dsn: str
    pool: Pool
    bell: asyncio.Event
    channels: Mapping[str, Channel]
    public_url: str
    link_key: str = field(repr=False)
    senders: int = 16
    lease_s: float = 30.0
    worker: int = 0
    passed_at: float = 0.0
    _busy: Tally[tuple[str, bool, str]] = field(default_factory=Tally)  # channel, urgent, provider
    _apart: Mapping[str, bool] = field(init=False)  # asked of every channel at every claim
    _arrived: list[_Arrived] = field(default_factory=list)
    _writing: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._apart = {name: _apart(channel) for name, channel in self.channels.items()}

    async def run(self) -> None:
        """Work under one number as long as its session lives; afterwards under a new one."""
        try:
            while True:
                try:
                    async with await connect(tuned(self.dsn), name="carehub dispatcher") as proof:
                        self.worker = await outbox.enlist(proof)
                        await outbox.hurry(proof)
                        log.info("dispatcher_enlisted", worker=self.worker)
                        await self._work(proof)
                except (psycopg.Error, PoolTimeout, OSError) as err:
                    log.warning("dispatcher_waits_for_database", error=type(err).__name__)
                    await asyncio.sleep(NEVER_LONGER_S)
        finally:
            await self._stop()

    async def once(self, proof: Connection) -> int:
        """In lock-step: send what is due, take back what is lost, and return when nothing is under way. The session
        `proof` must have enlisted `worker`."""
        sent = 0
        while await self._claim(proof) or await self._take_back(proof):
            sent += len(self._tasks)
            while self._tasks:
                await asyncio.wait(self._tasks)
        return sent

    async def _work(self, proof: Connection) -> None:
        checked = 0.0
        while True:
            self.bell.clear()
            claimed = await self._claim(proof)
            self.passed_at = time.monotonic()
            if claimed:
                await asyncio.sleep(0)  # they are sent before anything else is looked at
            if time.monotonic() - checked > TAKE_BACK_EVERY_S:
                checked = time.monotonic()
                claimed |= await self._take_back(proof)
            if not claimed:
                await bell.sleep(await self._pause(proof), self.bell)

    async def _claim(self, proof: Connection) -> bool:
        """Claim on the very session that proves our life: where it is lost, no claim can be made in its name."""
        rows = await outbox.claim(proof, self.worker, self._lanes())
        for row in rows:
            self._busy[self._place(row)] += 1
            task = asyncio.create_task(self._send(self.worker, row), name=f"page-{row['id']}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(rows)

    def _place(self, row: Mapping[str, Any]) -> tuple[str, bool, str]:
        """Return whose room a page takes."""
        channel = self.channels[row["channel"]]
        return (
            row["channel"],
            row["urgent"],
            provider_of(channel, row["address"]) if self._apart[row["channel"]] else "",
        )

    def _lanes(self) -> list[Lane]:
        return [
            self._lane(name, channel, urgent) for name, channel in self.channels.items() for urgent in (True, False)
        ]

    def _lane(self, name: str, channel: Channel, urgent: bool) -> Lane:
        """Return how much room there is. A provider that has all of its own is passed over, so that the others have
        theirs; one claim may go over a provider's room, and not by more than as much again."""
        own = self.senders if urgent else max(1, self.senders // 4)
        busy = {provider: count for (n, u, provider), count in self._busy.items() if (n, u) == (name, urgent)}
        full = tuple(provider for provider, count in busy.items() if count >= own) if self._apart[name] else ()
        others = sum(busy.values()) - sum(busy[provider] for provider in full)
        most = own * PROVIDERS_AT_ONCE if self._apart[name] else own
        return Lane(
            channel=name, urgent=urgent, lease_s=max(self.lease_s, channel.timeout_s + LEASE_MARGIN_S), full=full,
            room=min(own - others, most - sum(busy.values())),
        )  # fmt: skip

    async def _pause(self, proof: Connection) -> float:
        row = await (await proof.execute(Q.next_due)).fetchone()
        assert row is not None
        now, due_at = row
        pause = NEVER_LONGER_S if due_at is None else (due_at - now).total_seconds()
        # Due already and not claimed: no room, or somebody else's. Whoever finishes rings.
        return TAKE_BACK_EVERY_S if pause <= 0 else min(pause, TAKE_BACK_EVERY_S)

    async def _take_back(self, conn: Connection) -> bool:
        """Whether anything is ready again."""
        taken = await outbox.take_back(conn, alarm_tries=tuple(ATTEMPTS.values()), word_tries=ATTEMPTS_WORDS)
        for page_id, incident_id, state in taken:
            TAKEN_BACK.inc()
            log.warning("page_taken_back", page=page_id, incident=incident_id, state=state)
        return bool(taken)

    async def _send(self, worker: int, row: Mapping[str, Any]) -> None:
        """Send one page and write its receipt. Nothing that goes wrong here touches another page."""
        name: str = row["channel"]
        started = time.monotonic()
        try:
            with UNDER_WAY.labels(name).track_inprogress():
                compose = partial(wording.compose, row, public_url=self.public_url, link_key=self.link_key)
                receipt = await attempt(self.channels[name], compose, page=row["id"], incident=row["incident_id"])
            SEND.labels(name).observe(time.monotonic() - started)
            PAGES.labels(name, receipt.outcome).inc()
            await self._settle(worker, row, receipt)
        except Exception:  # the outermost level of this task: the lease brings the page back
            log.exception("page_lost_for_now", page=row["id"], incident=row["incident_id"], channel=name)
        finally:
            place = self._place(row)
            self._busy[place] -= 1
            if not self._busy[place]:
                del self._busy[place]
            self.bell.set()

    async def _settle(self, worker: int, row: Mapping[str, Any], receipt: Receipt) -> None:
        again = None
        if receipt.outcome in (Outcome.FAILED, Outcome.REFUSED):
            again = pause_s(
                Severity(row["severity"]), Purpose(row["purpose"]), receipt.outcome, row["attempts"],
                receipt.not_before_s,
            )  # fmt: skip
            log.info(
                "page_missed", page=row["id"], incident=row["incident_id"], channel=row["channel"],
                attempt=row["attempts"],
                why=receipt.detail, again_in_s=again,
            )  # fmt: skip
        now = await self._write(worker, row, receipt, again)
        reached = receipt.outcome in (Outcome.DELIVERED, Outcome.SENT)
        if now is not None and reached and (row["round"], row["step"], row["attempts"]) == (0, 0, 1):
            FIRST.observe((now - row["opened_at"]).total_seconds())

    async def _write(self, worker: int, row: Mapping[str, Any], receipt: Receipt, again: float | None) -> Any:
        receipt_s = self.channels[row["channel"]].receipt_s
        for left in reversed(range(RECEIPT_TRIES)):
            try:
                if receipt.outcome is Outcome.DELIVERED and (now := await self._reached(worker, row["id"], receipt)):
                    return now
                async with self.pool.connection() as conn:
                    return await outbox.settle(conn, worker, row["id"], receipt, again_s=again, receipt_s=receipt_s)
            except (psycopg.OperationalError, PoolTimeout):
                if not left:
                    raise
                await asyncio.sleep(NEVER_LONGER_S)
        return None

    async def _reached(self, worker: int, page_id: int, receipt: Receipt) -> datetime | None:
        """Write that a page arrived, with all that arrive meanwhile. None: somebody else holds or has the page."""
        written: asyncio.Future[datetime | None] = asyncio.get_running_loop().create_future()
        self._arrived.append(_Arrived(Reached(id=page_id, worker=worker, receipt=receipt.detail), written))
        if not self._writing:
            self._writing = True
            task = asyncio.create_task(self._write_all(), name="receipts")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await written

    async def _write_all(self) -> None:
        """Write what has arrived until nothing is left; a transaction that fails fails for everybody in it."""
        try:
            while self._arrived:
                batch, self._arrived = self._arrived[:RECEIPTS_AT_ONCE], self._arrived[RECEIPTS_AT_ONCE:]
                try:
                    async with self.pool.connection() as conn:
                        done = await outbox.settle_reached(conn, [one.reached for one in batch])
                except Exception as err:  # each of them decides whether to try again
                    for one in batch:
                        one.fail(err)
                else:
                    for one in batch:
                        one.tell(done.get(one.reached.id))
        finally:
            self._writing = False

    async def _stop(self) -> None:
        """Let pages under way finish for a moment: their receipts spare others a second copy."""
        if self._tasks:
            with suppress(TimeoutError):
                async with asyncio.timeout(NEVER_LONGER_S):
                    await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in tuple(self._tasks):
            task.cancel()


def provider_of(channel: Channel, address: str) -> str:
    """Return who an address is reached through; empty where the channel has only one way."""
    asked = getattr(channel, "provider", None)
    try:
        return str(asked(address)) if asked is not None else ""
    except ValueError:  # no URL at all: the channel refuses it in a moment
        return ""


def _apart(channel: Channel) -> bool:
    """Whether its other ends hang one by one: two addresses have two providers."""
    return provider_of(channel, "https://one.test/") != provider_of(channel, "https://two.test/")
