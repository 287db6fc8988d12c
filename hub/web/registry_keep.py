"""What is kept how long, and the erasure of a resident: an administrator and a second person's sign-in."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub import retention
from hub.store import access as looks
from hub.store import registry as store
from hub.store import registry_erase
from hub.store.registry import TiedUpError
from hub.web import words
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, Parts, PartsOf, SeatOf, go, number, render, text

router = APIRouter()
ResidentId = Annotated[int, Path(ge=1, le=MOST)]
LEAST_REASON = 6
SECOND = frozenset({"supervisor", "administrator", "auditor"})  # whose word is a second one


@router.get("/registry/retention")
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    limits = request.app.state.limits
    async with has.pool.connection() as conn:
        runs = await retention.runs(conn)
    kinds = [(kind, retention.days(kind, limits), runs.get(kind.name)) for kind in retention.KINDS]
    return render(request, "registry_retention.html", who, here="registry", tab="retention", kinds=kinds)


@router.get("/registry/residents/{resident_id}/erasure")
async def ask(request: Request, who: SeatOf, has: PartsOf, resident_id: ResidentId) -> Response:
    return await _page(request, who, has, resident_id)


async def _page(
    request: Request, who: Seat, has: Parts, resident_id: int, *, status: int = 200, problem: str = "", reason: str = ""
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        found = await store.resident(conn, resident_id)
        done: Any = await registry_erase.last(conn, resident_id)
    if found is None:
        raise HTTPException(404)
    return render(
        request, "registry_erasure.html", who, status=status, here="registry", tab="residents", r=found, done=done,
        problem=problem, reason=reason,
    )  # fmt: skip


@router.post("/registry/residents/{resident_id}/erasure")
async def erase(request: Request, who: SeatOf, form: FormOf, has: PartsOf, resident_id: ResidentId) -> Response:
    """Nothing is erased by one person alone, nor by a slip."""
    t, reason = words.speaker(who.language), text(form, "reason", 500)
    again: dict[str, Any] = {"status": 422, "reason": reason}
    if number(form, "number") != resident_id:
        return await _page(request, who, has, resident_id, problem=t("reg.erase.wrong_number"), **again)
    if len(reason) < LEAST_REASON:
        return await _page(request, who, has, resident_id, problem=t("reg.erase.no_reason"), **again)
    password = form.get("second_password")
    address = request.client.host if request.client else ""
    second = await has.doorman.check(
        text(form, "second_login", 200), password if isinstance(password, str) else "", address
    )
    if second is None or second.person_id == who.person_id or second.role not in SECOND:
        return await _page(request, who, has, resident_id, problem=t("reg.erase.wrong_second"), **again)
    try:
        async with has.pool.connection() as conn, conn.transaction():
            held = await store.row(conn, store.Q.hold, id=resident_id)
            if held is None or held["erased_at"] is not None or held["merged_into"] is not None:
                raise HTTPException(404)
            await store.acting(conn, f"person:{who.person_id}", "erasure")
            await registry_erase.erase(conn, resident_id, {"second": second.person_id})
            await looks.looked_at(conn, who.person_id, "erasure", resident_id, reason)
            await store.tell(conn)
    except TiedUpError as tied:
        problem = t(f"reg.tied.{tied.what}", n=tied.count)
        return await _page(request, who, has, resident_id, problem=problem, **(again | {"status": 409}))
    return go(f"/registry/residents/{resident_id}/erasure")
