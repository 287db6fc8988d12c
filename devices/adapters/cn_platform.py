"""Things behind the Chinese clouds' MQTT: Alibaba's Alink, Huawei IoTDA, China Mobile OneNET, Tuya. One property model.

The identifiers of properties are the maker's choice; common names are understood, others kept raw.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from devices import json_words, plausible, values
from devices.adapter import Command, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NAME = "cn_platform/1"
SCHEME = "cnthing"
MOST = 64  # services or events of one message

# Topic -> product and device; the last group says whether it reports properties or an event, and which.
_TOPICS = (
    re.compile(r"(?:.*/)?sys/([^/]+)/([^/]+)/thing/event/([^/]+)/post"),
    re.compile(r"(?:.*/)?\$sys/([^/]+)/([^/]+)/thing/(property|event)/post"),
    re.compile(r"(?:.*/)?\$oc/(devices)/([^/]+)/sys/(properties/report|events/up)"),
    re.compile(r"(?:.*/)?(tylink)/([^/]+)/thing/(property/report|event/trigger)"),
)
_PROPERTIES = frozenset({"property", "properties/report", "property/report"})
# Spelling does not count when a property is read, so it does not count here.
_URGENT = re.compile(rb"sos|fall|alarm|emergency|panic|smoke|gas|leak|help|flood|carbonmonoxide|tamper")
_NO_LETTER = re.compile(rb"[^a-z]+")


def _called_like_an_alarm(payload: bytes) -> bool:
    return _URGENT.search(_NO_LETTER.sub(b"", payload.lower())) is not None


def _where(topic: str) -> re.Match[str] | None:
    return next((found for found in (one.fullmatch(topic) for one in _TOPICS) if found is not None), None)


class CnPlatformAdapter:
    """Property posts and events of the four clouds' thing models."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic is a property post or an event of one of the clouds."""
        return ("thing/" in topic or "$oc/" in topic) and _where(topic) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether it is an event, or a property that is called like an alarm."""
        where = _where(topic)
        return where is None or where[3] not in _PROPERTIES or b"\\u" in payload or _called_like_an_alarm(payload)

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the thing's telemetry.

        Raises:
            DecodeError: Not a JSON object.
        """
        where = _where(message.topic)
        if where is None or message.payload.strip() == b"":
            return ()
        said = values.fields(NAME, message.payload)
        fresh = values.old(message.retained)
        native = f"{where[1]}/{where[2]}"
        seen = values.distinct(_states(where[3], said, fresh, message))
        at = plausible.instant(json_words.first(said, json_words.TIMES))
        return (
            Telemetry(
                device=values.address(SCHEME, native), adapter=NAME, measured_at=at,
                observations=(*seen, values.alive(fresh)), time_quality=plausible.clock(at, message.received_at),
            ),
        )  # fmt: skip

    def encode(self, command: Command) -> Downlink | None:
        """Return None: what a thing can be told stands in its maker's model."""
        return None


def _states(kind: str, said: Mapping[str, Any], fresh: Quality, message: Message) -> Iterator[Observation]:
    if kind in _PROPERTIES:
        services = said.get("services")
        listed = services if isinstance(services, list) else [said.get("params", said.get("data"))]
        for one in [one for one in listed if isinstance(one, dict)][:MOST]:
            properties = one.get("properties")
            yield from _properties(properties if isinstance(properties, dict) else one, fresh, message)
        return
    yield from _events(kind, said, fresh, message)


def _properties(fields: Mapping[str, Any], fresh: Quality, message: Message) -> Iterator[Observation]:
    """Yield properties that come bare or as `{"value": …, "time": …}`, each then with a time of its own."""
    plain = {name: value for name, value in fields.items() if not isinstance(value, dict)}
    yield from json_words.observe(plain, fresh)
    for name, value in list(fields.items())[: json_words.MOST]:
        if not isinstance(value, dict):
            continue
        inner = value.get("value")
        at = plausible.instant(value.get("time"))
        found = inner if isinstance(inner, dict) else {name: inner} if "value" in value else value
        for one in json_words.observe(found, fresh):
            yield _timed(one, at, message)


def _timed(one: Observation, at: datetime | None, message: Message) -> Observation:
    quality = plausible.clock(at, message.received_at)
    return one if quality is TimeQuality.HUB else msgspec.structs.replace(one, measured_at=at, time_quality=quality)


def _events(kind: str, said: Mapping[str, Any], fresh: Quality, message: Message) -> Iterator[Observation]:
    """Yield events: by their identifier, which stands in the topic, beside their parameters, or around them."""
    names = [kind] if kind not in ("event", "events/up", "event/trigger") else []
    params, data, services = said.get("params"), said.get("data"), said.get("services")
    if isinstance(data, dict):
        names.append(values.word(data.get("eventCode")))
    if isinstance(params, dict) and not names:
        names += [name for name in list(params)[:MOST] if isinstance(name, str)]
    for one in services[:MOST] if isinstance(services, list) else []:
        if isinstance(one, dict):
            names.append(values.word(one.get("event_type")))
    for name in names:
        if values.key(name) in json_words.ALARMS:
            found = json_words.alarm(name, fresh)
            if found is not None:
                yield found
    for fields in (params, data):
        if isinstance(fields, dict):
            yield from _properties(fields, fresh, message)


ADAPTER = CnPlatformAdapter()
