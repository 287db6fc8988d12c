"""Signed links for responders: a token names one page and expires; who holds it may answer that page only."""

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import datetime, timedelta

from hub.errors import HubError

VALID_FOR = timedelta(hours=12)  # as long as a shift: the answer to a call of last week is refused
KEY_BYTES_AT_LEAST = 16
_FORM = struct.Struct(">QI")  # page id, seconds since 1970
_MAC_BYTES = 16


class LinkError(HubError):
    """A link that must not be followed: forged, cut off, or too old."""


def make(key: str, page_id: int, now: datetime) -> str:
    """Return the token of one page, 38 characters that may stand in a URL."""
    body = _FORM.pack(page_id, int((now + VALID_FOR).timestamp()))
    return base64.urlsafe_b64encode(body + _mac(key, body)).decode().rstrip("=")


def check(key: str, token: str, now: datetime) -> int:
    """Return the page a token was made for.

    Raises:
        LinkError: Not made with this key, not whole, or expired.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise LinkError("this link is not whole: open it from the message again") from None
    body, mac = raw[: _FORM.size], raw[_FORM.size :]
    if len(raw) != _FORM.size + _MAC_BYTES or not hmac.compare_digest(mac, _mac(key, body)):
        raise LinkError("this link is not ours: open it from the message again")
    page_id, until = _FORM.unpack(body)
    if now.timestamp() > until:
        raise LinkError("this link is too old: the call is over, or a newer message has a newer link")
    return int(page_id)


def _mac(key: str, body: bytes) -> bytes:
    if len(key.encode()) < KEY_BYTES_AT_LEAST:
        raise LinkError(f"set CAREHUB_SECRETS_LINK_KEY to {KEY_BYTES_AT_LEAST} random bytes or more")
    return hmac.digest(key.encode(), b"carehub link\0" + body, hashlib.sha256)[:_MAC_BYTES]
