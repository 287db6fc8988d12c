"""One batch as it will be stored: columns, observations, acceleration bursts and raw bytes, made of what was said."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.places import wgs84_of_gcj02
from devices.adapters.carehub_columns import VitalsBatch
from devices.codes import COLUMN_OF
from devices.columns import ABSENT, VITALS, Columns, joined
from devices.telemetry import AccelWindow, Observation, Quality, Telemetry, TimeQuality
from hub.device_table import NONE, DeviceTable
from hub.ingress.arrival import Arrival
from hub.store import raw
from hub.store.raw import Unreadable
from hub.store.telemetry import ObservationRow, WindowRow, moment
from hub.supervision import Linked

LARGEST_INTEGER = 2**62
# Receivers give WGS-84, whatever phone map shows it. Chinese clouds hand on what their own maps draw.
GCJ02_SCHEMES = frozenset({"cnthing"})
TOPIC, PAYLOAD, RECEIVED = map(attrgetter, ("topic", "payload", "received_ms"))


class Said(msgspec.Struct, gc=False):
    """One decoded message of one device."""

    arrival: Arrival
    telemetry: Telemetry
    row: int = NONE


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
        columns=joined(*(part.columns for part in parts)),
        observations=[line for part in parts for line in part.observations],
        windows=[line for part in parts for line in part.windows],
        bursts=[burst for part in parts for burst in part.bursts],
        unreadable=[line for part in parts for line in part.unreadable],
        bodies=tuple(body for part in parts for body in part.bodies),
        received_at=parts[0].received_at,
        strange=sum(part.strange for part in parts),
        links=[line for part in parts for line in part.links],
    )


def packed(arrivals: Sequence[Arrival]) -> bytes:
    """Return messages as they came, as hub.store.raw keeps them."""
    return raw.pack(list(map(TOPIC, arrivals)), list(map(PAYLOAD, arrivals)), list(map(RECEIVED, arrivals)))


def alive(said: Said) -> bool:
    """Whether the device itself spoke just now: not a retained state, not its last will."""
    return not said.arrival.retained and spoken(said.telemetry)


def spoken(telemetry: Telemetry) -> bool:
    """Whether these are the device's words, and not those about its end."""
    return not any(o.code == "link.online" and o.value is False for o in telemetry.observations)


def linked(said: Said) -> Linked | None:
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


def _clock(telemetry: Telemetry, seen: Observation | None) -> tuple[datetime | None, TimeQuality]:
    """Return what the device's clock said, and whether it can be believed. Without a zone it said nothing."""
    at, quality = telemetry.measured_at, telemetry.time_quality
    if seen is not None and seen.measured_at is not None:
        at, quality = seen.measured_at, seen.time_quality or TimeQuality.DEVICE
    return (None if at is None or at.tzinfo is None else at), quality


def _measured_ms(said: Said, seen: Observation | None = None) -> int:
    at, quality = _clock(said.telemetry, seen)
    return int(at.timestamp() * 1000) if at is not None and quality is TimeQuality.DEVICE else said.arrival.received_ms


def _received_ms(said: Said) -> int:
    own = said.telemetry.time_quality is TimeQuality.DEVICE and _measured_ms(said) == said.arrival.received_ms
    return said.arrival.received_ms + own  # as in `vitals_columns`


def columns_of(said: Sequence[Said], table: DeviceTable) -> Columns:
    """Return the wide rows of some messages: [messages]."""
    count = len(said)
    columns = Columns.absent(count)
    columns.device[:] = [table.device_id[s.row] for s in said]
    columns.measured_ms[:] = [_measured_ms(s) for s in said]
    columns.received_ms[:] = [_received_ms(s) for s in said]
    columns.sequence[:] = [_sequence(s.telemetry) for s in said]
    for at, s in enumerate(said):
        for seen in s.telemetry.observations:
            name = COLUMN_OF.get(seen.code)
            if name is not None and seen.quality is Quality.OK and isinstance(seen.value, int | float):
                getattr(columns, name)[at] = seen.value
    odd = np.array([any(map(_implausible, s.telemetry.observations)) for s in said], np.bool_)
    return dataclasses.replace(columns, implausible=odd) if odd.any() else columns


def _implausible(seen: Observation) -> bool:
    """Whether this is a vital sign no living body shows; zero is what a sensor says that found nothing."""
    return seen.quality is Quality.IMPLAUSIBLE and seen.code.startswith("vital.") and seen.value not in (0, None)


def _sequence(telemetry: Telemetry) -> int:
    # A sequence names a message of carehub's profile. Other devices' counters belong to one kind of event only, so
    # two different messages may carry the same one; their repeats are harmless to detectors.
    given = _kept_sequence(telemetry)
    return given if given is not None and telemetry.device.startswith("carehub:") else ABSENT


def observation_rows(said: Said, device_id: int, behind_ms: int = 0) -> Iterable[ObservationRow]:
    """Yield what has no place in the wide row, value by value.

    A clock that is known to be behind is put right: a home's sensors are read from here, and a movement of now that is
    taken for one of this morning is no sign of life. What the clock said is kept beside it.
    """
    received = moment(said.arrival.received_ms)
    for seen in said.telemetry.observations:
        if seen.quality is Quality.OK and seen.code in COLUMN_OF and isinstance(seen.value, int | float):
            continue  # it stands in the wide row
        number = float(seen.value) if isinstance(seen.value, int | float) and abs(seen.value) < 1e300 else None
        if seen.lat is not None and seen.valid is not None:
            number = float(seen.valid)  # a place has no value: its number says whether it is a fix of now
        lat, lon = _place(said.telemetry, seen)
        told_ms = right_ms = _measured_ms(said, seen)
        if behind_ms and told_ms < said.arrival.received_ms:
            right_ms = min(told_ms + behind_ms, said.arrival.received_ms)
        yield ObservationRow(
            received_at=received, device_id=device_id, measured_at=moment(right_ms), code=seen.code,
            number=number, word=seen.value if isinstance(seen.value, str) else None, unit=seen.unit,
            quality=seen.quality.value, stage=seen.stage.value if seen.stage else None, channel=seen.channel,
            native=seen.native, lat=lat, lon=lon, sequence=_kept_sequence(said.telemetry),
            identity=said.telemetry.identity, sub=seen.sub,
            device_at=_disbelieved(said.telemetry, seen) if right_ms == told_ms else moment(told_ms),
            accuracy_m=seen.accuracy_m if lat is not None else None,
        )  # fmt: skip


def _place(telemetry: Telemetry, seen: Observation) -> tuple[float | None, float | None]:
    """Return the position in WGS-84. What is stored is one datum; the message as it came is kept with the others."""
    if seen.lat is None or seen.lon is None or telemetry.device.partition(":")[0] not in GCJ02_SCHEMES:
        return seen.lat, seen.lon
    lat, lon = wgs84_of_gcj02(seen.lat, seen.lon)
    return float(lat), float(lon)


def _kept_sequence(telemetry: Telemetry) -> int | None:
    given = telemetry.sequence
    return given if given is not None and 0 <= given < LARGEST_INTEGER else None


def _disbelieved(telemetry: Telemetry, seen: Observation) -> datetime | None:
    """Return what the device's clock said, if no working clock would say so: the hub's time is used instead."""
    at, quality = _clock(telemetry, seen)
    return at if quality is TimeQuality.SUSPECT else None


def window_row(device_id: int, received_ms: int, burst: AccelWindow) -> WindowRow:
    """Return a window of acceleration as it is kept."""
    return WindowRow(
        received_at=moment(received_ms), device_id=device_id, first=burst.first, rate_hz=burst.rate_hz,
        accel=burst.accel_mg.astype("<i2").tobytes(),
        gyro=None if burst.gyro_2mrad is None else burst.gyro_2mrad.astype("<i2").tobytes(),
    )  # fmt: skip


def vitals_columns(told: VitalsBatch, device: NDArray[np.int64], received_ms: NDArray[np.int64]) -> Columns:
    """Return the wide rows of vitals that were decoded together: all arrays [messages]."""
    # Equal times mean "the device sent none". A message that came within the millisecond it was made in came after it.
    received_ms = received_ms + (told.clocked & (told.measured_ms == received_ms))
    return Columns(
        device=device, received_ms=received_ms, measured_ms=told.measured_ms, sequence=told.sequence, steps=told.steps,
        worn=told.worn, implausible=told.implausible if told.implausible.any() else None,
        **{name: getattr(told, name) for name in VITALS},
    )  # fmt: skip
