"""Who may be registered twice: pairs with why, both side by side, the merge, and taking it back."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub.sealed import SealError
from hub.store import registry, registry_merge
from hub.store.registry_merge import MergeError
from hub.web import words
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, Parts, PartsOf, SeatOf, go, number, render, text

router = APIRouter()
Id = Annotated[int, Path(ge=1, le=MOST)]
COMPARED = (
    "name", "born", "phone", "area", "address", "entrance", "language", "languages", "ability", "risk_class", "risks",
    "hazards", "key_place", "spo2_scale", "fence_m",
)  # fmt: skip


@router.get("/registry/duplicates")
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _page(request, who, has)


async def _page(request: Request, who: Seat, has: Parts, *, problem: str = "", status: int = 200) -> Response:
    async with has.pool.connection() as conn:
        pairs = await registry_merge.proposals(conn)
        merges = await registry.rows(conn, registry_merge.Q.merges, id=None)
    return render(
        request, "registry_duplicates.html", who, status=status, here="registry", tab="duplicates", pairs=pairs,
        merges=merges, problem=problem,
    )  # fmt: skip


@router.get("/registry/duplicates/{one}/{other}")
async def pair(request: Request, who: SeatOf, has: PartsOf, one: Id, other: Id) -> Response:
    return await _pair(request, who, has, one, other)


async def _pair(
    request: Request, who: Seat, has: Parts, one: int, other: int, *, problem: str = "", status: int = 200
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        both = [await registry.resident(conn, each) for each in (one, other)]
        held = [await registry.row(conn, registry_merge.Q.held, id=each) for each in (one, other)]
    if one == other or None in both:
        raise HTTPException(404)
    return render(
        request, "registry_pair.html", who, status=status, here="registry", tab="duplicates", both=both, held=held,
        compared=COMPARED, problem=problem,
    )  # fmt: skip


@router.post("/registry/duplicates/{one}/{other}")
async def decide(request: Request, who: SeatOf, form: FormOf, has: PartsOf, one: Id, other: Id) -> Response:  # noqa: PLR0917
    """Merge the one into the other, or say that they are two."""
    if text(form, "do", 10) == "apart":
        async with has.pool.connection() as conn:
            both = [await registry.resident(conn, each) for each in (one, other)]
            if one == other or None in both:
                raise HTTPException(404)
            await conn.execute(registry_merge.Q.apart, {"one": one, "other": other, "by": who.person_id})
        return go("/registry/duplicates")
    keep = number(form, "keep")
    if keep not in (one, other):
        raise HTTPException(422)
    try:
        async with has.pool.connection() as conn, conn.transaction():
            await registry.acting(conn, f"person:{who.person_id}", "merge")
            await registry_merge.merge(conn, keep, other if keep == one else one)
            await registry.tell(conn)
    except (MergeError, SealError) as err:
        return await _pair(request, who, has, one, other, problem=_why(err, who), status=409)
    return go(f"/registry/residents/{keep}")


@router.post("/registry/merges/{merge}/undo")
async def undo(request: Request, who: SeatOf, form: FormOf, has: PartsOf, merge: Id) -> Response:
    try:
        async with has.pool.connection() as conn, conn.transaction():
            await registry.acting(conn, f"person:{who.person_id}", "merge")
            done = await registry_merge.undo(conn, merge)
            await registry.tell(conn)
    except MergeError as err:
        return await _page(request, who, has, problem=_why(err, who), status=409)
    return go(f"/registry/residents/{done['other']}")


def _why(err: Exception, who: Seat) -> str:
    t: Any = words.speaker(who.language)
    codes = {"open_case": "reg.dup.open_case"}
    return t(codes.get(err.code, "reg.dup.not_undone")) if isinstance(err, MergeError) else str(err)
