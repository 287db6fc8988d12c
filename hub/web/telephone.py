"""The telephone at the desk: who calls in pops up with her card, whom to call is one press away, every call is listed.

POST /telephony/<provider>/<secret> is where a provider reports: a PBX signs every report; Aliyun signs none, and its
path is the secret. What comes twice, late or out of order is harmless (hub.telephony.states).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from prometheus_client import Counter
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from hub.incidents import UnknownIncidentError
from hub.refusals import Refused
from hub.store import telephony as store
from hub.store.pool import Connection, hub_now
from hub.telephony import Telephone, exchange, reports
from hub.telephony.telephone import ReportError
from hub.web import views, words
from hub.web.auth import Seat
from hub.web.frame import FormOf, Parts, PartsOf, SeatOf, from_htmx, go, number, render, said, text

router = APIRouter()
log = structlog.get_logger()
Number = Annotated[int, Path(ge=1, lt=2**63)]
Part = Annotated[str, Path(max_length=60)]
ROLES = frozenset({"operator", "supervisor"})
REPORTS = Counter("carehub_telephone_reports_total", "Reports of calls, by what became of them", ["provider", "became"])


async def of_case(conn: Connection, has: Parts, incident_id: int, *, calls: bool = True) -> dict[str, Any]:
    """Return what `_calls.html` shows: whom to call, and the calls of this case."""
    return {
        "dials": calls and has.telephone is not None,
        "can": await store.callable_for(conn, incident_id) if calls else [],
        "made": await store.of_case(conn, incident_id),
    }


@router.get("/telephone/waiting")
async def waiting(request: Request, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        calls = await store.waiting(conn, who.person_id)
    now = has.live.now()
    for call in calls:
        for card in call["cards"]:
            card["age"] = views.years(card["born"], now.date())
            card["closed"] = card["locked"] and who.role != "supervisor"
    return render(request, "_calls_waiting.html", who, waiting=calls)


@router.post("/telephone/cases/{incident_id}/call")
async def call(request: Request, incident_id: Number, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Ring the operator's telephone, then the other's."""
    telephone, party, whose = has.telephone, text(form, "party", 10), number(form, "id")
    if telephone is None or whose is None:
        raise HTTPException(422)
    target = exchange.Target(party=party, id=whose)
    try:
        await exchange.call(has.pool, telephone, incident_id, who.person_id, target, text(form, "nonce", 100))
    except Refused as no:
        return _refused(request, who, no)
    except UnknownIncidentError:
        raise HTTPException(404) from None
    return _done(request, f"/incidents/{incident_id}")


@router.post("/telephone/{call_id}/{verb}")
async def act(  # noqa: PLR0917 - FastAPI's own way
    request: Request, call_id: Number, verb: str, who: SeatOf, form: FormOf, has: PartsOf
) -> Response:  # fmt: skip
    """What an operator does with a call: take it, make a case of it, see to it, hang up, open its recording."""
    if verb not in VERBS:
        raise HTTPException(404)
    try:
        return await VERBS[verb](request, call_id, who, form, has)
    except Refused as no:
        return _refused(request, who, no)


async def _answer(request: Request, call_id: int, who: Seat, form: FormData, has: Parts) -> Response:
    async with has.pool.connection() as conn:
        incident_id = await exchange.answer(conn, _line(has), call_id, who.person_id)
    return _opened(request, who, incident_id)


async def _case(request: Request, call_id: int, who: Seat, form: FormData, has: Parts) -> Response:
    async with has.pool.connection() as conn:
        incident_id = await exchange.make_case(conn, call_id, who.person_id, number(form, "resident"))
    return _opened(request, who, incident_id)


async def _seen(request: Request, call_id: int, who: Seat, form: FormData, has: Parts) -> Response:
    async with has.pool.connection() as conn:
        await exchange.seen(conn, call_id, who.person_id)
    return _done(request, "/")


async def _hang_up(request: Request, call_id: int, who: Seat, form: FormData, has: Parts) -> Response:
    if not await exchange.hang_up(has.pool, _line(has), call_id, who.person_id):
        raise Refused("cannot_hang_up")
    return _done(request, "/")


async def _recording(request: Request, call_id: int, who: Seat, form: FormData, has: Parts) -> Response:
    """Where it is kept, not what was said: the sound stays with the provider."""
    async with has.pool.connection() as conn:
        where = await exchange.recording(conn, call_id, who.person_id, text(form, "reason", exchange.REASON_LENGTH))
    log.info("recording_opened", call=call_id, person_id=who.person_id)
    href = where if urlsplit(where).scheme in ("http", "https") else ""
    return render(request, "_recording.html", who, where=where, href=href)


Verb = Callable[[Request, int, Seat, FormData, Parts], Awaitable[Response]]
VERBS: dict[str, Verb] = {
    "answer": _answer, "case": _case, "seen": _seen, "hang_up": _hang_up, "recording": _recording,
}  # fmt: skip


@router.post("/telephony/{provider}/{secret}")
async def reported(request: Request, provider: Part, secret: Part, has: PartsOf) -> Response:
    """Take a provider's reports. An answer other than 200 makes it bring them again."""
    telephone = has.telephone
    if telephone is None or provider not in (telephone.name, "pbx" if telephone.name == "simulated" else ""):
        raise HTTPException(404)
    body = await request.body()
    async with has.pool.connection() as conn:
        now = await hub_now(conn)
        try:
            found = telephone.read(body, request.headers, request.url.path, now)
        except ReportError as no:
            REPORTS.labels(telephone.name, "refused").inc()
            log.warning("report_refused", provider=telephone.name, why=str(no))
            raise HTTPException(403) from None
        became = [await reports.hear(conn, telephone, one) for one in found]
    for one in became:
        REPORTS.labels(telephone.name, one).inc()
    return JSONResponse({"code": 0, "msg": "ok", "became": became})


def _line(has: Parts) -> Telephone:
    if has.telephone is None:
        raise Refused("no_telephone")
    return has.telephone


def _refused(request: Request, who: Seat, no: Refused) -> Response:
    log.info("call_refused", code=no.code, person_id=who.person_id)
    t = words.speaker(who.language)
    return said(request, who, t("refused", why=no.words(who.language)), 409)


def _done(request: Request, path: str) -> Response:
    if from_htmx(request):
        return Response(status_code=204, headers={"HX-Trigger": "hub:done"})
    return go(path)


def _opened(request: Request, who: Seat, incident_id: int | None) -> Response:
    """The case of a call opens beside the queue, without loading the page anew: the bell would be silent after that."""
    if incident_id is None or not from_htmx(request):
        return _done(request, "/" if incident_id is None else f"/incidents/{incident_id}")
    response = render(request, "_call_opens.html", who, incident_id=incident_id)
    response.headers["HX-Trigger"] = "hub:done"
    return response
