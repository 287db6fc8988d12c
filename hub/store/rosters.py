"""Duty lists in the database: rotations laid out as shifts, overrides, check-ins. One edit is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts import duty
from alerts.duty import EVER, FOREVER, Calendar, CheckIn, Days, Lists, Override, Rotation, Shift
from alerts.policy import DEFAULT_ZONE
from hub.errors import HubError
from hub.holidays import china
from hub.store.pool import Connection, hub_now
from hub.store.sql import queries

Q = queries("rosters")
EARLY = timedelta(minutes=30)  # a check-in so long before a shift is one for it
PROOF_LASTS = timedelta(hours=24)  # of a shift that is longer, duty is proved anew every day
LONGEST_OVERRIDE = timedelta(days=92)


class RosterError(HubError):
    """A change of a duty list that cannot be made; `code` has words in both languages (vocabulary of the lists)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class RosterRow:
    name: str
    zone: str
    role: str
    needs_check_in: bool
    people: int


@dataclass(frozen=True, kw_only=True)
class ShiftRow:
    """A shift as it is stored. `EVER` and `FOREVER` stand for an end that is open."""

    shift_id: int
    shift: Shift
    source: str
    rotation_id: int | None


@dataclass(frozen=True, kw_only=True)
class OverrideRow:
    override: Override
    reason: str
    by_id: int | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class CheckedIn:
    """Where somebody is now known to be on duty, until when, and whether it is without a shift."""

    roster: str
    until: datetime
    stand_in: bool


# ---- lists ----


async def rosters(conn: Connection) -> list[RosterRow]:
    rows = await (await conn.execute(Q.rosters, {"zone": DEFAULT_ZONE})).fetchall()
    return [RosterRow(name=n, zone=z, role=r, needs_check_in=c, people=p) for n, z, r, c, p in rows]


async def save_roster(
    conn: Connection, name: str, *, zone: str = DEFAULT_ZONE, role: str = "", needs_check_in: bool = False
) -> None:
    """Make a duty list or change what it is. A new zone lays its rotations out anew."""
    async with conn.transaction():
        await conn.execute(
            Q.save_roster, {"name": name, "zone": zone, "role": role or None, "needs_check_in": needs_check_in}
        )
        for number, rotation in await rotations(conn, name):
            await _lay_out(conn, number, rotation, china())


# ---- rotations ----


async def rotations(conn: Connection, roster: str | None = None) -> list[tuple[int, Rotation]]:
    rows = await (await conn.execute(Q.rotations, {"roster": roster})).fetchall()
    return [(row[0], _rotation(row)) for row in rows]


def _rotation(row: Sequence[Any]) -> Rotation:
    _, roster, zone, people, first_day, hand_over, turn_days, opens, shuts, weekdays, days, until = row
    return Rotation(
        roster=roster, zone=zone, people=tuple(people), first_day=first_day, hand_over=hand_over, turn_days=turn_days,
        window_from=opens, window_to=shuts, weekdays=frozenset(weekdays), days=Days(days), until=until,
    )  # fmt: skip


async def save_rotation(
    conn: Connection, rotation: Rotation, *, number: int | None = None, by: int | None = None
) -> int:
    """Make a rotation, or change one, and lay its shifts out in the same transaction. Its zone is the list's."""
    values = {
        "roster": rotation.roster, "people": list(rotation.people), "first_day": rotation.first_day,
        "hand_over": rotation.hand_over, "turn_days": rotation.turn_days, "window_from": rotation.window_from,
        "window_to": rotation.window_to, "weekdays": sorted(rotation.weekdays), "days": str(rotation.days),
        "until": rotation.until, "by": by, "id": number,
    }  # fmt: skip
    async with conn.transaction():
        zone = await _one(conn, Q.lock_roster, name=rotation.roster)
        if zone is None:
            raise RosterError("no_roster", f"there is no duty list {rotation.roster!r}; make it first")
        await _must_know(conn, rotation.people)
        number = await _one(conn, Q.add_rotation if number is None else Q.edit_rotation, **values)
        if number is None:
            raise RosterError("gone", "this rotation is not in use any more")
        ((_, stored),) = [(n, r) for n, r in await rotations(conn, rotation.roster) if n == number]
        await _lay_out(conn, number, stored, china())
    return int(number)


async def end_rotation(conn: Connection, number: int) -> None:
    """Take a rotation out of use: shifts to come go, the running one ends now."""
    async with conn.transaction():
        if await _one(conn, Q.end_rotation, id=number) is None:
            raise RosterError("gone", "this rotation is not in use any more")
        await _write(conn, number, "", duty.changes(await _stored(conn, number), (), await hub_now(conn)))


async def top_up(conn: Connection) -> int:
    """Lay every rotation out up to the horizon again; returns how many shifts were written. For once a day."""
    written = 0
    for number, rotation in await rotations(conn):
        async with conn.transaction():
            await conn.execute(Q.lock_roster, {"name": rotation.roster})
            written += await _lay_out(conn, number, rotation, china())
    return written


async def _lay_out(conn: Connection, number: int, rotation: Rotation, calendar: Calendar) -> int:
    now = await hub_now(conn)
    wanted = duty.expand(rotation, calendar, now, now + duty.HORIZON)
    return await _write(conn, number, rotation.roster, duty.changes(await _stored(conn, number), wanted, now))


async def _stored(conn: Connection, number: int) -> list[tuple[int, Shift]]:
    rows = await (await conn.execute(Q.of_rotation, {"id": number})).fetchall()
    return [(i, Shift(start=a or EVER, end=b or FOREVER, person_id=p, roster=r)) for i, p, r, a, b in rows]


async def _write(conn: Connection, number: int, roster: str, changes: duty.Changes) -> int:
    if changes.gone:
        await conn.execute(Q.drop_shifts, {"ids": list(changes.gone)})
    if changes.ends:
        await conn.execute(Q.end_shifts, {"ids": [n for n, _ in changes.ends], "ends": [e for _, e in changes.ends]})
    if changes.new:
        await _insert(conn, roster, changes.new, "rotation", number)
    return len(changes.new) + len(changes.ends) + len(changes.gone)


async def _insert(conn: Connection, roster: str, shifts: Sequence[Shift], source: str, rotation: int | None) -> None:
    await conn.execute(Q.new_shifts, {
        "roster": roster, "people": [s.person_id for s in shifts], "source": source, "rotation": rotation,
        "starts": [None if s.start == EVER else s.start for s in shifts],
        "ends": [None if s.end == FOREVER else s.end for s in shifts],
    })  # fmt: skip


# ---- single shifts and overrides ----


async def add_shifts(conn: Connection, shifts: Sequence[Shift], *, source: str = "manual") -> None:
    """Write shifts made by hand or imported."""
    async with conn.transaction():
        await _must_know(conn, tuple({s.person_id for s in shifts}))
        for roster in sorted({s.roster for s in shifts}):
            await _insert(conn, roster, [s for s in shifts if s.roster == roster], source, None)


async def drop_shift(conn: Connection, number: int) -> None:
    """Take one shift away; one that has begun ends now. A rotation's would come back, so it is refused."""
    async with conn.transaction():
        row = await (await conn.execute(Q.shift, {"id": number})).fetchone()
        if row is None:
            raise RosterError("gone", "this shift is not there any more")
        if row[4] == "rotation":
            raise RosterError(
                "of_rotation", "this shift comes from a rotation: write an override, or change the rotation"
            )
        now = await hub_now(conn)
        if (row[2] or EVER) < now:
            await conn.execute(Q.end_shifts, {"ids": [number], "ends": [now]})
        else:
            await conn.execute(Q.drop_shifts, {"ids": [number]})


async def add_override(
    conn: Connection, roster: str, start: datetime, end: datetime, *,
    off: int | None = None, on: int | None = None, reason: str = "", by: int | None = None,
) -> int:  # fmt: skip
    """Write that `off` does not come, and `on` does, from `start` to `end`. Returns its number."""
    if off == on:
        raise RosterError("nobody", "an override names somebody who does not come, or somebody who does, or both")
    if not start < end <= start + LONGEST_OVERRIDE:
        raise RosterError("bad_time", f"an override ends after it begins, and within {LONGEST_OVERRIDE.days} days")
    async with conn.transaction():
        await _must_know(conn, tuple(p for p in (off, on) if p is not None))
        now = await hub_now(conn)
        values = {"roster": roster, "start": start, "end": end, "off": off, "on": on, "reason": reason, "by": by}
        number = await _one(conn, Q.add_override, **values)
        if off is not None and end > now:
            await conn.execute(
                Q.end_check_ins, {"person": off, "roster": roster, "at": max(start, now), "until": end}
            )  # fmt: skip
    assert number is not None
    return int(number)


async def drop_override(conn: Connection, number: int) -> None:
    """Take an override back; one that has begun ends now."""
    if await _one(conn, Q.drop_override, id=number) is None:
        raise RosterError("gone", "this override is over, or was taken back")


# ---- check-ins ----


async def check_in(
    conn: Connection, person_id: int, *, via: str, roster: str | None = None, stand_in: timedelta | None = None
) -> tuple[CheckedIn, ...]:
    """Somebody says that he is here: by telephone, message or page. Said again, it is the same presence.

    With a shift that runs or begins within half an hour, its end is the end; without one he stands in, on the list he
    is usually on, for `stand_in` and never longer than the limit.

    Raises:
        RosterError: nobody has this number, or the account does not count any more.
    """
    async with conn.transaction():
        if not await _one(conn, Q.lock_person, person=person_id):
            raise RosterError("unknown_person", f"nobody with number {person_id} may be on duty")
        now = await hub_now(conn)
        planned = await lists_of(conn, now, now + EARLY + timedelta(seconds=1), person_id=person_id, roster=roster)
        mine = duty.spans(Lists(shifts=planned.shifts, overrides=planned.overrides), now, FOREVER)
        due = {
            s.roster: min(s.end, now + PROOF_LASTS)
            for s in reversed(mine)
            if s.person_id == person_id and s.start <= now + EARLY
        }
        found = [CheckedIn(roster=name, until=until, stand_in=False) for name, until in sorted(due.items())]
        if not found:
            usual = roster if roster is not None else await _one(conn, Q.last_list, person=person_id) or ""
            until = now + min(stand_in or duty.STAND_IN_LIMIT, duty.STAND_IN_LIMIT)
            found = [CheckedIn(roster=usual, until=until, stand_in=True)]
        for one in found:
            values = {"person": person_id, "roster": one.roster, "at": now, "until": one.until, "via": via}
            if await _one(conn, Q.stay, **values) is None:
                await conn.execute(Q.add_check_in, values)
    return tuple(found)


async def check_out(conn: Connection, person_id: int, *, roster: str | None = None) -> tuple[str, ...]:
    """Somebody says that he leaves. Returns the lists he was checked in on. His shift, if he has one, stays: only an
    override takes it from him, so that a slip of the thumb leaves nobody out."""
    async with conn.transaction():
        now = await hub_now(conn)
        values = {"person": person_id, "roster": roster, "at": now, "until": now + timedelta(seconds=1)}
        rows = await (await conn.execute(Q.end_check_ins, values)).fetchall()
    return tuple(sorted({row[0] for row in rows}))


# ---- reading ----


async def lists_of(
    conn: Connection, after: datetime, before: datetime, *, roster: str | None = None, person_id: int | None = None
) -> Lists:
    """Return everything that says who is on duty between two times."""
    values = {"after": after, "before": before, "roster": roster, "person": person_id}
    found = await shifts(conn, after, before, roster=roster, person_id=person_id)
    said = await overrides(conn, after, before, roster=roster, person_id=person_id)
    check_ins = await (await conn.execute(Q.check_ins, values)).fetchall()
    return Lists(
        shifts=tuple(row.shift for row in found),
        overrides=tuple(row.override for row in said),
        check_ins=tuple(CheckIn(person_id=p, roster=r, at=a, until=u) for p, r, a, u, _ in check_ins),
    )  # fmt: skip


async def shifts(
    conn: Connection,
    after: datetime | None,
    before: datetime,
    *,
    roster: str | None = None,
    person_id: int | None = None,
) -> list[ShiftRow]:
    values = {"after": after, "before": before, "roster": roster, "person": person_id}
    return [
        ShiftRow(
            shift_id=i, shift=Shift(start=a or EVER, end=b or FOREVER, person_id=p, roster=r), source=s, rotation_id=t
        )
        for i, p, r, a, b, s, t in await (await conn.execute(Q.shifts, values)).fetchall()
    ]


async def overrides(
    conn: Connection, after: datetime, before: datetime, *, roster: str | None = None, person_id: int | None = None
) -> list[OverrideRow]:
    values = {"after": after, "before": before, "roster": roster, "person": person_id}
    return [
        OverrideRow(
            override=Override(number=i, roster=r, start=a, end=b, off_id=off, on_id=on), reason=why, by_id=by,
            created_at=at,
        )
        for i, r, a, b, off, on, why, by, at in await (await conn.execute(Q.overrides, values)).fetchall()
    ]  # fmt: skip


def unproved(lists: Lists, wanting: frozenset[str], now: datetime) -> tuple[Shift, ...]:
    """Return who should be on duty now on a list that wants a check-in, for ten minutes already, and said nothing."""
    planned = duty.spans(Lists(shifts=lists.shifts, overrides=lists.overrides), now - duty.UNPROVED_AFTER, now + EARLY)
    here = {(c.person_id, c.roster) for c in lists.check_ins if c.covers(now)}
    return tuple(
        s for s in planned
        if s.roster in wanting and s.covers(now) and s.start <= now - duty.UNPROVED_AFTER
        and (s.person_id, s.roster) not in here
    )  # fmt: skip


async def _must_know(conn: Connection, people: Sequence[int]) -> None:
    known = {row[0] for row in await (await conn.execute(Q.known_people, {"people": list(people)})).fetchall()}
    if unknown := sorted(set(people) - known):
        raise RosterError("unknown_person", f"nobody with number {unknown[0]} may be on duty")


async def _one(conn: Connection, query: bytes, **values: Any) -> Any:
    row = await (await conn.execute(query, values)).fetchone()
    return row[0] if row else None
