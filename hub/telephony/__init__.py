"""The telephone: calls the desk makes through a provider, calls that come in, and what became of each. README.md."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from hub.telephony.aliyun import Aliyun
from hub.telephony.line import Line, line_of
from hub.telephony.pbx import Pbx
from hub.telephony.simulated import Simulated
from hub.telephony.telephone import Telephone

PROVIDERS: dict[str, Callable[[Line, httpx.AsyncClient], Telephone]] = {
    "aliyun": Aliyun, "pbx": Pbx, "simulated": Simulated,
}  # fmt: skip

__all__ = ["PROVIDERS", "Line", "Telephone", "line_of", "open_telephone", "using"]


@asynccontextmanager
async def using(line: Line) -> AsyncIterator[Telephone | None]:
    """Hold the way to telephone with connections of its own."""
    async with httpx.AsyncClient(trust_env=False) as http:
        yield open_telephone(line, http)


def open_telephone(line: Line, http: httpx.AsyncClient) -> Telephone | None:
    """Return the way to telephone that is set up; None: `tel:` links only."""
    make = PROVIDERS.get(line.settings.provider)
    return make(line, http) if make else None
