"""The responders' app: Web Push to every browser a person has subscribed. The service worker posts the receipt."""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog

from alerts.model import Purpose
from hub.channels import vapid
from hub.channels.answers import TRY_AGAIN, drained, retry_after_s
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.errors import HubError
from hub.store import push
from hub.store.push import Phone

SAID = ("v", "page", "key", "incident", "purpose", "kind", "severity", "test", "opened_at", "presses", "no_speech")
TTL_S = {
    Purpose.ALARM: 600,
    Purpose.STAND_DOWN: 3600,
    Purpose.NOTICE: 3600,
}  # a phone that comes back later hears nothing
SIGNED_FOR = timedelta(hours=1)  # push services take no more than a day
GONE = frozenset({404, 410})  # this browser has unsubscribed: never again
TEXT_CHARS = 500  # a message holds 4 KB with its encryption
ATTEMPT_S = 8.0

log = structlog.get_logger()


class App:
    """`contact.address` is empty: a person's browsers are in table `push_subscription`."""

    name = "app"
    timeout_s = 10.0
    receipt_s = 20.0  # a phone that has it says so at once

    def __init__(self, means: Means) -> None:
        self._pool = means.pool
        self._http = means.http
        self._key = means.secrets.vapid_key
        self._settings = means.channels

    def provider(self, address: str) -> str:
        return "push"

    async def send(self, page: OutboundPage) -> Receipt:
        if not self._key:
            return _refused("no key to sign with: set CAREHUB_SECRETS_VAPID_KEY")
        if not self._settings.push_contact:
            return _refused("push services want to know whom to write to: set channels.push_contact")
        async with self._pool.connection() as conn:
            phones = await push.phones(conn, page.person_id)
        if not phones:
            return _refused("no phone is subscribed")
        try:
            codes = await asyncio.gather(*(self._push(page, phone) for phone in phones))
        except HubError as err:
            return _refused(str(err))
        return await self._tell(phones, codes)

    async def _push(self, page: OutboundPage, phone: Phone) -> tuple[int, float]:
        """Send to one browser; returns the push service's answer (0: none) and how long it wants us to wait."""
        if not push.allowed(phone.endpoint, self._settings.push_hosts, local=self._settings.push_local):
            return 404, 0.0  # taken off the list since it subscribed
        # 0.2 s to import, with requests and all it brings; most processes never push
        from pywebpush import WebPusher, WebPushException  # type: ignore[import-untyped]  # noqa: PLC0415

        try:
            body = bytes(WebPusher(_info(phone)).encode(_payload(page))["body"])
        except (WebPushException, ValueError):
            return 404, 0.0  # its keys are none, or no point of the curve: it can never be reached
        try:
            async with self._http.stream(
                "POST", phone.endpoint, content=body, headers=self._headers(page, phone.endpoint), timeout=ATTEMPT_S,
                follow_redirects=False,
            ) as answer:  # fmt: skip
                await drained(answer)
        except httpx.HTTPError:
            return 0, 0.0
        return answer.status_code, retry_after_s(answer)

    def _headers(self, page: OutboundPage, endpoint: str) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}", "exp": int((page.now + SIGNED_FOR).timestamp()),
            "sub": self._settings.push_contact,
        }  # fmt: skip
        return dict(vapid.pair_of(self._key).sign(claims)) | {
            "TTL": str(TTL_S[Purpose(page.purpose)]), "Urgency": "high", "Topic": topic(page),
            "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream",
        }  # fmt: skip

    async def _tell(self, phones: Sequence[Phone], codes: Sequence[tuple[int, float]]) -> Receipt:
        """Remember what became of each browser, and say what became of the page."""
        by_code = [(phone, code) for phone, (code, _) in zip(phones, codes, strict=True)]
        taken = [phone.id for phone, code in by_code if 200 <= code < 300]
        gone = [phone for phone, code in by_code if code in GONE]
        missed = [phone.id for phone, code in by_code if phone.id not in taken and code not in GONE]
        async with self._pool.connection() as conn:
            await push.tally(conn, taken, missed)
            for phone in gone:
                await push.unsubscribe(conn, phone.endpoint)
                log.info("phone_unsubscribed", phone=phone.id)
        if taken:
            return Receipt(outcome=Outcome.SENT, detail=f"{len(taken)} of {len(phones)} phones")
        answers = ", ".join(sorted({f"HTTP {code}" if code else "no answer" for code, _ in codes}))
        again = not all(400 <= code < 500 and code not in TRY_AGAIN for code, _ in codes)
        wait_s = max(wait for _, wait in codes)
        return Receipt(outcome=Outcome.FAILED if again else Outcome.REFUSED, detail=answers, not_before_s=wait_s)


def topic(page: OutboundPage) -> str:
    """Return what a later message replaces, while the phone is off: the word "not needed" takes the alarm's place."""
    digest = hashlib.sha256(f"{page.incident_id}.{page.person_id}".encode()).digest()
    return urlsafe_b64encode(digest[:24]).decode()


def _payload(page: OutboundPage) -> bytes:
    """Return what a locked phone may show, and the link to all else. Names and addresses only as the text has them."""
    said: dict[str, Any] = {name: page.body[name] for name in SAID if name in page.body}
    url = page.body.get("answer_url", "")
    return msgspec.json.encode(said | {"text": page.text[:TEXT_CHARS], "language": page.language, "answer_url": url})


def _info(phone: Phone) -> dict[str, Any]:
    return {"endpoint": phone.endpoint, "keys": {"p256dh": phone.p256dh, "auth": phone.auth}}


def _refused(why: str) -> Receipt:
    return Receipt(outcome=Outcome.REFUSED, detail=why)
