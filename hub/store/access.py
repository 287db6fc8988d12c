"""Who looked at what: one row for every view of something sensitive, written in the transaction that reads it."""

from collections.abc import Collection
from datetime import datetime

from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("access")
LENGTH = 500  # of a subject, of a reason
GLASS_MIN = 60
GLASSES = 200


async def looked_at(
    conn: Connection, who: int, what: str, subject: int | str | None = None, reason: str = "",
    *, incident: int | None = None,
) -> None:  # fmt: skip
    """Write down a look at something sensitive.

    Args:
        who: the person, by number.
        what: what was shown, and where: `door_code: console`, `health notes`, `export: visits`.
        subject: the resident by number, or in words what else it was: an export with its filter.
        reason: why, where the page asked.
        incident: the case it was for, where there is one.
    """
    resident, words = (subject, "") if isinstance(subject, int) else (None, subject or "")
    await conn.execute(Q.looked_at, {
        "person": who, "resident": resident, "what": what[:LENGTH], "incident": incident, "subject": words[:LENGTH],
        "reason": reason[:LENGTH],
    })  # fmt: skip


# ---- reading the log ----


async def log(
    conn: Connection, *, limit: int, person: int | None = None, resident: int | None = None, who: str = "",
    whom: str = "", since: datetime | None = None, until: datetime | None = None,
) -> list[Row]:  # fmt: skip
    """Return who looked at what, the latest first."""
    return await rows(
        conn, Q.log, limit=limit, person=person, resident=resident, who=_literal(who), whom=_literal(whom),
        since=since, until=until,
    )  # fmt: skip


def _literal(part: str) -> str:
    """Return part of a name as it is looked for: what means something in a pattern means itself."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# ---- breaking the glass ----


async def glass_of(conn: Connection, *, resident: int | None, incident: int | None) -> Row | None:
    """Return whose record somebody asks for; None when there is none."""
    return await row(conn, Q.glass_of, resident=resident, incident=incident)


async def break_glass(conn: Connection, person: int, resident: int, incident: int | None, reason: str) -> int:
    """Open a record for a while to somebody without access, and have supervisors told."""
    async with conn.transaction():
        made = await row(
            conn, Q.break_glass, person=person, resident=resident, incident=incident, reason=reason[:LENGTH],
            minutes=GLASS_MIN,
        )  # fmt: skip
        assert made is not None
        await looked_at(conn, person, "glass", resident, reason, incident=incident)
        await conn.execute(Q.glass_told)
    return int(made["id"])


async def glass_open(conn: Connection, person: int, resident: int) -> bool:
    return await row(conn, Q.glass_open, person=person, resident=resident) is not None


async def shut(conn: Connection, resident: int) -> bool:
    """Whether this record opens only with a reason: it is locked, and no case of hers is open."""
    found = await row(conn, Q.locked, resident=resident)
    return bool(found and found["shut"])


async def shut_to(
    conn: Connection, person: int, residents: Collection[int], *, cases: bool = True
) -> frozenset[int]:  # fmt: skip
    """Return those of some residents whose records this person may open with a reason only, and has not.

    Args:
        cases: an open case is reason enough; not to an installer, whose own test press opens one.
    """
    if not residents:
        return frozenset()
    found = await rows(conn, Q.shut_to, person=person, residents=list(residents), cases=cases)
    return frozenset(r["id"] for r in found)


async def lock(conn: Connection, person: int, resident: int, *, locked: bool) -> None:
    """Have a record open with a reason only, or to all again; who did that stands in the log of looks."""
    if await row(conn, Q.lock, resident=resident, locked=locked) is not None:
        await looked_at(conn, person, "record locked" if locked else "record unlocked", resident)


async def glasses(conn: Connection) -> list[Row]:
    return await rows(conn, Q.glasses, limit=GLASSES)


async def glass_seen(conn: Connection, glass: int, person: int, remark: str) -> bool:
    """A supervisor signs that she has seen it; nobody signs his own."""
    return await row(conn, Q.glass_seen, glass=glass, person=person, remark=remark[:LENGTH]) is not None


async def case(conn: Connection, incident: int) -> Row | None:
    return await row(conn, Q.case, incident=incident)
