"""One request to a provider, and whether it was heard: a call that may have been made is never made again blindly."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from hub.channels.answers import drained


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What came back. `sent` False: the provider never got it, so that it may be asked again."""

    status: int = 0  # 0: no answer
    body: dict[str, Any] = field(default_factory=dict)
    sent: bool = True


async def ask(http: httpx.AsyncClient, request: httpx.Request, timeout_s: float) -> Heard:
    """Send a request once, and read a little of the answer."""
    request.extensions["timeout"] = httpx.Timeout(timeout_s).as_dict()
    try:
        answer = await http.send(request, stream=True, follow_redirects=False)
        try:
            body = await drained(answer)
        finally:
            await answer.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
        return Heard(sent=False)
    except httpx.HTTPError:
        return Heard()
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (ValueError, RecursionError):  # no JSON, no UTF-8, thousands of brackets
        found = {}
    return Heard(status=answer.status_code, body=found)
