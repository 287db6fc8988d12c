"""carehub's own JSON profile, as devices/PROFILE.md describes it to a vendor."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.encoders.encoder import Awaits, Body, Device, Encoder, Fix, Messages, Outgoing, Transport, mqtt, publish
from simulator.physiology import Minute

Samples = NDArray[np.int16]


def topic(device: str, kind: str) -> str:
    """Return where a device publishes `vitals`, `event`, `accel`, `status`, or hears `command`."""
    return f"carehub/{device}/{kind}"


def vitals(seq: int, at: datetime, minute: Minute, *, battery_pct: float, worn: bool = True) -> bytes:
    """One minute's values. What was not measured is left out: a missing value is not a zero."""
    measured = {"hr": minute.heart_rate_bpm, "spo2": minute.spo2_pct, "rr": minute.respiration_rpm}
    words = {name: value for name, value in measured.items() if value is not None}
    return _json(
        {"seq": seq, "at": stamp(at), **words, "steps": minute.steps, "battery": round(battery_pct), "worn": worn}
    )


def event(seq: int, at: datetime, word: str, identity: str, **more: Any) -> bytes:
    """A press, a fall, a cancel. `identity` is the same in every copy of the same event, new in every new one."""
    return _json({"seq": seq, "at": stamp(at), "event": word, "id": identity, **more})


def accel(first: int, rate_hz: float, accel_mg: Samples, gyro_2mrad: Samples | None = None) -> bytes:
    """A burst of wrist samples; `first` is the number of its first one since the stream began."""
    words: dict[str, Any] = {"first": first, "rate_hz": rate_hz, "acc_b64": _packed(accel_mg)}
    if gyro_2mrad is not None:
        words["gyro_b64"] = _packed(gyro_2mrad)
    return _json(words)


def status(*, online: bool) -> bytes:
    """What a watch says on connecting, and as its will."""
    return _json({"online": online})


def said(payload: bytes) -> Mapping[str, Any]:
    """Read a command from the hub; what is no JSON object is an empty one."""
    try:
        words = json.loads(payload)
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _packed(samples: Samples) -> str:
    """Little-endian int16, x y z x y z …, in base64."""
    return base64.b64encode(np.ascontiguousarray(samples, dtype="<i2").tobytes()).decode("ascii")


def _json(words: Mapping[str, Any]) -> bytes:
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()


KINDS = {
    "heart_rate_bpm": "hr", "spo2_pct": "spo2", "respiration_rpm": "rr", "temperature_c": "temp",
    "systolic_mmhg": "sys", "diastolic_mmhg": "dia",
}  # fmt: skip


def wide(device: Device, at: datetime, body: Body, steps: int, *, worn: bool) -> Outgoing:
    """Return all of a minute in one message."""
    told: dict[str, Any] = {"seq": device.next_serial(2**53), "at": int(at.astimezone(UTC).timestamp() * 1000)}
    if worn:
        told |= {short: value for name, short in KINDS.items() if (value := getattr(body, name)) is not None}
        told["steps"] = steps
    told["battery"], told["worn"] = device.battery_pct, worn
    return mqtt(topic(device.native, "vitals"), _json(told))


def _say(device: Device, at: datetime, kind: str, words: Mapping[str, Any]) -> Messages:
    head = {"seq": device.next_serial(2**53), "at": stamp(at)}
    return (publish(topic(device.native, kind), {**head, **words}),)


def _event(device: Device, at: datetime, word: str, **more: Any) -> Messages:
    return _say(device, at, "event", {"event": word, **more, "battery": device.battery_pct})


def _press(device: Device, at: datetime, identity: str) -> Messages:
    return _event(device, at, "sos", id=identity)


def _fall(device: Device, at: datetime, identity: str) -> Messages:
    """Without a stage: the hub asks her."""
    return _event(device, at, "fall", id=identity)


def _cancel(device: Device, at: datetime, identity: str) -> Messages:
    return _event(device, at, "cancel", of="fall", id=identity)


def _low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _event(device, at, "low_battery")


def _taken_off(device: Device, at: datetime, identity: str) -> Messages:
    return _event(device, at, "taken_off")


def _worn(device: Device, at: datetime, on: bool) -> Messages:
    return _event(device, at, "put_on" if on else "taken_off")


def _vitals(device: Device, at: datetime, body: Body) -> Messages:
    read = {short: getattr(body, name) for name, short in KINDS.items()}
    words = {short: value for short, value in read.items() if value is not None}
    return _say(device, at, "vitals", {**words, "battery": device.battery_pct, "worn": True})


def _steps(device: Device, at: datetime, count: int) -> Messages:
    """Steps of the minute that ends now."""
    return _say(device, at, "vitals", {"steps": count, "battery": device.battery_pct})


def _battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _say(device, at, "vitals", {"battery": pct})


def _position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    accuracy = 8 if fix.valid else 600
    return _say(device, at, "vitals", {"lat": round(fix.lat, 6), "lon": round(fix.lon, 6), "accuracy_m": accuracy})


def _login(device: Device, at: datetime) -> Messages:
    words = {"online": True, "model": device.model or "CW-1", "battery": device.battery_pct}
    return (publish(topic(device.native, "status"), words, retain=True),)


def _farewell(device: Device, at: datetime) -> Messages:
    return (publish(topic(device.native, "status"), {"online": False}, retain=True),)


ENCODER = Encoder(
    family="carehub", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="CW-1", example="carehub:w-0417",
    source="devices/PROFILE.md, version 1",
    press=_press, fall=_fall, cancel=_cancel, low_battery=_low_battery, taken_off=_taken_off, vitals=_vitals,
    measures=frozenset(KINDS), steps=_steps, battery=_battery, position=_position, login=_login, farewell=_farewell,
    worn=_worn,
)  # fmt: skip
