"""Shelly of the first generation: one bare value on each topic below `shellies/<model>-<id>`.

`event_cnt` counts a device's presses, and a device that is not asleep says its last event again and again. So the count
is what a press is recognised by, as long as it only rises: a new battery starts it again, which whoever remembers the
count before must see (`alerts.naming`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devices import values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NAME = "shelly1/1"
SCHEME = "shelly1"
MARKS = frozenset({"shellies"})

OWN_WORDS = frozenset({"input_event", "input", "longpush", "sensor", "relay", "online", "info", "status", "announce"})
CLICKS = {"S": "short", "SS": "double", "SSS": "triple", "L": "long", "SL": "short_long", "LS": "long_short"}
# Sensor topic -> code, by what its value is.
NUMBERS = {
    "temperature": "env.temperature",
    "humidity": "env.humidity",
    "battery": "battery.level",
    "lux": "env.illuminance",
}
FLAGS = {
    "flood": "alarm.water_leak",
    "smoke": "alarm.smoke",
    "motion": "presence.motion",
    "vibration": "alarm.vibration",
    "charger": "battery.charging",
}
GAS = {"none": False, "mild": True, "heavy": True}  # "test" and "unknown" say nothing of the air
CONTACT = {"open": True, "close": False}
# The same readings in the JSON of `info` and `status`: way to the property -> sensor topic.
IN_STATUS: Mapping[tuple[str, ...], str] = {
    ("flood",): "flood",
    ("smoke",): "smoke",
    ("motion",): "motion",
    ("vibration",): "vibration",
    ("sensor", "motion"): "motion",
    ("sensor", "vibration"): "vibration",
    ("sensor", "state"): "state",
    ("gas_sensor", "alarm_state"): "gas",
    ("bat", "value"): "battery",
    ("bat",): "battery",
    ("lux", "value"): "lux",
    ("lux",): "lux",
    ("tmp", "value"): "temperature",
    ("tmp", "tC"): "temperature",
    ("hum", "value"): "humidity",
    ("charger",): "charger",
}


class ShellyGen1Adapter:
    """Buttons, inputs and sensors of the first generation."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether `shellies` stands in the topic."""
        return "shellies/" in topic and values.below(topic, MARKS) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this may be a press or a detector that has found something."""
        last = topic.rpartition("/")[2]
        if "/input_event/" in topic:
            return b'"event":""' not in payload.replace(b" ", b"")
        if last in ("flood", "smoke"):
            return payload.strip().lower() not in (b"false", b"0")
        if last == "gas":
            return payload.strip().lower() not in (b"none", b"test", b"unknown")
        return last in ("info", "status")

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the device's telemetry, or nothing for a topic that is of no concern.

        Raises:
            DecodeError: The value is not what stands on this topic.
        """
        base, name, path = _parts(message.topic)
        if not name or message.payload.strip() == b"" or path.endswith("/command") or path == "command":
            return ()
        said = values.text(NAME, message.payload)
        device = values.address(SCHEME, f"{base}/{name}" if base else name)
        fresh = values.old(message.retained)
        if name == "announce" or path == "announce":
            return tuple(_announced(base, said))
        if path.startswith("input_event/"):
            return (_pressed(device, path.rpartition("/")[2], said, message),)
        seen = values.distinct(_states(path, said, fresh))
        if not seen:
            return ()
        return (Telemetry(device=device, adapter=NAME, observations=tuple(seen)),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: a Shelly has nothing to show words on."""
        return None


def _parts(topic: str) -> tuple[str, str, str]:
    """Return what stands before the device's name, the name, and what follows; where its root is its installer's own,
    the name is what stands before the first word that is the maker's.
    """
    found = values.below(topic, MARKS)
    if found is not None:
        name, _, path = found[1].partition("/")
        return found[0], name, path
    parts = topic.split("/")
    at = next((at for at, part in enumerate(parts) if part in OWN_WORDS and at > 0), len(parts))
    return "/".join(parts[: at - 1]), parts[at - 1], "/".join(parts[at:])


def _announced(base: str, said: str) -> Iterator[Telemetry]:
    about = values.json_object(NAME, said)
    name, model = values.word(about.get("id")), values.word(about.get("model"))
    if name:
        seen = [Observation(code="provision.candidate", value=name)]
        if model:
            seen.append(Observation(code="provision.model", value=model))
        device = values.address(SCHEME, f"{base}/{name}" if base else name)
        yield Telemetry(device=device, adapter=NAME, observations=tuple(seen), model=model or None)


def _pressed(device: str, channel: str, said: str, message: Message) -> Telemetry:
    """Return a press. An empty event is what a device says after it started: nobody pressed."""
    about = values.json_object(NAME, said)
    event, count = values.word(about.get("event")), values.number(about.get("event_cnt"))
    whole = count if isinstance(count, int) and count >= 0 else None
    seen: list[Observation] = []
    if event:
        press = CLICKS.get(event.upper(), event)
        seen.append(
            Observation(
                code="button.press", value=press, native=event, channel=channel, quality=values.old(message.retained)
            )
        )
    seen.append(values.alive(values.old(message.retained)))
    known = None if whole is None or message.retained else f"input{channel}:{whole}"
    return Telemetry(
        device=device, adapter=NAME, observations=tuple(seen), time_quality=TimeQuality.HUB, sequence=whole,
        identity=known,
    )  # fmt: skip


def _states(path: str, said: str, fresh: Quality) -> Iterator[Observation]:
    head, _, last = path.rpartition("/")
    if path == "online":
        state = values.flag(said)
        if state is None:
            raise DecodeError(NAME, f"online: neither true nor false: {said[:40]!r}")
        yield Observation(code="link.online", value=state)  # retained on purpose: it says how the line is
        return
    if path in ("info", "status"):
        yield from _status(values.json_object(NAME, said), fresh)
    elif head == "sensor":
        yield from _sensor(last, said, fresh)
    elif path == "temperature" or head == "ext_temperature":
        code = "device.temperature" if path == "temperature" else "env.temperature"  # its own board's, or a probe's
        yield from values.measure(code, said, native=path, fresh=fresh, channel=last if head else None)
    elif head == "ext_humidity":
        yield from values.measure("env.humidity", said, native=path, fresh=fresh, channel=last)
    elif path == "voltage":
        yield from values.voltage(said, native=path, fresh=fresh)
    yield values.alive(fresh)


def _status(about: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    for way, name in IN_STATUS.items():
        found: Any = about
        for step in way:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, bool | int | float | str):
            yield from _sensor(name, found, fresh)


def _sensor(name: str, said: object, fresh: Quality) -> Iterator[Observation]:
    if name in NUMBERS:
        number = values.number(said)
        # 999 is what it writes for a probe that does not answer, -1 for a light or a battery it does not know.
        if number is not None and (number == 999 or (number < 0 and name != "temperature")):
            yield Observation(code=NUMBERS[name], quality=Quality.ABSENT, native=name)
        else:
            yield from values.measure(NUMBERS[name], number, native=name, fresh=fresh)
    elif name in FLAGS:
        state = values.flag(said)
        if state is not None:
            code = FLAGS[name]
            yield Observation(code=code, value=state, native=name, quality=fresh, lasting=code.startswith("alarm."))
    elif name in ("gas", "state"):
        code, meaning = ("alarm.gas", GAS) if name == "gas" else ("contact.open", CONTACT)
        word = str(said).strip().lower()
        if word in meaning:
            yield Observation(code=code, value=meaning[word], native=word, quality=fresh, lasting=name == "gas")


ADAPTER = ShellyGen1Adapter()
