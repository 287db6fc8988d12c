"""Rows of the queue as markup: for an answer, and inside the event that says that they changed."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from hub.store.console import Row
from hub.web import board, views, words
from hub.web.auth import Seat
from hub.web.frame import TEMPLATES, Parts
from hub.web.live import Compose, Stream


def drawer(nonce: str, reading: board.Reading, who: Seat) -> Callable[[Row], Row]:
    """Return what puts a row's markup beside it, as this person's answer needs it."""
    language = words.pick(who.language)

    def render_row(row: Row) -> str:
        hole = Markup('hx-nonce="{}"').format(board.NONCE)
        return TEMPLATES.get_template("_row.html").render(r=row, t=words.speaker(language), ms=views.ms, hx=hole)

    return lambda row: row | {"html": board.drawn(reading, row, language, nonce, render_row)}


def seen_by(reading: board.Reading, who: Seat, has: Parts, ids: frozenset[int] | None = None) -> list[Row]:
    """Return the rows, or those of these cases, as this person sees them."""
    now = has.live.now()
    rows = reading.rows if ids is None else [r for r in reading.rows if r["id"] in ids]
    return [views.queue_row(board.of_person(r, who.person_id), now) for r in rows]


def changed(reading: board.Reading, who: Seat, has: Parts, ids: frozenset[int], nonce: str) -> dict[str, Any]:
    """Return the rows of these cases and the order of all: what a console needs after a change."""
    draw = drawer(nonce, reading, who)
    number = max(reading.count["calls"], len(reading.calls.split()))
    return {
        "rows": [draw(r)["html"] for r in seen_by(reading, who, has, ids)], "calls": reading.calls,
        "technical": reading.technical, "reading": reading.serial,
        "open": words.speaker(words.pick(who.language))("open_count", n=number),
    }  # fmt: skip


def pushed(has: Parts, nonce: str) -> Compose:
    """Return what adds to an event the rows it is about, where its console shows the queue that all share.

    The browser knows the stream's own nonce by the event, and puts its page's in its place: markup that was smuggled
    into a name knows neither.
    """

    def compose(stream: Stream, ids: Sequence[int]) -> dict[str, Any]:
        reading = has.board.latest
        named = frozenset(ids) - {0}
        if reading is None or reading.waves or not named or stream.seat.view != board.CENTRE:
            return {}
        found = changed(reading, stream.seat, has, named, nonce)
        return {"queue": found | {"rows": "".join(found["rows"]), "nonce": nonce}}

    return compose
