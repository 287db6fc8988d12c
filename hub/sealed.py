"""Fields that are stored sealed: door codes, health notes. AES-GCM, bound to the table, column and row they stand in.

A sealed text is `sealed:1:<key>:<base64 of nonce and ciphertext>`. It names its key, so keys can be changed; whoever
copies it into another resident's row gets nothing but an error. What is not sealed yet is opened as it stands.

The keys: CAREHUB_SEAL_KEY, else `seal.keys` in the run folder, mode 0600. One key a line (or between commas): the first
seals, all of them open. Without them what is sealed is lost: they belong into the backup and nowhere else.
"""

import base64
import binascii
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import HubError

KEYS_FILE = "seal.keys"
KEY_VARIABLE = "CAREHUB_SEAL_KEY"
KEY_BYTES, NONCE_BYTES = 32, 12
KEYS_KEPT = 20  # older ones than so many changes ago open nothing any more
_SEALED = re.compile(r"sealed:1:([0-9a-f]{8}):([A-Za-z0-9_-]+=*)")


class SealError(HubError):
    """Something sealed cannot be opened, or nothing can be sealed here."""


@dataclass(frozen=True)
class Place:
    """A column whose texts are sealed; `row` is the column that tells its rows apart for good."""

    table: str
    column: str
    row: str = "id"


# Everything that is sealed: `carehub seal` counts it, seals it, and seals it anew under another key.
SEALED: tuple[Place, ...] = (
    Place("resident", "door_code"),
    Place("resident", "health_notes"),
    Place("registry_import", "body"),
    Place("second_factor", "secret", "person_id"),
    Place("api_subscription", "secret"),
    Place("api_subscription", "old_secret"),
    Place("api_answer", "body"),
)


@dataclass(frozen=True, kw_only=True)
class Ring:
    """Keys by their names; `current` seals. No key stands in a repr."""

    current: str = ""
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def seal(self, place: str, row: object, text: str) -> str:
        """Return the text as it is stored in `place` (`resident.door_code`) of this row; nothing stays nothing.

        Raises:
            SealError: There is no key here.
        """
        if not text:
            return ""
        if not self.current:
            raise SealError(f"nothing can be sealed here: bring {KEYS_FILE} into the run folder, set {KEY_VARIABLE}, or"
                            " make a key with `carehub seal init`")  # fmt: skip
        nonce = secrets.token_bytes(NONCE_BYTES)
        box = AESGCM(self.keys[self.current]).encrypt(nonce, text.encode(), _bound(place, row))
        return f"sealed:1:{self.current}:{base64.urlsafe_b64encode(nonce + box).decode()}"

    def opened(self, place: str, row: object, stored: str) -> str:
        """Return what was sealed in this place; a text that is not sealed as it stands.

        Raises:
            SealError: Its key is not here, or it was sealed in another place, or changed.
        """
        found = _SEALED.fullmatch(stored)
        if found is None:
            return stored
        name, box = found[1], found[2]
        if name not in self.keys:
            raise SealError(f"{place} {row} was sealed with key {name}, which is not here: bring {KEYS_FILE} back from"
                            f" the backup, or add it to {KEY_VARIABLE}")  # fmt: skip
        try:
            raw = base64.b64decode(box, altchars=b"-_", validate=True)
            return AESGCM(self.keys[name]).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(place, row)).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise SealError(f"{place} {row} does not open: it was sealed for another row, or changed since") from None


def is_sealed(stored: str) -> bool:
    return _SEALED.fullmatch(stored) is not None


def key_of(stored: str) -> str:
    """Return the name of the key something was sealed with; empty where it is not sealed."""
    found = _SEALED.fullmatch(stored)
    return found[1] if found else ""


def new_key() -> str:
    """Return a new key as it stands in the file and in the environment."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def name_of(key: bytes) -> str:
    """Return what a key is called: says nothing about it."""
    return hashlib.sha256(b"carehub seal key " + key).hexdigest()[:8]


def ring_of(texts: Iterable[str]) -> Ring:
    """Return the ring of these keys, the first of which seals.

    Raises:
        SealError: One of them is no key. The reason does not quote it.
    """
    keys: dict[str, bytes] = {}
    for number, text in enumerate(texts, 1):
        try:
            key = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            key = b""
        if len(key) != KEY_BYTES:
            raise SealError(
                f"sealing key {number} is no key: {KEY_BYTES} random bytes in base64, of `carehub seal key`"
            )
        keys[name_of(key)] = key
    return Ring(current=next(iter(keys), ""), keys=keys)


# ---- the ring of this process ----

_place: list[Path] = []  # the run folder this process was told of
_read: dict[tuple[object, ...], Ring] = {}  # the ring as it was last read, by what it was read from


def use(run_dir: Path) -> None:
    """Say where the keys of this process lie; left out, where CAREHUB_RUN_DIR says, or `.carehub`."""
    _place[:] = [run_dir]


def keys_file() -> Path:
    return (_place[0] if _place else Path(os.environ.get("CAREHUB_RUN_DIR") or ".carehub")) / KEYS_FILE


def from_environment() -> bool:
    """Whether the key that seals is the environment's."""
    return bool(os.environ.get(KEY_VARIABLE, "").strip(" ,"))


def ring() -> Ring:
    """Return the keys as they are now: a file that was changed meanwhile is read again.

    Keys of the environment come first; those of the file open what was sealed before.
    """
    said, path = os.environ.get(KEY_VARIABLE, ""), keys_file()
    try:
        stat = path.stat()
        stamp: tuple[object, ...] = (said, path, stat.st_ino, stat.st_mtime_ns, stat.st_size)
    except OSError:
        stamp = (said, path)
    if stamp not in _read:
        kept = path.read_text(encoding="ascii", errors="replace").split() if len(stamp) > 2 else []
        made = ring_of([*filter(None, re.split(r"[\s,]+", said)), *kept])
        _read.clear()
        _read[stamp] = made
    return _read[stamp]


def seal(place: str, row: object, text: str) -> str:
    """Return a text as it is stored in a place of a row: see `Ring.seal`."""
    return ring().seal(place, row, text)


def opened(place: str, row: object, stored: str) -> str:
    """Return what is stored in a place of a row, opened: see `Ring.opened`."""
    return ring().opened(place, row, stored)


def add_key() -> str:
    """Put a new key before those of the file, readable by us alone from its first byte, and return its name."""
    path = keys_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = path.read_text(encoding="ascii").split() if path.exists() else []
    made = new_key()
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{KEYS_FILE}.", delete=False) as fresh:  # mode 0600
        fresh.write("\n".join([made, *kept][:KEYS_KEPT]) + "\n")
        fresh.flush()
        os.fsync(fresh.fileno())
    Path(fresh.name).replace(path)
    _sync(path.parent)
    return ring_of([made]).current


def _sync(folder: Path) -> None:
    """A key that something was sealed with is on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _bound(place: str, row: object) -> bytes:
    return f"{place}/{row}".encode()
