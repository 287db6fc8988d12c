"""Keys of other programs: made with scopes and an end, shown once, ended; who holds one and when it was used last."""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response

from hub.api import tokens
from hub.api.scopes import CENTRE, SCOPES, SUPERVISOR
from hub.errors import HubError
from hub.store import accounts
from hub.store import api as store
from hub.web.auth import Seat
from hub.web.frame import MOST, FormOf, Parts, PartsOf, SeatOf, go, number, render, text

router = APIRouter(prefix="/tokens")
log = structlog.get_logger()
TokenId = Annotated[int, Path(ge=1, le=MOST)]
SCOPES_MOST = len(SCOPES)


@router.get("")
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _page(request, who, has)


@router.post("")
async def create(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """Make one; the account it acts as is its own. Its text is in this answer and nowhere else."""
    name, days, rate = text(form, "name", 80), number(form, "days"), number(form, "per_minute")
    scopes = [str(one) for one in form.getlist("scope")][:SCOPES_MOST]
    try:
        async with has.whole.connection() as conn:
            issued = await tokens.issue(
                conn, name, scopes, by=f"person:{who.person_id}", days=tokens.DAYS if days is None else days,
                organisation_id=number(form, "organisation"), per_minute=tokens.PER_MINUTE if rate is None else rate,
            )  # fmt: skip
    except HubError as no:
        return await _page(request, who, has, problem=str(no), typed={"name": name, "scopes": scopes}, status=422)
    log.info("token_issued", token_id=issued.id, by=who.person_id)
    return await _page(request, who, has, issued=issued)


@router.post("/{token_id}/revoke")
async def revoke(token_id: TokenId, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """It counts no more, from its next request on. Again changes nothing."""
    async with has.whole.connection() as conn:
        known = {one["id"] for one in await store.tokens(conn)}
        if token_id not in known:
            raise HTTPException(404)
        ended = await store.revoke(conn, token_id, f"person:{who.person_id}")
    if ended is not None:
        log.info("token_revoked", token_id=token_id, by=who.person_id)
    return go("/tokens")


async def _page(request: Request, who: Seat, has: Parts, *, status: int = 200, **more: Any) -> Response:
    async with has.whole.connection() as conn:
        found, organisations = await store.tokens(conn), await accounts.organisations(conn)
    wanted: dict[str, Any] = {"issued": None, "problem": "", "typed": {"name": "", "scopes": []}}
    return render(
        request, "tokens.html", who, status=status, here="tokens", tokens=found, organisations=organisations,
        scopes=SCOPES, whole=CENTRE | SUPERVISOR, days=tokens.DAYS, days_most=tokens.MOST_DAYS,
        per_minute=tokens.PER_MINUTE, per_minute_most=tokens.MOST_PER_MINUTE, **(wanted | more),
    )  # fmt: skip
