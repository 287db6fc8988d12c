"""The operator's pages: the live queue, one incident, and what the buttons post."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from alerts.model import Disposition, Role, Service, Severity, State
from alerts.services import Scene, script
from hub import callers, handover, retries, scripts
from hub.channels.wording import HAZARDS
from hub.incidents import UnknownIncidentError
from hub.loops import bell
from hub.refusals import Refused
from hub.store import access, devices, falls, homes, policies, surges
from hub.store import console as store
from hub.store.pool import Connection
from hub.store.sql import as_number, queries
from hub.web import (
    board,
    bounds,
    device_orders,
    glass,
    own,
    reasons,
    rows,
    search,
    steps,
    story,
    telephone,
    views,
    words,
)
from hub.web.actions import ACTIONS, CALLS, HOLD_MINUTES, SHEETS, Doing
from hub.web.auth import Seat, same
from hub.web.frame import (
    ForgedFormError,
    FormFaultError,
    FormOf,
    Parts,
    PartsOf,
    SeatOf,
    from_htmx,
    go,
    number,
    render,
    said,
    text,
)
from hub.web.live import Stream

router = APIRouter()
CASES = queries("cases")
DESK = queries("desk")
log = structlog.get_logger()
IncidentId = Annotated[int, Path(ge=1, lt=2**63)]
VITALS_MINUTES = 30
DEVICE_TEST_MIN = 30
SEEN_LIMIT = 200  # pages one browser confirms at once


@router.get("/")
async def desk_page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        queue = await _queue(conn, request, who, has)
        recent = await store.rows(conn, store.Q.recent)
    return render(request, "desk.html", who, **queue, recent=recent, it=None, open_id=None)


@router.get("/overview")
async def overview(request: Request, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        reading = await has.board.read(conn, who.view)
        recent = await store.rows(conn, store.Q.recent)
    calls, _ = views.split(reading.rows)
    return render(request, "_overview.html", who, calls=calls, count=reading.count, recent=recent)


@router.get("/queue")
async def queue(request: Request, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        found = await _queue(conn, request, who, has)
    return render(request, "_queue.html", who, **found)


@router.get("/queue/rows")
async def changed_rows(request: Request, who: SeatOf, has: PartsOf) -> Response:
    """Of these cases the rows, and of all the order: what a console needs after a change, and not the whole queue."""
    ids = {found for part in request.query_params.get("ids", "").split(",") if (found := as_number(part)) is not None}
    async with has.pool.connection() as conn:
        reading = await has.board.read(conn, who.view)
    changed = rows.changed(reading, who, has, frozenset(ids), request.state.nonce)
    return render(request, "_rows_changed.html", who, **changed)


@router.get("/incidents/{incident_id}")
async def incident_page(request: Request, incident_id: IncidentId, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        if (elsewhere := await glass.way(conn, incident_id, who)) is not None:
            return go(elsewhere)
        case = await _case(conn, incident_id, who, has)
        await glass.note_look(conn, who, case["it"])
        if from_htmx(request):
            return render(request, "_incident.html", who, **case)
        queue = await _queue(conn, request, who, has)
    return render(request, "desk.html", who, **queue, **case, recent=[], open_id=incident_id)


@router.get("/incidents/{incident_id}/case")
async def case_part(request: Request, incident_id: IncidentId, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        return render(request, "_case.html", who, **await _case(conn, incident_id, who, has))


@router.get("/incidents/{incident_id}/vitals")
async def vitals(incident_id: IncidentId, who: SeatOf, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        about = await access.case(conn, incident_id)
        if about is None:
            raise HTTPException(404)
        if not await glass.passed(conn, who, about):
            raise HTTPException(403)
        points = await store.rows(
            conn, store.Q.vitals, incident=incident_id, minutes=VITALS_MINUTES, limit=store.VITALS_LIMIT
        )
    return JSONResponse(views.chart(points))


@router.get("/incidents/{incident_id}/sheet/{name}")
async def sheet(request: Request, incident_id: IncidentId, name: str, who: SeatOf, has: PartsOf) -> Response:
    """A window with one form in it, made when it is opened, so that what it offers is of now."""
    if name not in SHEETS:
        raise HTTPException(404)
    async with has.pool.connection() as conn:
        it = await _found(conn, incident_id, has, who)
        candidates = await store.rows(conn, store.Q.candidates, incident=incident_id) if name == "dispatch" else []
        if who.scoped:
            mine = await own.people(conn, [c["id"] for c in candidates], who)
            candidates = [c for c in candidates if c["id"] in mine]
        hold_minutes = await _hold_minutes(conn, it) if name == "hold" else ()
        links = await store.rows(conn, CASES.links, incident=incident_id) if name in ("close", "link") else []
        service = CALLS.get(name)
        lines: tuple[str, ...] = ()
        if service is not None:
            lines = script(service, await _scene(conn, it, has, who.language), words.pick(who.language))
    return render(
        request, "_sheet.html", who, sheet=name, it=it, candidates=candidates, hold_minutes=hold_minutes,
        dispositions=list(Disposition), critical=it["severity"] == Severity.CRITICAL, links=links, service=service,
        lines=lines,
    )  # fmt: skip


@router.post("/incidents/{incident_id}/door_code")
async def door_code(request: Request, incident_id: IncidentId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Shown when asked for, and only together with the entry that says who asked."""
    async with has.pool.connection() as conn:
        about = await access.case(conn, incident_id)
        if about is not None and not await glass.passed(conn, who, about):
            raise HTTPException(403)
        code = await store.door_code(conn, incident_id, who.person_id, "door_code: console")
    if code is None:
        raise HTTPException(404)
    log.info("door_code_shown", incident_id=incident_id, person_id=who.person_id)
    return render(request, "_door_code.html", who, code=code)


@router.post("/incidents/{incident_id}/whose")
async def whose(request: Request, incident_id: IncidentId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Residents whom a call of nobody known may be from: a piece of the window `identify`."""
    async with has.pool.connection() as conn:
        await _found(conn, incident_id, has, who)
        found = await search.residents(conn, who, text(form, "q", search.LONGEST), has.live.now().date())
    return render(request, "_whose.html", who, found=found, limit=search.LIMIT)


@router.post("/incidents/{incident_id}/{verb}")
async def act(
    *, request: Request, incident_id: IncidentId, verb: str, who: SeatOf, form: FormOf, has: PartsOf
) -> Response:
    if verb not in ACTIONS:
        raise HTTPException(404)
    t = words.speaker(who.language)
    async with has.pool.connection() as conn:
        it = await _found(conn, incident_id, has, who)
        if who.scoped:
            if verb == "dispatch" and not await own.people(conn, [number(form, "person") or 0], who):
                return said(request, who, t("own_people"), 422)
            await bounds.lift(conn)  # he sees the case and sends his own: what follows from it concerns everybody
        doing = Doing(
            conn=conn, incident_id=incident_id, who=who, form=form, doorman=has.doorman,
            desk_phone=has.desk_phone, resident_id=it["resident_id"],
            address=request.client.host if request.client else "", state=it["state"], severity=it["severity"],
        )  # fmt: skip
        try:
            await ACTIONS[verb](doing)
        except FormFaultError as fault:
            return said(request, who, t(fault.word, what=t(fault.what)), 422)
        except Refused as refusal:
            log.info("action_refused", incident_id=incident_id, verb=verb, code=refusal.code)
            return said(request, who, t("refused", why=refusal.words(who.language)), 409)
        except UnknownIncidentError:
            raise HTTPException(404) from None
    if from_htmx(request):
        return Response(status_code=204, headers={"HX-Trigger": "hub:done"})
    return go(f"/incidents/{incident_id}")


@router.post("/devices/{device_id}/test")
async def device_test(request: Request, device_id: IncidentId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """An installer telephones: this device is being tested. It ends by itself."""
    minutes = number(form, "minutes")
    async with has.pool.connection() as conn:
        try:
            async with conn.transaction():
                await devices.test(conn, device_id, DEVICE_TEST_MIN if minutes is None else minutes)
        except devices.TestModeError:
            raise HTTPException(422) from None
    log.info("device_test", device_id=device_id, person_id=who.person_id, minutes=minutes)
    if from_htmx(request):
        return Response(status_code=204, headers={"HX-Trigger": "hub:done"})
    back = number(form, "incident")
    return go(f"/incidents/{back}" if back else "/")


class Seen(msgspec.Struct, kw_only=True):
    """What a browser reports: which case it has open, which pages it has shown, which case's pages were read."""

    stream: str = ""
    open: int | None = None
    delivered: list[int] = []
    read: int | None = None


@router.post("/seen")
async def seen(request: Request, who: SeatOf, has: PartsOf) -> Response:
    if not same(request.headers.get("x-csrf-token", ""), who.csrf):
        raise ForgedFormError
    try:
        said_seen = msgspec.json.decode(await request.body(), type=Seen)
    except (ValueError, RecursionError):  # no JSON of ours, no UTF-8, thousands of brackets
        raise HTTPException(422) from None
    async with has.pool.connection() as conn, conn.transaction():
        if said_seen.stream:
            values = {"stream": said_seen.stream, "person": who.person_id, "incident": said_seen.open}
            await conn.execute(store.Q.look, values)
        if said_seen.delivered:
            pages = said_seen.delivered[:SEEN_LIMIT]
            await conn.execute(store.Q.delivered, {"pages": pages, "person": who.person_id})
        if said_seen.read is not None:
            await conn.execute(store.Q.read, {"incident": said_seen.read, "person": who.person_id})
    return Response(status_code=204)


@router.get("/stream")
async def stream(request: Request, who: SeatOf, has: PartsOf) -> Response:
    opened = await has.live.open(who)
    if opened is None:
        return Response("too many consoles, or stopping\n", 503)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_flow(request, has, opened), media_type="text/event-stream", headers=headers)


async def _flow(request: Request, has: Parts, opened: Stream) -> AsyncIterator[bytes]:
    live, compose = has.live, rows.pushed(has, request.state.nonce)
    try:
        yield live.hello(opened)
        while not opened.closed:
            await bell.sleep(10, opened.wake)
            if await request.is_disconnected():
                return
            for event in live.events(opened, compose):
                yield event
    finally:
        live.leave(opened)


async def _queue(conn: Connection, request: Request, who: Seat, has: Parts) -> dict[str, Any]:
    reading = await has.board.read(conn, who.view)
    calls, technical = views.split(rows.seen_by(reading, who, has))
    places = views.places(calls) if reading.waves else []
    draw = rows.drawer(request.state.nonce, reading, who)
    return {
        "calls": [draw(r) for r in calls],
        "count": reading.count,
        "reading": reading.serial if who.view == board.CENTRE else 0,
        "surges": reading.waves,
        "places": [replace(p, rows=[draw(r) for r in p.rows]) for p in places],
        "proposal": None if any(not s["area"] for s in reading.waves) else await surges.proposed(conn),
        "technical": [draw(r) for r in technical],
        "more": max(0, reading.count["count"] - len(reading.rows)),
        "on_duty": await store.rows(conn, store.Q.on_duty),
        "notices": await store.rows(conn, store.Q.notices, person=who.person_id),
        "findings": await store.rows(conn, store.Q.findings),
        "handovers": await handover.waiting(conn, who.person_id, supervisor=who.role == "supervisor"),
    }


async def _found(conn: Connection, incident_id: int, has: Parts, who: Seat) -> store.Row:
    row = await store.row(conn, store.Q.incident, incident=incident_id)
    if row is None:
        raise HTTPException(404)
    if not await glass.passed(conn, who, row):
        raise HTTPException(403)
    return views.case(row, has.live.now(), who.person_id)


async def _case(conn: Connection, incident_id: int, who: Seat, has: Parts) -> dict[str, Any]:
    it = await _found(conn, incident_id, has, who)
    about = {"incident": incident_id, "resident": it["resident_id"], "device": it["device_id"]}
    events = await store.rows(conn, store.Q.events, **about)
    notes = await store.rows(conn, store.Q.notes, **about)
    known = await store.names(conn, story.people(events))
    accidental = await store.row(conn, store.Q.accidental, **about)
    alerts = await store.rows(conn, store.Q.alerts, **about)
    ambulance = await store.row(conn, CASES.ambulance_due, incident=incident_id)
    devices = await store.rows(conn, store.Q.devices, **about)
    ordered = await device_orders.told(conn, incident_id, who.language, settle=not who.scoped) if devices else {}
    if who.scoped:  # the first scripts of all are published by whoever may
        async with has.whole.connection() as whole:
            await scripts.ensure(whole)
    version, to_do = await steps.of_case(conn, it, alerts, who.language)
    return {
        "it": it,
        "services": views.services(it, alerts, no_speech=it["no_speech"], asked=steps.asked(to_do)),
        "steps": to_do,
        "script_version": version,
        "retry": await retries.standing(conn, it, has.desk_phone),
        "identified": any(e["what"] == "identified" for e in events),
        "position": await store.row(conn, DESK.position, **about),
        "often": (await callers.lately(conn, [it["resident_id"]])).get(it["resident_id"])
        if it["resident_id"]
        else None,
        "visit": await callers.visit_of(conn, it["resident_id"]) if it["resident_id"] else None,
        "ambulance_due": ambulance and ambulance["due_at"],
        "ask_ambulance": await _asks_for_ambulance(conn, it),
        "links": await store.rows(conn, CASES.links, incident=incident_id),
        "device_test_min": DEVICE_TEST_MIN,
        "circle": await store.rows(conn, store.Q.circle, **about),
        "away": await homes.away_now(conn, it["resident_id"]) if it["resident_id"] else None,
        "devices": [d | {"offers": device_orders.offers(d), "ordered": ordered.get(d["id"], [])} for d in devices],
        "past": await store.rows(conn, store.Q.past, **about),
        "accidental": (accidental or {"count": 0})["count"],
        "alerts": alerts,
        "why": reasons.why(alerts, await falls.taken_back(conn, incident_id), who.language),
        "fallen": await falls.of_resident(conn, it["resident_id"], incident_id) if it["resident_id"] else None,
        "falls_days": falls.OVER_DAYS,
        "told": await store.rows(conn, store.Q.pages, **about),
        "telephone": await telephone.of_case(conn, has, incident_id, calls=not who.scoped),
        "looking": [p for p in await store.rows(conn, store.Q.looking, **about) if p["id"] != who.person_id],
        "timeline": story.tell(steps.worded(events, to_do, who.language), notes, known, who.language),
    }


async def _hold_minutes(conn: Connection, it: store.Row) -> Sequence[int]:
    """How long this one may wait: no more than its policy says; the shortest is offered whatever it says."""
    policy = (await policies.version(conn, it["policy_version"]))[it["policy_name"]]
    return [n for n in HOLD_MINUTES if timedelta(minutes=n) <= policy.hold_max] or HOLD_MINUTES[:1]


async def _asks_for_ambulance(conn: Connection, it: store.Row) -> bool:
    """Whether the policy has come to where it asks an operator about 120, and nobody has answered."""
    if State(it["state"]) is not State.OPEN or it["test"] or Service.AMBULANCE in it["services"]:
        return False
    policy = (await policies.version(conn, it["policy_version"]))[it["policy_name"]]
    return any(t.role is Role.AMBULANCE and t.operator_confirms for t in policy.rung(it["step"]).notify)


def _door(area: str, address: str) -> str:
    """The address with its area before it, unless it says so itself: nobody reads a place out twice."""
    return address if not address or address.startswith(area) else f"{area} {address}"


async def _scene(conn: Connection, it: store.Row, has: Parts, language: str) -> Scene:
    """What is read out to a service, in the operator's own words: she says it in one breath."""
    t = words.speaker(language)
    about = {"incident": it["id"]}
    alerts = await store.rows(conn, store.Q.alerts, **about)
    kinds = dict.fromkeys([it["kind"], *(a["kind"] for a in alerts)])
    risks = it["risks"] or ()
    return Scene(
        address=_door(it["area"] or "", it["address"] or ""), entrance=it["entrance"] or "",
        key_place=it["key_place"] or "", age=it["age"], happened=" + ".join(t(f"kind.{k}") for k in kinds),
        presses=it["presses"], no_speech=it["no_speech"],
        hazards=tuple(words.risk(language, r) for r in risks if r in HAZARDS),
        medical=tuple(words.risk(language, r) for r in risks if r not in HAZARDS), call_back=has.desk_phone,
    )  # fmt: skip
