"""The receiving end of the hub's webhooks: an ASGI application around one function."""

from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 1_000_000  # bytes of a page that are read


async def answered(
    take: Callable[[str, Mapping[str, str], bytes], int], scope: dict[str, Any], receive: Any, send: Any
) -> None:
    """Read one request, hand path, headers (names in small letters) and body to `take`, answer with its status."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and len(body) < LONGEST
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    status = take(scope["path"], headers, body)
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b""})
