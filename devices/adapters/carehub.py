"""carehub's own JSON profile, as written down in devices/PROFILE.md: vitals, events, acceleration, status."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices import plausible, topics
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.adapters.carehub_columns import VitalsBatch, decode_vitals
from devices.adapters.carehub_fields import NAME, NUMBERS, read_object
from devices.codes import unit_of
from devices.telemetry import AccelWindow, Observation, Quality, Stage, Telemetry, TimeQuality, Value
from devices.values import accuracy, exact

SCHEME = "carehub"
MOST_SAMPLES = 4096  # of one acceleration burst: 39 s at the fastest rate
LONGEST_ID = 64

FLAGS = {"worn": "wear.worn", "charging": "battery.charging", "online": "link.online"}
EVENTS: Mapping[str, tuple[str, Value, Stage | None]] = {
    "sos": ("alarm.sos", True, None),
    "fall": ("alarm.fall", True, None),
    "taken_off": ("wear.worn", False, None),
    "put_on": ("wear.worn", True, None),
    "low_battery": ("battery.low", True, None),
    "test": ("event.test", True, None),
}
CANCELLABLE = ("sos", "fall")
CANCEL = "cancel"
OVER = frozenset({Stage.CANCELLED, Stage.ENDED})


class CarehubAdapter:
    """The profile a vendor implements when he has the choice."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether this is a device's topic of ours; responders' terminals are not devices."""
        return topic.startswith("carehub/") and topics.parse(topic) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this is an event: vitals, acceleration and status hold nothing that rings by itself."""
        return not topic.endswith(("/vitals", "/accel", "/status"))

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the one device's telemetry.

        A wrong value is left out (or marked implausible, where it is a number) and the good ones beside it are kept.

        Raises:
            DecodeError: Not JSON, not an object, or nothing in it can be used.
        """
        uplink = topics.parse(message.topic)
        if uplink is None:
            raise DecodeError(NAME, f"{message.topic[:80]!r} is not a topic of a device")
        fields = _read(message.payload, uplink.kind)
        head = _Head(fields, message.received_at)
        body = _BODIES[uplink.kind](fields, _stale(message.retained and uplink.kind != "status"))
        return (
            Telemetry(
                device=f"{SCHEME}:{uplink.device}",
                adapter=NAME,
                observations=body.observations,
                measured_at=head.measured_at,
                time_quality=head.time_quality,
                sequence=head.sequence,
                identity=body.identity,
                accel=body.accel,
                model=_text(fields.get("model")),
            ),
        )

    def encode(self, command: Command) -> Downlink | None:
        """Return the command as JSON on the device's own command topic."""
        device = command.device.removeprefix(f"{SCHEME}:")
        if device == command.device or not topics.is_device_name(device):
            return None
        if command.order is not None:
            order = {"do": command.order, "number": command.number}
            return Downlink(topic=topics.command(device), payload=msgspec.json.encode(order))
        if command.say is None:
            return None
        told: dict[str, Any] = {"say": command.say.value, "text": command.text}
        if command.identity is not None:
            told["id"] = press_id(command.identity)
        if command.incident is not None:
            told["incident"] = command.incident
        return Downlink(topic=topics.command(device), payload=msgspec.json.encode(told))


class _Body(msgspec.Struct, frozen=True):
    observations: tuple[Observation, ...] = ()
    identity: str | None = None
    accel: AccelWindow | None = None


class _Head:
    """What every kind of message may begin with: `seq` and `at`. A wrong one costs nothing but itself."""

    def __init__(self, fields: Mapping[str, Any], received_at: datetime) -> None:
        sequence = fields.get("seq")
        self.sequence = sequence if type(sequence) is int and 0 <= sequence < 2**53 else None
        stated = fields.get("at")
        self.measured_at = plausible.instant(stated)
        self.time_quality = plausible.clock(self.measured_at, received_at)
        if self.measured_at is None and stated is not None:
            self.time_quality = TimeQuality.SUSPECT


def press_id(identity: str) -> str:
    """Return the id a device gave its press, from the identity made of it."""
    parts = identity.split(":")
    return parts[1] if len(parts) > 1 else identity


def _read(payload: bytes, kind: str) -> dict[str, Any]:
    word = payload.strip().lower() if kind == "status" else b""
    if word in (b"online", b"offline"):  # a last will written by hand
        return {"online": word == b"online"}
    return read_object(payload)


def _stale(retained: bool) -> Quality:
    return Quality.STALE if retained else Quality.OK


def _text(value: object) -> str | None:
    """Return a word that can be stored: half a surrogate pair, which the JSON reader lets through, cannot."""
    return value[:LONGEST_ID].encode("utf-8", "replace").decode() if isinstance(value, str) and value else None


def _plain(value: object) -> float | None:
    """Return a finite number of sensible size as float, None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 else None


def _number(field: str, value: object, fresh: Quality) -> Observation | None:
    code = NUMBERS[field]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        return Observation(
            code=code, unit=unit_of(code), quality=Quality.IMPLAUSIBLE, native=json.dumps(value, default=str)[:40]
        )
    quality = plausible.quality(code, value)
    return Observation(code=code, value=value, unit=unit_of(code), quality=fresh if quality is Quality.OK else quality)


def _measured(fields: Mapping[str, Any], fresh: Quality) -> list[Observation]:
    seen = [_number(field, fields[field], fresh) for field in NUMBERS if field in fields]
    seen += [
        Observation(code=code, value=fields[field], quality=fresh)
        for field, code in FLAGS.items()
        if isinstance(fields.get(field), bool)
    ]
    return [observation for observation in seen if observation is not None] + _location(fields, fresh)


def _location(fields: Mapping[str, Any], fresh: Quality) -> list[Observation]:
    lat, lon = _plain(fields.get("lat")), _plain(fields.get("lon"))
    if lat is None or lon is None:
        return []
    good = abs(lat) <= 90 and abs(lon) <= 180 and (lat, lon) != (0, 0)
    fix = exact(fields.get("accuracy_m"))
    off = accuracy(fields.get("accuracy_m"))
    return [Observation(code="location", lat=lat, lon=lon, valid=fix, accuracy_m=off, quality=fresh)] if good else []


def _vitals(fields: Mapping[str, Any], fresh: Quality) -> _Body:
    return _Body(tuple(_measured(fields, fresh)))


def _event(fields: Mapping[str, Any], fresh: Quality) -> _Body:
    word = fields.get("event")
    word = word.strip().lower() if isinstance(word, str) else word
    if word != CANCEL and (not isinstance(word, str) or word not in EVENTS):
        raise DecodeError(NAME, f"unknown event {word!r:.40}; one of {', '.join((*EVENTS, CANCEL))}")
    stage = _stage(fields.get("stage"))
    if word == CANCEL:
        said = _cancelled(fields.get("of"), fresh)
    else:
        code, value, _ = EVENTS[word]
        alarm = code.startswith("alarm.")
        value = value if not alarm or stage not in OVER else False
        said = [Observation(code=code, value=value, stage=stage if alarm else None, native=word, quality=fresh)]
    beside = {observation.code for observation in said}
    said += [observation for observation in _measured(fields, fresh) if observation.code not in beside]
    return _Body(tuple(said), _identity(word, fields.get("id"), stage))


def _cancelled(of: object, fresh: Quality) -> list[Observation]:
    what = (of,) if of in CANCELLABLE else CANCELLABLE
    return [
        Observation(code=f"alarm.{name}", value=False, stage=Stage.CANCELLED, native=CANCEL, quality=fresh)
        for name in what
    ]


def _stage(value: object) -> Stage | None:
    try:
        return Stage(value.strip().lower()) if isinstance(value, str) else None
    except ValueError:
        return None  # an unknown word never takes an alarm back


def _identity(word: str, given: object, stage: Stage | None) -> str | None:
    """Return `event:id` or `event:id:stage`: a fall first suspected, then confirmed is two reports, not a repeat."""
    if isinstance(given, bool) or not isinstance(given, int | str) or given == "":
        return None
    identity = str(given) if isinstance(given, str) or abs(given) < 2**63 else ""
    if not identity or len(identity) > LONGEST_ID or ":" in identity or not identity.isprintable():
        return None
    return f"{word}:{identity}" + (f":{stage.value}" if stage is not None else "")


def _accel(fields: Mapping[str, Any], fresh: Quality) -> _Body:
    rate, first = _plain(fields.get("rate_hz")), fields.get("first", 0)
    if rate is None or not 20 <= rate <= 104:
        raise DecodeError(NAME, "rate_hz: a number from 20 to 104 is needed")
    if type(first) is not int or not 0 <= first < 2**53:
        raise DecodeError(NAME, "first: the number of the first sample is needed, 0 or more")
    accel = _triples(fields, "acc")
    if accel is None:
        raise DecodeError(NAME, "acc or acc_b64 is missing")
    gyro, faults = _gyro(fields, len(accel))
    window = AccelWindow(rate_hz=rate, first=first, accel_mg=accel, gyro_2mrad=gyro)
    said = (*_measured(fields, fresh), *faults)
    return _Body(said, accel=window if fresh is Quality.OK else None)


def _triples(fields: Mapping[str, Any], name: str) -> NDArray[np.int16] | None:
    """Return (n, 3) samples from a list of triples or from base64 of little-endian int16, x y z x y z …"""
    listed, packed = fields.get(name), fields.get(f"{name}_b64")
    try:
        if listed is not None:
            samples = _within(np.array(listed, dtype=np.float64))
        elif packed is not None:
            samples = np.frombuffer(base64.b64decode(packed, validate=True), dtype="<i2").reshape(-1, 3)
        else:
            return None
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise DecodeError(
            NAME, f"{name}: triples of numbers within ±32767, or base64 of little-endian int16, expected"
        ) from None
    if samples.ndim != 2 or samples.shape[1] != 3 or not 1 <= len(samples) <= MOST_SAMPLES:
        raise DecodeError(NAME, f"{name}: 1 to {MOST_SAMPLES} triples expected, got shape {samples.shape}")
    return samples.astype(np.int16)


def _within(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    if samples.size and not np.abs(samples).max() <= 32767:  # NaN is not
        raise ValueError
    return np.rint(samples)


def _gyro(fields: Mapping[str, Any], count: int) -> tuple[NDArray[np.int16] | None, list[Observation]]:
    """Return the rotation beside `count` accelerations. A wrong one is left out and told: a fall shows without it."""
    try:
        gyro = _triples(fields, "gyro")
    except DecodeError as error:
        return None, [Observation(code="accel.gyro", quality=Quality.IMPLAUSIBLE, native=error.reason)]
    if gyro is not None and len(gyro) != count:
        reason = f"{len(gyro)} samples beside {count} of acc"
        return None, [Observation(code="accel.gyro", quality=Quality.IMPLAUSIBLE, native=reason)]
    return gyro, []


_BODIES: Mapping[str, Callable[[Mapping[str, Any], Quality], _Body]] = {
    "vitals": _vitals,
    "status": _vitals,
    "event": _event,
    "accel": _accel,
}

ADAPTER = CarehubAdapter()

__all__ = ["ADAPTER", "CarehubAdapter", "VitalsBatch", "decode_vitals", "press_id"]
