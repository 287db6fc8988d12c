"""Ingest: messages in; stored, judged, put into incidents; acknowledged only after the commit.

Two lanes. What may be a press, a fall or an alarm goes through at once in a transaction of its own; telemetry goes in
columnar batches. What a batch gives reason for opens incidents in transactions of their own.
"""

import asyncio
import contextlib
import time
from datetime import datetime, timedelta
from types import TracebackType
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import psycopg
import structlog

from alerts.detectors import DETECTORS
from alerts.detectors.detector import Finding
from alerts.detectors.fall_model import FallModel
from alerts.detectors.sos import NOTHING
from alerts.model import AlertError
from devices import registry, topics
from devices.adapter import DecodeError
from devices.telemetry import Telemetry
from hub.config import Settings
from hub.detection import Detection
from hub.device_table import DeviceTable
from hub.errors import HubError
from hub.fall_streams import FallStreams
from hub.gather import Gathered, Gatherer, rings
from hub.ingress.arrival import Arrival
from hub.jobs import Answer, Press, Ring, Store, finding_alert, system_alert, together, unread_alert
from hub.keeper import Keeper
from hub.loops import bell
from hub.models import fall_model
from hub.steady import Backoff, Steady
from hub.store import checkpoints, device_life, discovered, incidents, partitions, presses, records
from hub.store.pool import connect
from hub.store.raw import BatchNumbers, Unreadable, UnreadableShelf
from hub.store.telemetry import moment
from hub.strangers import Strangers
from hub.supervision import Gateway, Loss, Supervision
from hub.supervision_jobs import TellBack, TellLoss
from hub.supervision_writer import SupervisionWriter
from hub.telemetry_lane import Newcomers, TelemetryLane
from hub.urgent_lane import UrgentLane

PARTITION = 0  # one ingest carries one machine's load; beyond it, devices are partitioned
WAITING_BYTES = 256 << 20  # payloads received and not yet committed
ROOM_AGAIN = 0.8  # of the limit: what must have gone before sockets are read again
TICK_S = 1.0
OBSERVED_AT_ONCE = 2048  # messages shown to the detectors before the event loop gets its turn
UPKEEP_S = 600.0
REFRESH_S = 60.0  # also without a notification
REFRESH_PAUSE_S = 0.2  # a hundred devices registered one by one are one look at the table
UNREAD_ALERTS_PER_HOUR = 20  # technical alerts about unreadable messages; beyond it they are only kept and counted
DRAIN_S = 5.0  # twice, and a supervisor still need not kill us
RESPONDERS = f"{topics.ROOT}/{topics.RESPONDER}/"

log = structlog.get_logger()


class OwnershipLostError(HubError):
    """Another ingest took over the devices while the database was away. This one must end and wait for its turn."""


class Ingest:
    """The heart. `async with Ingest(settings, dsn)` waits until no other ingest owns the devices."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        limits = settings.ingest
        self._settings, self._dsn = settings, dsn
        self.table = DeviceTable(limits.default_deadline_s)
        self.detection = Detection(self.table, DETECTORS)
        self.falls = FallStreams(_fall_model(), limits.accel_streams)
        self._gatherer = Gatherer(self.table)
        self.supervision = Supervision(
            self.table, self.detection, lose=self._lose, back=self._back, offset_ms=_midnight_ms(settings)
        )
        self._supervised = SupervisionWriter(self.supervision, dsn)
        self._numbers = BatchNumbers()
        self._shelf = UnreadableShelf(limits.unreadable_keep_mb << 20)
        self._newcomers = Newcomers(limits.new_devices_per_hour, watches=not limits.watch_allow_list)
        self._urgent = UrgentLane(dsn, limits.urgent_connections, together, incidents.warm)
        self._telemetry = TelemetryLane(
            dsn=dsn, table=self.table, detection=self.detection, gatherer=self._gatherer, numbers=self._numbers,
            shelf=self._shelf, newcomers=self._newcomers, batch_messages=limits.batch_messages,
            batch_wait_ms=limits.batch_wait_ms, ringing=self._press, observed=self._observe,
        )  # fmt: skip
        self._store = Store(
            table=self.table, gatherer=self._gatherer, numbers=self._numbers, shelf=self._shelf,
            grown=self.detection.fit, fresh=self._telemetry.without_repeats, observed=self._observe_urgent,
            strangers=Strangers(),
        )  # fmt: skip
        self._keeper = Keeper(self.detection, self._numbers, PARTITION)
        self._known_topics = self._gatherer.vitals_row
        self._put_telemetry = self._telemetry.put
        self._most = limits.waiting_messages
        self._room = asyncio.Event()
        self._unread = (0, 0)  # hour, alerts in it
        self._discovery_mark = ""  # how far what bridges told of has been read
        self._open_findings = 0
        self._burst_lines: asyncio.Queue[tuple[int, Gathered]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._own = Steady(dsn, "carehub ingest owner")
        self.lost: asyncio.Future[None] | None = None  # fails when this ingest must end
        self.ready = False
        self._closing = False

    # What the ways in call (hub.ingress.arrival.Intake).

    def submit(self, arrival: Arrival) -> None:
        """Take a message. Returns at once; `arrival.origin` hears after the commit."""
        topic = arrival.topic
        if topic in self._known_topics or not (topic.startswith(RESPONDERS) or registry.urgent(topic, arrival.payload)):
            self._put_telemetry(arrival)
        else:
            self._submit_urgent(arrival)

    @property
    def full(self) -> bool:
        """More is waiting than the limit allows: stop reading sockets until `wait_room` returns."""
        return self._telemetry.crowded(self._most - self._urgent.waiting, WAITING_BYTES) or self._closing

    async def wait_room(self) -> None:
        """Return when `full` has not been true for some messages: a thousand sockets are not stopped for every few."""
        roomy = self._most * ROOM_AGAIN
        while self._closing or self._telemetry.crowded(int(roomy) - self._urgent.waiting, WAITING_BYTES // 2):
            self._room.clear()
            await bell.sleep(TICK_S, self._room)

    def rejected(self, source: str, topic: str, payload: bytes, error: str) -> None:
        """Keep and count bytes that never became a message. Never raises."""
        if self._telemetry.waiting_bytes < WAITING_BYTES:
            at = moment(int(time.time() * 1000))
            self._telemetry.reject(Unreadable(at=at, source=source, topic=topic, payload=payload, error=error))

    def technical(self, rule: str, text: str) -> None:
        """Raise a technical alert about a way in. Never raises."""
        log.warning("technical alert", rule=rule, text=text)
        self._urgent.put(Ring(system_alert(rule, text)))

    # Life.

    async def __aenter__(self) -> "Ingest":
        log.info("waiting to own the devices", partition=PARTITION)
        try:
            await checkpoints.own(await self._own.get(), PARTITION)
            found = await self._load()
        except BaseException:
            await self._own.drop()
            raise
        self.lost = asyncio.get_running_loop().create_future()
        for name, work in (
            ("urgent lane", self._urgent.run()), ("telemetry lane", self._telemetry.run()), ("ticks", self._ticks()),
            ("device changes", self._follow_devices()), ("checkpoints", self._checkpoints()),
            ("upkeep", self._upkeep()), ("fall streams", self._judge_bursts()), ("ownership", self._keep_ownership()),
            ("supervision", self._supervised.run()),
        ):  # fmt: skip
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        self._raise(found)
        if not self.falls.judging:
            self.technical("fall_model", "no fall model can be read: install carehub again")
        self.ready = True
        log.info("ingest ready", devices=len(self.table), replayed_findings=len(found))
        return self

    async def _load(self) -> list[Finding]:
        """Learn the devices and bring the detectors' state back; returns what the replay found."""
        async with await connect(self._dsn, name="carehub ingest start") as conn:
            now = moment(int(time.time() * 1000))
            await partitions.ensure(conn, now)
            await records.note_grammars(conn)
            await self._shelf.measure(conn)
            await self.table.load(conn)
            self._discovery_mark = await discovered.mark(conn)
            self._gatherer.discovered.load(await discovered.load(conn))
            self._gatherer.naming.load(await presses.counters(conn), int(now.timestamp() * 1000))
            self.detection.fit()
            found = await self._keeper.restore(conn, self.falls, now)
            self.detection.fit()  # what was restored is older than the table
            await self._supervised.load(conn)
            return found

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit and acknowledge what was received, save the detectors' state, let the devices go."""
        self.ready = False
        try:
            if kind is None or issubclass(kind, asyncio.CancelledError):
                # Without a database nothing can be said goodbye to: what is not acknowledged is sent again.
                with contextlib.suppress(TimeoutError, psycopg.Error, OSError):
                    async with asyncio.timeout(DRAIN_S):
                        await self._goodbye()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._own.drop()

    async def _goodbye(self) -> None:
        await self.drained()
        async with await connect(self._dsn, name="carehub ingest end") as conn:
            await self._keeper.save(conn, moment(int(time.time() * 1000)), everything=True)
            await self._supervised.once(conn, everything=True)

    def stop_reading(self) -> None:
        """We are about to end: the ways in take nothing more, so that what is here can be committed."""
        self._closing = True

    async def drained(self) -> None:
        """Return when everything received so far is committed, judged and acknowledged."""
        await self._telemetry.drained()
        await self._burst_lines.join()
        await self._urgent.drained()

    @property
    def waiting(self) -> int:
        """Messages received and not yet committed."""
        return self._telemetry.waiting + self._urgent.waiting

    def tick(self, now_ms: int) -> None:
        """Let time pass for all detectors at once; `_ticks` does the same with pauses."""
        for found in self.detection.tick(now_ms):
            self._raise(found, now_ms)
        self.supervision.tick(now_ms)

    # The urgent lane.

    def _submit_urgent(self, arrival: Arrival) -> None:
        person_id = topics.answering_person(arrival.topic)
        try:
            if person_id is not None:
                self._urgent.put(Answer(self._store, arrival, person_id))
            else:
                self._press(arrival, list(self._gatherer.read(arrival)))
            if arrival.origin.unsettled > 1:  # its acknowledgement must not wait behind the telemetry before it
                self._telemetry.hurry()
        except (DecodeError, msgspec.MsgspecError) as err:
            self._put_telemetry(arrival)  # kept with its error in the next batch; the flood of them delays no press
            self._tell_unread(arrival, err)

    def _press(self, arrival: Arrival, telemetries: list[Telemetry]) -> None:
        """A message that rings goes alone; one that might have rung and does not goes with the rest."""
        if any(rings(arrival, telemetry, self.table) is not NOTHING for telemetry in telemetries):
            self._urgent.put(Press(self._store, arrival, telemetries))
        else:
            self._put_telemetry(arrival)

    def _tell_unread(self, arrival: Arrival, error: Exception) -> None:
        hour = arrival.received_ms // 3_600_000
        told = self._unread[1] if self._unread[0] == hour else 0
        adapter = registry.adapter_for(arrival.topic)
        if adapter is None or told >= UNREAD_ALERTS_PER_HOUR:
            return
        self._unread = (hour, told + 1)
        self._urgent.put(Ring(unread_alert(arrival, self.table, str(error))))

    def _observe_urgent(self, number: int, gathered: Gathered) -> None:
        self._raise(self.detection.observe(gathered.rows, gathered.columns))
        self.supervision.observe(gathered.rows, gathered.columns, gathered.links)
        self._after(number, gathered)

    # Telemetry.

    async def _observe(self, number: int, gathered: Gathered) -> None:
        for start in range(0, len(gathered.rows), OBSERVED_AT_ONCE):
            part = np.arange(start, min(start + OBSERVED_AT_ONCE, len(gathered.rows)))
            self._raise(self.detection.observe(gathered.rows[part], gathered.columns.take(part)))
            await asyncio.sleep(0)
        self.supervision.observe(gathered.rows, gathered.columns, gathered.links)
        self._after(number, gathered)

    def _after(self, number: int, gathered: Gathered) -> None:
        if gathered.bursts:
            self._burst_lines.put_nowait((number, gathered))
        else:
            self._numbers.done(number)
        self._room.set()

    async def _judge_bursts(self) -> None:
        while True:
            number, gathered = await self._burst_lines.get()
            try:
                self._raise(await self.falls.feed(gathered.bursts))
            finally:
                self._numbers.done(number)
                self._burst_lines.task_done()

    def _raise(self, found: list[Finding], now_ms: int = 0) -> None:
        if self.detection.failed:
            self.technical("detector_failed", f"failed on a batch: {', '.join(sorted(self.detection.failed))}")
            self.detection.failed.clear()
        now = moment(int(time.time() * 1000))
        found = self.supervision.alone(found, now_ms or int(time.time() * 1000)) if found else found
        for finding in found:
            self._open_findings += 1
            self._urgent.put(Ring(finding_alert(self.table, finding, now), self._raised))

    def _lose(self, loss: Loss) -> None:
        self._urgent.put(TellLoss(self.table, loss, self.detection.fit))

    def _back(self, gateway: Gateway) -> None:
        self._urgent.put(TellBack(self.table, gateway))

    def _raised(self) -> None:
        self._open_findings -= 1

    # What happens by itself.

    async def _ticks(self) -> None:
        while True:
            now_ms = int(time.time() * 1000)
            for found in self.detection.tick(now_ms):
                self._raise(found, now_ms)
                await asyncio.sleep(0)
            self.supervision.tick(now_ms)
            self._room.set()
            await asyncio.sleep(TICK_S)

    async def _follow_devices(self) -> None:
        """Keep the table fresh: on a notification, and after every reconnection, when one may have been missed."""
        backoff = Backoff()
        async with Steady(self._dsn, "carehub ingest devices") as steady:
            while True:
                conn = await steady.get()
                try:
                    await conn.execute("listen carehub_config")
                    await self._refresh(conn)
                    backoff.reset()
                    while True:
                        # The generator holds the connection as long as it lives: it must have ended before we ask.
                        async for _ in conn.notifies(timeout=REFRESH_S, stop_after=1):
                            pass
                        await asyncio.sleep(REFRESH_PAUSE_S)
                        await self._refresh(conn)
                except psycopg.Error as err:
                    log.warning("device changes not followed", error=str(err)[:200])
                    await asyncio.sleep(backoff.next_s())

    async def _refresh(self, conn: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        await device_life.settle(conn)
        if await self.table.refresh(conn):
            self._gatherer.forget()
            self.detection.fit()
        mark = await discovered.mark(conn)
        self._gatherer.discovered.load(await discovered.changed(conn, self._discovery_mark))
        self._discovery_mark = mark

    async def _checkpoints(self) -> None:
        async with Steady(self._dsn, "carehub ingest checkpoints") as steady:
            while True:
                await asyncio.sleep(self._settings.ingest.checkpoint_s)
                if self._open_findings:
                    continue  # a finding that is not saved yet must be found again by a successor
                try:
                    await self._keeper.save(await steady.get(), moment(int(time.time() * 1000)))
                except psycopg.Error as err:
                    log.warning("checkpoint failed", error=str(err)[:200])

    async def _upkeep(self) -> None:
        limits = self._settings.ingest
        kept = partitions.Retention(
            telemetry=timedelta(days=limits.telemetry_keep_days),
            observation=timedelta(days=limits.telemetry_keep_days),
            raw_batch=timedelta(days=limits.raw_keep_days), raw_bytes=limits.raw_keep_mb << 20,
        )  # fmt: skip
        async with Steady(self._dsn, "carehub ingest upkeep") as steady:
            while True:
                await asyncio.sleep(UPKEEP_S)
                now = moment(int(time.time() * 1000))
                try:
                    conn = await steady.get()
                    await partitions.ensure(conn, now)
                    dropped = await partitions.sweep(conn, now, kept)
                except psycopg.Error as err:
                    log.warning("partitions not kept", error=str(err)[:200])
                else:
                    if dropped:
                        log.info("dropped old partitions", partitions=dropped)

    async def _keep_ownership(self) -> None:
        """The lock died with its connection: take it again, or end if somebody else has it."""
        while True:
            conn = await self._own.get()
            try:
                await asyncio.sleep(TICK_S)
                await conn.execute("select 1")
            except psycopg.Error:
                await self._own.drop()
                if not await self._own_again():
                    raise OwnershipLostError("another ingest owns the devices now: this one ends") from None

    async def _own_again(self) -> bool:
        try:
            return await checkpoints.try_own(await self._own.get(), PARTITION)
        except psycopg.Error:
            await self._own.drop()
            return await self._own_again()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A loop that ends by itself is a fault: the process must end, and its successor starts from the checkpoint."""
        if task.cancelled():
            return
        error = task.exception() or HubError(f"{task.get_name()} ended")
        log.error("ingest must end", task=task.get_name(), exc_info=error)
        self.ready = False
        if self.lost is not None and not self.lost.done():
            self.lost.set_exception(error)


def _midnight_ms(settings: Settings) -> int:
    """Return the district's offset from UTC now; where clocks are put forward, a day has another hour's edge."""
    offset = datetime.now(ZoneInfo(settings.console.zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() * 1000)


def _fall_model() -> FallModel | None:
    try:
        return fall_model()
    except (AlertError, OSError, KeyError, ValueError) as err:
        log.error("fall model cannot be read", error=str(err)[:200])
        return None


__all__ = ["Ingest", "OwnershipLostError"]
