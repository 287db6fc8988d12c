"""One box for a resident, a telephone, an address, a device, a case's number. Posted: no name stands in a URL."""

import asyncio
import re
from collections.abc import Sequence
from datetime import date

from fastapi import APIRouter, Request
from starlette.responses import Response

from hub import pinyin
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import as_number, queries
from hub.web import glass, views
from hub.web.auth import Seat
from hub.web.frame import FormOf, PartsOf, SeatOf, from_htmx, render, text

router = APIRouter()
Q = queries("search")
LIMIT = 20
LONGEST = 60
FEWEST_DIGITS = 3
NAMES_LIMIT = 200_000
HIDDEN = {"born": None, "address": "", "home": "", "phone": "", "risks": (), "cases": (), "devices": (), "relation": ""}
LETTERS = re.compile(r"[a-z]{2,20}")
NOT_DIGITS = re.compile(r"\D")


@router.post("/search")
async def search(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    wanted = text(form, "q", LONGEST)
    found: dict[str, Sequence[Row]] = {"residents": (), "callers": (), "devices": (), "cases": ()}
    if wanted:
        async with has.pool.connection() as conn:
            found = await seen_by(conn, who, await everywhere(conn, wanted))
    today = has.live.now().date()
    found["residents"] = [r | {"age": views.years(r["born"], today)} for r in found["residents"]]
    template = "_found.html" if from_htmx(request) else "search.html"
    return render(request, template, who, here="search", wanted=wanted, found=found, limit=LIMIT)


async def everywhere(conn: Connection, wanted: str) -> dict[str, Sequence[Row]]:
    """Look everywhere at once: who asks is in a hurry and does not know what the words are."""
    like = "%" + re.sub(r"([\\%_])", r"\\\1", wanted) + "%"
    digits = NOT_DIGITS.sub("", wanted)
    telephone = digits if len(digits) >= FEWEST_DIGITS and len(digits) >= len(wanted) / 2 else None
    number = as_number(wanted.removeprefix("#"))
    one = await row(conn, Q.incident, id=number) if number is not None else None
    return {
        "residents": await rows(
            conn, Q.residents, ids=await _sounding(conn, wanted), like=like, digits=telephone, limit=LIMIT
        ),
        "callers": await rows(conn, Q.callers, like=like, digits=telephone, limit=LIMIT),
        "devices": await rows(conn, Q.devices, like=like, limit=LIMIT),
        "cases": [one] if one else [],
    }


async def residents(conn: Connection, who: Seat, wanted: str, today: date) -> list[Row]:
    """Return residents by name, sound, telephone, address or number, as this person may see them."""
    if not wanted:
        return []
    found = (await everywhere(conn, wanted))["residents"]
    shown = await glass.masked(conn, who, found, by="id", empty=HIDDEN)
    return [r | {"age": views.years(r["born"], today)} for r in shown]


async def seen_by(conn: Connection, who: Seat, found: dict[str, Sequence[Row]]) -> dict[str, Sequence[Row]]:
    """Return what was found as this person may see it: whose record is locked stands there without a name."""
    residents = await glass.masked(conn, who, found["residents"], by="id", empty=HIDDEN)
    callers = await glass.masked(conn, who, found["callers"], name="resident", empty=HIDDEN)
    devices = await glass.masked(conn, who, found["devices"], name="resident", empty=HIDDEN)
    cases = await glass.masked(conn, who, found["cases"], name="resident", empty=HIDDEN)
    return {"residents": residents, "callers": callers, "devices": devices, "cases": cases}


async def _sounding(conn: Connection, wanted: str) -> list[int]:
    """Return the residents whose names sound so, when what was typed may be the sound of one."""
    letters = wanted.lower().replace(" ", "").replace("'", "")
    if not LETTERS.fullmatch(letters):
        return []
    names = [(r["id"], r["name"]) for r in await rows(conn, Q.names, limit=NAMES_LIMIT)]
    return await asyncio.to_thread(pinyin.matching, names, letters, LIMIT)
