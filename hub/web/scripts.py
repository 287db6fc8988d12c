"""The scripts of the console: everybody of the desk reads them, supervisors publish them in versions."""

from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import PlainTextResponse, Response

from alerts import scripts as pure
from hub import scripts
from hub.store.console import row
from hub.web.frame import FormOf, PartsOf, SeatOf, go, render, text

router = APIRouter()
log = structlog.get_logger()
Number = Annotated[int, Path(ge=1, lt=2**63)]
PAGE = "/scripts"


@router.get(PAGE)
async def page(request: Request, who: SeatOf, has: PartsOf) -> Response:
    return await _page(request, who, has)


async def _page(
    request: Request, who: SeatOf, has: PartsOf, *, given: str | None = None,
    faults: tuple[tuple[str, str], ...] = (), status: int = 200,
) -> Response:  # fmt: skip
    async with has.pool.connection() as conn:
        number, body = await scripts.active(conn)
        history = await scripts.history(conn)
    return render(
        request, "scripts.html", who, status=status, here="scripts", version=number,
        body=body if given is None else given, scripts=pure.read(body), history=history,
        faults=[english if who.language.startswith("en") else chinese for chinese, english in faults],
    )  # fmt: skip


@router.get("/scripts/{number}")
async def one(number: Number, who: SeatOf, has: PartsOf) -> Response:
    """The text of one version, as it was published."""
    async with has.pool.connection() as conn:
        found = await row(conn, scripts.Q.body, id=number)
    if found is None:
        raise HTTPException(404)
    return PlainTextResponse(found["body"])


@router.post(PAGE)
async def publish(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    if who.role != "supervisor":
        raise HTTPException(403)
    given = text(form, "body", pure.LONGEST_LINE).replace("\r\n", "\n") + "\n"
    async with has.pool.connection() as conn:
        try:
            made = await scripts.publish(conn, given, who.person_id, text(form, "comment", scripts.COMMENT_LENGTH))
        except pure.ScriptError as error:
            return await _page(request, who, has, given=given, faults=error.faults, status=422)
    log.info("scripts_published", version=made, person_id=who.person_id)
    return go(PAGE)
