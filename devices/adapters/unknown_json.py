"""JSON of devices nobody knows, below a prefix that says `json`: properties of common names, all of them unverified.

It shows an installer what such a device seems to say. Nothing of it rings or feeds a detector before its grammar is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from devices import json_words, plausible, values
from devices.adapter import Command, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry

NAME = "unknown_json/1"
SCHEME = "json"
MARKS = frozenset({"json"})
ALARM_NAMES = ("alarm", "alarmtype", "event", "eventtype", "status", "action")


class UnknownJsonAdapter:
    """Whatever puts a JSON object on a topic."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic stands below a prefix that says `json`."""
        return values.below(topic, MARKS) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Return False: nothing unverified rings."""
        return False

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return what properties of common names seem to state.

        Raises:
            DecodeError: Not a JSON object.
        """
        if message.payload.strip() == b"":
            return ()
        said = values.fields(NAME, message.payload)
        own = json_words.identity(said)
        at = plausible.instant(json_words.first(said, json_words.TIMES))
        seen = (msgspec.structs.replace(one, quality=_doubted(one.quality)) for one in _states(said))
        return (
            Telemetry(
                device=values.address(SCHEME, f"{message.topic}/{own}" if own else message.topic), adapter=NAME,
                observations=(*values.distinct(seen), values.alive(values.old(message.retained))), measured_at=at,
                time_quality=plausible.clock(at, message.received_at),
            ),
        )  # fmt: skip

    def encode(self, command: Command) -> Downlink | None:
        """Return None: nobody knows how it is told words."""
        return None


def _doubted(quality: Quality) -> Quality:
    return Quality.UNVERIFIED if quality is Quality.OK else quality


def _states(said: Mapping[str, Any]) -> Iterator[Observation]:
    yield from json_words.observe(said)
    named = json_words.first(dict(json_words.flat(said)), ALARM_NAMES)
    if isinstance(named, str) and values.key(named) in json_words.ALARMS:
        found = json_words.alarm(named)
        if found is not None:
            yield found


ADAPTER = UnknownJsonAdapter()
