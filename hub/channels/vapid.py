"""The key pair of Web Push: its public half stands in every subscription, its private half signs every message."""

import base64
from functools import lru_cache

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02, VapidException  # type: ignore[import-untyped]

from hub.errors import HubError


def make_key() -> str:
    """Return a new private key, for CAREHUB_SECRETS_VAPID_KEY."""
    pair = Vapid02()
    pair.generate_keys()
    return _text(pair.private_key.private_numbers().private_value.to_bytes(32, "big"))


def public_key(private: str) -> str:
    """Return the public half, as a browser's `applicationServerKey` wants it; empty when there is no key."""
    if not private:
        return ""
    return _text(pair_of(private).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


@lru_cache(maxsize=4)
def pair_of(private: str) -> Vapid02:
    """Return the pair of a private key.

    Raises:
        HubError: It is no key.
    """
    try:
        return Vapid02.from_string(private)
    except (ValueError, TypeError, VapidException):
        # The reason would quote the key.
        raise HubError("CAREHUB_SECRETS_VAPID_KEY is no key: make one with `carehub push keys`") from None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
