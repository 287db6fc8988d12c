"""Digital Matter: trackers for things and keys; the port names the message, bits count from the lowest.

That a thing has lain still for longer than somebody set is no word about a person, and is not passed on.
"""

from collections.abc import Callable, Iterator, Mapping

from devices.adapters.lorawan.parts import Codec, Frame, Said, alarm, measure, place, state
from devices.telemetry import Observation


def _oyster(frame: Frame) -> Said:
    """Yield Oyster, Yabby and their third edition: positions in three shapes, and what they have used up."""
    if frame.port == 1:
        frame.needs(11)
        flags = frame.u8(8)
        yield place(frame.i32le(0) / 1e7, frame.i32le(4) / 1e7, fixed=not flags & 2)
        yield state("motion.moving", bool(flags & 1))
        yield measure("battery.voltage", frame.u8(10) * 0.025)
    elif frame.port == 4:
        yield from _short_position(frame)
    elif frame.port == 33:
        yield from _extended(frame)


def _short_position(frame: Frame) -> Iterator[Observation]:
    frame.needs(9)
    flags, lat, lon = frame.u8(8), frame.bits_le(0, 24, signed=True), frame.bits_le(24, 24, signed=True)
    yield place(lat * 256e-7, lon * 256e-7, fixed=not flags & 2)
    yield state("motion.moving", bool(flags & 1))
    raw = frame.u8(7)
    yield measure("battery.voltage", 3.5 + 0.032 * raw if flags & 8 else 0.025 * raw)


def _extended(frame: Frame) -> Iterator[Observation]:
    frame.needs(10)
    lat, lon = frame.bits_le(1, 23, signed=True) * 180 / (1 << 23), frame.bits_le(24, 24, signed=True) * 360 / (1 << 24)
    yield place(lat, lon, fixed=not frame.bits_le(0, 1))
    yield state("motion.moving", bool(frame.bits_le(48, 1)))
    yield state("battery.low", bool(frame.bits_le(49, 1)))
    yield measure("battery.voltage", 3.5 + 0.032 * frame.bits_le(65, 8))


def _guppy(frame: Frame) -> Said:
    if frame.port != 1:
        return
    yield state("motion.moving", bool(frame.u8(0) & 1))
    yield measure("battery.voltage", 2.0 + 0.014 * (frame.u8(0) >> 1))
    yield measure("device.temperature", -40.0 + 0.5 * frame.u8(1))
    if len(frame) >= 4 and frame.u8(2) & 1:
        yield alarm("alarm.man_down", True)


def _vehicle(frame: Frame) -> Said:
    """Yield G62: a position in nineteen bytes, or its first eleven, the rest following on port 3."""
    if frame.port not in (1, 2):
        return
    frame.needs(11)
    lat = (frame.i32le(0) & ~0x0F) / 1e7
    lon = (frame.i32le(4) & ~0x0F) / 1e7
    yield place(lat, lon)
    yield state("motion.moving", bool(frame.u8(0) & 3))
    yield measure("battery.voltage", frame.u8(10) * 0.02)
    if frame.port == 1 and len(frame) >= 16:
        yield measure("device.temperature", frame.i8(15))


_NODE_SIZES = {1: 4, 3: 4, 10: 6, 20: 2, 21: 2, 22: 2, 23: 2, 30: 1, 31: 2, 32: 2, 33: 2, 39: 6, 40: 2, 41: 2, 42: 2,
               43: 3, 50: 2, 51: 1}  # fmt: skip


def _node(frame: Frame) -> Said:
    """Yield Sensor Node: fields one after another, the first one's number being the port."""
    at, field = 0, frame.port or 0
    while field in _NODE_SIZES and at + _NODE_SIZES[field] <= len(frame):
        if field == 10 and frame.data[at : at + 2] != b"\xff\xff":
            lat, lon = frame.number(at, 3, "little", signed=True), frame.number(at + 3, 3, "little", signed=True)
            yield place(lat * 256e-7, lon * 256e-7)
        elif field == 20:
            yield measure("battery.voltage", frame.u16le(at) / 1000)
        elif field == 43:
            yield measure("env.temperature", frame.i16le(at) / 100)
            yield measure("env.humidity", frame.u8(at + 2) / 2)
        elif field in (41, 42):
            yield measure("env.temperature", frame.i16le(at) / 100, channel=f"probe {field - 40}")
        at += _NODE_SIZES[field]
        if at >= len(frame):
            return
        field, at = frame.u8(at), at + 1


MODELS: Mapping[str, Callable[[Frame], Said]] = {
    **dict.fromkeys(("oyster", "oyster2", "oyster3", "oyster-edge", "yabby", "yabby3", "yabby-edge"), _oyster),
    "guppy": _guppy,
    "g62": _vehicle,
    "sensornode": _node,
}


def read(frame: Frame) -> Said:
    """Yield what a model's frame says."""
    return MODELS[frame.model](frame)


CODEC = Codec(maker="digitalmatter", read=read, models=MODELS, aliases=("digital matter",))
