"""The page behind a contact's link: are you her emergency contact? Opening it answers nothing, because messengers open
links too; only a tap does. It sits in the path and in no cookie, so no other site can post with it."""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from hub import links
from hub.channels.wording import SEES_NAME
from hub.store import contacts
from hub.store.console import Row
from hub.store.pool import Connection, hub_now
from hub.web import words
from hub.web.frame import PartsOf, go, render, text

router = APIRouter(prefix="/me/contact")
log = structlog.get_logger()
Token = Annotated[str, Path(max_length=100)]


@router.get("/{token}")
async def page(request: Request, token: Token, has: PartsOf) -> Response:
    async with has.pool.connection() as conn:
        asked = await _asked(conn, has.link_key, token)
    if asked is None:
        return render(request, "phone_gone.html", status=410)
    named = asked["resident"] if asked["role"] in SEES_NAME else ""
    return render(request, "contact.html", asked=asked, named=named, token=token, **_in_words_of(asked))


@router.post("/{token}")
async def answer(request: Request, token: Token, has: PartsOf) -> Response:
    said = text(await request.form(), "say", 5)
    async with has.pool.connection() as conn:
        asked = await _asked(conn, has.link_key, token)
        if asked is None:
            return render(request, "phone_gone.html", status=410)
        if said in ("yes", "no"):
            await contacts.answer(conn, asked["id"], yes=said == "yes")
            log.info("contact_answered", question=asked["id"], yes=said == "yes")
    return go(f"/me/contact/{token}")


async def _asked(conn: Connection, key: str, token: str) -> Row | None:
    try:
        number = links.check(key, token, await hub_now(conn), kind=links.Kind.CONTACT)
    except links.LinkError:
        return None
    return await contacts.question(conn, number)


def _in_words_of(asked: Row) -> dict[str, Any]:
    language = words.pick(asked["language"])
    return {"language": language, "t": words.speaker(language)}
