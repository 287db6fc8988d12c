"""What Milesight's channels hold: numbers, flags, presses, places, and readings out of a device's memory."""

from collections.abc import Callable, Iterator

import msgspec

from devices.adapters.lorawan.parts import Frame, Said, absent, alarm, measure, past, place, press, state, unix
from devices.telemetry import Observation

_PRESSES = {1: "short", 2: "long", 3: "double"}


class Field(msgspec.Struct, frozen=True):
    """The value of one channel: its bytes, and what they say. `more`: how many follow, where the first ones tell."""

    size: int
    says: Callable[[Frame, int], Said]
    more: Callable[[Frame, int], int] | None = None

    def length(self, frame: Frame, at: int) -> int:
        """Return how many bytes the value at a place has."""
        return self.size + (self.more(frame, at) if self.more is not None and at + self.size <= len(frame) else 0)


def nothing(frame: Frame, at: int) -> Said:
    """Yield nothing: what stands there is no concern here."""
    return ()


def skip(size: int) -> Field:
    """Return a value that is passed over."""
    return Field(size, nothing)


def flagged(code: str, *, alarming: bool = False, when: int = 1) -> Field:
    """Return a byte that is 0 or 1."""

    def says(frame: Frame, at: int) -> Said:
        value = frame.u8(at)
        if value in (0, 1):  # 2 and 255 are other words: the sensor failed, or is learning
            yield alarm(code, value == when) if alarming else state(code, value == when)

    return Field(1, says)


def number(code: str, size: int, by: float, *, signed: bool = False, rest: int = 0, **more: str) -> Field:
    """Return a number of `size` bytes in steps of `by`, followed by `rest` bytes about thresholds."""

    def says(frame: Frame, at: int) -> Said:
        raw = frame.number(at, size, "little", signed=signed)
        failed = (1 << size * 8) - 1 if not signed else -1
        if raw == failed and code != "battery.level":
            yield absent(code, **more)
        else:
            yield measure(code, raw * by, **more)

    return Field(size + rest, says)


def light_levels(frame: Frame, at: int) -> Said:
    """Yield visible light; infrared stands behind it."""
    yield measure("env.illuminance", frame.u16le(at))


def pressed(frame: Frame, at: int) -> Said:
    """Yield which way a button was pressed."""
    word = _PRESSES.get(frame.u8(at))
    if word is not None:
        yield press(word)


def numbered_press(frame: Frame, at: int) -> Said:
    """Yield which of several buttons was pressed."""
    yield press(channel=str(frame.u8(at)))


def located(frame: Frame, at: int) -> Said:
    """Yield where a tracker is, whether it moves, and whether it left its zone."""
    yield place(frame.i32le(at) / 1e6, frame.i32le(at + 4) / 1e6)
    yield from _fence(frame.u8(at + 8))


def _fence(status: int) -> Iterator[Observation]:
    motion = status & 0x0F
    if motion in (1, 2, 3):
        yield state("motion.moving", motion != 3)
    if status >> 4 == 1:
        yield alarm("alarm.geofenceExit", True)


def access_point(frame: Frame, at: int) -> Said:
    """Yield whether a tracker moves that has only networks in sight."""
    if frame.u8(at + 8) & 0x0F in (1, 2, 3):
        yield state("motion.moving", frame.u8(at + 8) & 0x0F != 3)


def regions(frame: Frame, at: int) -> Said:
    """Yield the zones of a desk sensor that are switched on."""
    enabled, taken = frame.u16le(at), frame.u16le(at + 2)
    for zone in range(10):
        if enabled >> zone & 1:
            yield state("presence.occupied", bool(taken >> zone & 1), channel=str(zone + 1))


def people(frame: Frame, at: int) -> Said:
    """Yield how many people a sensor counts."""
    yield state("presence.occupied", frame.u16le(at) > 0, native=str(frame.u16le(at)))


def climate_history(code: str | None, *, alarming: bool = False) -> Field:
    """Return a reading out of the memory of an EM300: time, temperature, humidity and, if it has one, its contact."""

    def says(frame: Frame, at: int) -> Said:
        then = unix(frame.u32le(at))
        yield past(measure("env.temperature", frame.i16le(at + 4) / 10), then)
        yield past(measure("env.humidity", frame.u8(at + 6) / 2), then)
        if code is not None and frame.u8(at + 7) in (0, 1):
            yield past(Observation(code=code, value=frame.u8(at + 7) == 1), then)

    return Field(8, says)


def counted_history(widths: tuple[int, ...]) -> Field:
    """Return counts out of a memory: time, which of several forms, and as many bytes as that form has."""

    def more(frame: Frame, at: int) -> int:
        form = frame.u8(at + 4)
        return widths[form] if form < len(widths) else len(frame)

    return Field(5, nothing, more)


def occupancy_history(frame: Frame, at: int) -> Said:
    """Yield what a motion sensor with a thermometer remembers."""
    then = unix(frame.u32le(at))
    yield past(state("presence.occupied", frame.u8(at + 5) == 1), then)
    yield past(measure("env.temperature", frame.i16le(at + 6) / 10), then)
    yield past(measure("env.humidity", frame.u8(at + 8) / 2), then)


def way_history(frame: Frame, at: int) -> Said:
    """Yield where a tracker has been."""
    yield past(place(frame.i32le(at + 8) / 1e6, frame.i32le(at + 4) / 1e6), unix(frame.u32le(at)))


def gas(frame: Frame, at: int) -> Said:
    """Yield whether gas is in the air."""
    yield alarm("alarm.gas", frame.u8(at) == 1)


_GAS_FAULTS = {
    2: (True, "sensor failed"),
    3: (False, None),
    4: (True, "sensor near its end"),
    5: (True, "sensor worn out"),
}


def gas_event(frame: Frame, at: int) -> Said:
    """Yield what a gas detector reports beside the gas: its supply and its own faults."""
    event = frame.u8(at)
    if event in (0, 1):
        yield state("link.online", event == 1)  # cut from the mains it speaks once more, and is gone
    elif event in _GAS_FAULTS:
        on, word = _GAS_FAULTS[event]
        yield alarm("alarm.fault", on, native=word)
