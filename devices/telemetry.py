"""What a device said, decoded: the vocabulary every adapter speaks and every detector hears."""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

Value: TypeAlias = float | int | bool | str | None


class Quality(StrEnum):
    """How far a value can be believed. Only `ok` feeds a detector."""

    OK = "ok"
    ABSENT = "absent"  # the device says it could not measure
    IMPLAUSIBLE = "implausible"  # outside what a living body or a working part gives
    STALE = "stale"  # a retained or cached state, not a report of now
    REPLAYED = "replayed"  # sent again by a bridge that restarted
    UNVERIFIED = "unverified"  # decoded by a grammar nobody has confirmed


class TimeQuality(StrEnum):
    """Whose clock `measured_at` comes from."""

    DEVICE = "device"
    HUB = "hub"  # the device sent no time: ours is used
    SUSPECT = "suspect"  # the device sent a time no working clock would show


class Stage(StrEnum):
    """How far an alarm has come on the device itself."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    CALLING = "calling"
    CANCELLED = "cancelled"
    ENDED = "ended"


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing a device reported: a value, a state, an alarm.

    `code` is from `devices.codes`; `unit` is UCUM. A location has `lat`, `lon` and `valid` instead of a value.
    """

    code: str
    value: Value = None
    unit: str | None = None
    quality: Quality = Quality.OK
    stage: Stage | None = None  # alarms only
    native: str | None = None  # the device's own word, for the operator
    lasting: bool = False  # alarms only: a state that is on until it is cleared; said again, it is no second one
    channel: str | None = None  # which button, probe or gang of the device
    sub: str | None = None  # which measuring point
    measured_at: datetime | None = None  # only when it differs from its message's
    time_quality: TimeQuality | None = None
    lat: float | None = None
    lon: float | None = None
    valid: bool | None = None
    accuracy_m: float | None = None  # of a location: so far off it may be, as the device says


class AccelWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A burst of wrist acceleration, gravity included.

    `first` counts samples since the device started its stream, so that gaps and repeats show.
    """

    rate_hz: float  # 20 … 104
    first: int
    accel_mg: NDArray[np.int16]  # (n, 3), 1/1000 g
    gyro_2mrad: NDArray[np.int16] | None = None  # (n, 3), 0.002 rad/s


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """All that one message says about one device.

    `device` is its address in the whole hub, `scheme:native` – `carehub:w-0417`,
    `z2m:zigbee2mqtt/Bathroom button`, `watch3g:8800000015`. `identity` is what makes
    a repeat of the same event recognisable (a press counter, an event id, the event's own time); None when the
    device sends nothing of the kind. `received_at` is the hub's business and is not here.
    """

    device: str
    adapter: str  # name/version of what decoded it
    observations: tuple[Observation, ...] = ()
    measured_at: datetime | None = None
    time_quality: TimeQuality = TimeQuality.HUB
    sequence: int | None = None
    identity: str | None = None
    accel: AccelWindow | None = None
    model: str | None = None
    via: str | None = None  # address of the gateway that heard it, where another device passes its words on
