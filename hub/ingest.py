"""Ingest: messages in; stored, judged, put into incidents; acknowledged only after the commit.

Two lanes. What may be a press, a fall or an alarm goes through at once in a transaction of its own; telemetry goes in
columnar batches. What a batch gives reason for opens incidents in transactions of their own.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import structlog

from alerts.detectors import detectors
from alerts.detectors.detector import Finding
from alerts.detectors.fall_model import FallModel
from alerts.detectors.sos import NOTHING
from alerts.model import AlertError
from devices import registry, topics
from devices.adapter import DecodeError
from devices.telemetry import Telemetry
from hub import clock, upkeep, usual
from hub.alerts_made import system_alert, unread_alert
from hub.config import Settings
from hub.detection import Detection
from hub.device_changes import DeviceChanges
from hub.device_table import DeviceTable
from hub.errors import HubError
from hub.fall_streams import FallStreams
from hub.gather import Gatherer, rings
from hub.ingress.arrival import Arrival
from hub.jobs import Answer, Press, Ring, Store, together
from hub.keeper import Keeper
from hub.loops import bell
from hub.models import fall_model
from hub.observer import Observer
from hub.ownership import Ownership
from hub.steady import Steady
from hub.storage import Storage
from hub.store import incidents, partitions, presses, records
from hub.store.pool import Connection, connect
from hub.store.raw import BatchNumbers, Budget, Unreadable, UnreadableShelf
from hub.store.telemetry import moment
from hub.strangers import Strangers
from hub.supervision import Supervision
from hub.supervision_jobs import TellBack, TellLoss
from hub.supervision_writer import SupervisionWriter
from hub.telemetry_lane import Newcomers, TelemetryLane
from hub.urgent_lane import UrgentLane

PARTITION = 0  # one ingest carries one machine's load; beyond it, devices are partitioned
WAITING_BYTES = 256 << 20  # payloads received and not yet committed
ROOM_AGAIN = 0.8  # of the limit: what must have gone before sockets are read again
TICK_S = 1.0
UNREAD_ALERTS_PER_HOUR = 20  # technical alerts about unreadable messages; beyond it they are only kept and counted
DRAIN_S = 5.0  # twice, and a supervisor still need not kill us
RESPONDERS = f"{topics.ROOT}/{topics.RESPONDER}/"

log = structlog.get_logger()


class Ingest:
    """The heart. `async with Ingest(settings, dsn)` waits until no other ingest owns the devices.

    Args:
        by_hand: time does not pass by itself: whoever moves the clock calls `pass_time`, `write_behind`, `checkpoint`.
    """

    def __init__(self, settings: Settings, dsn: str, *, by_hand: bool = False) -> None:
        limits = settings.ingest
        self._settings, self._dsn, self._by_hand = settings, dsn, by_hand
        self.table = DeviceTable(limits.default_deadline_s)
        self.detection = Detection(self.table, detectors(_midnight_ms(settings) // 60_000))
        self.falls = FallStreams(_fall_model(), limits.accel_streams)
        self._gatherer = Gatherer(self.table)
        self._room = asyncio.Event()
        self.storage = Storage(dsn, limits, self)
        self._urgent = UrgentLane(dsn, limits.urgent_connections, together, incidents.warm, full=self.storage.said_full)
        self.supervision = Supervision(
            self.table, self.detection, offset_ms=_midnight_ms(settings),
            lose=lambda loss: self._urgent.put(TellLoss(self.table, loss, self.detection.fit)),
            back=lambda gateway: self._urgent.put(TellBack(self.table, gateway)),
        )  # fmt: skip
        self._supervised = SupervisionWriter(self.supervision, dsn)
        self._numbers = BatchNumbers()
        self._shelf = UnreadableShelf(limits.unreadable_keep_mb << 20)
        self._newcomers = Newcomers(limits.new_devices_per_hour, watches=not limits.watch_allow_list)
        self.observer = Observer(
            table=self.table, detection=self.detection, falls=self.falls, supervision=self.supervision,
            numbers=self._numbers, put=self._urgent.put, technical=self.technical, freed=self._room.set,
        )  # fmt: skip
        self._telemetry = TelemetryLane(
            dsn=dsn, table=self.table, detection=self.detection, gatherer=self._gatherer, numbers=self._numbers,
            shelf=self._shelf, newcomers=self._newcomers, batch_messages=limits.batch_messages,
            batch_wait_ms=limits.batch_wait_ms, ringing=self._press, observed=self.observer.batch,
            storage=self.storage, budget=Budget(limits.raw_keep_mb << 20, limits.raw_keep_days * 86_400.0),
        )  # fmt: skip
        self._store = Store(
            table=self.table, gatherer=self._gatherer, numbers=self._numbers, shelf=self._shelf,
            grown=self.detection.fit, fresh=self._telemetry.without_repeats, observed=self.observer.urgent,
            strangers=Strangers(),
        )  # fmt: skip
        self._changes = DeviceChanges(self.table, self._gatherer, self.detection.fit, self._bring_usual)
        self._keeper = Keeper(self.detection, self._numbers, PARTITION, _midnight_ms(settings) // 60_000)
        self._known_topics = self._gatherer.vitals_row
        self._put_telemetry = self._telemetry.put
        self._most = limits.waiting_messages
        self._unread = (0, 0)  # hour, alerts in it
        self._tasks: list[asyncio.Task[None]] = []
        self._own = Ownership(dsn, PARTITION)
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
            at = moment(clock.now_ms())
            self._telemetry.reject(Unreadable(at=at, source=source, topic=topic, payload=payload, error=error))

    def technical(self, rule: str, text: str) -> None:
        """Raise a technical alert about a way in. Never raises."""
        log.warning("technical alert", rule=rule, text=text)
        self._urgent.put(Ring(system_alert(rule, text)))

    # Life.

    async def __aenter__(self) -> "Ingest":
        log.info("waiting to own the devices", partition=PARTITION)
        try:
            await self._own.take()
            found = await self._load()
        except BaseException:
            await self._own.drop()
            raise
        self.lost = asyncio.get_running_loop().create_future()
        for name, work in (
            ("urgent lane", self._urgent.run()), ("telemetry lane", self._telemetry.run()),
            ("fall streams", self.observer.judge_bursts()), ("device changes", self._changes.follow(self._dsn)),
            ("ownership", self._own.hold()), *(() if self._by_hand else self._by_the_clock()),
        ):  # fmt: skip
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        self.observer.raise_all(found)
        if not self.falls.judging:
            self.technical("fall_model", "no fall model can be read: install carehub again")
        self.ready = True
        log.info("ingest ready", devices=len(self.table), replayed_findings=len(found))
        return self

    async def _load(self) -> list[Finding]:
        """Learn the devices and bring the detectors' state back; returns what the replay found."""
        async with await connect(self._dsn, name="carehub ingest start") as conn:
            now = moment(clock.now_ms())
            await partitions.ensure(conn, now)
            await records.note_grammars(conn)
            await self._shelf.measure(conn)
            await self._changes.load(conn)
            self._gatherer.naming.load(await presses.counters(conn), int(now.timestamp() * 1000))
            self.detection.fit()
            found = await self._keeper.restore(conn, self.falls, now)
            self.detection.fit()  # what was restored is older than the table
            await self._bring_usual(conn)
            await self._supervised.load(conn)
            return found

    async def _bring_usual(self, conn: Connection) -> None:
        """Who has another watch is no stranger."""
        now = moment(clock.now_ms())
        await usual.bring(conn, self.detection, now, _midnight_ms(self._settings) // 60_000)

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
            await self._keeper.save(conn, moment(clock.now_ms()), everything=True)
            await self._supervised.once(conn, everything=True)

    @property
    def held_up_s(self) -> float:
        """How long one batch of telemetry has kept sockets from being read; 0: they are read."""
        return self._telemetry.under_way_s if self.full and not self._closing else 0.0

    def let_go(self) -> None:
        """Telemetry that waits is not taken: presses behind it are read."""
        self._telemetry.let_go()
        self._room.set()

    def stop_reading(self) -> None:
        """We are about to end: the ways in take nothing more, so that what is here can be committed."""
        self._closing = True

    async def drained(self) -> None:
        """Return when everything received so far is committed, judged and acknowledged."""
        await self._telemetry.drained()
        await self.observer.drained()
        await self._urgent.drained()

    @property
    def waiting(self) -> int:
        """Messages received and not yet committed."""
        return self._telemetry.waiting + self._urgent.waiting

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

    # What happens by itself.

    def _by_the_clock(self) -> tuple[tuple[str, Coroutine[Any, Any, None]], ...]:
        return (
            ("ticks", self.observer.ticks()), ("checkpoints", self._checkpoints()),
            ("upkeep", upkeep.run(self._settings, self._dsn)), ("supervision", self._supervised.run()),
            ("storage", self.storage.run()),
        )  # fmt: skip

    async def pass_time(self) -> None:
        """By hand: let the detectors see that it is later, and raise what they find."""
        await self.observer.tick(clock.now_ms())

    async def write_behind(self, conn: Connection) -> None:
        """By hand: one turn of what supervision writes."""
        await self._supervised.once(conn)

    async def checkpoint(self, conn: Connection) -> None:
        """By hand: save some of the detectors' state."""
        await self._keeper.save(conn, moment(clock.now_ms()))

    async def _checkpoints(self) -> None:
        async with Steady(self._dsn, "carehub ingest checkpoints") as steady:
            while True:
                await asyncio.sleep(self._settings.ingest.checkpoint_s)
                if self.observer.raising:
                    continue  # a finding that is not saved yet must be found again by a successor
                try:
                    await self._keeper.save(await steady.get(), moment(clock.now_ms()))
                except psycopg.Error as err:
                    log.warning("checkpoint failed", error=str(err)[:200])

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
    offset = clock.now(ZoneInfo(settings.console.zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() * 1000)


def _fall_model() -> FallModel | None:
    try:
        return fall_model()
    except (AlertError, OSError, KeyError, ValueError) as err:
        log.error("fall model cannot be read", error=str(err)[:200])
        return None
