"""People's passwords, kept as hashes that are slow to guess (decision 4)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_HASHER = PasswordHasher()  # argon2id with the second recommended set of RFC 9106


def hash_password(password: str) -> str:
    """Return the argon2id hash to keep in `person.password_hash`."""
    return _HASHER.hash(password)


def verify(password_hash: str, password: str) -> bool:
    """Say whether `password` belongs to the hash; a damaged hash belongs to nothing."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
