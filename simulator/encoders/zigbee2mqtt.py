"""What Zigbee2MQTT publishes for a home's buttons and sensors, as its documentation shows it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One MQTT message of the home's bridge, its topic relative to nothing: complete."""

    topic: str
    payload: bytes
    retain: bool = False


def _state(topic: str, words: dict[str, Any]) -> Publication:
    return Publication(topic=topic, payload=json.dumps(words, ensure_ascii=False).encode())


def _stamp(at: datetime) -> str:
    """`last_seen` in its ISO_8601_local form: the one an installation in China has, offset included."""
    return at.isoformat(timespec="milliseconds")


def bridge_online(base: str) -> Publication:
    return Publication(topic=f"{base}/bridge/state", payload=b'{"state":"online"}', retain=True)


def bridge_offline(base: str) -> Publication:
    """The bridge's will."""
    return Publication(topic=f"{base}/bridge/state", payload=b'{"state":"offline"}', retain=True)


def availability(base: str, name: str, *, online: bool) -> Publication:
    word = "online" if online else "offline"
    return Publication(topic=f"{base}/{name}/availability", payload=json.dumps({"state": word}).encode(), retain=True)


def emergency(base: str, name: str, at: datetime, *, battery_pct: int, linkquality: int) -> list[Publication]:
    """A press of a TS0215A button arrives three times: as state, as an emptied action, and on /action."""
    common: dict[str, Any] = {"battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return [
        _state(f"{base}/{name}", {"action": "emergency", **common}),
        Publication(topic=f"{base}/{name}/action", payload=b"emergency"),
        _state(f"{base}/{name}", {"action": "", **common}),
    ]


def contact(base: str, name: str, at: datetime, *, closed: bool, battery_pct: int, linkquality: int) -> Publication:
    """A door contact: `contact` true means closed."""
    words = {"contact": closed, "battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return _state(f"{base}/{name}", words)


def occupancy(base: str, name: str, at: datetime, *, seen: bool, battery_pct: int, linkquality: int) -> Publication:
    words = {"occupancy": seen, "battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return _state(f"{base}/{name}", words)


def smoke(base: str, name: str, at: datetime, *, smoke: bool, battery_pct: int, linkquality: int) -> Publication:
    words = {"smoke": smoke, "battery": battery_pct, "last_seen": _stamp(at), "linkquality": linkquality}
    return _state(f"{base}/{name}", words)
