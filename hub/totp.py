"""The second factor: six digits of an authenticator app (RFC 6238), and recovery codes for when it is gone."""

import base64
import hashlib
import secrets
from datetime import datetime

import pyotp

STEP_S = 30
DRIFT = 1  # steps that a phone's clock may be off, either way
CODES = 10
CODE_BYTES = 10


def new_secret() -> str:
    return pyotp.random_base32()


def address(secret: str, login: str, issuer: str = "carehub") -> str:
    """Return what the QR code holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the step of 30 s that a code is of; None when it is of none that counts now."""
    digits = "".join(code.split())
    if len(digits) != 6 or not digits.isascii() or not digits.isdecimal():
        return None
    current = int(now.timestamp()) // STEP_S
    totp = pyotp.TOTP(secret)
    found = None
    for step in range(current - DRIFT, current + DRIFT + 1):  # all of them, whichever fits: it takes as long
        if secrets.compare_digest(totp.at(step * STEP_S), digits):
            found = step
    return found


def new_codes() -> list[str]:
    """Return recovery codes as people write them down."""
    return [_grouped(base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()) for _ in range(CODES)]


def digest(code: str) -> bytes:
    """Return what is kept of a recovery code: 80 random bits need no slow hash."""
    return hashlib.sha256("".join(c for c in code.lower() if c.isalnum()).encode()).digest()


def _grouped(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
