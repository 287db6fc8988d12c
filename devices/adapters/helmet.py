"""Smart helmets and badges of the Chinese kind: `info/<tenant>/{heart,position,up,down,alarm}`, the wearer inside."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devices import json_words, plausible, values
from devices.adapter import Command, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NAME = "helmet/1"
SCHEME = "helmet"
MARKS = frozenset({"helmet", "helmets"})

_COMMANDS = re.compile(r"(?:.*/)?op/(?:alarm|command)/cap/[^/]{1,64}")  # what the platform tells a device
_TOPIC = re.compile(r"(?:(.*)/)?info/(?:([^/]{1,64})/)?(heart|position|up|down|alarm)")

_CALLS = re.compile(rb"(?i)sos|panic|help|emergency|fall|smoke|gas|leak|flood|carbon|tamper|\\u")


class HelmetAdapter:
    """Devices that name their wearer and tenant, and say when they come and go."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic ends as one of theirs does."""
        return _TOPIC.fullmatch(topic) is not None or _COMMANDS.fullmatch(topic) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether it is an alarm, or a report that has one of the common names of alarms in it."""
        return topic.endswith("/alarm") or _CALLS.search(payload) is not None  # what it is told ends otherwise

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the device's telemetry.

        Raises:
            DecodeError: Not a JSON object.
        """
        where = _TOPIC.fullmatch(message.topic)
        if where is None or message.payload.strip() == b"":
            return ()
        said = values.fields(NAME, message.payload)
        fresh = values.old(message.retained)
        at = plausible.instant(said.get("timestamp"))
        quality = plausible.clock(at, message.received_at)
        seen = values.distinct(_states(where[3], said, fresh))
        if where[3] != "down":
            seen.append(values.alive(fresh))
        rung = sorted({one.code for one in seen if one.code.startswith("alarm.") and one.value is True})
        known = quality is TimeQuality.DEVICE and bool(rung)
        return (
            Telemetry(
                device=_device(where, said), adapter=NAME, observations=tuple(seen), measured_at=at,
                time_quality=quality, identity=f"{'+'.join(rung)}@{said['timestamp']}"[:80] if known else None,
            ),
        )  # fmt: skip

    def encode(self, command: Command) -> Downlink | None:
        """Return None: what it can be told are commands to its camera."""
        return None


def _device(where: re.Match[str], said: Mapping[str, Any]) -> str:
    """Return the address: the tenant of the topic, or of the message, and the wearer."""
    tenant = where[2] or values.number(said.get("tenant_id"))
    parts = (where[1], tenant, values.number(said.get("user_id")))
    return values.address(SCHEME, "/".join(str(part) for part in parts if part not in (None, "")) or "unnamed")


def _states(kind: str, said: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    if kind in ("up", "down"):
        yield Observation(code="link.online", value=kind == "up")  # the last will is how it says it is gone
    if kind == "alarm":
        found = json_words.alarm(values.word(said.get("alarm_type")) or "general", fresh)
        if found is not None:
            yield found
    yield from json_words.observe(said, fresh)


ADAPTER = HelmetAdapter()
