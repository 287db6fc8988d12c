"""Writes telemetry: whole batches by COPY BINARY, the bytes made by numpy, no Python per row."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.columns import Columns
from hub.store.pool import Connection

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
UNIX_TO_POSTGRES_MS = 946_684_800_000  # PostgreSQL counts from 2000-01-01
REALS = (
    "heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg", "diastolic_mmhg",
)  # fmt: skip
WIDE = (
    ("received_at", ">i8"), ("device_id", ">i8"), ("batch", ">i8"), ("measured_at", ">i8"), ("sequence", ">i8"),
    *((name, ">f4") for name in REALS), ("steps", ">i4"), ("battery_pct", ">f4"), ("worn", "u1"),
    ("implausible", "u1"),
)  # fmt: skip
MEASURED = tuple(name for name, _ in WIDE[4:])
OBSERVATION = (
    "received_at", "device_id", "batch", "measured_at", "code", "number", "word", "unit", "quality", "stage", "channel",
    "native", "lat", "lon", "sequence", "identity", "sub", "device_at", "accuracy_m",
)  # fmt: skip
WINDOW = ("received_at", "device_id", "batch", "first", "rate_hz", "accel", "gyro")


def _copy(table: str, columns: Sequence[str], how: str = "") -> bytes:
    return f"copy {table} ({', '.join(columns)}) from stdin{how}".encode()


def _insert(table: str, columns: Sequence[str]) -> bytes:
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})".encode()  # noqa: S608


COPY_WIDE = _copy("telemetry", [name for name, _ in WIDE], " (format binary)")
COPY_OBSERVATIONS = _copy("observation", OBSERVATION)
COPY_WINDOWS = _copy("accel_window", WINDOW, " (format binary)")
INSERT_WIDE = _insert("telemetry", [name for name, _ in WIDE])
INSERT_OBSERVATION = _insert("observation", OBSERVATION)
INSERT_WINDOW = _insert("accel_window", WINDOW)


class ObservationRow(NamedTuple):
    """One line of table `observation`, in the order of its columns but the batch number."""

    received_at: datetime
    device_id: int
    measured_at: datetime
    code: str
    number: float | None
    word: str | None
    unit: str | None
    quality: str
    stage: str | None
    channel: str | None
    native: str | None
    lat: float | None
    lon: float | None
    sequence: int | None = None
    identity: str | None = None
    sub: str | None = None
    device_at: datetime | None = None
    accuracy_m: float | None = None


class WindowRow(NamedTuple):
    """One line of table `accel_window`."""

    received_at: datetime
    device_id: int
    first: int
    rate_hz: float
    accel: bytes
    gyro: bytes | None


def _layout() -> tuple[np.dtype[Any], NDArray[np.uint8], NDArray[np.intp]]:
    """Return the row with every column present, its constant bytes, and the column of each byte (-1: none)."""
    parts: list[tuple[str, str]] = [("columns", ">i2")]
    for name, kind in WIDE:
        parts += [(f"{name}_length", ">i4"), (name, kind)]
    row = np.dtype(parts)
    template = np.zeros(1, row)
    template["columns"] = len(WIDE)
    owner = np.full(row.itemsize, -1, np.intp)
    offsets = {name: int(field[1]) for name, field in (row.fields or {}).items()}
    for index, (name, kind) in enumerate(WIDE):
        size = np.dtype(kind).itemsize
        template[f"{name}_length"] = size
        owner[offsets[name] : offsets[name] + size] = index
    return row, template.view(np.uint8), owner


ROW, TEMPLATE, OWNER = _layout()
OFTEN_ABSENT = {*REALS, "sequence", "steps", "battery_pct", "worn", "implausible"}
NULLABLE = tuple(index for index, (name, _) in enumerate(WIDE) if name in OFTEN_ABSENT)


def encode_wide(columns: Columns, batch: int) -> bytes:
    """Return the COPY BINARY stream of the batch's rows, in their order.

    All rows are laid out with every column present; then the bytes of absent values are cut out in one move.
    """
    count = len(columns)
    rows = np.empty(count, ROW)
    rows.view(np.uint8).reshape(count, ROW.itemsize)[:] = TEMPLATE
    rows["received_at"] = (columns.received_ms - UNIX_TO_POSTGRES_MS) * 1000
    rows["device_id"] = columns.device
    rows["batch"] = batch
    rows["measured_at"] = (columns.measured_ms - UNIX_TO_POSTGRES_MS) * 1000
    present = np.ones((count, len(WIDE)), bool)
    odd = _odd(columns)
    for index in NULLABLE:
        name = WIDE[index][0]
        values = odd if name == "implausible" else getattr(columns, name)
        here = ~np.isnan(values) if values.dtype.kind == "f" else values >= 0
        rows[name] = values
        rows[f"{name}_length"][~here] = -1
        present[:, index] = here
    flat = rows.view(np.uint8).reshape(count, ROW.itemsize)
    kept = np.ones(flat.shape, bool)
    owned = OWNER >= 0
    kept[:, owned] = present[:, OWNER[owned]]
    return SIGNATURE + flat[kept].tobytes() + TRAILER


def _odd(columns: Columns) -> NDArray[np.int8]:
    """Return 1 where a vital sign was left out that no living body shows, -1 elsewhere: a row says so, or nothing."""
    if columns.implausible is None:
        return np.full(len(columns), -1, np.int8)
    return np.where(columns.implausible, 1, -1).astype(np.int8)


async def write_wide(conn: Connection, columns: Columns, batch: int) -> None:
    """Add the batch's rows to table telemetry. Call inside a transaction."""
    async with conn.cursor() as cursor, cursor.copy(COPY_WIDE) as copy:
        await copy.write(encode_wide(columns, batch))


async def insert(
    conn: Connection, columns: Columns, observations: Sequence[ObservationRow], windows: Sequence[WindowRow], batch: int
) -> None:
    """Add the few rows of one urgent message. Call inside a transaction.

    COPY would cost a press four waits for the network; this costs none of its own in pipeline mode.
    """
    async with conn.cursor() as cursor:
        if len(columns):
            await cursor.executemany(INSERT_WIDE, _wide_rows(columns, batch))
        if observations:
            lines = [(row[0], row[1], batch, *map(_cleaned, row[2:])) for row in observations]
            await cursor.executemany(INSERT_OBSERVATION, lines)
        if windows:
            await cursor.executemany(INSERT_WINDOW, [(row[0], row[1], batch, *row[2:]) for row in windows])


def _wide_rows(columns: Columns, batch: int) -> list[tuple[Any, ...]]:
    values = {name: (_odd(columns) if name == "implausible" else getattr(columns, name)).tolist() for name in MEASURED}
    return [
        (
            moment(int(columns.received_ms[at])), int(columns.device[at]), batch, moment(int(columns.measured_ms[at])),
            *(_present(name, values[name][at]) for name in MEASURED),
        )
        for at in range(len(columns))
    ]  # fmt: skip


def _present(name: str, value: float) -> float | bool | None:
    if math.isnan(value) or value < 0:  # NaN and -1 stand for "not in this message"
        return None
    return bool(value) if name in {"worn", "implausible"} else value


def _cleaned(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


async def write_observations(conn: Connection, rows: Sequence[ObservationRow], batch: int) -> None:
    """Add what has no column of its own. These are few: one Python step each is affordable."""
    async with conn.cursor() as cursor, cursor.copy(COPY_OBSERVATIONS) as copy:
        for row in rows:
            await copy.write_row((row[0], row[1], batch, *map(_cleaned, row[2:])))


async def write_windows(conn: Connection, rows: Sequence[WindowRow], batch: int) -> None:
    """Add acceleration bursts."""
    async with conn.cursor() as cursor, cursor.copy(COPY_WINDOWS) as copy:
        copy.set_types(["timestamptz", "int8", "int8", "int8", "float4", "bytea", "bytea"])
        for row in rows:
            await copy.write_row((row[0], row[1], batch, *row[2:]))


def clean(text: str) -> str:
    """Return the text as PostgreSQL can hold it: no NUL, no lone surrogate."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode()


def moment(ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)
