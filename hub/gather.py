"""Makes one batch of messages: arrivals in, columns, observations, acceleration bursts and raw bytes out."""

import asyncio
import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.detectors.sos import NOTHING, Heard, hear
from alerts.lasting import Lasting
from alerts.naming import Naming
from devices import registry, topics
from devices.adapter import DecodeError, Message
from devices.adapters.carehub_columns import VitalsBatch, decode_vitals
from devices.codes import COLUMN_OF
from devices.columns import ABSENT, Columns
from devices.telemetry import AccelWindow, Observation, Quality, Telemetry, TimeQuality
from hub.device_table import NONE, DeviceTable
from hub.discovered import Discovered
from hub.ingress.arrival import Arrival
from hub.store import raw
from hub.store.raw import Unreadable
from hub.store.telemetry import ObservationRow, WindowRow, clean, moment
from hub.supervision import Linked

VITALS = "/vitals"
CAREHUB = "carehub/"
AT_ONCE = 64  # records decoded before the event loop gets its turn: they cost up to 50 µs each
FLOATS = (
    "heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg", "diastolic_mmhg", "battery_pct",
)  # fmt: skip
CALL_BUTTON = "call-button"  # a device of this model is pressed for help, whatever word it sends
STATED_MODELS = 8  # models of one message that is read again because somebody said what its devices are
LARGEST_INTEGER = 2**62
TOPIC, PAYLOAD, RECEIVED, RETAINED = map(attrgetter, ("topic", "payload", "received_ms", "retained"))


class Said(msgspec.Struct, gc=False):
    """One decoded message of one device."""

    arrival: Arrival
    telemetry: Telemetry
    row: int = NONE


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """One batch, ready to be stored. `rows` and `columns`: what was heard for the first time, in order of arrival."""

    arrivals: list[Arrival]
    rows: NDArray[np.int64]
    columns: Columns
    observations: list[ObservationRow]
    windows: list[WindowRow]
    bursts: list[tuple[int, int, AccelWindow]]  # device row, received_ms, samples: for the fall streams
    unreadable: list[Unreadable]
    bodies: tuple[tuple[int, bytes], ...]  # raw bytes as packed by hub.store.raw, with how many messages each holds
    received_at: datetime
    strange: int = 0  # messages of devices that may not be registered now: kept raw only
    links: list[Linked] = field(default_factory=list)  # for supervision: gateways, lines, batteries that are low

    def only(self, picked: NDArray[np.bool_]) -> "Gathered":
        """Return the batch with some of its rows; everything else stays."""
        return dataclasses.replace(self, rows=self.rows[picked], columns=self.columns.take(picked))


def merged(parts: Sequence[Gathered]) -> Gathered:
    """Return several batches as one, in order."""
    if len(parts) == 1:
        return parts[0]
    return Gathered(
        arrivals=[a for part in parts for a in part.arrivals],
        rows=np.concatenate([part.rows for part in parts]),
        columns=_joined(*(part.columns for part in parts)),
        observations=[line for part in parts for line in part.observations],
        windows=[line for part in parts for line in part.windows],
        bursts=[burst for part in parts for burst in part.bursts],
        unreadable=[line for part in parts for line in part.unreadable],
        bodies=tuple(body for part in parts for body in part.bodies),
        received_at=parts[0].received_at,
        strange=sum(part.strange for part in parts),
        links=[line for part in parts for line in part.links],
    )


class Gatherer:
    """Decodes and gathers, remembering which topic belongs to which row."""

    def __init__(self, table: DeviceTable) -> None:
        self.table = table
        self.vitals_row: dict[str, int] = {}  # topics of carehub vitals whose device is known: never urgent
        self.discovered = Discovered()
        self.lasting = Lasting()
        self.naming = Naming()

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
        return self.lasting.hear(named, arrival.received_ms, retained=arrival.retained)

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
        wide, wide_rows = self._vitals(batch)
        here = [s for s in batch.said if s.row != NONE]
        if here:
            alive = [s for s in here if _alive(s)]
            rows = np.concatenate([wide_rows, np.array([s.row for s in alive], np.int64)])
            columns = _joined(wide, _columns_of(alive, self.table))
            observations = [line for s in here for line in _observation_rows(s, int(self.table.device_id[s.row]))]
        else:
            rows, columns, observations = wide_rows, wide, []
        bursts = [(s.row, s.arrival.received_ms, s.telemetry.accel) for s in here if s.telemetry.accel is not None]
        first = batch.arrivals[0].received_ms if batch.arrivals else int(time.time() * 1000)
        return Gathered(
            arrivals=batch.arrivals, rows=rows, columns=columns, observations=observations,
            windows=[_window_row(int(self.table.device_id[row]), ms, burst) for row, ms, burst in bursts],
            bursts=bursts, unreadable=batch.unreadable, received_at=moment(first),
            bodies=((len(batch.arrivals), _packed(batch.arrivals)),),
            strange=len(batch.said) - len(here) + batch.vitals_rows.count(NONE),
            links=[line for s in here if (line := _linked(s)) is not None],
        )  # fmt: skip

    def _vitals_row(self, topic: str) -> int | None:
        """Return the row of a vitals topic of carehub's profile, NONE for a stranger's, None for any other topic."""
        if not (topic.endswith(VITALS) and topic.startswith(CAREHUB)) or topics.parse(topic) is None:
            return None
        row = self.table.row_of.get(vitals_address(topic), NONE)
        if row != NONE:
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

    def _vitals(self, batch: Decoded) -> tuple[Columns, NDArray[np.int64]]:
        if not batch.vitals:
            return EMPTY, np.zeros(0, np.int64)
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
        columns = _vitals_columns(told, np.where(rows != NONE, self.table.device_id[rows], 0), received)
        return (columns, rows) if usable.all() else (columns.take(usable), rows[usable])


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


def _packed(arrivals: Sequence[Arrival]) -> bytes:
    return raw.pack(list(map(TOPIC, arrivals)), list(map(PAYLOAD, arrivals)), list(map(RECEIVED, arrivals)))


def unreadable(arrival: Arrival, error: Exception) -> Unreadable:
    """Return what is kept of a message that could not be read."""
    return Unreadable(
        at=moment(arrival.received_ms), source=arrival.origin.name, topic=arrival.topic, payload=arrival.payload,
        error=str(error),
    )  # fmt: skip


def vitals_address(topic: str) -> str:
    """Return the device address in `carehub/<device>/vitals`."""
    return f"carehub:{topic[len(CAREHUB) : -len(VITALS)]}"


def _alive(said: Said) -> bool:
    """Whether the device itself spoke just now: not a retained state, not its last will."""
    return not said.arrival.retained and not any(
        o.code == "link.online" and o.value is False for o in said.telemetry.observations
    )


def _linked(said: Said) -> Linked | None:
    """Return what a message says of its device's line and supply. A retained battery state is not a report of now."""
    via, online, low = said.telemetry.via or getattr(said.arrival.origin, "account", None), None, None
    for seen in said.telemetry.observations:
        if seen.code == "link.online" and isinstance(seen.value, bool):
            online = seen.value
        elif seen.code == "battery.low" and seen.quality is Quality.OK and isinstance(seen.value, bool):
            low = seen.value if not said.arrival.retained else None
    if via is None and online is None and low is None:
        return None
    return Linked(said.row, said.arrival.received_ms, via, online, low)


def _measured_ms(said: Said, seen: Observation | None = None) -> int:
    at, quality = said.telemetry.measured_at, said.telemetry.time_quality
    if seen is not None and seen.measured_at is not None:
        at, quality = seen.measured_at, seen.time_quality or TimeQuality.DEVICE
    if at is None or at.tzinfo is None or quality is not TimeQuality.DEVICE:
        return said.arrival.received_ms
    return int(at.timestamp() * 1000)


def _received_ms(said: Said) -> int:
    own = said.telemetry.time_quality is TimeQuality.DEVICE and _measured_ms(said) == said.arrival.received_ms
    return said.arrival.received_ms + own  # as in `_vitals_columns`


def _columns_of(said: Sequence[Said], table: DeviceTable) -> Columns:
    count = len(said)
    columns = _absent(count)
    columns.device[:] = [table.device_id[s.row] for s in said]
    columns.measured_ms[:] = [_measured_ms(s) for s in said]
    columns.received_ms[:] = [_received_ms(s) for s in said]
    columns.sequence[:] = [_sequence(s.telemetry) for s in said]
    for at, s in enumerate(said):
        for seen in s.telemetry.observations:
            name = COLUMN_OF.get(seen.code)
            if name is not None and seen.quality is Quality.OK and isinstance(seen.value, int | float):
                getattr(columns, name)[at] = seen.value
    return columns


def _sequence(telemetry: Telemetry) -> int:
    # A sequence names a message of carehub's profile. Other devices' counters belong to one kind of event only, so
    # two different messages may carry the same one; their repeats are harmless to detectors.
    given = telemetry.sequence
    usable = given is not None and telemetry.device.startswith("carehub:") and 0 <= given < LARGEST_INTEGER
    return given if usable and given is not None else ABSENT


def _observation_rows(said: Said, device_id: int) -> Iterable[ObservationRow]:
    received = moment(said.arrival.received_ms)
    for seen in said.telemetry.observations:
        if seen.quality is Quality.OK and seen.code in COLUMN_OF and isinstance(seen.value, int | float):
            continue  # it stands in the wide row
        number = float(seen.value) if isinstance(seen.value, int | float) and abs(seen.value) < 1e300 else None
        if seen.lat is not None and seen.valid is not None:
            number = float(seen.valid)  # a place has no value: its number says whether it is a fix of now
        yield ObservationRow(
            received_at=received, device_id=device_id, measured_at=moment(_measured_ms(said, seen)), code=seen.code,
            number=number, word=seen.value if isinstance(seen.value, str) else None, unit=seen.unit,
            quality=seen.quality.value, stage=seen.stage.value if seen.stage else None, channel=seen.channel,
            native=seen.native, lat=seen.lat, lon=seen.lon, sequence=_kept_sequence(said.telemetry),
            identity=said.telemetry.identity, sub=seen.sub, device_at=_disbelieved(said.telemetry, seen),
        )  # fmt: skip


def _kept_sequence(telemetry: Telemetry) -> int | None:
    given = telemetry.sequence
    return given if given is not None and 0 <= given < LARGEST_INTEGER else None


def _disbelieved(telemetry: Telemetry, seen: Observation) -> datetime | None:
    """Return what the device's clock said, if no working clock would say so: the hub's time is used instead."""
    at, quality = telemetry.measured_at, telemetry.time_quality
    if seen.measured_at is not None:
        at, quality = seen.measured_at, seen.time_quality or TimeQuality.DEVICE
    told = at is not None and at.tzinfo is not None and quality is TimeQuality.SUSPECT
    return at if told else None


def _window_row(device_id: int, received_ms: int, burst: AccelWindow) -> WindowRow:
    return WindowRow(
        received_at=moment(received_ms), device_id=device_id, first=burst.first, rate_hz=burst.rate_hz,
        accel=burst.accel_mg.astype("<i2").tobytes(),
        gyro=None if burst.gyro_2mrad is None else burst.gyro_2mrad.astype("<i2").tobytes(),
    )  # fmt: skip


def _vitals_columns(told: VitalsBatch, device: NDArray[np.int64], received_ms: NDArray[np.int64]) -> Columns:
    # Equal times mean "the device sent none". A message that came within the millisecond it was made in came after it.
    received_ms = received_ms + (told.clocked & (told.measured_ms == received_ms))
    return Columns(
        device=device, received_ms=received_ms, measured_ms=told.measured_ms, sequence=told.sequence, steps=told.steps,
        worn=told.worn, **{name: getattr(told, name) for name in FLOATS},
    )  # fmt: skip


def _absent(count: int) -> Columns:
    return Columns(
        device=np.zeros(count, np.int64), received_ms=np.zeros(count, np.int64), measured_ms=np.zeros(count, np.int64),
        sequence=np.full(count, ABSENT, np.int64), steps=np.full(count, ABSENT, np.int32),
        worn=np.full(count, ABSENT, np.int8), **{name: np.full(count, np.nan, np.float32) for name in FLOATS},
    )  # fmt: skip


def _joined(*parts: Columns) -> Columns:
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else EMPTY
    names = Columns.__dataclass_fields__
    return Columns(**{name: np.concatenate([getattr(part, name) for part in filled]) for name in names})


EMPTY = _absent(0)
