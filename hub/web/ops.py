"""/healthz, /readyz and /metrics of the console process."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from hub.web.frame import PartsOf

router = APIRouter()


@router.get("/healthz")
async def alive() -> Response:
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def ready(has: PartsOf) -> Response:
    """Ready means: what the screens show follows the database."""
    if has.live.healthy:
        return PlainTextResponse("ok\n")
    return PlainTextResponse("the database cannot be followed: see carehub console's log\n", 503)


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
