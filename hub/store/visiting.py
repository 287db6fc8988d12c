"""The ledger of monthly visits: who is visited, what was done for it, who is overdue."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.errors import HubError
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.service_levels import month_of
from hub.store.sql import as_number, queries
from hub.visiting import COUNTS, HOWS, MET_ENDINGS, NEED_EVIDENCE, OUTCOMES, REASONS, SPOKE_ENDINGS

Q = queries("visiting")
SHOWN = 500
LEDGER_MOST = 100_001
CONTACTS_SHOWN = 60
TOLD_BACK = timedelta(days=40)  # cases that may become contacts: this month's and the last one's
OLDEST_CONTACT = timedelta(days=62)  # a contact entered later than this is no ledger, it is a memory


class VisitRefusedError(HubError):
    """A line of the ledger that cannot stand so; `code` is a word of the page."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month of the district."""

    year: int
    month: int
    zone: ZoneInfo

    @property
    def values(self) -> dict[str, Any]:
        since, until = month_of(self.year, self.month, self.zone)
        last = until.astimezone(self.zone).date() - timedelta(days=1)
        return {
            "since": since, "until": until, "first_day": date(self.year, self.month, 1), "last_day": last,
            "counts": [f"{how}:{outcome}" for how, outcome in sorted(COUNTS)], "need": sorted(NEED_EVIDENCE),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Contact:
    resident: int
    at: datetime
    how: str
    outcome: str
    person: int | None = None
    order: int | None = None
    evidence: str = ""
    note: str = ""


async def ledger(conn: Connection, month: Month, area: str | None, limit: int = SHOWN) -> list[Row]:
    """Return who is visited in a month; who was not reached comes first."""
    return await rows(conn, Q.ledger, **month.values, area=area, limit=limit)


async def by_area(conn: Connection, month: Month, area: str | None) -> list[Row]:
    return await rows(conn, Q.by_area, **month.values, area=area)


async def enter(conn: Connection, resident: int, since: date, reason: str, by: str) -> bool:
    """Take a resident into the scheme; False when there is no such resident, or she is in it."""
    if reason not in REASONS:
        raise VisitRefusedError("reason", f"no reason {reason!r}; there are {', '.join(REASONS)}")
    return await row(conn, Q.enter, resident=resident, since=since, reason=reason, by=by) is not None


async def leave(conn: Connection, resident: int, until: date) -> bool:
    return await row(conn, Q.leave, resident=resident, until=until) is not None


async def made(conn: Connection, contact: Contact, by: str, now: datetime) -> int | None:
    """Write a contact down; None when there is no such resident.

    Raises:
        VisitRefusedError: Unknown words, a time to come or long past.
    """
    if contact.how not in HOWS or contact.outcome not in OUTCOMES:
        raise VisitRefusedError("words", f"how is one of {', '.join(HOWS)}; outcome of {', '.join(OUTCOMES)}")
    if not now - OLDEST_CONTACT <= contact.at <= now + timedelta(minutes=1):
        raise VisitRefusedError("time", "a contact lies in the past, at most two months back")
    found = await row(conn, Q.made, **vars(contact), by=by)
    return None if found is None else int(found["id"])


async def contacts(conn: Connection, resident: int) -> list[Row]:
    return await rows(conn, Q.contacts, resident=resident, limit=CONTACTS_SHOWN)


async def tell_contacts(conn: Connection, now: datetime) -> None:
    """Write down the contacts that cases prove."""
    await conn.execute(Q.tell, {"since": now - TOLD_BACK, "met": list(MET_ENDINGS), "spoke": list(SPOKE_ENDINGS)})


async def find(conn: Connection, word: str) -> list[Row]:
    """Return residents whose name holds a word, or whose number it is."""
    return await rows(conn, Q.find, word=word.replace("%", "").replace("_", ""), number=as_number(word))
