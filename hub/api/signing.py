"""Signatures as Standard Webhooks has them, so that a receiver takes any library for it.

A subscription's key is its own, random, and stored sealed (hub/sealed.py). A platform's is derived from the
hub's own key by HKDF, under a label of its own. Either way a copy of the database alone signs nothing.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
TOLERANCE_S = 300  # a receiver refuses what is older or newer
SALT_BYTES, KEY_BYTES = 18, 32
EXCHANGE_LABEL = b"carehub exchange platform v1"


def fresh() -> str:
    """Return a new key, as it is shown to its receiver."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def salt() -> str:
    return secrets.token_urlsafe(SALT_BYTES)


def secret(key: str, of: str, with_salt: str) -> str:
    """Return a receiver's key that is made, as it is shown to it.

    Args:
        key: the hub's own, `secrets.link_key`.
        of: what it is for: `subscription`, `exchange`.
        with_salt: its salt.
    """
    made = hmac.digest(key.encode(), f"carehub webhook {of} {with_salt}".encode(), hashlib.sha256)
    return PREFIX + base64.b64encode(made).decode()


def platform(key: str, with_salt: str) -> str:
    """Return the key of a platform's records, derived apart from all that the hub's own key signs itself.

    HKDF-SHA256 (RFC 5869) over the hub's key, with the platform's salt and a label of its own.
    """
    base = hmac.digest(with_salt.encode(), key.encode(), hashlib.sha256)
    return PREFIX + base64.b64encode(hmac.digest(base, EXCHANGE_LABEL + b"\x01", hashlib.sha256)).decode()


def sign(given: str, message_id: str, at_s: int, body: bytes) -> str:
    """Return one signature: v1, and base64 of HMAC-SHA256 of `id.timestamp.body`."""
    key = base64.b64decode(given.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, f"{message_id}.{at_s}.".encode() + body, hashlib.sha256)).decode()


def headers(given: Sequence[str], message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """Return what goes out with a body; several keys while one is being changed."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(sign(key, message_id, at_s, body) for key in given),
    }


def verify(given: str, told: dict[str, str], body: bytes, now_s: float) -> bool:
    """Check what came in, as a receiver does: of now, and signed with this key."""
    try:
        at_s = int(told["webhook-timestamp"])
        signatures = told["webhook-signature"].split(" ")
        right = sign(given, told["webhook-id"], at_s, body)
    except (KeyError, ValueError):
        return False
    return abs(now_s - at_s) <= TOLERANCE_S and any(hmac.compare_digest(one, right) for one in signatures)
