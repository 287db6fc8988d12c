"""Drills: a supervisor starts a story against a training hub, operators work it there, the marks are talked about."""

import secrets
from typing import Annotated, cast

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from hub.simulated.drills import LARGEST_BYTES, SPEEDS, Drill, DrillError, Drills, stories
from hub.store.telemetry import clean
from hub.web import words
from hub.web.frame import FormOf, SeatOf, go, number, render, said, text

router = APIRouter()
log = structlog.get_logger()
SHOWN = 10
SEEDS = 1_000_000
Name = Annotated[str, Path(pattern=r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{6}$")]


@router.get("/drills")
async def drills(request: Request, who: SeatOf) -> Response:
    found = await run_in_threadpool(_kept(request).all)
    running = next((drill for drill in found if not drill.ended), None)
    over = [drill for drill in found if drill.ended][:SHOWN]
    return render(
        request, "drills.html", who, here="drills", running=running, over=over, stories=stories(), speeds=SPEEDS
    )  # fmt: skip


@router.post("/drills")
async def start(request: Request, who: SeatOf, form: FormOf) -> Response:
    """Start one: a story that is shipped, or a file."""
    upload, body, story = form.get("file"), b"", text(form, "story", 60)
    if isinstance(upload, UploadFile) and upload.filename:
        body = await upload.read(LARGEST_BYTES + 1)
        story = clean(upload.filename)[-60:]
    seed = number(form, "seed") or secrets.randbelow(SEEDS) + 1
    speed = number(form, "speed") or SPEEDS[0]

    def begin() -> None:
        _kept(request).start(story, body=body, seed=seed % SEEDS, speed=speed, by=who.name)

    try:
        await run_in_threadpool(begin)
    except DrillError as err:
        return said(request, who, words.speaker(who.language)(err.word), 422)
    log.warning("drill_started", story=story, seed=seed, person_id=who.person_id)
    return go("/drills")


@router.post("/drills/{name}/stop")
async def stop(request: Request, name: Name, who: SeatOf, form: FormOf) -> Response:
    if not await run_in_threadpool(_kept(request).stop, name):
        raise HTTPException(404)
    log.warning("drill_stopped", drill=name, person_id=who.person_id)
    return go("/drills")


@router.get("/drills/{name}/report")
async def report(request: Request, name: Name, who: SeatOf) -> Response:
    drill: Drill | None = await run_in_threadpool(_kept(request).named, name)
    if drill is None or drill.report is None:
        raise HTTPException(404)
    return FileResponse(drill.report, media_type="text/html", filename=f"drill-{name}.html")


def _kept(request: Request) -> Drills:
    """The training hub has no drills of its own."""
    kept = cast("Drills | None", request.app.state.drills)
    if kept is None:
        raise HTTPException(404)
    return kept
