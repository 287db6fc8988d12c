"""Nexelec: smoke alarms and air sensors; the first byte is the product, the second the message, bits the rest."""

from collections.abc import Callable, Iterator, Mapping

from devices.adapters.lorawan.parts import Codec, Frame, Said, absent, alarm, measure, press, state
from devices.telemetry import Observation, Quality

_OUR_SMOKE, _REMOTE_SMOKE = 1, 2
_STATUS, _SMOKE, _NOW, _BUTTON = 0, 2, 4, 5
_NO_SENSOR, _NO_GAS_SENSOR = 1021, 16381  # and above: switched off, not plugged in, broken


def _warmth(raw: int, *, low: float = -30.0) -> Observation:
    return measure("env.temperature", round(low + raw / 10, 2))


def _warmth_or_none(raw: int) -> Observation:
    return absent("env.temperature") if raw >= _NO_SENSOR else _warmth(raw)


def _sound(frame: Frame, alarm_is: int, hushed: int, tested: int) -> Iterator[Observation]:
    """Yield whether the alarm sounds. One that is passed on from another detector is smoke all the same."""
    sounding = alarm_is in (_OUR_SMOKE, _REMOTE_SMOKE)
    yield alarm("alarm.smoke", sounding, native="remote" if alarm_is == _REMOTE_SMOKE else None)
    yield state("test.smoke", tested != 0)


def _third_generation(frame: Frame) -> Said:
    """Yield Origin+, Guard+ and their kin of the third generation."""
    message = frame.u8(1)
    if message == _STATUS:
        frame.needs(7)
        flags = frame.u8(5)
        yield alarm("alarm.fault", bool(flags & 0xC0))
        base = flags >> 2 & 0x07
        if base:  # 0: it hangs without a base that could be missed
            yield alarm("alarm.removed", base == 2)
        yield state("battery.low", flags & 0x03 >= 2)
        yield measure("battery.voltage", (frame.u8(6) * 5 + 2000) / 1000)
    elif message == _SMOKE:
        yield from _sound(frame, frame.bits(16, 2), frame.bits(18, 2), frame.bits(20, 2))
        if len(frame) >= 7:
            yield _warmth_or_none(frame.bits(39, 10))
    elif message == _NOW:
        moisture = frame.bits(26, 8)
        yield _warmth_or_none(frame.bits(16, 10))
        yield absent("env.humidity") if moisture == 0xFF else measure("env.humidity", moisture / 2)


def _origin(frame: Frame) -> Said:
    """Yield Insafe Origin."""
    message = frame.u8(1)
    if message == _STATUS and len(frame) >= 7:
        yield measure("battery.voltage", (frame.u8(6) * 5 + 2000) / 1000)
    elif message == 3:
        yield from _sound(frame, frame.bits(16, 2), frame.bits(18, 2), frame.bits(20, 2))
    elif message == 5:
        raw = frame.bits(32, 9)
        yield measure("env.temperature", raw / 10, quality=Quality.IMPLAUSIBLE if raw > 500 else Quality.OK)
        yield measure("env.humidity", frame.bits(41, 8) / 2)
    elif message == 8:
        yield measure("env.temperature", frame.bits(16, 9) / 10)


def _pilot(frame: Frame) -> Said:
    """Yield Insafe+ Pilot, whose first byte is product and message in one."""
    if frame.u8(0) == 0x61:
        yield measure("env.temperature", frame.u8(1) / 5)
        yield measure("env.humidity", frame.u8(2) / 2)
    elif frame.u8(0) == 0x65:
        yield measure("env.temperature", frame.u8(1) / 5)


def _air_plus(frame: Frame) -> Said:
    """Yield Feel+, Rise+, Wave+, Move+, Sign+, Sense+ and Atmo+: climate, gas, light and whether somebody is there."""
    if frame.u8(1) != 1 or len(frame) < 15:
        return
    warmth, moisture, co2 = frame.bits(16, 10), frame.bits(26, 10), frame.bits(36, 14)
    yield _warmth_or_none(warmth)
    yield absent("env.humidity") if moisture >= _NO_SENSOR else measure("env.humidity", moisture / 10)
    yield absent("env.co2") if co2 >= _NO_GAS_SENSOR else measure("env.co2", co2)
    there = frame.bits(118, 2)
    if there in (0, 2):
        yield state("presence.occupied", there == 2)


def _air(frame: Frame) -> Said:
    """Yield Atmo, Sense, Aero and their kin: one message is what the air is like now."""
    if frame.u8(1) == _BUTTON:
        yield press()
    if frame.u8(1) != 1 or len(frame) < 12:
        return
    warmth, moisture, co2 = frame.bits(49, 10), frame.bits(59, 8), frame.bits(67, 14)
    yield absent("env.temperature") if warmth == 0x3FF else measure("env.temperature", (warmth - 300) / 10)
    yield absent("env.humidity") if moisture == 0xFF else measure("env.humidity", moisture / 2)
    yield absent("env.co2") if co2 == 0x3FFF else measure("env.co2", co2)


_PRODUCTS: Mapping[int, Callable[[Frame], Said]] = {
    0xA2: _origin,
    **dict.fromkeys((0xA3, 0xA4, 0xA5, 0xA6, 0xA7), _air),
    **dict.fromkeys((0xB1, 0xB2, 0xB3, 0xB4), _third_generation),
    **dict.fromkeys((0xB9, 0xBA, 0xBB, 0xC6, 0xC7, 0xC8, 0xCD), _air_plus),
    **dict.fromkeys(range(0x60, 0x67), _pilot),
}


def read(frame: Frame) -> Said:
    """Yield what the product that the first byte names says; a product that is not known says nothing."""
    says = _PRODUCTS.get(frame.u8(0))
    return () if says is None else says(frame)


CODEC = Codec(
    maker="nexelec",
    read=read,
    models=dict.fromkeys(
        ("generic", "generic3", "insafe-origin", "insafe-pilot", "origin", "guard", "insafe", "atmo", "sense", "aero")
    ),
    others=True,
)
