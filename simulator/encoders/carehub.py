"""carehub's own JSON profile, as devices/PROFILE.md describes it to a vendor."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
