"""Reads one batch of messages: what each says, of which device, and whether it rings."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.detectors.sos import NOTHING, Heard, hear
from alerts.lasting import Lasting
from alerts.naming import Naming
from alerts.walked import Walked
from devices import registry, topics
from devices.adapter import DecodeError, Message
from devices.adapters.carehub_columns import decode_vitals
from devices.columns import Columns, joined
from devices.telemetry import Quality, Telemetry
from devices.values import accuracy, exact, location
from hub import clock
from hub.device_table import NONE, DeviceTable
from hub.discovered import Discovered
from hub.gathered import Gathered, Said, alive, columns_of, linked, observation_rows, packed, vitals_columns, window_row
from hub.ingress.arrival import Arrival
from hub.store.raw import Unreadable
from hub.store.telemetry import ObservationRow, clean, moment

VITALS = "/vitals"
LEVELS = 2  # slashes in a topic of carehub's profile
TOPICS_KNOWN = 65_536  # topics remembered with their rows: a million would take a hundred megabytes to save 0.3 µs
POSITION = b'"lat"'  # what columns have no room for
CAREHUB = "carehub/"
AT_ONCE = 64  # records decoded before the event loop gets its turn: they cost up to 50 µs each
CALL_BUTTON = "call-button"  # a device of this model is pressed for help, whatever word it sends
STATED_MODELS = 8  # models of one message that is read again because somebody said what its devices are
PAYLOAD, RECEIVED, RETAINED = map(attrgetter, ("payload", "received_ms", "retained"))


@dataclass(kw_only=True, slots=True)
class Decoded:
    """What the bytes say, before anybody asked the database who these devices are."""

    arrivals: list[Arrival]  # those that stay in this batch
    vitals: list[Arrival] = field(default_factory=list)
    vitals_rows: list[int] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    ringing: list[tuple[Arrival, list[Telemetry]]] = field(default_factory=list)  # belong to the urgent lane after all

    def strangers(self) -> dict[str, tuple[str, str, str]]:
        """Return (address, adapter, model) of the devices nobody knows yet, by address."""
        found = {s.telemetry.device: s.telemetry for s in self.said if s.row == NONE}
        fresh = {address: (address, t.adapter, clean(t.model or "")) for address, t in found.items()}
        for arrival, row in zip(self.vitals, self.vitals_rows, strict=True):
            if row == NONE:
                address = vitals_address(arrival.topic)
                fresh.setdefault(address, (address, "carehub/1", ""))
        return fresh


class _Place(msgspec.Struct, gc=False):
    lat: float | None = None
    lon: float | None = None
    accuracy_m: Any = None


class Gatherer:
    """Decodes and gathers, remembering which topic belongs to which row."""

    def __init__(self, table: DeviceTable) -> None:
        self.table = table
        self.vitals_row: dict[str, int] = {}  # topics of carehub vitals whose device is known: never urgent
        self.discovered = Discovered()
        self.lasting = Lasting()
        self.naming = Naming()
        self.walked = Walked()

    def forget(self) -> None:
        """The table changed: look topics up again."""
        self.vitals_row.clear()

    def read(self, arrival: Arrival) -> Sequence[Telemetry]:
        """Return what a message says; of devices whose model somebody stated, by that model.

        Raises:
            DecodeError: As `read`; or the bytes are not those of the model that was stated, and named no other.
        """
        telemetries = read(arrival, self.discovered)
        if arrival.topic.startswith(CAREHUB):
            return telemetries  # its profile says the same of every model
        return [self._told_before(arrival, one) for one in self._by_model(arrival, telemetries)]

    def _told_before(self, arrival: Arrival, telemetry: Telemetry) -> Telemetry:
        """Return a message in the light of what its device said before."""
        named = self.naming.hear(telemetry, arrival.received_ms)
        heard = self.lasting.hear(named, arrival.received_ms, retained=arrival.retained)
        return self.walked.hear(heard, arrival.received_ms, retained=arrival.retained)

    def _by_model(self, arrival: Arrival, telemetries: Sequence[Telemetry]) -> Sequence[Telemetry]:
        stated = {one.device: model for one in telemetries if (model := self._stated(one))}
        for model in list(dict.fromkeys(stated.values()))[:STATED_MODELS]:
            its = {device for device, other in stated.items() if other == model}
            again = self._again(arrival, model, [one for one in telemetries if one.device in its])
            telemetries = [*(one for one in telemetries if one.device not in its), *again]
        return telemetries

    def _stated(self, telemetry: Telemetry) -> str:
        """Return what the device is known to be, if that is more than its message says."""
        row = self.table.row_of.get(telemetry.device, NONE)
        model = self.table.stated_model[row] if row != NONE else ""
        return "" if model in (CALL_BUTTON, telemetry.model) else model

    def _again(self, arrival: Arrival, model: str, first: Sequence[Telemetry]) -> Sequence[Telemetry]:
        """Return what the message says of the same devices, read as one of this model."""
        devices = {one.device for one in first}
        try:
            again = [one for one in read(arrival, self.discovered, model) if one.device in devices]
        except DecodeError:
            if all(one.model is None for one in first):
                raise  # whoever wrote the model must hear that it is not this one
            return first
        return again or first

    async def decode(self, arrivals: Sequence[Arrival]) -> Decoded:
        """Return what the messages say. What cannot be read is kept with its error, what rings is set apart."""
        known = self.vitals_row
        batch = Decoded(arrivals=[])
        slow = 0
        for arrival in arrivals:
            row = known.get(arrival.topic)
            if row is None:
                row = self._vitals_row(arrival.topic)
            if row is not None:
                batch.vitals.append(arrival)
                batch.vitals_rows.append(row)
            else:
                self._records(arrival, batch)
                slow += 1
                if slow % AT_ONCE == 0:
                    await asyncio.sleep(0)
        if batch.ringing:
            apart = {id(arrival) for arrival, _ in batch.ringing}
            batch.arrivals = [arrival for arrival in arrivals if id(arrival) not in apart]
        else:
            batch.arrivals = list(arrivals)
        return batch

    def finish(self, batch: Decoded) -> Gathered:
        """Return the batch with every device's row looked up; devices that still have none are kept raw only."""
        for said in batch.said:
            said.row = self.table.row_of.get(said.telemetry.device, NONE)
        wide, wide_rows, places = self._vitals(batch)
        here = [s for s in batch.said if s.row != NONE]
        if here:
            lively = [s for s in here if alive(s)]
            rows = np.concatenate([wide_rows, np.array([s.row for s in lively], np.int64)])
            columns = joined(wide, columns_of(lively, self.table))
            number, behind = self.table.device_id, self.table.behind_ms
            observations = [line for s in here for line in observation_rows(s, int(number[s.row]), int(behind[s.row]))]
        else:
            rows, columns, observations = wide_rows, wide, []
        observations += places
        bursts = [(s.row, s.arrival.received_ms, s.telemetry.accel) for s in here if s.telemetry.accel is not None]
        first = batch.arrivals[0].received_ms if batch.arrivals else clock.now_ms()
        return Gathered(
            arrivals=batch.arrivals, rows=rows, columns=columns, observations=observations,
            windows=[window_row(int(self.table.device_id[row]), ms, burst) for row, ms, burst in bursts],
            bursts=bursts, unreadable=batch.unreadable, received_at=moment(first),
            bodies=((len(batch.arrivals), packed(batch.arrivals)),),
            strange=len(batch.said) - len(here) + batch.vitals_rows.count(NONE),
            links=[line for s in here if (line := linked(s)) is not None],
        )  # fmt: skip

    def _vitals_row(self, topic: str) -> int | None:
        """Return the row of a vitals topic of carehub's profile, NONE for a stranger's, None for any other topic."""
        if not (topic.endswith(VITALS) and topic.startswith(CAREHUB)):
            return None
        row = self.table.row_of.get(vitals_address(topic), NONE)
        if topics.parse(topic) is None if row == NONE else topic.count("/") != LEVELS:
            return None  # the name of a device that is known was looked at when it came
        if row != NONE and len(self.vitals_row) < TOPICS_KNOWN:
            self.vitals_row[topic] = row
        return row

    def _records(self, arrival: Arrival, batch: Decoded) -> None:
        try:
            telemetries = self.read(arrival)
        except DecodeError as err:
            batch.unreadable.append(unreadable(arrival, err))
            return
        if any(rings(arrival, t, self.table) is not NOTHING for t in telemetries):
            batch.ringing.append((arrival, list(telemetries)))
            return
        find = self.table.row_of.get
        batch.said += [Said(arrival, t, find(t.device, NONE)) for t in telemetries]

    def _vitals(self, batch: Decoded) -> tuple[Columns, NDArray[np.int64], list[ObservationRow]]:
        if not batch.vitals:
            return Columns.absent(0), np.zeros(0, np.int64), []
        if NONE in batch.vitals_rows:
            found = (self._vitals_row(a.topic) for a in batch.vitals)
            batch.vitals_rows = [NONE if row is None else row for row in found]
        rows = np.array(batch.vitals_rows, np.int64)
        received = np.array(list(map(RECEIVED, batch.vitals)), np.int64)
        told = decode_vitals(list(map(PAYLOAD, batch.vitals)), received)
        if told.errors:
            unread = np.flatnonzero(~told.ok).tolist()
            batch.unreadable += [unreadable(batch.vitals[at], told.errors[at]) for at in unread if at in told.errors]
        usable = told.ok & (rows != NONE)
        retained = list(map(RETAINED, batch.vitals))
        if any(retained):
            usable &= ~np.array(retained)
        columns = vitals_columns(told, np.where(rows != NONE, self.table.device_id[rows], 0), received)
        places = [
            row for at in np.flatnonzero(usable).tolist() if POSITION in batch.vitals[at].payload
            for row in place_rows(batch.vitals[at], int(columns.device[at]), int(columns.measured_ms[at]))
        ]  # fmt: skip
        return (columns, rows, places) if usable.all() else (columns.take(usable), rows[usable], places)


def read(arrival: Arrival, discovered: Discovered | None = None, model: str | None = None) -> Sequence[Telemetry]:
    """Return what a message says of which devices; a discovery message is learned on the way.

    `model` is what its device is known to be, as somebody wrote it down.

    Raises:
        DecodeError: Nobody speaks on this topic, the grammar is not followed, or the adapter itself failed.
    """
    adapter = registry.adapter_for(arrival.topic)
    if discovered is not None:
        discovered.learn(arrival.topic, arrival.payload)
        if adapter is None and discovered.adapter.claims(arrival.topic):
            adapter = discovered.adapter
    if adapter is None:
        raise DecodeError("none", "no adapter speaks on this topic")
    message = Message(
        topic=arrival.topic, payload=arrival.payload, received_at=moment(arrival.received_ms),
        retained=arrival.retained, model=model,
    )  # fmt: skip
    try:
        return adapter.decode(message)
    except DecodeError:
        raise
    except Exception as err:  # an adapter's fault must not stop the loop, and its message must not be lost
        raise DecodeError(adapter.name, f"adapter failed: {type(err).__name__}: {err}"[:300]) from err


def rings(arrival: Arrival, telemetry: Telemetry, table: DeviceTable) -> Heard:
    """Return what a message gives reason for. A retained state never rings: it is not a report of now."""
    if arrival.retained:
        return NOTHING
    row = table.row_of.get(telemetry.device, NONE)
    return hear(telemetry, call_button=row != NONE and table.model[row] == CALL_BUTTON)


def unreadable(arrival: Arrival, error: Exception) -> Unreadable:
    """Return what is kept of a message that could not be read."""
    return Unreadable(
        at=moment(arrival.received_ms), source=arrival.origin.name, topic=arrival.topic, payload=arrival.payload,
        error=str(error),
    )  # fmt: skip


def place_rows(arrival: Arrival, device_id: int, measured_ms: int) -> Iterator[ObservationRow]:
    """Yield the position that stands beside vital signs. As a record the whole message would cost ten times as much."""
    try:
        said = msgspec.json.decode(arrival.payload, type=_Place)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return  # no position; what else is wrong with the message was noticed
    for seen in location(said.lat, said.lon):
        if seen.quality is Quality.OK:
            yield ObservationRow(
                received_at=moment(arrival.received_ms), device_id=device_id, measured_at=moment(measured_ms),
                code=seen.code, number=float(exact(said.accuracy_m)), word=None, unit=None, quality=seen.quality.value,
                stage=None, channel=None, native=None, lat=seen.lat, lon=seen.lon, accuracy_m=accuracy(said.accuracy_m),
            )  # fmt: skip


def vitals_address(topic: str) -> str:
    """Return the device address in `carehub/<device>/vitals`."""
    return f"carehub:{topic[len(CAREHUB) : -len(VITALS)]}"
