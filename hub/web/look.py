"""How a person's screen looks: by night, by day or as the system says; in large type; whether it speaks what is new.

Remembered for the person; how it looks also for the browser, whose pages are the same when nobody is signed in.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from hub.store.sql import queries
from hub.web import access
from hub.web.frame import LOOK_COOKIE, YEAR_S, FormOf, PartsOf, SeatOf, go, set_cookie, text

router = APIRouter()
Q = queries("desk")
THEMES = ("auto", "light", "dark")
SWITCHES = ("large", "voice")


@router.post("/look")
async def choose(request: Request, who: SeatOf, form: FormOf, has: PartsOf) -> Response:
    """`theme`, `large` and `voice` are changed each for itself; what is not sent stays."""
    theme = text(form, "theme", 10)
    words = set(who.look.split())
    if theme in THEMES:
        words = words - set(THEMES) | ({theme} if theme != "auto" else set())
    for switch in SWITCHES:
        if said := text(form, switch, 3):
            words = words - {switch} | ({switch} if said == "yes" else set())
    look = " ".join(sorted(words))
    async with has.whole.connection() as conn:
        await conn.execute(Q.set_look, {"look": look, "person": who.person_id})
    path = text(form, "next")
    response = go(path if access.page(path) else "/")
    set_cookie(response, LOOK_COOKIE, look, has, max_age_s=YEAR_S)
    return response
