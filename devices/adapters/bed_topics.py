"""Sleep radars and bed mats that publish each reading bare on a topic of its own, or all of them in one flat object.

Here `heartbeat` is the heart rate: DFRobot's sleep sensor names it so. 255 is what its module writes when it has none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devices import json_words, plausible, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Stage, Telemetry

NAME = "bed/1"
SCHEME = "bed"
MARKS = frozenset({"sleepsensor", "sleep_sensor", "sleepradar", "bedsensor", "bed", "beds", "emfit", "sleepmat"})
NO_READING = 255

NUMBERS: Mapping[str, str] = {
    **dict.fromkeys(("heartbeat", "heartrate", "hr", "bpm"), "vital.heart_rate"),
    **dict.fromkeys(("respiration", "respirationrate", "respiratoryrate", "breathrate", "breath", "breathing", "rr"),
                    "vital.respiratory_rate"),
    "turnovercount": "activity.turns",
    "battery": "battery.level",
    "temperature": "env.temperature",
    "humidity": "env.humidity",
}  # fmt: skip
FLAGS: Mapping[str, str] = {
    **dict.fromkeys(("bedstatus", "inbed", "bed", "bedoccupied", "pres", "onbed"), "bed.occupied"),
    **dict.fromkeys(("presence", "occupied", "humanpresence"), "presence.occupied"),
    **dict.fromkeys(("sos", "emergency"), "alarm.sos"),
    **dict.fromkeys(("fall", "fallstatus", "fallstate", "falldetected"), "alarm.fall"),
}
MOVEMENTS = {0: False, 1: False, 2: True}  # nobody, still, active
STAGES = {0: "deep", 1: "light", 2: "awake", 3: "none"}
# Averages of a night that is over: kept, and fed to nobody as a reading of now.
NIGHT: Mapping[str, str] = {
    "avgrespiration": "vital.respiratory_rate",
    "avgheartbeat": "vital.heart_rate",
    "avgheartrate": "vital.heart_rate",
}


class BedAdapter:
    """DFRobot C1001 in sleep mode, EMFIT, and mats that speak like them."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic stands below a prefix that says what it is."""
        return values.below(topic, MARKS) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether somebody may have fallen or called."""
        last = values.key(topic.rpartition("/")[2])
        if FLAGS.get(last, "").startswith("alarm."):
            return values.flag(payload.decode("ascii", "replace")) is not False
        return payload[:1] == b"{" and (b"sos" in payload.lower() or b"fall" in payload.lower())

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the bed's telemetry.

        Raises:
            DecodeError: The value is not what stands on this topic.
        """
        said = values.text(NAME, message.payload)
        place, _, last = message.topic.rpartition("/")
        fresh = values.old(message.retained)
        if not said or last in ("set", "command"):
            return ()
        if said.startswith("{"):
            return (_object(message, fresh),)
        if "=" in said:
            return (_lines(message, said, fresh),)
        if last in ("status", "availability", "online", "lwt", "LWT"):
            return (Telemetry(device=_address(place), adapter=NAME, observations=(_will(said),)),)
        place = place.removesuffix("/stats")
        seen = [*_value(values.key(last), said, fresh), values.alive(fresh)]
        return (Telemetry(device=_address(place), adapter=NAME, observations=tuple(seen)),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: a bed has nothing to show words on."""
        return None


def _address(place: str) -> str:
    return values.address(SCHEME, place or "bed")


def _will(said: str) -> Observation:
    state = {"online": True, "offline": False, "connected": True, "disconnected": False}.get(said.lower())
    if state is None:
        raise DecodeError(NAME, f"status: neither online nor offline: {said[:40]!r}")
    return Observation(code="link.online", value=state)  # retained on purpose: it says how the line is


def _value(name: str, said: object, fresh: Quality) -> Iterator[Observation]:
    """Yield what one reading states; a number nobody gave a meaning stays raw."""
    if name in NUMBERS or name in NIGHT:
        yield from _number(name, said, fresh)
    elif name in FLAGS:
        state = values.flag(said)
        if state is not None:
            stage = Stage.CONFIRMED if FLAGS[name] == "alarm.fall" and state else None
            yield Observation(code=FLAGS[name], value=state, stage=stage, native=name, quality=fresh)
    elif name in ("movementstatus", "movement"):
        found = values.number(said)
        if found in MOVEMENTS:
            yield Observation(code="presence.motion", value=MOVEMENTS[int(found)], native=name, quality=fresh)
    elif name == "sleepstate":
        found = values.number(said)
        if found in STAGES:
            yield Observation(code="sleep.stage", value=STAGES[int(found)], native=name, quality=fresh)


def _number(name: str, said: object, fresh: Quality) -> Iterator[Observation]:
    code = NUMBERS.get(name) or NIGHT[name]
    found = values.number(said)
    if code.startswith("vital.") and found == NO_READING:
        yield Observation(code=code, native=name, quality=Quality.ABSENT)
    elif name in NIGHT:
        yield from values.measure(code, found, native=name, fresh=Quality.STALE, sub="night")
    else:
        yield from values.measure(code, found, native=name, fresh=fresh)


def _object(message: Message, fresh: Quality) -> Telemetry:
    said = values.fields(NAME, message.payload)
    return _all(message, dict(json_words.flat(said)), fresh)


def _lines(message: Message, said: str, fresh: Quality) -> Telemetry:
    """Return what EMFIT's plain form says: `ts=…`, `pres=1`, `hr=62` on lines of their own, or after semicolons."""
    pairs = (part.partition("=") for part in re.split(r"[;\r\n&]+", said)[:200])
    return _all(message, {name.strip(): value.strip() for name, mark, value in pairs if mark}, fresh)


def _all(message: Message, said: Mapping[str, Any], fresh: Quality) -> Telemetry:
    own = json_words.first(said, ("ser", "serial", "serialnumber", "sn", "deviceid", "mac", "devname", "id"))
    base = values.below(message.topic, MARKS)
    place = base[0] if base is not None and own is not None else message.topic
    native = f"{place}/{own}" if isinstance(own, str) and values.word(own) else place
    when = json_words.first(said, json_words.TIMES)
    at = plausible.instant(values.number(when) if values.number(when) is not None else when)
    seen = (
        one for name, value in list(said.items())[: json_words.MOST] for one in _value(values.key(name), value, fresh)
    )
    return Telemetry(
        device=_address(native), adapter=NAME, observations=(*values.distinct(seen), values.alive(fresh)),
        measured_at=at, time_quality=plausible.clock(at, message.received_at),
    )  # fmt: skip


ADAPTER = BedAdapter()
