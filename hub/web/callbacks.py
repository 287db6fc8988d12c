"""What providers call back: receipts of messages, and the key pressed during a voice call.

POST /callbacks/<channel>/<provider>/<secret>. Neither provider signs what it calls back, so three things must be right:
the path, which only the provider was told; the number of the message, which it gave us when we asked; and our own
signed reference, where the provider gives it back. A report may come twice, late, or before its sender has written down
that it sent: the first is harmless, the second is heard for its own attempt only, the third is waited for a moment and
then asked for again.
"""

import asyncio
import hmac
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from prometheus_client import Counter
from starlette.responses import Response

from hub import desk
from hub.channels import references
from hub.channels.channel import Outcome
from hub.channels.providers import ACCEPTED, READERS, Report, ReportError
from hub.channels.providers.asking import Heard
from hub.desk import Verb
from hub.loops.retries import pause_s
from hub.refusals import Refused
from hub.store import outbox, reports
from hub.store.pool import Connection
from hub.web.frame import PartsOf

router = APIRouter()
log = structlog.get_logger()
Part = Annotated[str, Path(max_length=40)]

KEYS = {"1": Verb.ACCEPT, "2": Verb.CANNOT_GO}
PATIENCE_S = 2.0  # a report that overtakes its sender's own note waits this long
LOOK_S = 0.05
REPORTS = Counter("carehub_provider_reports_total", "What providers called back", ["channel", "provider", "became"])


class TooEarlyError(Exception):
    """The sender has not written down what this report is about."""


class ForgedError(Exception):
    """It names a page that it is not about."""


@router.post("/callbacks/{channel}/{provider}/{secret}")
async def called_back(request: Request, channel: Part, provider: Part, secret: Part, has: PartsOf) -> Response:
    """Take a provider's reports. An answer other than 200 makes it bring them again."""
    read = READERS.get((channel, provider))
    right = references.path(has.callback_key, channel, provider)
    if read is None or not right or not hmac.compare_digest(secret.encode(), right.encode()):
        REPORTS.labels(channel if read else "?", provider if read else "?", "forged").inc()
        log.warning("callback_refused", known=read is not None)
        raise HTTPException(404)
    try:
        reports = read(await request.body())
    except ReportError as err:
        log.warning("callback_unreadable", channel=channel, provider=provider, error=str(err))
        raise HTTPException(422) from None
    early = False
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    for report in reports:
        try:
            became = await _write(has, channel, provider, report, deadline)
        except TooEarlyError:
            early, became = True, "unknown"
            log.warning("report_of_nothing", channel=channel, provider=provider)
        except ForgedError as err:
            became = "forged"
            log.warning("report_forged", channel=channel, provider=provider, why=str(err))
        REPORTS.labels(channel, provider, became).inc()
    return Response(ACCEPTED[provider], 503 if early else 200, media_type="application/json")


async def _write(has: PartsOf, channel: str, provider: str, report: Report, deadline: float) -> str:
    """Write one report and return what became of it; one that came too early is waited for until the deadline."""
    if report.heard is Heard.UNDER_WAY:
        return "under_way"
    while True:
        try:
            async with has.pool.connection() as conn:
                return await _once(conn, has.callback_key, channel, provider, report)
        except TooEarlyError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(LOOK_S)


async def _once(conn: Connection, key: str, channel: str, provider: str, report: Report) -> str:
    page_id, attempt = await _meant(conn, key, channel, provider, report)
    async with conn.transaction():
        page = await reports.page(conn, page_id, channel)
        if page is None:
            raise ForgedError("another channel's page")
        if report.heard is Heard.MISSED:
            if page.sending and page.attempts == attempt:
                raise TooEarlyError  # the sender is still holding the page
            again = pause_s(page.severity, page.purpose, Outcome.FAILED, page.attempts)
            detail = f"{provider}: {report.detail}"
            missed = await outbox.not_received(conn, page_id, attempt, detail, again_s=again)
            return "missed" if missed else "late"
        received = await outbox.received(conn, page_id, page.person_id)
    if report.heard is Heard.KEY and report.key in KEYS:
        return await _answer(conn, page.person_id, page_id, f"{channel}.{provider}.{report.ref}", KEYS[report.key])
    return "delivered" if received else "repeat"


async def _meant(conn: Connection, key: str, channel: str, provider: str, report: Report) -> tuple[int, int]:
    """Return the page and the attempt of a report.

    Raises:
        TooEarlyError: Nobody sent this, or not yet.
        ForgedError: Its reference is not ours, or another page's.
    """
    known = await reports.attempt(conn, channel, provider, report.ref)
    signed = references.check(key, channel, report.reference) if report.reference else None
    if report.reference and signed is None:
        raise ForgedError("a reference that we did not sign")
    if known is not None and signed is not None and signed[0] != known[0]:
        raise ForgedError("the reference of another page")
    # Signed and not known: the provider's answer was lost on its way to us, and the message went out all the same.
    found = known or signed
    if found is None:
        raise TooEarlyError
    return found


async def _answer(conn: Connection, person_id: int, page_id: int, call: str, verb: Verb) -> str:
    """A key is a tap like any other; the call's number is its nonce, so a report that comes twice changes nothing."""
    nonce = f"{call}.{verb}"[-desk.NONCE_LENGTH :]
    try:
        done = await desk.answer(conn, person_id, page_id, nonce, verb)
    except Refused as no:
        log.info("key_refused", page=page_id, verb=str(verb), code=no.code)
        return "refused"
    log.info("key_pressed", page=page_id, incident=done.incident_id, verb=str(verb), repeat=done.repeat)
    return "repeat" if done.repeat else str(verb)
