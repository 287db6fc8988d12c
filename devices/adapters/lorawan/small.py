"""Makers with one model and a few bytes: Ascoel's button, GlobalSat's trackers."""

from devices.adapters.lorawan.parts import Codec, Frame, Said, absent, alarm, measure, place, press, state

# ------------------------------------------------------------------------------------------------------------- Ascoel

_BATTERY_PORTS, _BUTTON_PORT = (8, 9), 40


def _ascoel(frame: Frame) -> Said:
    """Yield PB868LR: its press, or its battery."""
    if frame.port in _BATTERY_PORTS:
        yield measure("battery.level", frame.u8(0))
    elif frame.port == _BUTTON_PORT and frame.u8(0) & 1:
        yield press()


ASCOEL = Codec(maker="ascoel", read=_ascoel, models=dict.fromkeys(("pb868lr",)))

# ---------------------------------------------------------------------------------------------------------- GlobalSat

_LONG, _SHORT, _POSITION = 0x00, 0x80, 0x02  # the first byte: degrees in four bytes, or in three
_SOS, _LOW_BATTERY = 14, 15


def _globalsat(frame: Frame) -> Said:
    """Yield LT-20 and LT-100: where it is, and why it tells; without a fix it is where it was last."""
    frame.needs(10)
    if frame.u8(0) == _SHORT and frame.u8(1) == _POSITION:
        why, battery = frame.u8(8), frame.u8(9)
        lon, lat = (frame.number(at, 3, "little", signed=True) for at in (2, 5))
        where = (lat * 10.8e-6, lon * 21.5e-6)
    elif frame.u8(0) == _LONG:
        why, battery = frame.u8(1), frame.u8(2)
        where = (frame.i32(3) / 1e6, frame.i32(7) / 1e6)
    else:
        return  # beacons seen, and answers
    if why & 0x1F == _SOS:
        yield alarm("alarm.sos", True)
    if why & 0x1F == _LOW_BATTERY:
        yield state("battery.low", True)
    yield measure("battery.level", battery)
    yield place(*where, fixed=why >> 5 != 0)


def _globalsat_air(frame: Frame) -> Said:
    """Yield LS-111 to LS-113: what it measures, climate, and the gas."""
    kind, value = frame.u8(0), frame.u16(5)
    yield measure("env.temperature", frame.i16(1) / 100)
    yield measure("env.humidity", frame.u16(3) / 100)
    code = {1: "env.co2", 2: "env.carbon_monoxide"}.get(kind)
    if code is not None:
        yield absent(code) if value == 0xFFFF else measure(code, value)


_GLOBALSAT_AIR = frozenset({"ls-111", "ls-112", "ls-113", "ls-113g", "ls-111p", "ls-112p", "ls-113p"})


def _globalsats(frame: Frame) -> Said:
    return _globalsat_air(frame) if frame.model in _GLOBALSAT_AIR else _globalsat(frame)


GLOBALSAT = Codec(
    maker="globalsat",
    read=_globalsats,
    models=dict.fromkeys(
        ("lt-20", "lt-20p", "lt-20h", "lt-100", "lt-100p", "lt-100h", "lt-100e", "lt-100hs", *sorted(_GLOBALSAT_AIR))
    ),
)
