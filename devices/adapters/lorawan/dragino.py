"""Dragino: door and leak sensors, buttons, thermometers and trackers; each family has its own few bytes."""

from collections.abc import Callable, Iterator, Mapping

from devices.adapters.lorawan.parts import (
    Codec,
    Frame,
    Said,
    absent,
    alarm,
    civil,
    measure,
    past,
    place,
    press,
    state,
    unix,
    wrong_port,
)
from devices.telemetry import Observation

_ABOUT = 5  # the port on which every newer model tells its version and battery
_MILLIVOLTS = 0x3FFF


def _battery(frame: Frame, at: int = 0) -> Observation:
    return measure("battery.voltage", (frame.u16(at) & _MILLIVOLTS) / 1000)


def _about(frame: Frame) -> Said:
    yield _battery(frame, 5)


def _contact_or_leak(frame: Frame) -> Said:
    """Yield LDS01/LDS02/LWL01/LWL02: battery with door and leak on its top bits, then the mode."""
    mode = frame.u8(2)
    if mode in (1, 3):
        yield state("contact.open", bool(frame.u8(0) & 0x80))
    if mode in (2, 3):
        yield alarm("alarm.water_leak", bool(frame.u8(0) & 0x40))
    yield _battery(frame)


def _timed(code: str) -> Callable[[Frame], Said]:
    """Return LDS03A/LWL03A and their LB successors: a state byte, counters and the time; port 3 is their memory."""

    def one(frame: Frame, at: int, channel: str | None = None) -> Observation:
        on = bool(frame.u8(at) & 1)
        return alarm(code, on, channel=channel) if code.startswith("alarm.") else state(code, on, channel=channel)

    def says(frame: Frame) -> Said:
        if frame.port == _ABOUT:
            yield from _about(frame)
        elif frame.port == 3:
            for at in range(0, len(frame) - 10, 11):
                yield past(one(frame, at), unix(frame.u32(at + 7)))
        elif frame.port == 2:
            yield one(frame, 0)
            if len(frame) >= 18:
                yield one(frame, 11, "2")
        elif frame.port != 4:
            raise wrong_port(frame)

    return says


def _thermometer(frame: Frame) -> Said:
    """Yield LHT65 and LHT65N: climate, and what is plugged in."""
    if frame.port == _ABOUT:
        yield from _about(frame)
        return
    if frame.port not in (2, None) or len(frame) < 11:
        return  # shorter: an answer
    extra = frame.u8(6) & 0x0F
    if frame.u8(6) & 0x40:
        return  # its memory, polled
    if extra == 9:
        yield measure("env.temperature", frame.i16(0) / 100, channel="probe")
    else:
        yield _battery(frame)
    if extra != 0x0F:
        yield measure("env.temperature", frame.i16(2) / 100)
        yield measure("env.humidity", (frame.u16(4) & 0x0FFF) / 10)
    if extra in (1, 2):
        raw = frame.i16(7)
        plugged = raw != 0x7FFF and not frame.u8(6) & 0x80
        probe = measure("env.temperature", raw / 100, channel="probe")
        yield probe if plugged else absent("env.temperature", channel="probe")
    elif extra == 5:
        yield measure("env.illuminance", frame.u16(7))


def _pir(frame: Frame) -> Said:
    """Yield the LHT65N with a motion sensor plugged in: the interrupt line is the motion."""
    yield from _thermometer(frame)
    if frame.port in (2, None) and len(frame) >= 11 and frame.u8(6) & 0x4F == 4:
        yield state("presence.motion", frame.u8(8) != 0)


def _shaken(frame: Frame) -> Said:
    """Yield the LHT65N with a vibration sensor: its mode says what stands beside the alarm bit."""
    if frame.port == _ABOUT:
        yield from _about(frame)
    elif frame.port == 2 and len(frame) == 11:
        mode = frame.u8(2) >> 2 & 7
        yield _battery(frame)
        yield alarm("alarm.vibration", bool(frame.u8(2) & 1))
        if mode in (2, 3):
            at = 7 if mode == 2 else 3
            yield measure("env.temperature", frame.i16(at) / 100)
            yield measure("env.humidity", (frame.u16(at + 2) & 0x0FFF) / 10)


def _small_thermometer(frame: Frame) -> Said:
    if frame.port == _ABOUT:
        yield from _about(frame)
    elif frame.port == 2 and len(frame) == 11:
        yield measure("env.temperature", frame.i16(0) / 100)
        yield measure("env.humidity", frame.i16(2) / 10)
        if frame.i16(4) != 0x7FFF:
            yield measure("env.temperature", frame.i16(4) / 100, channel="probe")


def _button(frame: Frame) -> Said:
    """Yield PB01: a press is the alarm bit; climate and battery ride along."""
    if frame.port == _ABOUT:
        yield from _about(frame)
    elif frame.port == 2:
        frame.needs(8)
        if frame.u8(3) & 1:
            yield press()
        yield _battery(frame)
        yield measure("env.temperature", frame.i16(4) / 10)
        yield measure("env.humidity", frame.u16(6) / 10)
    elif frame.port != 3:
        raise wrong_port(frame)


def _calling(frame: Frame, at: int) -> Iterator[Observation]:
    """Yield the SOS bit and the battery, which share two bytes in every message of a tracker."""
    yield alarm("alarm.sos", bool(frame.u8(at) & 0x40))
    yield _battery(frame, at)


def _tracker(frame: Frame) -> Said:
    """Yield TrackerD: where it is and whether its red button was held; port 4 is its memory."""
    if frame.port == _ABOUT:
        yield from _about(frame)
    elif frame.port in (2, 3):
        yield from _calling(frame, 8)
        yield place(frame.i32(0) / 1e6, frame.i32(4) / 1e6)
        yield state("motion.moving", bool(frame.u8(10) & 0x10))
        if frame.port == 2 and len(frame) >= 15:
            yield measure("env.humidity", frame.u16(11) / 10)
            yield measure("env.temperature", frame.i16(13) / 10)
    elif frame.port == 4:
        then = civil(frame.u16(8), *(frame.u8(at) for at in range(10, 15)))
        yield past(place(frame.i32(0) / 1e6, frame.i32(4) / 1e6), then)
    elif frame.port in _OTHER_POSITIONS:
        yield from _calling(frame, _OTHER_POSITIONS[frame.port])
    else:
        raise wrong_port(frame)


_OTHER_POSITIONS = {7: 0, 8: 7, 6: 24}  # port -> where the alarm stands: no fix, Wi-Fi, beacon


def _older_tracker(frame: Frame) -> Said:
    if frame.port != 2:
        raise wrong_port(frame)
    yield from _calling(frame, 8)
    yield place(frame.i32(0) / 1e6, frame.i32(4) / 1e6)


def _voltage_first(frame: Frame) -> Said:
    """Yield the battery of models that measure things: it comes first in all of them."""
    if frame.port == _ABOUT:
        yield from _about(frame)
    elif len(frame) >= 2:
        yield _battery(frame)


_DOORS, _LEAKS = _timed("contact.open"), _timed("alarm.water_leak")
MODELS: Mapping[str, Callable[[Frame], Said]] = {
    **dict.fromkeys(("lds01", "lds02", "lwl01", "lwl02", "dw-lb"), _contact_or_leak),
    **dict.fromkeys(("lds03a", "ds03a-lb", "ds03a-ls"), _DOORS),
    **dict.fromkeys(("lwl03a", "wl03a-lb", "wl03a-ls", "lwl04-lb", "lwl04-ls"), _LEAKS),
    **dict.fromkeys(("lht65", "lht65n", "lht65s", "lht65n-e31f", "lht65n-ne117"), _thermometer),
    "lht65n-pir": _pir,
    "lht65n-vib": _shaken,
    "lht52": _small_thermometer,
    **dict.fromkeys(("pb01", "pb01-l", "pb01-lb"), _button),
    **dict.fromkeys(("trackerd", "trackerd-ls"), _tracker),
    "lgt92": _older_tracker,
    **dict.fromkeys(("ps-lb", "ps-ls", "ds20l", "ldds75", "ldds04", "dds75-lb", "dds20-lb", "lse01"), _voltage_first),
}


def read(frame: Frame) -> Said:
    """Yield what a model's frame says."""
    return MODELS[frame.model](frame)


CODEC = Codec(maker="dragino", read=read, models=MODELS)
