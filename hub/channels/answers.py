"""What an HTTP answer means to a page: read a little of it, wait as long as it asks, try again or not."""

import httpx

RESPONSE_BYTES = 64 * 1024  # more of an answer is not read
TRY_AGAIN = frozenset({408, 409, 423, 425, 429})  # "not now"; every other 4xx is "not ever"
LONGEST_WAIT_S = 60.0  # whatever the other side asks: somebody lies on the floor


async def drained(answer: httpx.Response) -> bytes:
    """Read a little, so that the connection can be used again; an endless answer is cut off."""
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > RESPONSE_BYTES:
            break
    return bytes(body[:RESPONSE_BYTES])


def retry_after_s(answer: httpx.Response) -> float:
    """Return the seconds the other side asks for; 0: it does not."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), LONGEST_WAIT_S) if text.isdecimal() and len(text) < 8 else 0.0
