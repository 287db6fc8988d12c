"""Radar modules behind a small bridge: all they know as one flat JSON object on `<model>/live` or below `radar/`.

`heartbeat` is such a module's sign of life, not a heart rate: the vendor's frames have it beside the heart rate.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devices import json_words, plausible, values
from devices.adapter import Command, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry

NAME = "radar_json/1"
SCHEME = "radarjson"
MARKS = frozenset({"radar", "radars"})
PLACEHOLDERS = frozenset({"device_id", "deviceid", "unknown", ""})  # what an unfinished bridge writes for its own name

_MODEL = re.compile(r"(?:M?R(?:24|60|77)|LD24|LD60|C1001|HLK)[A-Za-z0-9_-]*", re.ASCII)
_URGENT = re.compile(rb'"[^"]*(?:fall|sos|alarm|smoke|gas)[^"]*"\s*:(?!\s*(?:false|0\s*[,}]|null|""))')
MOVEMENTS = {0: False, 1: False, 2: True}  # nobody, still, moving


class RadarJsonAdapter:
    """Presence, fall and breathing radars of the MicRadar and Hi-Link kind."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether a part of the topic is called like such a module, or its prefix says `radar`."""
        return values.below(topic, MARKS) is not None or any(map(_MODEL.fullmatch, topic.split("/")[:-1]))

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether somebody may have fallen."""
        return _URGENT.search(payload.lower()) is not None or b"\\u" in payload

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the radar's telemetry.

        Raises:
            DecodeError: Not a JSON object.
        """
        if message.payload.strip() == b"":
            return ()
        said = values.fields(NAME, message.payload)
        fresh = values.old(message.retained)
        at = plausible.instant(json_words.first(said, json_words.TIMES))
        model = values.word(json_words.first(said, ("devicetype", "model", "type"))) or None
        return (
            Telemetry(
                device=_device(message.topic, said), adapter=NAME, model=model, measured_at=at,
                observations=(*values.distinct(_states(said, fresh)), values.alive(fresh)),
                time_quality=plausible.clock(at, message.received_at),
            ),
        )  # fmt: skip

    def encode(self, command: Command) -> Downlink | None:
        """Return None: a radar has nothing to show words on."""
        return None


def _device(topic: str, said: Mapping[str, Any]) -> str:
    """Return the radar's address: its own number below the gateway's topics, or the topic where it gives none."""
    place = topic.rpartition("/")[0] or topic
    own = json_words.identity(said)
    return values.address(SCHEME, place if own is None or own.lower() in PLACEHOLDERS else f"{place}/{own}")


def _states(said: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    yield from json_words.observe(said, fresh)
    moving = MOVEMENTS.get(said["movement_state"]) if isinstance(said.get("movement_state"), int) else None
    if moving is not None:
        yield Observation(code="presence.motion", value=moving, native="movement_state", quality=fresh)


ADAPTER = RadarJsonAdapter()
