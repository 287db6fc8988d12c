"""The watch: who watches, what is wrong and who has acknowledged it, and how the last canaries fared."""

from collections.abc import Callable
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub.catalogue import texts
from hub.loops.findings import RULES, Loud
from hub.store import console as store
from hub.store.canary import STAGES
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.web import words
from hub.web.frame import FormOf, PartsOf, SeatOf, go, render, said, text

router = APIRouter()
log = structlog.get_logger()
Q = queries("watch")
PARTS = ("audit", "canary", "siren", "outside", "echo")
GOOD = frozenset({"", "through", "silent", "beats", "heard", "standby"})  # what a part says while all is well
ROUNDS = 12
FindingId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/ops")
async def watch(request: Request, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        return render(request, "watch.html", who, here="watch", detail=_details(who.language), **await _found(conn))


@router.post("/ops/findings/{finding_id}/acknowledge")
async def acknowledge(request: Request, finding_id: FindingId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """The siren is silent about it for a while; the name and the reason stand on the page."""
    why = text(form, "why", 300)
    if not why:
        return said(request, who, words.speaker(who.language)("watch.say_why"), 422)
    async with has.pool.connection() as conn:
        values = {"finding": finding_id, "person": who.person_id, "why": why}
        row = await store.row(conn, Q.acknowledge, **values)
    if row is None:
        raise HTTPException(404)
    log.warning("finding_acknowledged", rule=row["rule"], subject=row["subject"], person_id=who.person_id)
    return go("/ops")


async def _found(conn: Connection) -> dict[str, Any]:
    told = {row["role"]: row for row in await store.rows(conn, Q.parts)}
    rounds = await store.rows(conn, Q.rounds, limit=ROUNDS)
    for row in rounds:
        row["total_s"] = sum(row["seconds"].values())
    return {
        "parts": [_part(name, told.get(name)) for name in PARTS],
        "findings": [row | {"loud": RULES.get(row["rule"], Loud.SIREN)} for row in await store.rows(conn, Q.now)],
        "past": await store.rows(conn, Q.past),
        "rounds": rounds,
        "stages": STAGES,
        "day": await store.row(conn, Q.day),
    }


def _details(language: str) -> Callable[[store.Row], str]:
    """Return how a finding's detail is said: the canary's is a word of ours and a fact, the others' are facts."""
    t, known = words.speaker(language), texts(words.pick(language))

    def detail(found: store.Row) -> str:
        word, _, fact = str(found["detail"]).partition(" ")
        own = str(found["rule"]).startswith("canary") and f"canary.{word}" in known
        return t(f"canary.{word}", fact=fact) if own else str(found["detail"])

    return detail


def _part(name: str, row: store.Row | None) -> dict[str, Any]:
    """One part of the watch: what it says, as a word the page has, and whether that is good."""
    if row is None:
        return {"name": name, "word": "never", "stage": "", "good": False, "at": None}
    word, _, stage = str(row["says"]).partition(" ")
    good = row["fresh"] and word in GOOD
    return {"name": name, "word": word or "looks" if row["fresh"] else "stopped", "stage": stage, "good": good,
            "at": row["at"]}  # fmt: skip
