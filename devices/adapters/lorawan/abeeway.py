"""Abeeway trackers and badges: the frames of the second firmware generation (AT2) and of the third (AT3)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, alarm, measure, place, state, unix
from devices.telemetry import Observation, Stage

AT2, AT3 = "AT2", "AT3"
MODELS: Mapping[str, str] = {
    **dict.fromkeys(
        ("asset-tracker", "asset-tracker-2", "compact-tracker", "abeeway-compact-tracker", "micro-tracker",
         "abeeway-micro-tracker", "smart-badge", "abeeway-smart-badge", "industrial-tracker", "geolocation-module",
         "abeeway-geolocation-module", "badge"), AT2,
    ),
    **dict.fromkeys(("asset-tracker-3", "asset-tracker_v3", "at3", "compact-tracker-3", "smart-badge-3"), AT3),
}  # fmt: skip
THIRD = frozenset(model for model, generation in MODELS.items() if generation == AT3)


def read(frame: Frame) -> Said:
    """Yield what a frame says; which generation it is of is known by the model."""
    return _at3(frame) if MODELS.get(frame.model) == AT3 else _at2(frame)


# ---------------------------------------------------------------------------------------------------------------- AT2

_FRAME_PENDING, _POSITION, _ENERGY, _HEARTBEAT, _MISC, _SHUTDOWN, _EVENT = 0x00, 0x03, 0x04, 0x05, 0x07, 0x09, 0x0A
_SCANS, _PROXIMITY, _SMS, _EXTENDED, _DEBUG = 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
_KNOWN = frozenset({
    _FRAME_PENDING, _POSITION, _ENERGY, _HEARTBEAT, _MISC, _SHUTDOWN, _EVENT, _SCANS, _PROXIMITY, _SMS, _EXTENDED,
    _DEBUG,
})  # fmt: skip
_VOLTAGE_PORT, _PERCENT_PORT = 17, 18
_LAST_MODE = 5


# Events (message 0x0A): number -> what it is, where it is something to us.
_EVENTS: Mapping[int, tuple[Observation, ...]] = {
    1: (state("motion.moving", True),),
    2: (state("motion.moving", False),),
    7: (alarm("alarm.sos", True),),  # the SOS flag of this very frame is still 0
    8: (alarm("alarm.sos", False, Stage.CANCELLED),),
    9: (state("motion.tilt", True),),
}
# Parameters of the configuration report whose range is narrow enough that a frame with another value is damaged:
# id -> the values there may be.
_RANGES: Mapping[int, range] = {
    0x15: range(256),  # sensitivity to shocks
    0x21: range(5),  # what is collected in a scan
}


def _condensed(value: int, low: float, high: float, bits: int, reserved: int) -> float:
    return (value - reserved / 2) * (high - low) / ((1 << bits) - 1 - reserved) + low


def _at2(frame: Frame) -> Said:
    kind = frame.u8(0)
    if kind not in _KNOWN:
        raise DecodeError(NAME, f"no AT2 message of type {kind:#04x}")
    if kind in (_FRAME_PENDING, _SMS):
        return
    frame.needs(5)
    if frame.u8(1) >> 5 > _LAST_MODE:
        raise DecodeError(NAME, f"no AT2 mode {frame.u8(1) >> 5}")
    sos = bool(frame.u8(1) >> 4 & 1)
    yield from _checked(frame, kind)
    yield state("flag.sos_mode", sos)
    if sos and kind != _EVENT:
        # The frame that began the call may have been lost on the air; every later one still carries the flag.
        yield alarm("alarm.sos", True, native="SOS mode")
    yield from _at2_battery(frame)
    if kind != _EVENT:
        yield state("motion.moving", bool(frame.u8(1) >> 2 & 1))
    yield measure("device.temperature", round(_condensed(frame.u8(3), -44, 85, 8, 0), 1))
    yield from _at2_position(frame, kind)


def _at2_battery(frame: Frame) -> Iterator[Observation]:
    """Yield percent on port 18, volts on 17. Other ports (older firmware) do not tell which of the two it is."""
    raw = frame.u8(2)
    if frame.port == _PERCENT_PORT:
        if raw == 0:
            yield state("battery.charging", True)
        elif raw != 0xFF:
            yield measure("battery.level", raw)
    elif frame.port == _VOLTAGE_PORT:
        if raw == 0:
            yield state("battery.charging", True)
        yield measure("battery.voltage", round(_condensed(raw, 2.8, 4.2, 8, 2), 2) if raw else 0)


def _checked(frame: Frame, kind: int) -> Iterator[Observation]:
    """Yield an event's meaning; raise for a frame whose body cannot be what its head says."""
    if kind == _EVENT:
        frame.needs(6)
        yield from _EVENTS.get(frame.u8(5), ())
    elif kind == _MISC:
        frame.needs(6)
        if frame.u8(5) & 0x07 not in (1, 2, 3, 4, 5):
            raise DecodeError(NAME, f"no AT2 miscellany {frame.u8(5) & 0x07}")
        if frame.u8(5) & 0x07 == 2:
            _configuration(frame)
    elif kind == _SHUTDOWN and len(frame) >= 6 and frame.u8(5) == 1:
        yield state("battery.low", True)


def _configuration(frame: Frame) -> None:
    """Raise DecodeError where a reported setting has a value it cannot have."""
    if (len(frame) - 6) % 5:
        raise DecodeError(NAME, f"{len(frame)} bytes do not hold settings of five bytes")
    for at in range(6, len(frame), 5):
        name, value = frame.u8(at), frame.u32(at + 1)
        if name in _RANGES and value not in _RANGES[name]:
            raise DecodeError(NAME, f"setting {name:#04x} cannot be {value}")


# How a position was sought: kind -> the bytes that a short and an extended message have at least.
_SOUGHT: Mapping[int, tuple[int, int]] = {
    0: (13, 19), 1: (10, 12), 2: (5, 6), 3: (11, 13), 4: (12, 14), 5: (5, 5), 6: (5, 5), 7: (6, 7), 8: (6, 8),
    9: (6, 7), 10: (6, 7), 11: (6, 7),
}  # fmt: skip
_GPS, _GPS_TIMEOUT, _BEACON_FAILURE = 0, 1, 8


def _at2_position(frame: Frame, kind: int) -> Iterator[Observation]:
    if kind not in (_POSITION, _EXTENDED):
        return
    how, extended = frame.u8(4) & 0x0F, kind == _EXTENDED
    if how not in _SOUGHT:
        raise DecodeError(NAME, f"no AT2 position of kind {how}")
    frame.needs(_SOUGHT[how][extended])
    cause = frame.u8(7 if extended else 5) if how in (_GPS_TIMEOUT, _BEACON_FAILURE) else 0
    if cause > (2 if how == _GPS_TIMEOUT else 7):
        raise DecodeError(NAME, f"no AT2 position fails for reason {cause}")
    if how == _GPS and extended:
        yield place(frame.i32(8) / 1e7, frame.i32(12) / 1e7)
    elif how == _GPS:  # without the lowest byte of latitude and longitude
        yield place(frame.number(6, 3, signed=True) * 256 / 1e7, frame.number(9, 3, signed=True) * 256 / 1e7)


# ---------------------------------------------------------------------------------------------------------------- AT3

_NOTIFICATION, _FIX, _QUERY, _RESPONSE, _TELEMETRY = 1, 2, 3, 4, 5
_SYSTEM, _SOS, _TEMPERATURE, _ACCELEROMETER, _NETWORK, _GEOZONE = range(6)
_HALF_DAY = timedelta(hours=12)
_SLACK = timedelta(hours=1)  # a tracker's clock against the network's


def _body(frame: Frame) -> Frame:
    """Return the frame with a two-byte time, whether it was sent at once or came out of the tracker's memory."""
    if frame.u8(1) >> 7:
        frame.needs(6)
        return Frame(data=frame.data[:4] + frame.data[6:], port=frame.port, model=frame.model, at=frame.at)
    return frame


def clock(frame: Frame) -> datetime | None:
    """Return when an AT3 wrote a frame: seconds since 1970, or since the last midnight or noon, UTC."""
    if MODELS.get(frame.model) != AT3 or len(frame) < 4:
        return None
    if frame.u8(1) >> 7:
        return unix(frame.u32(2)) if len(frame) >= 6 else None
    seconds = frame.u16(2)
    if seconds == 0xFFFF:
        return frame.at
    now = frame.at.astimezone(UTC)
    half = now.replace(hour=0 if now.hour < 12 else 12, minute=0, second=0, microsecond=0)
    written = half + timedelta(seconds=seconds)
    if abs(written - now) > _SLACK and written > now:
        written -= _HALF_DAY
    return written


def _at3(frame: Frame) -> Said:
    frame.needs(4)
    kind = frame.u8(0) >> 3 & 0x07
    if kind not in (_NOTIFICATION, _FIX, _QUERY, _RESPONSE, _TELEMETRY):
        raise DecodeError(NAME, f"no AT3 message of type {kind}")
    sos = bool(frame.u8(0) >> 6 & 1)
    body = _body(frame)
    at = 5 if frame.u8(0) >> 7 else 4  # a frame of several has one more byte of head
    event = list(_at3_notice(body, at)) if kind == _NOTIFICATION else []
    yield from event
    yield state("flag.sos_mode", sos)
    if sos and not any(one.code == "alarm.sos" for one in event):
        yield alarm("alarm.sos", True, native="SOS mode")  # the notification itself may have been lost on the air
    level = frame.u8(1) & 0x7F
    if level == 0:
        yield state("battery.charging", True)
    elif level != 0x7F:
        yield measure("battery.level", level)
    if kind == _FIX:
        yield from _at3_position(body, at)


_AT3_NOTICES: Mapping[tuple[int, int], tuple[Observation, ...]] = {
    (_SYSTEM, 1): (state("battery.low", True),),
    (_SOS, 0): (alarm("alarm.sos", True),),
    (_SOS, 1): (alarm("alarm.sos", False, Stage.CANCELLED),),
    (_ACCELEROMETER, 0): (state("motion.moving", True),),
    (_ACCELEROMETER, 1): (state("motion.moving", False),),
    (_ACCELEROMETER, 2): (alarm("alarm.vibration", True, native="shock"),),
    (_GEOZONE, 0): (alarm("alarm.geofenceEnter", True),),
    (_GEOZONE, 1): (alarm("alarm.geofenceExit", True),),
}


def _at3_notice(frame: Frame, at: int) -> Iterator[Observation]:
    group, number = frame.u8(at) >> 4, frame.u8(at) & 0x0F
    if group > 6:
        raise DecodeError(NAME, f"no AT3 notification of class {group}")
    yield from _AT3_NOTICES.get((group, number), ())
    if (group, number) == (_SYSTEM, 3):  # tamper: the casing
        yield alarm("alarm.tamper", bool(frame.u8(at + 1) & 1))
    elif group == _TEMPERATURE or (group, number) in ((_SYSTEM, 0), (_SYSTEM, 4)):
        yield measure("device.temperature", frame.i8(at + 1))


_GNSS, _SUCCESS = 10, 0


def _at3_position(frame: Frame, at: int) -> Iterator[Observation]:
    """Yield a satellite fix. Scans of Wi-Fi and Bluetooth need a service to become a place."""
    head = frame.u8(at)
    yield state("motion.moving", bool(head >> 7))
    if head >> 5 & 0x03 == _SUCCESS and head & 0x1F == _GNSS:
        yield place(frame.i32(at + 4) / 1e7, frame.i32(at + 8) / 1e7)


CODEC = Codec(maker="abeeway", read=read, models=MODELS, clock=clock)
