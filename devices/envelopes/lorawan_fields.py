"""Fields of what LoRaWAN network servers write, each as it may be missing, misspelt or of another kind."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from devices.adapter import DecodeError
from devices.plausible import instant

NAME = "lorawan"
LONGEST_PAYLOAD = 255  # what a LoRaWAN frame can carry, with room
LONGEST_HINT = 100  # characters of a profile's name

_EUI = re.compile(r"[0-9a-f]{16}")
_TAG_NAMES = (
    "model", "device_model", "devicemodel", "model_id", "codec", "device_type", "devicetype", "type", "product",
)  # fmt: skip
_MAKER_NAMES = ("brand", "vendor", "manufacturer", "maker", "brand_id")


def models(about: tuple[Mapping[str, Any], ...]) -> tuple[str, ...]:
    """Return the names a network server has for a kind of device: what was written as a tag before a profile's name.

    A device's own name is left out: people write there what they like.
    """
    found: list[str] = []
    for one in about:
        for tags in (mapping(one.get("tags")), one):
            named = {str(key).lower().replace("-", "_"): value for key, value in tags.items() if isinstance(value, str)}
            maker = next((named[key] for key in _MAKER_NAMES if named.get(key)), "")
            names = [named[key] for key in _TAG_NAMES if named.get(key)]
            found += [f"{maker} {name}".strip() for name in names] + (names if maker else [])
        profile = one.get("deviceProfileName")
        found += [profile] if isinstance(profile, str) else []
    return tuple(dict.fromkeys(name[:LONGEST_HINT] for name in found))


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """Return a list; anything else is an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return a short plain text."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_HINT and value.isascii() else None


def number(value: object) -> float | None:
    """Return a number that somebody may have measured."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        return None
    return value


def count(value: object, largest: int) -> int | None:
    """Return a whole number from 0 to the largest."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest else None


def best(heard: list[Mapping[str, Any]], *names: str) -> float | None:
    """Return the strongest of what the gateways measured."""
    found = (number(one.get(name)) for one in heard for name in names)
    return max((strength for strength in found if strength is not None), default=None)


def nearest(heard: list[Mapping[str, Any]], *names: str) -> str | None:
    """Return the gateway that measured the strongest signal, by the first name that it has."""
    strongest: tuple[float, str] | None = None
    for one in heard:
        name = next((found for key in names if (found := text(one.get(key))) is not None), None)
        rssi = number(one.get("rssi"))
        strength = -999.0 if rssi is None else rssi
        if name is not None and (strongest is None or strength > strongest[0]):
            strongest = (strength, name.lower().replace("-", "").replace(":", ""))
    return None if strongest is None else strongest[1]


def moment(value: object) -> tuple[datetime | None, bool]:
    """Return a time, and whether one was named that is none. A text without a zone is UTC: networks write no other."""
    if value in (None, "", 0):
        return None, False
    at = instant(value)
    return (at if at is None or at.tzinfo else at.replace(tzinfo=UTC)), at is None


def eui_of(value: object) -> str:
    """Return a device's EUI as 16 small hex digits. ChirpStack 3 can be told to write it in base64."""
    given = value.strip() if isinstance(value, str) else ""
    bare = given.lower().replace("-", "").replace(":", "")
    if _EUI.fullmatch(bare):
        return bare
    try:
        raw = base64.b64decode(given, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) == 8:
        return raw.hex()
    raise DecodeError(NAME, f"no device EUI: {str(value)[:40]!r}")


def from_base64(value: object) -> bytes:
    """Return what a device sent; nothing is no bytes. Raises DecodeError."""
    if value in (None, ""):
        return b""
    try:
        raw = base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (ValueError, binascii.Error):
        raw = None
    return _fits(raw, "base64")


def from_hex(value: object) -> bytes:
    """Return what a device sent; nothing is no bytes. Raises DecodeError."""
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b"" if value is None else None
    except ValueError:
        raw = None
    return _fits(raw, "hex")


def _fits(raw: bytes | None, form: str) -> bytes:
    if raw is None or len(raw) > LONGEST_PAYLOAD:
        raise DecodeError(NAME, f"the payload is not up to {LONGEST_PAYLOAD} bytes in {form}")
    return raw
