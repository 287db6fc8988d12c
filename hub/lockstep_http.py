"""POST /step, by which a simulated town moves the hub's time."""

import contextlib
import secrets
from collections.abc import AsyncIterator

import msgspec
import structlog
from aiohttp import web

from hub.lockstep import BackwardsError, LockStep, NotAtRestError
from hub.simulated.formats import Step

PATH = "/step"
LARGEST_BYTES = 4_096
GRACE_S = 1.0
log = structlog.get_logger()


@contextlib.asynccontextmanager
async def serve(hub: LockStep, key: str, *, beside: bool = False) -> AsyncIterator[str]:
    """Serve steps on a free port of 127.0.0.1 to whoever has the key; yields the address.

    Args:
        beside: somebody else lets time pass as well: a step to a moment that is over is one to the present.
    """

    async def step(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), key.encode()):
            return web.Response(status=401, text="the key of joined.json goes into Authorization: Bearer …\n")
        try:
            asked = msgspec.json.decode(await request.read(), type=Step)
            if asked.to.tzinfo is None:
                raise msgspec.ValidationError("`to` without a zone")
            return _json(200, await hub.step(asked.to, late=beside, until_called=asked.until_called))
        except msgspec.MsgspecError as err:
            return web.Response(status=400, text=f'{err}; write {{"to": "2026-01-05T00:01:00Z"}}\n')
        except BackwardsError as err:
            return web.Response(status=409, text=f"{err}\n")
        except NotAtRestError as err:
            log.error("not_at_rest", why=str(err))
            return _json(503, {"faults": [str(err)]})

    app = web.Application(client_max_size=LARGEST_BYTES)
    app.router.add_post(PATH, step)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    finally:
        await runner.cleanup()


def _json(status: int, body: object) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
