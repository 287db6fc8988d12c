"""HTTP POST to a provider or a responder's service, signed, with the page's key as Idempotency-Key."""

import hashlib
import hmac

import httpx
import msgspec

from hub.channels.channel import Means, OutboundPage, Outcome, Receipt

RESPONSE_BYTES = 64 * 1024  # more of an answer is not read
TRY_AGAIN = frozenset({408, 409, 423, 425, 429})  # "not now"; every other 4xx is "not ever"


class Webhook:
    """`X-Carehub-Signature: v1=<hex>` is HMAC-SHA256 of `<X-Carehub-Timestamp>.<body>` with the shared key."""

    name = "webhook"
    receipt_s = 60.0

    def __init__(self, means: Means) -> None:
        self._http = means.http
        self._key = means.webhook_key
        self.timeout_s = means.webhook_timeout_s

    async def send(self, page: OutboundPage) -> Receipt:
        if not self._key:
            return Receipt(outcome=Outcome.REFUSED, detail="no key to sign with: set CAREHUB_SECRETS_WEBHOOK_KEY")
        body = msgspec.json.encode(page.body)
        stamp = str(int(page.now.timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8", "Idempotency-Key": page.key,
            "X-Carehub-Timestamp": stamp,
            "X-Carehub-Signature": f"v1={sign(self._key, stamp, body)}", "X-Carehub-Attempt": str(page.attempt),
        }  # fmt: skip
        try:
            return await self._post(page.address, body, headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            return Receipt(outcome=Outcome.REFUSED, detail="the contact's address is not a URL")
        except httpx.TimeoutException:
            return Receipt(outcome=Outcome.FAILED, detail="no answer in time")
        except httpx.HTTPError as err:
            return Receipt(outcome=Outcome.FAILED, detail=type(err).__name__)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Receipt:
        async with self._http.stream(
            "POST", url, content=body, headers=headers, timeout=self.timeout_s, follow_redirects=False
        ) as answer:
            await _drain(answer)
        code = answer.status_code
        if answer.is_success:
            return Receipt(outcome=Outcome.DELIVERED, detail=f"HTTP {code}")
        again = code >= 500 or code in TRY_AGAIN
        return Receipt(outcome=Outcome.FAILED if again else Outcome.REFUSED, detail=f"HTTP {code}")


async def _drain(answer: httpx.Response) -> None:
    """Read a little, so that the connection can be used again; an endless answer is cut off."""
    size = 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > RESPONSE_BYTES:
            return


def sign(key: str, stamp: str, body: bytes) -> str:
    """Return what a receiver computes to check that a message is ours and recent."""
    return hmac.digest(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hex()
