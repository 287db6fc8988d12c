"""Shelly of the second generation and after: RPC notifications, and the Bluetooth devices (BLU) that one of them hears.

A status is an overlay: what it does not name has not changed. Only an event is a press; that an input's settings
changed is an event too. A BLU device is one of its own: `shelly:<gateway>/bthomedevice:200`, `…/blu/<MAC>`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devices import plausible, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NAME = "shelly/1"
SCHEME = "shelly"
MARKS = frozenset({"shelly"})
NOTIFICATIONS = ("NotifyStatus", "NotifyFullStatus", "NotifyEvent")
MOST = 64  # components or events of one message

CLICKS = {
    "single_push": "single", "double_push": "double", "triple_push": "triple", "long_push": "long",
    "long_double_push": "long_double", "long_triple_push": "long_triple", "hold_press": "hold",
}  # fmt: skip
# What the BLU script of the maker's examples calls its events, and the numbers BTHome gives presses.
BLU_EVENTS = frozenset({"shelly-blu", "shelly_blu", "ble.shelly-blu"})
BLU_BUTTONS = {1: "single", 2: "double", 3: "triple", 4: "long", 5: "long_double", 6: "long_triple", 254: "hold"}
BLU_NUMBERS = {
    "battery": "battery.level",
    "temperature": "env.temperature",
    "humidity": "env.humidity",
    "illuminance": "env.illuminance",
}
BLU_FLAGS = {
    "window": "contact.open",
    "door": "contact.open",
    "motion": "presence.motion",
    "moisture": "alarm.water_leak",
}
# An alarm's component -> code. Its status says `alarm`, its events say so too.
ALARMS = {"smoke": "alarm.smoke", "flood": "alarm.water_leak", "gas": "alarm.gas", "co": "alarm.carbon_monoxide"}
# Component -> property -> code.
FLAGS: Mapping[str, Mapping[str, str]] = {
    "presence": {"presence": "presence.occupied", "value": "presence.occupied"},
    "presencezone": {"value": "presence.occupied"},
    "occupancy": {"value": "presence.occupied"},
    "motion": {"motion": "presence.motion", "value": "presence.motion"},
    "contact": {"value": "contact.open"},
}
NUMBERS: Mapping[str, Mapping[str, str]] = {
    "temperature": {"tC": "env.temperature"},
    "humidity": {"rh": "env.humidity"},
    "illuminance": {"lux": "env.illuminance"},
    "bthomedevice": {"battery": "battery.level"},
    "blutrv": {"battery": "battery.level"},
}
BLUETOOTH = frozenset({"bthomedevice", "blutrv"})


class ShellyRpcAdapter:
    """Everything that speaks Shelly's RPC over MQTT."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic ends as a notification does, or stands below a prefix that says so."""
        return topic.endswith("/events/rpc") or values.below(topic, MARKS) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this may be a press or a detector's alarm."""
        if topic.endswith(("/events/rpc", "/events")):
            return b"push" in payload or b"press" in payload or b"alarm" in payload or b"blu" in payload
        return "/status/" in topic and b'"alarm"' in payload

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return one telemetry for the device and for each Bluetooth device it speaks of.

        Raises:
            DecodeError: Not the JSON that stands on this topic.
        """
        topic, _, last = message.topic.rpartition("/")
        if message.payload.strip() == b"":
            return ()
        if last == "rpc" and topic.endswith("/events"):
            return _notified(topic.removesuffix("/events"), values.fields(NAME, message.payload), message)
        if last == "online" and topic:
            return (_will(topic, message),)
        name, mark, _ = topic.rpartition("/status")
        if mark and topic == name + mark and name:
            status = {last: values.fields(NAME, message.payload)}
            return tuple(_statuses(name, status, None, message))
        return ()  # commands to it, its answers, its log

    def encode(self, command: Command) -> Downlink | None:
        """Return None: a Shelly has nothing to show words on."""
        return None


def _will(name: str, message: Message) -> Telemetry:
    state = values.flag(values.text(NAME, message.payload))
    if state is None:
        raise DecodeError(NAME, f"online: neither true nor false: {message.payload[:40]!r}")
    seen = Observation(code="link.online", value=state)  # retained on purpose: it says how the line is
    return Telemetry(device=values.address(SCHEME, name), adapter=NAME, observations=(seen,))


def _notified(name: str, said: Mapping[str, Any], message: Message) -> Sequence[Telemetry]:
    method, params = said.get("method"), said.get("params")
    if method not in NOTIFICATIONS or not isinstance(params, dict):
        return ()  # an answer to somebody's question
    if method == "NotifyEvent":
        events = params.get("events")
        listed = [one for one in events if isinstance(one, dict)][:MOST] if isinstance(events, list) else []
        found = [event for one in listed for event in _event(name, one, params.get("ts"), message)]
        return tuple(found) or (_telemetry(name, [values.alive()], params.get("ts"), message),)
    return tuple(_statuses(name, params, params.get("ts"), message))


def _telemetry(
    device: str, seen: Sequence[Observation], ts: object, message: Message, *, about: str | None = None,
    sequence: int | None = None, model: str | None = None,
) -> Telemetry:  # fmt: skip
    at = plausible.instant(ts) if isinstance(ts, int | float) and ts > 0 else None
    quality = plausible.clock(at, message.received_at)
    named = about is not None and at is not None and quality is TimeQuality.DEVICE
    return Telemetry(
        device=values.address(SCHEME, device), adapter=NAME, observations=tuple(values.distinct(iter(seen))),
        measured_at=at, time_quality=quality, sequence=sequence, model=model,
        identity=f"{about}@{_milliseconds(at)}" if named and at is not None else None,
    )  # fmt: skip


def _milliseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


# Events.


def _event(name: str, said: Mapping[str, Any], ts: object, message: Message) -> Iterator[Telemetry]:
    component, event = values.word(said.get("component")), values.word(said.get("event"))
    kind, _, number = component.partition(":")
    at = said.get("ts", ts)
    fresh = values.old(message.retained)
    if event in BLU_EVENTS and isinstance(said.get("data"), dict):
        yield from _blu(name, said["data"], at, message)
    elif event in CLICKS and kind in ("input", "button", "bthomedevice", "bthomesensor", "blutrv"):
        button = values.number(said.get("idx"))
        channel = str(button) if button is not None else number or None
        seen = Observation(code="button.press", value=CLICKS[event], native=event, channel=channel, quality=fresh)
        device = f"{name}/{component}" if kind.startswith("b") and kind != "button" else name
        yield _telemetry(device, [seen, values.alive(fresh)], at, message, about=f"{component}:{button}:{event}")
    elif kind in ALARMS:
        meaning = {"alarm": True, "alarm_on": True, "alarm_off": False, "alarm_test": None}.get(
            event.removeprefix(f"{kind}.")
        )
        if meaning is not None:
            seen = Observation(code=ALARMS[kind], value=meaning, native=event, channel=number or None, quality=fresh)
            about = f"{component}:{event}" if meaning else None
            yield _telemetry(name, [seen, values.alive(fresh)], at, message, about=about)


def _blu(name: str, data: Mapping[str, Any], ts: object, message: Message) -> Iterator[Telemetry]:
    """Yield a Bluetooth device's packet as the maker's script decodes it. `pid` counts the device's own packets."""
    mac = values.word(data.get("address"))
    if not mac:
        return
    packet = values.number(data.get("pid"))
    fresh = values.old(message.retained)
    seen: list[Observation] = []
    buttons = data.get("button")
    for at, code in enumerate(buttons if isinstance(buttons, list) else [buttons]):
        press = BLU_BUTTONS.get(code) if isinstance(code, int) else None
        if press is not None and at < MOST:
            channel = str(at) if isinstance(buttons, list) else None
            seen.append(Observation(code="button.press", value=press, native=str(code), channel=channel, quality=fresh))
    for key, code in BLU_FLAGS.items():
        state = values.flag(data.get(key))
        if state is not None:
            seen.append(Observation(code=code, value=state, native=key, quality=fresh))
    for key, code in BLU_NUMBERS.items():
        seen += values.measure(code, data.get(key), native=key, fresh=fresh)
    about = "blu" if any(one.code == "button.press" for one in seen) else None
    yield _telemetry(
        f"{name}/blu/{mac}", [*seen, values.alive(fresh)], ts, message,
        sequence=packet if isinstance(packet, int) else None,
        about=None if about is None else f"{about}:{packet}", model=values.word(data.get("model_id")) or None,
    )  # fmt: skip


# Statuses.


def _statuses(name: str, params: Mapping[str, Any], ts: object, message: Message) -> Iterator[Telemetry]:
    fresh = values.old(message.retained)
    own: list[Observation] = []
    others: list[Telemetry] = []
    for component, status in list(params.items())[:MOST]:
        if not isinstance(status, dict):
            continue
        kind, _, number = component.partition(":")
        seen = list(_component(kind, number, status, fresh))
        if kind in BLUETOOTH:
            heard = status.get("last_updated_ts")
            others.append(_telemetry(f"{name}/{component}", [*seen, values.alive(fresh)], heard, message))
        else:
            own += seen
    time = params["sys"].get("unixtime") if ts is None and isinstance(params.get("sys"), dict) else ts
    yield _telemetry(name, [*own, values.alive(fresh)], time, message)
    yield from others


def _component(kind: str, number: str, status: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    channel = number if number not in ("", "0") else None
    if kind in ALARMS:
        yield from _alarm(ALARMS[kind], status, channel, fresh)
    for name, code in FLAGS.get(kind, {}).items():
        state = values.flag(status.get(name))
        if state is not None:
            yield Observation(code=code, value=state, native=name, channel=channel, quality=fresh)
    for name, code in NUMBERS.get(kind, {}).items():
        yield from values.measure(code, status.get(name), native=name, fresh=fresh, channel=channel)
    if kind == "devicepower":
        yield from _power(status, fresh)
    elif kind == "voltmeter":
        yield from values.voltage(status.get("voltage"), native=kind, fresh=fresh)
    elif kind in ("switch", "light", "cover") and isinstance(status.get("temperature"), dict):
        yield from values.measure("device.temperature", status["temperature"].get("tC"), native=kind, channel=channel,
                                  fresh=fresh)  # fmt: skip


def _alarm(code: str, status: Mapping[str, Any], channel: str | None, fresh: Quality) -> Iterator[Observation]:
    """Yield a detector's state. One whose probe is unplugged says no, and means that it does not know."""
    state = values.flag(status.get("alarm"))
    errors = status.get("errors")
    broken = bool(errors) and isinstance(errors, list)
    if state is True or (state is False and not broken):
        yield Observation(code=code, value=state, native="alarm", channel=channel, quality=fresh, lasting=True)
    if broken:
        yield Observation(code="alarm.fault", value=True, native=values.word(str(errors))[:80] or None, channel=channel,
                          quality=fresh)  # fmt: skip


def _power(status: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    """Yield the battery. With a mains supply plugged in and no battery, it says nought: nothing is flat then."""
    battery, mains = status.get("battery"), status.get("external")
    on_mains = isinstance(mains, dict) and mains.get("present") is True
    if isinstance(battery, dict) and not (on_mains and battery.get("percent") in (0, None)):
        yield from values.measure("battery.level", battery.get("percent"), native="percent", fresh=fresh)
        yield from values.voltage(battery.get("V"), native="V", fresh=fresh)


ADAPTER = ShellyRpcAdapter()
