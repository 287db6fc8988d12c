"""Tektelic: two bytes name a field, its value follows; the badge for vital signs has one frame of nine bytes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, Says, absent, alarm, flag, measure, place, state
from devices.telemetry import Observation, Quality

PORT = 10  # what the sensors measure; the other ports answer questions about settings or list beacons
_UNHEARD = 0xFF

Fields = Mapping[int, tuple[int, Says]]  # a field's name -> its bytes, and what it says


def _quiet(frame: Frame, at: int) -> Said:
    return ()


def _scaled(code: str, size: int, by: float, *, signed: bool = False, **more: Any) -> Says:
    def says(frame: Frame, at: int) -> Said:
        yield measure(code, frame.number(at, size, signed=signed) * by, **more)

    return says


def _cell(frame: Frame, at: int) -> Said:
    """Yield a battery that says in its top bit that its end is near."""
    yield measure("battery.voltage", 2.5 + (frame.u8(at) & 0x7F) / 100)
    yield state("battery.low", bool(frame.u8(at) & 0x80))


def _area(frame: Frame, at: int) -> Said:
    lat, lon = frame.number(at, 3, signed=True), frame.number(at + 3, 3, signed=True)
    yield place(lat * 90 / (1 << 23), lon * 180 / (1 << 23))


def _safety(frame: Frame, at: int) -> Said:
    """Yield the badge's emergency button and its fall detection."""
    flags = frame.u8(at)
    yield alarm("alarm.sos", bool(flags & 1))
    yield alarm("alarm.fall", bool(flags & 2))


_ROOM: Fields = {
    0x00FF: (2, _scaled("battery.voltage", 2, 0.01, signed=True)),
    0x00BA: (2, _scaled("battery.voltage", 2, 0.001)),
    0x00D3: (1, _scaled("battery.level", 1, 1)),
    0x00BD: (2, _quiet),  # days left
    0x0100: (1, flag("contact.open")),
    0x0200: (1, _quiet),  # light or dark
    0x0367: (2, _scaled("env.temperature", 2, 0.1, signed=True)),
    0x0467: (2, _scaled("env.temperature", 2, 0.1, signed=True, channel="probe")),
    0x0468: (1, _scaled("env.humidity", 1, 0.5)),
    0x0502: (2, _quiet),  # how hard a blow was
    0x0600: (1, flag("alarm.tamper")),
    0x0771: (6, _quiet),
    0x0804: (2, _quiet),  # how often the reed closed
    0x0900: (1, flag("alarm.water_leak")),
    0x0A00: (1, flag("presence.occupied")),
    0x0B67: (2, _scaled("device.temperature", 2, 0.1, signed=True)),
    0x0C00: (1, _quiet),
    0x0D04: (2, _quiet),  # how often somebody moved
    0x0E00: (1, _quiet),  # what hangs on the external connector is not known here
    0x0F04: (2, _quiet),
    0x1002: (1, _quiet),
    0x1102: (2, _quiet),
    0x1204: (2, _quiet),
}
_TRACKER: Fields = {
    0x0004: (1, _quiet),  # what it is at
    0x00BA: (1, _cell),
    0x00D3: (1, _scaled("battery.level", 1, 1)),
    0x00BD: (2, _quiet),
    0x0085: (4, _quiet),
    0x0088: (8, _area),
    0x0092: (1, _quiet),
    0x0000: (1, flag("motion.moving")),
    0x0067: (2, _scaled("device.temperature", 2, 0.1, signed=True)),
    0x0071: (6, _quiet),
    0x0100: (1, flag("contact.open")),
    0x0300: (1, _quiet),
}
_BADGE: Fields = {
    0x00D3: (1, _scaled("battery.level", 1, 1)),
    0x00BD: (2, _quiet),
    0x0085: (4, _quiet),
    0x0088: (8, _area),
    0x0092: (1, _quiet),
    0x0000: (1, _quiet),
    0x0095: (1, _quiet),
    0x0195: (1, _quiet),
    0x0071: (6, _quiet),
    0x0067: (2, _scaled("device.temperature", 2, 0.1, signed=True)),
    0x0073: (2, _scaled("env.pressure", 2, 0.1)),
    0x0074: (2, _quiet),
    0x0295: (1, _safety),
}


def _fields(table: Fields) -> Callable[[Frame], Said]:
    def says(frame: Frame) -> Iterator[Observation]:
        if frame.port not in (PORT, None):
            return
        at = 0
        while at < len(frame):
            name = frame.u16(at)
            if name not in table and at:
                return  # nobody knows how long it is: what came before it stands
            if name not in table:
                raise DecodeError(NAME, f"{frame.model} has no field {name:#06x}")
            size, field = table[name]
            frame.number(at + 2, size)
            yield from field(frame, at + 2)
            at += 2 + size

    return says


def _vital(code: str, raw: int, by: float = 1) -> Observation:
    return absent(code) if raw == _UNHEARD else measure(code, raw * by)


def _doctor(frame: Frame) -> Said:
    """Yield eDoctor: breathing and pulse. What its maker calls body temperature is the chest's skin: not relied on."""
    if frame.port not in (PORT, None):
        return
    frame.needs(9)
    if frame.u8(0) != _UNHEARD:
        yield measure("battery.level", round(frame.u8(0) * 0.391304348 + 0.608695652))
    if frame.u8(1) != _UNHEARD:
        warmth = frame.u8(1) * 0.05 + 30
        yield measure("vital.body_temperature", warmth, quality=Quality.UNVERIFIED, native="skin")
    yield _vital("vital.respiratory_rate", frame.u8(2))
    yield _vital("vital.heart_rate", frame.u8(6))


_ROOMS, _TAGS = _fields(_ROOM), _fields(_TRACKER)
MODELS: Mapping[str, Callable[[Frame], Said]] = {
    **dict.fromkeys(
        ("smartroompir", "smartroompirv3-1", "smartroombase", "smartroomsensor", "homesensor", "konahome", "vivid",
         "vividpir", "tundra", "breeze"), _ROOMS
    ),
    **dict.fromkeys(("bletracker", "finch", "sparrow", "pelican", "robin"), _TAGS),
    "seal": _fields(_BADGE),
    **dict.fromkeys(("edoctor", "edoctorv1"), _doctor),
}  # fmt: skip


def read(frame: Frame) -> Said:
    """Yield what a model's frame says."""
    return MODELS[frame.model](frame)


CODEC = Codec(maker="tektelic", read=read, models=MODELS)
