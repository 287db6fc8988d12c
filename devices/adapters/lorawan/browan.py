"""Browan: Tabs sensors, whose port names the product, and MerryIoT sensors, whose port and length do."""

from collections.abc import Callable, Iterator, Mapping

from devices.adapters.lorawan.parts import Codec, Frame, Said, alarm, measure, place, press, state, wrong_port
from devices.telemetry import Observation

_QUIET = frozenset({204, 206})  # versions, settings


# --------------------------------------------------------------------------------------------------------------- Tabs


def _tabs_battery(frame: Frame) -> Iterator[Observation]:
    """Yield the battery, 2.5 V and a tenth for each step, and the temperature of the board."""
    yield measure("battery.voltage", (25 + (frame.u8(1) & 0x0F)) / 10)
    yield measure("device.temperature", (frame.u8(2) & 0x7F) - 32)


def _door(frame: Frame) -> Said:
    yield state("contact.open", bool(frame.u8(0) & 1))
    yield from _tabs_battery(frame)


def _motion(frame: Frame) -> Said:
    yield state("presence.occupied", bool(frame.u8(0) & 1))
    yield from _tabs_battery(frame)


def _climate(frame: Frame) -> Said:
    """Yield temperature and humidity, and where the model has them what its air sensor makes of the air."""
    yield from _tabs_battery(frame)
    if frame.u8(3) & 0x7F != 0x7F:
        yield measure("env.humidity", frame.u8(3) & 0x7F)
    inside = frame.u8(10) if len(frame) >= 11 else frame.u8(2)
    yield measure("env.temperature", (inside & 0x7F) - 32)
    if len(frame) >= 8 and frame.u16le(4) not in (0, 0xFFFF):
        yield measure("env.co2", frame.u16le(4))


def _light(frame: Frame) -> Said:
    yield from _tabs_battery(frame)
    yield measure("env.illuminance", frame.number(3, 3, "little") / 100)


def _leak(frame: Frame) -> Said:
    yield alarm("alarm.water_leak", bool(frame.u8(0) & 1))
    yield from _tabs_battery(frame)
    yield measure("env.humidity", frame.u8(3) & 0x7F)
    if len(frame) >= 5:
        yield measure("env.temperature", (frame.u8(4) & 0x7F) - 32)
    else:
        yield measure("env.temperature", (frame.u8(2) & 0x7F) - 32)


def _sound(frame: Frame) -> Said:
    yield from _tabs_battery(frame)


def _button(frame: Frame) -> Said:
    if frame.u8(0) & 1:
        yield press()
    yield from _tabs_battery(frame)


def _locator(frame: Frame) -> Said:
    """Yield an object locator: its button, whether it moves, and where it is."""
    flags = frame.u8(0)
    if flags & 0x01:
        yield press()
    yield state("motion.moving", bool(flags & 0x02))
    yield from _tabs_battery(frame)
    lat, lon = frame.bits_le(24, 28, signed=True), frame.bits_le(56, 29, signed=True)
    yield place(lat / 1e6, lon / 1e6, fixed=not flags & 0x08)


_TABS: Mapping[int, Callable[[Frame], Said]] = {
    100: _door,
    102: _motion,
    103: _climate,
    104: _light,
    105: _sound,
    106: _leak,
    136: _locator,
    147: _button,
}


def read_tabs(frame: Frame) -> Said:
    """Yield what a Tabs sensor says.

    Raises:
        DecodeError: A port that no Tabs sensor speaks on.
    """
    if frame.port in _QUIET:
        return ()
    says = _TABS.get(frame.port or 0)
    if says is None:
        raise wrong_port(frame)
    return says(frame)


TABS = Codec(
    maker="browan",
    read=read_tabs,
    models=dict.fromkeys(
        ("tbdw100", "tbms100", "tbdms100", "tbhh100", "tbhv110", "tbol100", "tbam100", "tbsl100", "tbwl100", "tbpb100",
         "tbclimate", "tbsound", "tbwaterleak", "objectlocator", "industrialtracker", "motionsensor",
         "doorwindowsensor", "temperaturehumiditysensor", "waterleaksensor", "ambientlightsensor", "soundlevelsensor"),
    ),
    others=True,
)  # fmt: skip

# ----------------------------------------------------------------------------------------------------------- MerryIoT

# port -> the product: what its status bit 0 says, its tamper bit, and how long its frame is before version 4, in which
# the temperature has two bytes in tenths instead of one.
_MERRY: Mapping[int, tuple[str, bool, int]] = {
    120: ("contact.open", True, 9),
    122: ("presence.motion", True, 9),
    126: ("alarm.water_leak", True, 4),
    127: ("", False, 6),
}
_PRESSED, _TAMPERED, _TILTED = 0x02, 0x04, 0x08


def read_merry(frame: Frame) -> Said:
    """Yield what a MerryIoT sensor says.

    Raises:
        DecodeError: A port or a length that none of them has.
    """
    if frame.port in _QUIET:
        return
    product = _MERRY.get(frame.port or 0)
    if product is None or len(frame) - product[2] not in (0, 1):
        raise wrong_port(frame)
    code, tampers, short = product
    fine = len(frame) > short
    status = frame.u8(0)
    if code:
        on = bool(status & 1)
        yield alarm(code, on) if code.startswith("alarm.") else state(code, on)
    if tampers:
        yield alarm("alarm.tamper", bool(status & _TAMPERED))
    yield state("button.pressed", bool(status & _PRESSED))
    yield measure("battery.voltage", (21 + frame.u8(1)) / 10)
    yield measure("env.temperature", frame.i16le(2) / 10 if fine else frame.i8(2))
    yield measure("env.humidity", frame.u8(4 if fine else 3))
    if frame.port == 120 and status & _TILTED:
        yield state("motion.tilt", True)
    elif frame.port == 127:
        yield measure("env.co2", frame.u16le(5 if fine else 4))


MERRY = Codec(
    maker="merryiot", read=read_merry, models=dict.fromkeys(("ms10", "dw10", "cd10", "wl10", "generic")), others=True
)
