"""Carelink wearables for people who wander and fall: `<device>/status`, `…/fall/…`, `…/wandering/…`.

`confirmation` carries the wearer's answer: `status` false is "I am fine". `batteryLevel` is in mAh, of a battery nobody
names the size of, so it is no level.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devices import plausible, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Stage, Telemetry, TimeQuality

NAME = "carelink/1"
SCHEME = "carelink"
MARKS = frozenset({"carelink"})
ALARMS = {"fall": "alarm.fall", "wandering": "alarm.wandering"}
LAST_WILL = "lw:"  # how the last will begins, in plain words on a topic of JSON


def split(topic: str) -> tuple[str, str] | None:
    """Return the device and what the message is about: `status`, `fall/detected` …; None for other topics."""
    for end in ("status", *(f"{alarm}/{step}" for alarm in ALARMS for step in ("detected", "confirmation"))):
        if topic.endswith(f"/{end}") and len(topic) > len(end) + 1:
            return topic[: -len(end) - 1], end
    return None


class CarelinkAdapter:
    """Devices that follow the Carelink MQTT specification."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic is about a fall or wandering; a bare `status` only below a prefix that says `carelink`."""
        where = split(topic)
        return where is not None and (where[1] != "status" or values.below(topic, MARKS) is not None)

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether somebody fell or went astray, or has said otherwise."""
        return topic.endswith(("/detected", "/confirmation"))

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the device's telemetry.

        Raises:
            DecodeError: Not the JSON that stands on such a topic.
        """
        where = split(message.topic)
        if where is None or message.payload.strip() == b"":
            return ()
        name, about = where
        device = values.address(SCHEME, name)
        text = values.text(NAME, message.payload)
        if about == "status" and text.lower().startswith((LAST_WILL, "offline")):
            seen = Observation(code="link.online", value=False, native=values.word(text) or None)
            return (Telemetry(device=device, adapter=NAME, observations=(seen,)),)
        said = values.fields(NAME, message.payload)
        return (_told(device, about, said, message),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: the specification has no words for the wearer."""
        return None


def _told(device: str, about: str, said: Mapping[str, Any], message: Message) -> Telemetry:
    fresh = values.old(message.retained)
    at = plausible.instant(said.get("timestamp"))
    quality = plausible.clock(at, message.received_at)
    kind, _, step = about.partition("/")
    seen = [*_alarm(kind, step, said.get("status"), fresh), *_states(said, fresh), values.alive(fresh)]
    rung = next((one for one in seen if one.code.startswith("alarm.") and one.value is True), None)
    known = None
    if rung is not None and at is not None and quality is TimeQuality.DEVICE:
        known = f"{rung.code}.{rung.stage}@{int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)}"
    return Telemetry(
        device=device, adapter=NAME, observations=tuple(seen), measured_at=at, time_quality=quality, identity=known
    )


def _alarm(kind: str, step: str, status: object, fresh: Quality) -> Iterator[Observation]:
    if kind not in ALARMS:
        return
    if step == "detected":
        yield Observation(code=ALARMS[kind], value=True, stage=Stage.SUSPECTED, native=step, quality=fresh)
        return
    answer = values.flag(status)
    if answer is None:
        raise DecodeError(NAME, f"{kind}/{step}: status is neither true nor false: {str(status)[:40]!r}")
    stage = Stage.CONFIRMED if answer else Stage.CANCELLED
    yield Observation(code=ALARMS[kind], value=answer, stage=stage, native=step, quality=fresh)


def _states(said: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    place, sensor = said.get("location"), said.get("sensor")
    if isinstance(place, dict):
        lat, lon = place.get("lat"), place.get("lon")
        points = place.get("coordinates")
        if isinstance(points, list) and points and isinstance(points[-1], list) and len(points[-1]) >= 2:
            lon, lat = points[-1][0], points[-1][1]  # of several points the last is where the wearer is now
        yield from values.location(lat, lon, fresh=fresh)
    if isinstance(sensor, dict):
        yield from values.measure("vital.heart_rate", sensor.get("heartrate"), native="heartrate", fresh=fresh)
        # The specification does not say whose temperature it is: the wearer's, or the air's.
        yield from values.measure(
            "vital.body_temperature", sensor.get("temperature"), native="temperature", fresh=Quality.UNVERIFIED
        )


ADAPTER = CarelinkAdapter()
