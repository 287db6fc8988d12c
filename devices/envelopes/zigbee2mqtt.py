"""What Zigbee2MQTT wraps around a device's words: base topic, name, availability, age, the bridge's own topics."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from devices import plausible, values
from devices.telemetry import Quality, TimeQuality

# A base topic is what the installer typed. These are recognised wherever they stand in a topic; others are configured.
_BASE = re.compile(r"(?:zigbee2mqtt[^/]*|z2m|zigbee)", re.IGNORECASE)

STATE_IS_OLD = timedelta(hours=6)  # an outage of hub or broker is over by then; a restarted bridge's cache is not
ACTION_IS_OLD = timedelta(hours=24)  # an action is never cached: an old one was waiting in the broker for us


class Part(StrEnum):
    """What a topic below the base is about."""

    STATE = "state"  # <base>/<name>, a JSON object
    ATTRIBUTE = "attribute"  # <base>/<name>/<attribute>, one bare value
    AVAILABILITY = "availability"
    BRIDGE = "bridge"
    REQUEST = "request"  # …/set and …/get: somebody's words to the device, not the device's


class Place(msgspec.Struct, frozen=True):
    """Where in a bridge's tree a message stands."""

    base: str
    part: Part
    name: str  # the friendly name; for the bridge what follows `bridge/`
    attribute: str = ""


def split_base(topic: str, bases: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """Return the base topic and what follows it, or None if no known base is in the topic."""
    for base in bases:
        if topic.startswith(f"{base}/"):
            return base, topic[len(base) + 1 :]
    if "igbee" not in topic and "z2m" not in topic.lower() and "IGBEE" not in topic:
        return None
    parts = topic.split("/")
    for at, part in enumerate(parts[:-1]):
        if _BASE.fullmatch(part):
            return "/".join(parts[: at + 1]), "/".join(parts[at + 1 :])
    return None


def place(base: str, rest: str, *, is_object: bool) -> Place:
    """Return what the part of a topic below its base is about.

    Names may hold slashes, so only the payload tells `kitchen/action` the attribute (a bare value) from
    `kitchen/action` the device (an object).
    """
    first, _, tail = rest.partition("/")
    if first == "bridge" and tail:
        return Place(base, Part.BRIDGE, tail)
    name, _, last = rest.rpartition("/")
    if name and last == "availability":
        return Place(base, Part.AVAILABILITY, name)
    if name and (last in ("set", "get") or "/set/" in f"{rest}/" or "/get/" in f"{rest}/"):
        return Place(base, Part.REQUEST, name)
    if name and not is_object:
        return Place(base, Part.ATTRIBUTE, name, last)
    return Place(base, Part.STATE, rest)


def read(payload: bytes) -> Any:
    """Return the JSON in a payload, or the text itself where it is none: attribute topics carry bare words."""
    text = payload.decode("utf-8", "replace").strip()
    try:
        return values.parsed(text)
    except (ValueError, RecursionError):
        return text


def online(value: object) -> bool | None:
    """Return what an availability or state payload says: `online`, `{"state":"offline"}`; None for any other word."""
    word = value.get("state") if isinstance(value, dict) else value
    return {"online": True, "offline": False}.get(word.strip().lower()) if isinstance(word, str) else None


class Freshness(msgspec.Struct, frozen=True):
    """How old a message is, by the retain flag and the bridge's `last_seen`."""

    measured_at: datetime | None
    time_quality: TimeQuality
    state: Quality  # for what the bridge caches
    action: Quality  # for what it never caches


def freshness(last_seen: object, received_at: datetime, *, retained: bool) -> Freshness:
    """Return whether a message is a report of now. One without a time is."""
    measured_at = plausible.instant(last_seen)
    time_quality = plausible.clock(measured_at, received_at)
    if measured_at is None and last_seen not in (None, ""):
        time_quality = TimeQuality.SUSPECT
    if retained:
        return Freshness(measured_at, time_quality, Quality.STALE, Quality.STALE)
    if measured_at is None or measured_at.tzinfo is None or measured_at < plausible.EARLIEST:
        return Freshness(measured_at, time_quality, Quality.OK, Quality.OK)
    age = received_at - measured_at
    return Freshness(
        measured_at,
        time_quality,
        Quality.REPLAYED if age > STATE_IS_OLD else Quality.OK,
        Quality.REPLAYED if age > ACTION_IS_OLD else Quality.OK,
    )
