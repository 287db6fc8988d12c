"""Fall radars that tell of a fall in stages: `devices/<id>/events` and `…/state`, as those of Vayyar's kind do."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devices import plausible, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Stage, Telemetry, TimeQuality

NAME = "radar_events/1"
SCHEME = "radar"
MARKS = frozenset({"radar", "radars"})
TOPICS = frozenset({"events", "state", "commands", "config"})  # the last two are what it is told
RESPONSE = 2  # an event of this type answers a command: its "Success" is nobody's fall

# What the radar calls a step of the process -> whether somebody lies there, and how far it has come.
STATUSES: Mapping[str, tuple[bool, Stage | None]] = {
    "falldetected": (True, Stage.SUSPECTED),
    "fallsuspected": (True, Stage.SUSPECTED),
    "sensitivefall": (True, Stage.SUSPECTED),
    "fallconfirmed": (True, Stage.CONFIRMED),
    "fall": (True, Stage.CONFIRMED),
    "calling": (True, Stage.CALLING),
    "canceled": (False, Stage.CANCELLED),
    "cancelled": (False, Stage.CANCELLED),
    "fallcanceled": (False, Stage.CANCELLED),
    "fallcancelled": (False, Stage.CANCELLED),
    "fallexit": (False, Stage.ENDED),
    "finished": (False, Stage.ENDED),
    "nofall": (False, None),
}


def split(topic: str) -> tuple[str, str] | None:
    """Return the radar's name and the last word of `…devices/<id>/events`; None for a topic of another form."""
    parts = topic.split("/")
    if len(parts) < 3 or parts[-3] != "devices" or parts[-1] not in TOPICS or not parts[-2]:
        return None
    return "/".join([*(part for part in parts[:-3] if part), parts[-2]]), parts[-1]


class RadarEventsAdapter:
    """Radars whose events have a type and a payload of their own."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic ends as a radar's events or state do."""
        return split(topic) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this may be a step of a fall."""
        return topic.endswith("/events") and (b'"status"' in payload or b"\\u" in payload)

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the radar's telemetry.

        Raises:
            DecodeError: No such topic, or not the JSON that stands on it.
        """
        where = split(message.topic)
        if where is None:
            raise DecodeError(NAME, f"neither events nor state of a radar: {message.topic[:80]!r}")
        if message.payload.strip() == b"" or where[1] in ("commands", "config"):
            return ()
        said = values.fields(NAME, message.payload)
        device = values.address(SCHEME, where[0])
        if where[1] == "state":
            return (_state(device, said, message),)
        about = said.get("payload")
        if not isinstance(about, dict):
            raise DecodeError(NAME, "an event without a payload")
        return (_event(device, said.get("type"), about, message),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: a radar has nothing to show words on."""
        return None


def _state(device: str, said: Mapping[str, Any], message: Message) -> Telemetry:
    fresh = values.old(message.retained)
    return Telemetry(device=device, adapter=NAME, observations=(values.alive(fresh),))


def _event(device: str, kind: object, about: Mapping[str, Any], message: Message) -> Telemetry:
    fresh = values.old(message.retained)
    began = _instant(about.get("timestamp"))
    stepped = _instant(about.get("statusUpdateTimestamp")) or began
    if began is not None and stepped is not None and stepped < began:
        stepped = began
    quality = plausible.clock(stepped, message.received_at)
    seen = [] if kind == RESPONSE else [*_fall(about, fresh), *_presence(about, fresh)]
    rung = next((one for one in seen if one.code == "alarm.fall" and one.value is True), None)
    known = None
    if rung is not None and began is not None and plausible.clock(began, message.received_at) is TimeQuality.DEVICE:
        # One fall keeps the time it began at through all its stages; that it calls by itself is no news of it.
        stage = Stage.CONFIRMED if rung.stage is Stage.CALLING else rung.stage
        known = f"alarm.fall.{stage}@{int((began - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)}"
    return Telemetry(
        device=device, adapter=NAME, observations=(*seen, values.alive(fresh)), measured_at=stepped,
        time_quality=quality, identity=known,
    )  # fmt: skip


def _instant(value: object) -> datetime | None:
    """Return a time in milliseconds or seconds; 0 is how the radar writes that there is none yet."""
    return plausible.instant(value) if isinstance(value, int | float) and value > 0 else None


def _fall(about: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    said = values.word(about.get("status"))
    if values.key(said) in STATUSES:
        on, stage = STATUSES[values.key(said)]
        yield Observation(code="alarm.fall", value=on, stage=stage, native=said, quality=fresh)


def _presence(about: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    here = values.flag(about.get("presenceDetected"))
    if here is not None:
        yield Observation(code="presence.occupied", value=here, native="presenceDetected", quality=fresh)
    regions = about.get("presenceRegionMap")
    for name, inside in list(regions.items())[:16] if isinstance(regions, dict) else ():
        state = values.flag(inside)
        if state is not None:
            yield Observation(code="presence.occupied", value=state, native="presenceRegionMap", quality=fresh,
                              sub=f"region {name}"[:40])  # fmt: skip


ADAPTER = RadarEventsAdapter()
