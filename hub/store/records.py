"""What devices said, as normalized records out of the store: streamed, in order, each with whose it was then."""

from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devices import registry
from devices.codes import COLUMN_OF
from devices.records import Record, dedup_key, record, value_of
from devices.telemetry import Quality, Stage, TimeQuality, Value
from hub.errors import HubError
from hub.store.pool import Connection
from hub.store.raw import NUMBERS_AT_ONCE
from hub.store.sql import as_number, queries
from hub.store.telemetry import moment

Q = queries("records")
NAME_HER = "select set_config('carehub.resident', %(resident)s, true)"  # until the transaction is over
AT_ONCE = 2000  # rows fetched from the server's cursor: what an export holds in memory
CODE_OF = {column: code for code, column in COLUMN_OF.items()}
WIDE = (
    "heart_rate_bpm", "spo2_pct", "respiration_rpm", "temperature_c", "systolic_mmhg", "diastolic_mmhg", "steps",
    "battery_pct", "worn",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One device, whose it was when, and what read it when."""

    id: int
    address: str
    room: str
    turns: Sequence[tuple[datetime, int | None]]  # from when on it was whose; before the first: nobody's
    grammars: Sequence[tuple[int, str]]  # from which batch on, which adapter
    bound: bool = False  # read within an organisation's bounds: of what it said, what it said while it was hers

    def resident(self, at: datetime) -> int | None:
        """Return whose device it was."""
        place = bisect_right(self.turns, at, key=lambda turn: turn[0])
        return self.turns[place - 1][1] if place else None

    def hers(self, resident: int, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the parts of a time in which it was this resident's."""
        ends = [at for at, _ in self.turns[1:]] + [until]
        for (at, whose), end in zip(self.turns, ends, strict=True):
            begins, ends_at = max(at, since), min(end, until)
            if whose == resident and begins < ends_at:
                yield begins, ends_at

    def adapter(self, batch: int) -> str | None:
        """Return name/version of what read a batch; None: a release that did not write it down."""
        place = bisect_right(self.grammars, batch, key=lambda one: one[0])
        return self.grammars[place - 1][1] if place else None


async def note_grammars(conn: Connection) -> None:
    """Write down in which version each grammar reads from now on, where that has changed."""
    given = {"schemes": [one.scheme for one in registry.ADAPTERS], "adapters": [one.name for one in registry.ADAPTERS]}
    await conn.execute(Q.note_grammars, {**given, "at_once": NUMBERS_AT_ONCE})


async def device(conn: Connection, said: str) -> Speaker:
    """Return the device of this number or address.

    Raises:
        HubError: There is none.
    """
    row = await (await conn.execute(Q.device, {"id": as_number(said), "address": said})).fetchone()
    if row is None:
        raise HubError(f"there is no device {said!r}: see `carehub devices list`")
    return await _speaker(conn, row)


async def devices_of(conn: Connection, resident_id: int) -> list[Speaker]:
    """Return every device that is this resident's or was."""
    rows = await (await conn.execute(Q.devices_of, {"resident": resident_id})).fetchall()
    return [await _speaker(conn, row) for row in rows]


async def speakers(conn: Connection, resident_id: int) -> list[Speaker]:
    """Return the same within an organisation's bounds, as far as a device was hers; of a stranger none.

    Call on a connection that acts for the organisation, inside a transaction: whose they are is named for its rest.
    """
    await conn.execute(NAME_HER, {"resident": str(resident_id)})
    rows = await (await conn.execute(Q.speakers)).fetchall()
    return [await _within(conn, row, resident_id) for row in rows]


async def said(conn: Connection, speaker: Speaker, since: datetime, until: datetime) -> AsyncIterator[Record]:
    """Yield what a device said in a time, in the order it arrived. Call inside a transaction."""
    async with conn.cursor(name=f"said_{speaker.id}") as cursor:
        cursor.itersize = AT_ONCE
        query = Q.said.replace(b"{hers}", b"_hers" if speaker.bound else b"")
        await cursor.execute(query, {"id": speaker.id, "since": since, "until": until})
        names = [column.name for column in cursor.description or ()]
        async for row in cursor:
            for one in records_of(speaker, dict(zip(names, row, strict=True))):
                yield one


async def bodies(conn: Connection, batch: int, at_ms: int) -> list[bytes]:
    """Return the raw bytes of a batch that holds a message of this time, while they are kept."""
    rows = await (await conn.execute(Q.bodies, {"batch": batch, "at": moment(at_ms)})).fetchall()
    return [bytes(row[0]) for row in rows]


def records_of(speaker: Speaker, row: dict[str, Any]) -> Iterator[Record]:
    """Yield the records of one stored row."""
    if row["code"] is not None:
        yield _single(speaker, row)
        return
    for column in WIDE:
        if row[column] is not None:
            yield _one(speaker, row, CODE_OF[column], _seen(row[column]), quality=Quality.OK)


def _single(speaker: Speaker, row: dict[str, Any]) -> Record:
    code, placed = row["code"], row["lat"] is not None
    value = None if placed else value_of(code, row["number"], row["word"], row["unit"])
    return _one(
        speaker, row, code, value, quality=Quality(row["quality"]), unit=row["unit"], lat=row["lat"], lon=row["lon"],
        stage=None if row["stage"] is None else Stage(row["stage"]), channel=row["channel"], native=row["native"],
        sub=row["sub"], accuracy_m=row["accuracy_m"],
        valid=bool(row["number"]) if placed and row["number"] is not None else None,
    )  # fmt: skip


def _seen(value: float) -> Value:
    """Return a number as it was said: the store keeps six digits of it."""
    return value if isinstance(value, bool | int) else float(f"{value:.6g}")


def _one(speaker: Speaker, row: dict[str, Any], code: str, value: Value, **said: Any) -> Record:
    received, measured, claimed = row["received_at"], row["measured_at"], row["device_at"]
    clock = TimeQuality.SUSPECT if claimed else TimeQuality.DEVICE if measured != received else TimeQuality.HUB
    believed = measured if clock is TimeQuality.DEVICE else None
    point = "/".join(filter(None, (said.get("channel"), said.get("sub"))))
    return record(
        speaker.address.partition(":")[0], code, value=value, device_id=speaker.id, device=speaker.address,
        person_id=speaker.resident(received), place=speaker.room or None, device_time=claimed or believed,
        time_quality=clock, hub_time=received, seq=row["sequence"], adapter=speaker.adapter(row["batch"]),
        raw_ref=f"{row['batch']}/{int(received.timestamp() * 1000)}",
        dedup_key=dedup_key(
            speaker.address, code, identity=row["identity"], seq=row["sequence"], device_time=believed,
            value=value, hub_time=received, point=point,
        ),
        **said,
    )  # fmt: skip


async def _speaker(conn: Connection, row: Sequence[Any]) -> Speaker:
    number, address, _, room, resident, bound_at = row
    turns = await (await conn.execute(Q.turns, {"id": number})).fetchall()
    grammars = await _grammars(conn, address)
    known = [(at, whose) for at, whose in turns]
    if resident is not None and (not known or known[-1][1] != resident):  # given to her without a line of its history
        known = [turn for turn in known if turn[0] < bound_at] + [(bound_at, resident)]
    return Speaker(id=number, address=address, room=room or "", turns=known, grammars=grammars)


async def _within(conn: Connection, row: Sequence[Any], resident_id: int) -> Speaker:
    number, address, room = row
    turns: list[tuple[datetime, int | None]] = []
    for since, until in await (await conn.execute(Q.hers, {"id": number})).fetchall():
        turns += [(since, resident_id)] + ([(until, None)] if until else [])
    grammars = await _grammars(conn, address)
    return Speaker(id=number, address=address, room=room or "", turns=turns, grammars=grammars, bound=True)


async def _grammars(conn: Connection, address: str) -> list[tuple[int, str]]:
    return await (await conn.execute(Q.grammars, {"scheme": address.partition(":")[0]})).fetchall()
