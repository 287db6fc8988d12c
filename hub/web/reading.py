"""How somebody with a link reads their pages: the language, and large type."""

from starlette.datastructures import FormData

from hub.store import phone as store
from hub.store.pool import Connection
from hub.web import words
from hub.web.frame import text


async def chosen(conn: Connection, person_id: int, form: FormData) -> None:
    """Keep what a form says of it: each is changed for itself, what is not sent stays."""
    language, large = text(form, "language", 20), text(form, "large", 3)
    if language or not large:
        await store.speak(conn, person_id, words.pick(language))
    if large:
        await store.enlarge(conn, person_id, large=large == "yes")
