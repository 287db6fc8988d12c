"""The signature of requests between the hub and a PBX, the same both ways: HMAC-SHA256, a time, a nonce.

X-Carehub-Timestamp: seconds since 1970; what is 300 s older or newer is refused.
X-Carehub-Nonce: 16 to 64 characters, others each time; what comes again changes nothing.
X-Carehub-Signature: v1=<hex> over "<timestamp>.<nonce>.<METHOD>.<path>.<body>".
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime

from hub.errors import HubError

WINDOW_S = 300.0
KEY_BYTES_AT_LEAST = 16
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


class ForgedError(HubError):
    """Not signed with our key, or not now."""


def sign(key: str, method: str, path: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of one request."""
    stamp, nonce = str(int(now.timestamp())), secrets.token_urlsafe(18)
    return {
        "X-Carehub-Timestamp": stamp, "X-Carehub-Nonce": nonce,
        "X-Carehub-Signature": f"v1={_mac(key, stamp, nonce, method, path, body)}",
    }  # fmt: skip


def check(key: str, method: str, path: str, body: bytes, headers: Mapping[str, str], now: datetime) -> str:  # noqa: PLR0917
    """Return the nonce of a request that was signed with this key a moment ago.

    Raises:
        ForgedError: It was not.
    """
    stamp, nonce = headers.get("x-carehub-timestamp", ""), headers.get("x-carehub-nonce", "")
    given = headers.get("x-carehub-signature", "")
    if len(key.encode()) < KEY_BYTES_AT_LEAST:
        raise ForgedError(f"set CAREHUB_SECRETS_TELEPHONE_KEY to {KEY_BYTES_AT_LEAST} random bytes or more")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12 and NONCE.fullmatch(nonce)):
        raise ForgedError("no timestamp or no nonce")
    if not hmac.compare_digest(given.encode(), f"v1={_mac(key, stamp, nonce, method, path, body)}".encode()):
        raise ForgedError("the signature does not match")
    if abs(now.timestamp() - int(stamp)) > WINDOW_S:
        raise ForgedError(f"signed at {stamp}: more than {WINDOW_S:.0f} s from now; set the clock of the PBX")
    return nonce


def _mac(key: str, stamp: str, nonce: str, method: str, path: str, body: bytes) -> str:  # noqa: PLR0917
    text = f"{stamp}.{nonce}.{method}.{path}.".encode() + body
    return hmac.digest(key.encode(), text, hashlib.sha256).hex()
