"""A push service and the browsers behind it: it checks who sends, they decrypt what was sent."""

import base64
import itertools
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import http_ece  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]

from tests.integration.channels.providers.serving import HANG, Imitation, Reply, Request

_numbers = itertools.count(1)


@dataclass(kw_only=True)
class Browser:
    """One phone's subscription, with the private key that never leaves it."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen bytes ok"
    gone: bool = False
    shown: list[dict[str, Any]] = field(default_factory=list)

    def subscription(self) -> dict[str, Any]:
        """Return what PushSubscription.toJSON() would."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": self.endpoint,
            "expirationTime": None,
            "keys": {"p256dh": _b64(point), "auth": _b64(self.auth)},
        }


@dataclass(kw_only=True)
class PushService(Imitation):
    application_server_key: str = ""  # what the browsers subscribed with
    browsers: dict[str, Browser] = field(default_factory=dict)

    def subscribe(self) -> Browser:
        path = f"/wpush/v2/{next(_numbers)}"
        self.browsers[path] = Browser(endpoint=f"{self.url}{path}")
        return self.browsers[path]

    def answer(self, request: Request) -> Reply | None:
        told = self.told()
        if told == HANG:
            return None
        if isinstance(told, int):
            return Reply(code=told, headers={"Retry-After": "30"})
        browser = self.browsers.get(request.target)
        if browser is None or browser.gone:
            return Reply(code=410)
        if not self._may(request.headers):
            return Reply(code=403)
        wrong = (
            request.headers.get("content-encoding") != "aes128gcm" or not request.headers.get("ttl", "").isdecimal()
            or request.headers.get("urgency") != "high" or len(request.headers.get("topic", "")) > 32
        )  # fmt: skip
        if self.fault(wrong or len(request.body) > 4096, "headers or size"):
            return Reply(code=400)
        clear = http_ece.decrypt(request.body, private_key=browser.key, auth_secret=browser.auth, version="aes128gcm")
        message = json.loads(clear) | {"topic": request.headers["topic"], "ttl": int(request.headers["ttl"])}
        browser.shown = [shown for shown in browser.shown if shown["topic"] != message["topic"]] + [message]
        self.heard.append(message)
        return Reply(code=201)

    def _may(self, headers: dict[str, str]) -> bool:
        """Whether this is the sender whom the browsers let in, and said so lately and to us."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",")) if scheme == "vapid" else {}
        if self.fault(parts.get("k") != self.application_server_key, "another sender's key"):
            return False
        signed, _, signature = parts["t"].rpartition(".")
        claims = json.loads(_raw(signed.split(".")[1]))
        key = Vapid02.from_raw_public(parts["k"].encode())
        lasts = claims["exp"] - self.now.timestamp()
        return not self.fault(
            not key.verify_token(signed.encode(), signature) or claims["aud"] != self.url
            or not claims["sub"].startswith("mailto:") or not 0 < lasts <= timedelta(hours=24).total_seconds(),
            "the sender's token",
        )  # fmt: skip


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
