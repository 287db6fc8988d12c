"""The telemetry lane: many messages, one transaction; acknowledged when it has committed, then shown to detectors."""

import asyncio
import dataclasses
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import TypeAlias

import structlog
from prometheus_client import Counter, Gauge, Histogram

from devices import registry
from devices.protocols import PROTOCOLS
from devices.telemetry import Telemetry
from hub import clock
from hub.detection import Detection
from hub.device_table import DeviceTable
from hub.gather import CAREHUB, VITALS, Decoded, Gatherer, unreadable
from hub.gathered import Gathered, merged
from hub.ingress.arrival import Arrival, Origin
from hub.steady import Backoff, Steady, database_fault
from hub.storage import REFUSED, Storage
from hub.store import discovered, raw, telemetry
from hub.store.pool import Connection
from hub.store.raw import BatchNumbers, Unreadable, UnreadableShelf

# A number anybody can put into a frame: an installation may ask for registration first.
TRACKERS = tuple({f"{found.scheme}:" for each in PROTOCOLS if (found := registry.adapter_for(each.topic)) is not None})
SETTLED_AT_ONCE = 256
SLICE = 1024  # messages decoded and gathered before the event loop gets its turn
SURGE = 4  # so many batches share a transaction while there is a backlog: commits, not bytes, are what is slow then
REJECTED_BYTES = 8 << 20  # bytes that never became a message and wait to be kept, at most
REJECTED_ROW_BYTES = 1_000  # what one of them costs beside its payload
BATCH_BYTES = 8 << 20  # payloads in one transaction, at most

STORED = Counter("carehub_stored_messages", "Messages committed", ["lane"])
REPEATED = Counter("carehub_repeated_messages", "Telemetry recognised as sent before")
UNREADABLE = Counter("carehub_unreadable_messages", "Messages kept with the error that made them unreadable")
UNKEPT = Counter("carehub_unkept_messages", "Broken packets and frames counted only: too many at once, or no database")
STRANGE = Counter("carehub_unregistered_messages", "Telemetry of unknown devices kept raw only")
HALVED = Counter("carehub_halved_batches", "Batches cut in two because they could not be stored")
BATCH = Histogram(
    "carehub_batch_messages", "Messages in a transaction", buckets=(1, 4, 16, 64, 256, 512, 1024, 2048, 4096)
)
SECONDS = Histogram(
    "carehub_batch_seconds",
    "From the first message's arrival to the commit",
    buckets=(0.01, 0.03, 0.06, 0.1, 0.3, 1, 3, 10),
)
BACKLOG = Gauge("carehub_telemetry_waiting", "Telemetry received and not yet committed")
log = structlog.get_logger()


Ringing: TypeAlias = tuple[Arrival, list[Telemetry]]


class Newcomers:
    """How many unknown devices may still be registered this hour."""

    def __init__(self, per_hour: int, *, watches: bool = True) -> None:
        self.per_hour, self.watches = per_hour, watches
        self._hour = -1
        self._left = 0

    def admit(self, wanted: Sequence[tuple[str, str, str]], now: datetime) -> list[tuple[str, str, str]]:
        """Return those that may be registered now."""
        hour = int(now.timestamp() // 3600)
        if hour != self._hour:
            self._hour, self._left = hour, self.per_hour
        welcome = [one for one in wanted if self.watches or not one[0].startswith(TRACKERS)]
        return welcome[: self._left]

    def spent(self, count: int) -> None:
        self._left -= count


class TelemetryLane:
    """Collects by number and time, stores, acknowledges, then calls `observed` with what was stored.

    Args:
        ringing: takes messages that turn out to hold an alarm.
        observed: called after the commit with the batch's number and content.
    """

    def __init__(
        self, *, dsn: str, table: DeviceTable, detection: Detection, gatherer: Gatherer, numbers: BatchNumbers,
        shelf: UnreadableShelf, newcomers: Newcomers, batch_messages: int, batch_wait_ms: int,
        ringing: Callable[[Arrival, list[Telemetry]], None], observed: Callable[[int, Gathered], Awaitable[None]],
        storage: Storage | None = None, budget: raw.Budget | None = None,
    ) -> None:  # fmt: skip
        self._storage, self._budget = storage, budget
        self._dsn, self._table, self._detection, self._gatherer = dsn, table, detection, gatherer
        self._numbers, self._shelf, self._newcomers = numbers, shelf, newcomers
        self._most, self._wait_s = batch_messages, batch_wait_ms / 1000
        self._ringing, self._observed = ringing, observed
        self._waiting: deque[Arrival] = deque()
        self._rejected: list[Unreadable] = []
        self._rejected_bytes = 0
        self._some, self._go = asyncio.Event(), asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._under_way, self._began = 0, 0.0
        self.waiting_bytes = 0

    @property
    def waiting(self) -> int:
        """Messages received and not yet committed."""
        return len(self._waiting) + self._under_way

    def crowded(self, most: int, most_bytes: int) -> bool:
        """Whether more waits than this. Asked at every read of every socket."""
        return len(self._waiting) + self._under_way >= most or self.waiting_bytes >= most_bytes

    def put(self, arrival: Arrival) -> None:
        """Take a message. Well below a microsecond."""
        waiting = self._waiting
        waiting.append(arrival)
        self.waiting_bytes += len(arrival.payload)
        if len(waiting) == 1:
            self._some.set()
            self._idle.clear()
        elif len(waiting) == self._most:
            self._go.set()

    def reject(self, row: Unreadable) -> None:
        """Keep bytes that never became a message, with the next batch. Their senders wait for nothing and nobody stops
        them while the database is away: beyond a limit they are only counted."""
        size = len(row.payload) + REJECTED_ROW_BYTES
        if self._rejected_bytes + size > REJECTED_BYTES:
            UNKEPT.inc()
            return
        self._rejected_bytes += size
        self._rejected.append(row)
        self._some.set()
        self._idle.clear()

    def let_go(self) -> None:
        """There is no room for what waits: its senders keep it. What is being stored stays under way."""
        # What is not vital signs may ring when it is read: it waits for its turn.
        vitals = [arrival for arrival in self._waiting if _is_vitals(arrival.topic)]
        self._waiting = deque(arrival for arrival in self._waiting if not _is_vitals(arrival.topic))
        refuse(vitals)
        self.waiting_bytes = sum(len(arrival.payload) for arrival in self._waiting)

    @property
    def under_way_s(self) -> float:
        """How long the batch that is being stored has taken; 0 when none is."""
        return asyncio.get_running_loop().time() - self._began if self._under_way else 0.0

    def hurry(self) -> None:
        """Do not wait for more: a press stands behind what is here."""
        self._go.set()

    async def drained(self) -> None:
        """Return when nothing waits."""
        self._go.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        async with Steady(self._dsn, "carehub telemetry") as steady:
            while True:
                await self._some.wait()
                if len(self._waiting) < self._most:
                    timer = loop.call_later(self._wait_s, self._go.set)
                    await self._go.wait()
                    timer.cancel()
                self._go.clear()
                await self._turn(steady)
                self._rest()

    async def _turn(self, steady: Steady) -> None:
        arrivals, rejected = self._take(), self._rejected
        self._rejected, self._rejected_bytes = [], 0
        self._under_way, self._began = len(arrivals), asyncio.get_running_loop().time()
        try:
            if self._storage is not None and self._storage.short:
                await self._turn_away(arrivals)
                UNKEPT.inc(len(rejected))
            else:
                await self._store(steady, arrivals, rejected)
        finally:
            self._under_way = 0

    def _rest(self) -> None:
        BACKLOG.set(len(self._waiting))
        if len(self._waiting) >= self._most:
            self._go.set()
        elif not self._waiting and not self._rejected:
            self._some.clear()
            self._idle.set()

    def _take(self) -> list[Arrival]:
        waiting = self._waiting
        most = self._most * SURGE
        if len(waiting) <= most and self.waiting_bytes <= BATCH_BYTES:
            taken = list(waiting)
            waiting.clear()
            self.waiting_bytes = 0
            return taken
        taken, size = [], 0
        while waiting and len(taken) < most and size <= BATCH_BYTES:
            taken.append(waiting.popleft())
            size += len(taken[-1].payload)
        self.waiting_bytes -= size
        return taken

    async def _store(self, steady: Steady, arrivals: list[Arrival], rejected: list[Unreadable]) -> None:
        """Store a batch however long it takes; cut it in two where its content is at fault."""
        backoff = Backoff()
        number = 0
        while True:
            conn = await steady.get()
            try:
                if number and await raw.is_kept(conn, number):
                    break  # the answer to the last commit was lost, the commit was not
                gathered, ringing = await self._gather(conn, arrivals)
                gathered.unreadable.extend(rejected)
                number = number or await self._numbers.take(conn)
                found = dict(self._gatherer.discovered.fresh)
                async with conn.transaction():
                    await write(conn, self._thinned(gathered, number), number, self._shelf)
                    if found:
                        await discovered.keep(conn, found, gathered.received_at)
                self._gatherer.discovered.stored(found)
                break
            except Exception as err:
                if self._storage is not None and self._storage.said_full(err):
                    await self._turn_away(arrivals)
                    UNKEPT.inc(len(rejected))
                    self._numbers.done(number)
                    return
                if database_fault(err):
                    log.warning("telemetry not stored, trying again", error=str(err)[:200], messages=len(arrivals))
                    await asyncio.sleep(backoff.next_s())
                    continue
                log.error("batch cannot be stored", messages=len(arrivals), exc_info=err)
                if number:
                    self._numbers.done(number)
                await self._smaller(steady, arrivals, rejected, err)
                return
        await self._committed(conn, number, gathered, ringing)

    async def _turn_away(self, arrivals: list[Arrival]) -> None:
        """There is no room for telemetry. It is read all the same: what rings goes where presses go."""
        for start in range(0, len(arrivals), SLICE):
            decoded = await self._gatherer.decode(arrivals[start : start + SLICE])
            for arrival, telemetries in decoded.ringing:
                self._ringing(arrival, telemetries)
            refuse(decoded.arrivals)

    def _thinned(self, gathered: Gathered, number: int) -> Gathered:
        """Leave out bytes there is no room for; that the batch was committed can still be told by its number."""
        kept = self._budget is None or self._budget.keeps(number, gathered.bodies, clock.now_ms() / 1000)
        if kept and (self._storage is None or self._storage.keeps_raw):
            return gathered
        raw.NOT_KEPT.inc(sum(messages for messages, _ in gathered.bodies))
        return dataclasses.replace(gathered, bodies=tuple((messages, b"") for messages, _ in gathered.bodies))

    async def _gather(self, conn: Connection, arrivals: list[Arrival]) -> tuple[Gathered, list[Ringing]]:
        """Decode piece by piece, each small enough for the event loop; what rings is set apart."""
        parts, ringing = [], []
        for start in range(0, max(1, len(arrivals)), SLICE):
            decoded = await self._gatherer.decode(arrivals[start : start + SLICE])
            await self._meet(conn, decoded)
            parts.append(self._gatherer.finish(decoded))
            ringing += decoded.ringing
            await asyncio.sleep(0)
        return self.without_repeats(merged(parts)), ringing

    async def _smaller(
        self, steady: Steady, arrivals: list[Arrival], rejected: list[Unreadable], error: Exception
    ) -> None:
        HALVED.inc()
        if len(arrivals) > 1:
            middle = len(arrivals) // 2
            await self._store(steady, arrivals[:middle], rejected)
            await self._store(steady, arrivals[middle:], [])
        elif arrivals:
            await self._keep_alone(steady, arrivals, [unreadable(arrivals[0], error), *rejected])
        else:
            await self._keep_alone(steady, [], rejected)

    async def _keep_alone(self, steady: Steady, arrivals: list[Arrival], rows: list[Unreadable]) -> None:
        """The bad message stands alone: it is kept as it came, with what was wrong, and acknowledged."""
        backoff = Backoff()
        while True:
            conn = await steady.get()
            try:
                async with conn.transaction():
                    await self._shelf.keep(conn, rows)
                break
            except Exception as err:
                log.error("unreadable message not kept yet", exc_info=err)
                await asyncio.sleep(backoff.next_s())
        UNREADABLE.inc(len(rows))
        settle(arrivals)
        await self._trim(conn)

    async def _meet(self, conn: Connection, decoded: Decoded) -> None:
        """Register devices heard for the first time, as many as this hour still allows."""
        strangers = decoded.strangers()
        if not strangers:
            return
        now = telemetry.moment(clock.now_ms())
        admitted = self._newcomers.admit(list(strangers.values()), now)
        if admitted:
            before = len(self._table)
            await self._table.register(conn, admitted, now)
            self._newcomers.spent(len(self._table) - before)
            self._detection.fit()

    def without_repeats(self, gathered: Gathered) -> Gathered:
        """Return a batch without the rows that were stored before. Changes nothing but the count of them."""
        if len(gathered.rows) == 0:
            return gathered
        fresh = self._detection.fresh(gathered.rows, gathered.columns)
        if fresh.all():
            return gathered
        REPEATED.inc(int((~fresh).sum()))
        return gathered.only(fresh)

    async def _committed(self, conn: Connection, number: int, gathered: Gathered, ringing: list[Ringing]) -> None:
        for start in range(0, len(gathered.arrivals), SETTLED_AT_ONCE):
            settle(gathered.arrivals[start : start + SETTLED_AT_ONCE])
            await asyncio.sleep(0)  # a thousand connections are a thousand system calls: others get their turn between
        for arrival, telemetries in ringing:
            self._ringing(arrival, telemetries)
        STORED.labels("telemetry").inc(len(gathered.arrivals))
        STRANGE.inc(gathered.strange)
        BATCH.observe(len(gathered.arrivals))
        SECONDS.observe(max(0.0, clock.now_ms() / 1000 - gathered.received_at.timestamp()))
        await self._observed(number, gathered)
        if gathered.unreadable:
            UNREADABLE.inc(len(gathered.unreadable))
            await self._trim(conn)

    async def _trim(self, conn: Connection) -> None:
        try:
            await self._shelf.trim(conn)
        except Exception as err:
            log.warning("unreadable messages not trimmed", error=str(err)[:200])


async def write(conn: Connection, gathered: Gathered, number: int, shelf: UnreadableShelf) -> None:
    """Write one batch. Call inside a transaction."""
    for messages, body in gathered.bodies:
        await raw.keep_batch(conn, gathered.received_at, number, messages, body)
    if len(gathered.columns):
        await telemetry.write_wide(conn, gathered.columns, number)
    if gathered.observations:
        await telemetry.write_observations(conn, gathered.observations, number)
    if gathered.windows:
        await telemetry.write_windows(conn, gathered.windows, number)
    if gathered.unreadable:
        await shelf.keep(conn, gathered.unreadable)


async def write_few(conn: Connection, few: Sequence[tuple[int, Gathered]], shelf: UnreadableShelf) -> None:
    """Write some urgent messages, each a batch of its number. Call inside a transaction; in pipeline mode nothing here
    waits."""
    await raw.keep_batches(conn, [
        (gathered.received_at, number, messages, body) for number, gathered in few for messages, body in gathered.bodies
    ])  # fmt: skip
    for number, gathered in few:
        await telemetry.insert(conn, gathered.columns, gathered.observations, gathered.windows, number)
        if gathered.unreadable:
            await shelf.keep(conn, gathered.unreadable)


def _is_vitals(topic: str) -> bool:
    return topic.startswith(CAREHUB) and topic.endswith(VITALS)


def refuse(arrivals: Collection[Arrival]) -> None:
    """Let go of messages there is no room for: their senders still have them, and nobody waits behind them."""
    REFUSED.inc(len(arrivals))
    touched: dict[int, Origin] = {}
    for arrival in arrivals:
        arrival.origin.refuse(arrival.token)
        touched[id(arrival.origin)] = arrival.origin
    for origin in touched.values():
        origin.flush()


def settle(arrivals: Sequence[Arrival]) -> None:
    """Acknowledge committed messages: each origin is written to once."""
    touched: dict[int, Origin] = {}
    for arrival in arrivals:
        origin = arrival.origin
        origin.settle(arrival.token)
        touched[id(origin)] = origin
    for origin in touched.values():
        origin.flush()
