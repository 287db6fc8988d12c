"""The register as an organisation reads it: its own residents, nothing sealed, nothing to change."""

from fastapi import HTTPException, Request
from starlette.responses import Response

from hub.store import registry as store
from hub.web import glass
from hub.web.auth import Seat
from hub.web.frame import Parts, go, render


async def one(request: Request, who: Seat, has: Parts, resident_id: int) -> Response:
    """Show a resident of his organisation's areas, or of a case that calls its people. The database decides which."""
    async with has.pool.connection() as conn:
        found = await store.seen(conn, resident_id)
        if found is None:
            raise HTTPException(404)
        if not await glass.passed(conn, who, {"resident_id": resident_id}):
            return go(f"/glass?resident={resident_id}")
    return render(request, "registry_seen.html", who, here="registry", tab="residents", **found)
