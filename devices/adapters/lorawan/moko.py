"""Moko: trackers and badges (the port names the message), and the room sensor LW007."""

from collections.abc import Callable, Iterator, Mapping

from devices.adapters.lorawan.parts import Codec, Frame, Said, absent, alarm, measure, place, state
from devices.telemetry import Observation

_FIX, _FAST_FIX, _TAMPERED, _MAN_DOWN, _MOVED = 2, 12, 7, 6, 8
_SATELLITES = 2  # of the ways a position is found; the others name access points and beacons


def _tracker(frame: Frame) -> Said:
    """Yield LW001: its flags in every message, its place in two of them."""
    port = frame.port or 0
    if not (1 <= port <= 10 or port == _FAST_FIX):
        return
    flags = frame.u8(0)
    yield alarm("alarm.man_down", bool(flags & 0x10) or port == _MAN_DOWN)
    yield alarm("alarm.tamper", bool(flags & 0x08) or port == _TAMPERED)
    yield state("battery.low", bool(flags & 0x04))
    at = 1 if port == _FAST_FIX else 2
    yield measure("battery.voltage", (22 + (frame.u8(at) >> 4)) / 10)
    if port != _FAST_FIX:
        yield measure("device.temperature", frame.i8(1))
    if port == _MOVED:
        yield state("motion.moving", frame.u8(3) in (0, 1))
    elif port == _FAST_FIX:
        yield place(frame.i32(2) / 1e7, frame.i32(6) / 1e7)
    elif port == _FIX and frame.u8(3) >= _SATELLITES:
        yield place(frame.i32(13) / 1e7, frame.i32(17) / 1e7)


def _room(frame: Frame) -> Iterator[Observation]:
    """Yield LW007: motion and door in two bits each, climate in ten bits each; a time of five bytes comes first."""
    if frame.port in (5, 6):
        frame.needs(11)
        motion, door = frame.u8(5) >> 6, frame.u8(5) >> 4 & 0x03
        if motion in (0, 1):
            yield state("presence.motion", motion == 1)
        if door in (0, 1):
            yield state("contact.open", door == 1)
        temperature, humidity = frame.bits(48, 10), frame.bits(58, 10)
        yield absent("env.temperature") if temperature == 0x3FF else measure("env.temperature", temperature / 10 - 30)
        yield absent("env.humidity") if humidity == 0x3FF else measure("env.humidity", humidity / 10)
        yield state("battery.low", bool(frame.u8(9) >> 7))
    elif frame.port == 7 and len(frame) >= 6:
        yield state("battery.low", frame.u8(5) in (1, 3))


# LW004 and LW006: the state that the device is in is named in most messages, and an event tells that it began.
_ALERT, _SOS, _DOWN = "alert", "sos", "man down"
_STATES_4 = {2: _DOWN, 3: _ALERT, 4: _SOS}
_STATES_6 = {1: _DOWN, 3: _ALERT, 4: _SOS}
_EVENTS_4 = {
    3: (_SOS, True),
    4: (_SOS, False),
    5: (_ALERT, True),
    6: (_ALERT, False),
    7: (_DOWN, True),
    8: (_DOWN, False),
}
_EVENTS_6 = {
    3: (_DOWN, True),
    4: (_DOWN, False),
    5: (_SOS, True),
    6: (_SOS, False),
    7: (_ALERT, True),
    8: (_ALERT, False),
}


def _cell(frame: Frame) -> Iterator[Observation]:
    yield measure("battery.level", frame.u8(0) & 0x7F)
    yield state("battery.charging", bool(frame.u8(0) & 0x80))


def _calling(what: str | None) -> Iterator[Observation]:
    """Yield what a state calls for. An alert is raised by the wearer's hand as an SOS is, so it calls as one."""
    yield alarm("alarm.sos", what in (_SOS, _ALERT), native=_ALERT if what == _ALERT else None)
    yield alarm("alarm.man_down", what == _DOWN)


def _event(what: tuple[str, bool] | None) -> Iterator[Observation]:
    if what is not None:
        code = "alarm.man_down" if what[0] == _DOWN else "alarm.sos"
        yield alarm(code, what[1], native=_ALERT if what[0] == _ALERT else None)


def _badge(frame: Frame) -> Said:
    """Yield LW004-PB, third edition."""
    port = frame.port or 0
    if not 1 <= port <= 13:
        return
    yield from _cell(frame)
    if port == 1:
        yield from _event(_EVENTS_4.get(frame.u8(6)))
    elif port in (6, 10):
        yield from _calling(_STATES_4.get(frame.u8(1) >> 2 & 0x07))
        yield place(frame.i32(7) / 1e7, frame.i32(3) / 1e7)
    else:
        yield from _calling(_STATES_4.get(frame.u8(1) & 0x0F))


def _wide_badge(frame: Frame) -> Said:
    """Yield LW006-SB."""
    port = frame.port or 0
    if port in (1, 2, 3, 4, 5, 8, 9):
        yield from _cell(frame)
    if port == 1:
        yield from _calling(_STATES_6.get(frame.u8(5)))
    elif port in (2, 3, 4):
        yield from _calling(_STATES_6.get(frame.u8(8)))
    elif port == 5:
        yield from _event(_EVENTS_6.get(frame.u8(6)))
    elif port == 6:
        yield from _calling(_STATES_6.get(frame.u8(0) >> 4))
        yield place(frame.i32(2) / 1e7, frame.i32(6) / 1e7)
    elif port == 8:
        yield from _calling(_STATES_6.get(frame.u8(4) & 0x0F))
        if frame.u8(3) & 0x0F == 3 and len(frame) >= 15:
            yield place(frame.i32(6) / 1e7, frame.i32(10) / 1e7)
    elif port == 9:
        yield from _calling(_STATES_6.get(frame.u8(3)))


MODELS: Mapping[str, Callable[[Frame], Said]] = {
    **dict.fromkeys(("lw001-bg-pro", "lw001-bg", "lw001"), _tracker),
    **dict.fromkeys(("lw004-pb", "lw004"), _badge),
    **dict.fromkeys(("lw006-sb", "lw006"), _wide_badge),
    **dict.fromkeys(("lw007-pir", "lw007"), _room),
}


def read(frame: Frame) -> Said:
    """Yield what a model's frame says."""
    return MODELS[frame.model](frame)


CODEC = Codec(maker="moko", read=read, models=MODELS, aliases=("mokosmart",))
