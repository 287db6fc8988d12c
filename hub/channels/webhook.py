"""HTTP POST to a provider or a responder's service, signed, with the page's key as Idempotency-Key."""

import hashlib
import hmac
from urllib.parse import urlsplit

import httpx
import msgspec

from hub.channels.answers import TRY_AGAIN, drained, retry_after_s
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt


class Webhook:
    """`X-Carehub-Signature: v1=<hex>` is HMAC-SHA256 of `<X-Carehub-Timestamp>.<body>` with the shared key."""

    name = "webhook"
    receipt_s = 60.0

    def __init__(self, means: Means) -> None:
        self._http = means.http
        self._key = means.webhook_key
        self.timeout_s = means.webhook_timeout_s

    def provider(self, address: str) -> str:
        return urlsplit(address).netloc.rpartition("@")[2] if "[" not in address else address[:100]

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
            await drained(answer)
        code = answer.status_code
        if answer.is_success:
            return Receipt(outcome=Outcome.DELIVERED, detail=f"HTTP {code}")
        again = code >= 500 or code in TRY_AGAIN
        outcome = Outcome.FAILED if again else Outcome.REFUSED
        return Receipt(outcome=outcome, detail=f"HTTP {code}", not_before_s=retry_after_s(answer))


def sign(key: str, stamp: str, body: bytes) -> str:
    """Return what a receiver computes to check that a message is ours and recent."""
    return hmac.digest(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hex()
