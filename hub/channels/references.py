"""What ties a provider's callback to a page of ours: a path only the provider was told, and a signed reference."""

import base64
import hashlib
import hmac
import re

LONGEST = 15  # characters an Aliyun voice call gives back
MAC_CHARS = 5  # the path, with its 128 bits, keeps strangers out; this keeps one message's receipt off another page
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
FORM = re.compile(rf"([0-9a-z]{{1,7}})\.([0-9a-z]{{1,2}})\.([A-Za-z0-9_-]{{{MAC_CHARS}}})")
MOST_ATTEMPTS = 36**2 - 1


def path(key: str, channel: str, provider: str) -> str:
    """Return the secret last part of a callback's address; empty when there is no key, and nobody may call."""
    return _mac(key, f"path {channel} {provider}")[:22] if key else ""


def make(key: str, channel: str, page_id: int, attempt: int) -> str:
    """Return the reference of one attempt: at most 15 characters up to page 2,176,782,335."""
    body = f"{_short(page_id)}.{_short(min(attempt, MOST_ATTEMPTS))}"
    return f"{body}.{_mac(key, f'reference {channel} {body}')[:MAC_CHARS]}"


def check(key: str, channel: str, text: str) -> tuple[int, int] | None:
    """Return the page and the attempt of a reference of ours, or None."""
    found = FORM.fullmatch(text)
    if found is None or not key:
        return None
    body = f"{found[1]}.{found[2]}"
    if not hmac.compare_digest(found[3], _mac(key, f"reference {channel} {body}")[:MAC_CHARS]):
        return None
    return int(found[1], 36), int(found[2], 36)


def _short(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text or "0"


def _mac(key: str, text: str) -> str:
    return base64.urlsafe_b64encode(
        hmac.digest(key.encode(), f"carehub callback {text}".encode(), hashlib.sha256)
    ).decode()
