"""Signed links: a token names one page, or one question to a contact, and expires; it answers that and nothing else."""

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import datetime, timedelta
from enum import StrEnum

from hub.errors import HubError

VALID_FOR = timedelta(hours=12)  # as long as a shift: the answer to a call of last week is refused
KEY_BYTES_AT_LEAST = 16
_FORM = struct.Struct(">QI")  # page id, seconds since 1970
_MAC_BYTES = 16


class Kind(StrEnum):
    """What a token is for: one is never taken for the other."""

    PAGE = "link"
    CONTACT = "contact"  # "are you her contact?"


class LinkError(HubError):
    """A link that must not be followed: forged, cut off, or too old."""


def make(key: str, number: int, now: datetime, *, kind: Kind = Kind.PAGE, lasts: timedelta = VALID_FOR) -> str:
    """Return the token of one page or question, 38 characters that may stand in a URL."""
    body = _FORM.pack(number, int((now + lasts).timestamp()))
    return base64.urlsafe_b64encode(body + _mac(key, body, kind)).decode().rstrip("=")


def check(key: str, token: str, now: datetime, *, kind: Kind = Kind.PAGE) -> int:
    """Return the number of the page or question a token was made for.

    Raises:
        LinkError: Not made with this key, not whole, or expired.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise LinkError("this link is not whole: open it from the message again") from None
    body, mac = raw[: _FORM.size], raw[_FORM.size :]
    if len(raw) != _FORM.size + _MAC_BYTES or not hmac.compare_digest(mac, _mac(key, body, kind)):
        raise LinkError("this link is not ours: open it from the message again")
    number, until = _FORM.unpack(body)
    if now.timestamp() > until:
        raise LinkError("this link is too old: the call is over, or a newer message has a newer link")
    return int(number)


def _mac(key: str, body: bytes, kind: Kind) -> bytes:
    if len(key.encode()) < KEY_BYTES_AT_LEAST:
        raise LinkError(f"set CAREHUB_SECRETS_LINK_KEY to {KEY_BYTES_AT_LEAST} random bytes or more")
    return hmac.digest(key.encode(), f"carehub {kind}\0".encode() + body, hashlib.sha256)[:_MAC_BYTES]
