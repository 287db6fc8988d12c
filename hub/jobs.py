"""What the urgent lane carries out: presses, findings, technical alerts, responders' answers. One transaction each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import structlog
from prometheus_client import Counter

from alerts.detectors import Cancel, Draft
from alerts.model import Alert, Severity
from alerts.witnesses import Outcome
from devices.telemetry import Stage, Telemetry
from hub import cancels, desk, incidents
from hub.alerts_made import alert_of, unread_alert
from hub.calls import Call, Source, ask, raise_all, raise_in_turn
from hub.device_table import NONE, DeviceTable
from hub.gather import Decoded, Gatherer, rings, unreadable
from hub.gathered import Gathered, Said
from hub.ingress.arrival import Arrival
from hub.store import presses, raw
from hub.store.pool import Connection
from hub.store.raw import BatchNumbers, UnreadableShelf
from hub.store.telemetry import moment
from hub.strangers import Strangers
from hub.telemetry_lane import STORED, UNREADABLE, settle, write_few
from hub.urgent_lane import Line

PRESSES = Counter("carehub_presses", "Alarms stated by devices, by what became of them", ["outcome"])
# As they are counted: "cancelled" has always been the one that ended a countdown.
CANCELS = {Outcome.ENDED: "cancelled", Outcome.NOTED: "cancel_noted", Outcome.LATE: "cancel_late"}
FINDINGS = Counter("carehub_findings", "What detectors noticed", ["rule"])
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """What jobs need of ingest."""

    table: DeviceTable
    gatherer: Gatherer
    numbers: BatchNumbers
    shelf: UnreadableShelf
    grown: Callable[[], None]  # the table has new rows
    fresh: Callable[[Gathered], Gathered]  # without the rows that were stored before
    observed: Callable[[int, Gathered], None]  # stored: show it to the detectors
    strangers: Strangers


class Press:
    """An urgent message: stored, put into its incident, and only then acknowledged."""

    def __init__(self, store: Store, arrival: Arrival, telemetries: Sequence[Telemetry]) -> None:
        self.key = telemetries[0].device if telemetries else arrival.topic
        self._store, self._arrival, self._telemetries = store, arrival, telemetries
        self._at = moment(arrival.received_ms)
        self._number = 0
        self._gathered: Gathered | None = None
        self._outcomes: list[str] = []

    async def prepare(self, conn: Connection) -> None:
        """Register devices nobody knows, without a limit: an SOS from anywhere reaches the operator."""
        self._outcomes = []
        table = self._store.table
        strangers = self._decoded().strangers() if self.alone else {}
        if strangers:
            await table.register(conn, list(strangers.values()), self._at)
            self._store.grown()

    def _decoded(self) -> Decoded:
        row_of = self._store.table.row_of
        said = [Said(self._arrival, t, row_of.get(t.device, NONE)) for t in self._telemetries]
        return Decoded(arrivals=[self._arrival], said=said)

    @property
    def line(self) -> Line:
        table = self._store.table
        rows = [table.row_of.get(telemetry.device, NONE) for telemetry in self._telemetries]
        somebody = any(row != NONE and table.resident(row) is not None for row in rows)
        return Line.SOMEBODY if somebody else Line.STRANGER

    @property
    def alone(self) -> bool:
        """Whether something must be committed before it."""
        return any(telemetry.device not in self._store.table.row_of for telemetry in self._telemetries)

    async def run(self, conn: Connection) -> None:
        if self._number and await raw.is_kept(conn, self._number):
            return  # the answer to the last commit was lost, the commit was not
        await together(conn, [self])

    @property
    def shelf(self) -> UnreadableShelf:
        return self._store.shelf

    async def begin(self, conn: Connection) -> tuple[int, Gathered]:
        """Return what is to be stored of it, under its number."""
        self._gathered = self._store.fresh(self._store.gatherer.finish(self._decoded()))
        self._number = self._number or await self._store.numbers.take(conn)
        return self._number, self._gathered

    def call(self) -> Call | None:
        """Return the one alarm this message is, if it is no more and no less."""
        heard = [(telemetry, rings(self._arrival, telemetry, self._store.table)) for telemetry in self._telemetries]
        told = [(telemetry, each) for telemetry, each in heard if each.drafts or each.cancels]
        if len(told) != 1 or len(told[0][1].drafts) != 1 or told[0][1].cancels:
            return None
        return self._call(told[0][0], told[0][1].drafts[0])

    async def one_by_one(self, conn: Connection) -> None:
        """Raise and cancel what this message says, in its order."""
        for telemetry in self._telemetries:
            row = self._store.table.row_of[telemetry.device]
            heard = rings(self._arrival, telemetry, self._store.table)
            await raise_in_turn(conn, [self._call(telemetry, draft, at) for at, draft in enumerate(heard.drafts)])
            for cancel in heard.cancels:
                await self._cancel(conn, row, cancel)

    def committed(self) -> None:
        settle([self._arrival])
        STORED.labels("urgent").inc()
        for what in self._outcomes:
            PRESSES.labels(what).inc()
        if self._gathered is not None and self._number:
            self._store.observed(self._number, self._gathered)

    async def give_up(self, conn: Connection, error: Exception) -> None:
        self._outcomes = ["unreadable"]
        self._gathered = None
        self._store.numbers.done(self._number)
        UNREADABLE.inc()
        await self._store.shelf.keep(conn, [unreadable(self._arrival, error)])
        await incidents.raise_alert(conn, unread_alert(self._arrival, self._store.table, str(error)))
        # What could not be stored was something beside the press: the press itself still rings, with nothing beside it.
        for telemetry in self._telemetries:
            for draft in rings(self._arrival, telemetry, self._store.table).drafts:
                if draft.severity is not Severity.TECHNICAL:
                    await incidents.raise_alert(conn, self._bare_alert(telemetry.device, draft))

    def _call(self, telemetry: Telemetry, draft: Draft, at: int = 0) -> Call:
        """Return what is raised. Several that one message states share its name; only the first is kept under it."""
        row = self._store.table.row_of[telemetry.device]
        since_ms = self._store.gatherer.lasting.since_ms(telemetry, self._arrival.received_ms)
        source = Source(
            device_id=int(self._store.table.device_id[row]), address=telemetry.device, identity=draft.identity,
            kept_as=_kept_as(draft, at) or f"{presses.NAMELESS}{draft.kind}:{self._arrival.received_ms}", at=self._at,
            since=None if since_ms is None else moment(since_ms),
        )  # fmt: skip
        return Call(alert=self._alert(row, draft), source=source, outcomes=self._outcomes)

    def _alert(self, row: int, draft: Draft) -> Alert:
        table, received_ms = self._store.table, self._arrival.received_ms
        alert = alert_of(
            table, row, kind=draft.kind, severity=draft.severity, rule=draft.rule, at=self._at,
            identity=draft.identity or f"{presses.NAMELESS}{received_ms}", named=draft.identity,
            measured_at=draft.measured_at, countdown_s=draft.countdown_s, evidence=draft.evidence,
        )  # fmt: skip
        case = self._store.strangers.case_of(table, row, received_ms)
        if case == row:
            return alert
        # It needs a name: nameless calls of one device within seconds are one, and these are of several.
        return replace(
            alert, device_id=int(table.device_id[case]), identity=alert.identity or alert.alert_id,
            evidence={**alert.evidence, "from": table.address[row]},
        )  # fmt: skip

    def _bare_alert(self, address: str, draft: Draft) -> Alert:
        row = self._store.table.row_of.get(address, NONE)
        bare = replace(draft, identity=None, measured_at=None, evidence={})
        if row != NONE:
            return self._alert(row, bare)
        return Alert(
            alert_id=f"bare:{draft.kind}:{self._arrival.received_ms}:{hash(self._arrival.payload)}", kind=draft.kind,
            severity=draft.severity, raised_at=self._at, rule=draft.rule, countdown_s=draft.countdown_s,
        )  # fmt: skip

    async def _cancel(self, conn: Connection, row: int, cancel: Cancel) -> None:
        """The wearer's cancel key ends a countdown; that a device's alarm is over ends nothing."""
        if cancel.stage is not Stage.CANCELLED:
            return
        table = self._store.table
        source = cancels.Source(
            device_id=int(table.device_id[row]), resident_id=table.resident(row), address=table.address[row],
            model=table.model[row],
        )  # fmt: skip
        outcome = await cancels.take_back(conn, source, cancel)
        if outcome is not None:
            self._outcomes.append(CANCELS[outcome])


class Ring:
    """An alert that is ready: found in a batch, by the passing of time, or about the hub itself."""

    alone = False

    def __init__(self, alert: Alert, done: Callable[[], None] = lambda: None) -> None:
        self.key = alert.dedup_key
        self.line = Line.FINDING if alert.severity is Severity.TECHNICAL else Line.SOMEBODY
        self.alert = alert
        self._done = done

    async def prepare(self, conn: Connection) -> None:
        """Nothing to do before."""

    async def run(self, conn: Connection) -> None:
        await incidents.raise_alert(conn, self.alert)

    def call(self) -> Call | None:
        """Return it as an alarm among others."""
        return Call(alert=self.alert)

    async def one_by_one(self, conn: Connection) -> None:
        """Raise it after others of the same case."""
        await self.run(conn)

    def committed(self) -> None:
        FINDINGS.labels(self.alert.rule or "").inc()
        self._done()

    async def give_up(self, conn: Connection, error: Exception) -> None:
        """A finding is never given up: its fault is ours, so it stays and is tried again."""
        raise error


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A responder's answer, as it stands in the payload."""

    page: int
    nonce: str
    verb: str
    to: str = ""


class Answer:
    """What a responder's terminal says about a page.

    Raises:
        msgspec.MsgspecError: The payload is no answer.
    """

    line = Line.SOMEBODY
    alone = True

    def __init__(self, store: Store, arrival: Arrival, person_id: int) -> None:
        self.key = f"person:{person_id}"
        self._store, self._arrival, self._person_id = store, arrival, person_id
        try:
            self._words = msgspec.json.decode(arrival.payload, type=Words)
        except (RecursionError, UnicodeDecodeError):  # thousands of brackets, half a letter: bad input like any other
            raise msgspec.DecodeError("no UTF-8, or nested too deep for an answer") from None
        self._number = 0

    async def prepare(self, conn: Connection) -> None:
        self._number = self._number or await self._store.numbers.take(conn)

    async def run(self, conn: Connection) -> None:
        arrival, words = self._arrival, self._words
        body = raw.pack([arrival.topic], [arrival.payload], [arrival.received_ms])
        await raw.keep_batch(conn, moment(arrival.received_ms), self._number, 1, body)
        try:
            await desk.answer(conn, self._person_id, words.page, words.nonce, words.verb, words.to)
        except desk.Refused as refused:
            log.info("answer refused", person=self._person_id, page=words.page, reason=refused.code)

    def committed(self) -> None:
        self._store.numbers.done(self._number)
        settle([self._arrival])

    async def give_up(self, conn: Connection, error: Exception) -> None:
        UNREADABLE.inc()
        await self._store.shelf.keep(conn, [unreadable(self._arrival, error)])


def _kept_as(draft: Draft, at: int) -> str | None:
    return f"{draft.identity}+{draft.kind}" if draft.identity is not None and at else draft.identity


async def together(conn: Connection, jobs: Sequence[Press | Ring]) -> None:
    """Carry out several in one transaction and pipeline, each of another device or case of detectors.

    All are asked about in one round trip and written in another; what is more than one alarm, or of a case that another
    one here has, follows in its turn.
    """
    first: dict[str, Call] = {}
    later: list[Press | Ring] = []
    for job in jobs:
        call = job.call()
        if call is None or first.setdefault(call.alert.dedup_key, call) is not call:
            later.append(job)
    asked = await ask(conn, list(first.values()))
    # While the database looks, what the messages said is made ready and sent after the question.
    few = [await job.begin(conn) for job in jobs if isinstance(job, Press)]
    if few:
        shelf = next(job.shelf for job in jobs if isinstance(job, Press))
        await write_few(conn, few, shelf)
    await raise_all(conn, asked)
    for job in later:
        await job.one_by_one(conn)
