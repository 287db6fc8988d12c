"""Breaking the glass: somebody without access opens a record with a reason; every supervisor sees it at once.

Refusing an emergency because of a role would cost a life; letting it pass unseen, the trust of everybody else.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub.store import access as store
from hub.store.console import Row
from hub.store.pool import Connection
from hub.store.sql import as_number
from hub.web import access
from hub.web.auth import INSTALLER, Seat
from hub.web.frame import FormOf, Parts, PartsOf, SeatOf, go, number, render, text
from hub.web.words import speaker

router = APIRouter(prefix="/glass")
log = structlog.get_logger()
SHORTEST = 10  # letters of a reason
SEE_LOCKED = frozenset({"supervisor", "auditor"})
GlassId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("")
async def ask(request: Request, who: SeatOf, incident: str = "", resident: str = "") -> Response:
    return _ask(request, who, incident=as_number(incident), resident=as_number(resident))


@router.post("")
async def open_it(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Open it for an hour. Whoever looks for a number that there is not learns no more than that."""
    incident, resident, reason = number(form, "incident"), number(form, "resident"), text(form, "reason", 500)
    asked = {"incident": incident, "resident": resident}
    if len(reason) < SHORTEST:
        return _ask(request, who, problem="glass.why", status=422, **asked)
    async with has.whole.connection() as conn:
        about = await store.glass_of(conn, incident=incident, resident=resident)
        if about is None:
            return _ask(request, who, problem="glass.nobody", status=404, **asked)
        glass = await store.break_glass(conn, who.person_id, about["resident_id"], about["incident_id"], reason)
    log.warning("glass_broken", glass_id=glass, person_id=who.person_id, resident_id=about["resident_id"])
    if about["incident_id"]:
        return go(f"/incidents/{about['incident_id']}")
    here = access.may(who.holder, "GET /registry/residents/{resident_id}")
    return go(f"/registry/residents/{about['resident_id']}" if here else "/")


@router.get("/opened")
async def opened(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _opened(request, who, has)


@router.post("/{glass_id}/seen")
async def seen(request: Request, glass_id: GlassId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """A supervisor signs; nobody signs her own."""
    async with has.whole.connection() as conn:
        if not await store.glass_seen(conn, glass_id, who.person_id, text(form, "remark", 500)):
            raise HTTPException(409)
    log.info("glass_seen", glass_id=glass_id, person_id=who.person_id)
    return go("/glass/opened")


# ---- what the case's own page asks ----


async def way(conn: Connection, incident_id: int, who: Seat) -> str | None:
    """Return where to ask for a case that this person may not open; None where he may."""
    about = await store.case(conn, incident_id)
    if about is None:
        return f"/glass?incident={incident_id}" if who.scoped else None
    if await passed(conn, who, about):
        return None
    return f"/glass?incident={incident_id}"


async def passed(conn: Connection, who: Seat, about: Row, *, also: frozenset[str] = frozenset()) -> bool:
    """Whether a record is open to this person: it is not locked, he broke the glass, or his role sees it anyhow."""
    resident = about["resident_id"]
    if resident is None or who.role in SEE_LOCKED | also or not await store.shut(conn, resident):
        return True
    return await store.glass_open(conn, who.person_id, resident)


async def masked(
    conn: Connection, who: Seat, found: Sequence[Row], *, by: str = "resident_id", name: str = "name",
    empty: Mapping[str, Any] | None = None, also: frozenset[str] = frozenset(),
) -> list[Row]:  # fmt: skip
    """Return rows of a list with the residents in it whose records are shut to this person without name and address.

    Args:
        by: the column with her number.
        name: the column with her name, which says instead that the record is locked.
        empty: what else is hers, and what stands there instead.
        also: roles that see the list as it is, besides those that see every record.
    """
    numbers = {r[by] for r in found if r[by] is not None}
    sees = who.role in SEE_LOCKED | also
    cases = who.role != INSTALLER
    shut = frozenset() if sees else await store.shut_to(conn, who.person_id, numbers, cases=cases)
    hidden = {name: speaker(who.language)("lock.masked"), **(empty or {})}
    return [r | {k: v for k, v in hidden.items() if k in r and r[by] in shut} | {"shut": r[by] in shut} for r in found]


async def note_look(conn: Connection, who: Seat, about: Row) -> None:
    """Write down a look that broken glass allows."""
    resident = about["resident_id"]
    if resident is not None and await store.glass_open(conn, who.person_id, resident):
        await store.looked_at(conn, who.person_id, "case: glass", resident, incident=about["id"])


async def _opened(request: Request, who: Seat, has: Parts) -> Response:
    async with has.whole.connection() as conn:
        found = await store.glasses(conn)
    return render(request, "glass_opened.html", who, here="access_log", glasses=found)


def _ask(request: Request, who: Seat, *, problem: str = "", status: int = 200, **asked: Any) -> Response:
    return render(
        request, "glass.html", who, status=status, here="glass", problem=problem, minutes=store.GLASS_MIN,
        shortest=SHORTEST, **asked,
    )  # fmt: skip
