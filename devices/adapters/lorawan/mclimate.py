"""MClimate: fixed frames; a keepalive starts with its reason, and answers to questions may stand before it."""

from collections.abc import Callable, Mapping

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, alarm, measure, press, state
from devices.telemetry import Observation

_KEEPALIVE = 0x01


def _volts(raw: int) -> Observation:
    return measure("battery.voltage", (raw * 8 + 1600) / 1000)


def _volts_fine(raw: int) -> Observation:
    return measure("battery.voltage", round(raw * 2200 / 255 + 1600) / 1000)


def _ten_bits(frame: Frame, at: int) -> int:
    return (frame.u8(at) & 0x03) << 8 | frame.u8(at + 1)


def _last(frame: Frame, size: int, *reasons: int, longer: int | None = None) -> Frame | None:
    """Return the keepalive: the frame itself or, behind answers, its last bytes. None: answers alone.

    `longer` is its size with everything that the model can have besides.
    """
    frame.needs(1)
    if frame.u8(0) in reasons:
        frame.needs(size)
        return frame
    for length in (longer or size, size):
        tail = _tail(frame, length)
        if len(frame) > length and tail.u8(0) in reasons:
            return tail
    return None


def _tail(frame: Frame, size: int) -> Frame:
    return Frame(data=frame.data[-size:], port=frame.port, model=frame.model, at=frame.at)


_FLOOD_SIZE = 3


def _flood(frame: Frame) -> Said:
    frame = _tail(frame, _FLOOD_SIZE) if len(frame) > _FLOOD_SIZE else frame
    flags = frame.u8(0)
    yield alarm("alarm.water_leak", bool(flags & 0x02))
    yield measure("battery.voltage", frame.u8(1) * 16 / 1000)
    if len(frame) > 2:
        yield measure("env.temperature", frame.i8(2))
    if flags >> 5 in (3, 4):
        yield alarm("alarm.tamper", True)


def _valve(frame: Frame) -> Said:
    """Yield T-Valve: its short frame is two temperatures, its long one the leak it shut the water for."""
    if len(frame) == 2:
        yield measure("env.temperature", ((frame.u8(1) & 0x7F) - 20) / 2)
        return
    flags = frame.u8(0)
    yield alarm("alarm.water_leak", bool(flags & 0x02))
    if flags >> 5 == 4:
        yield alarm("alarm.tamper", True)
    if len(frame) >= 5:
        yield _volts(frame.u8(4))


def _button(frame: Frame) -> Said:
    frame = _last(frame, 5, _KEEPALIVE) or frame
    if frame.u8(0) != _KEEPALIVE:
        return
    yield _volts(frame.u8(1))
    if not frame.u8(2) & 0x04:
        yield measure("env.temperature", _ten_bits(frame, 2) / 10)
    word = {1: "single", 2: "double", 3: "triple"}.get(frame.u8(4))
    if word is not None:
        yield press(native=word)
    elif frame.u8(4):
        raise DecodeError(NAME, f"a press of kind {frame.u8(4)}")


def _climate(frame: Frame) -> Said:
    found = _last(frame, 5, _KEEPALIVE, longer=7)  # seven: a thermistor is plugged in
    if found is None:
        return
    yield measure("env.temperature", (found.u16(1) - 400) / 10)
    yield measure("env.humidity", round(found.u8(3) * 100 / 256, 2))
    yield _volts(found.u8(4))


def _carbon_dioxide(frame: Frame) -> Said:
    found = _last(frame, 7, _KEEPALIVE)
    if found is None:
        return
    yield measure("env.co2", found.u16(1))
    yield measure("env.temperature", (found.u16(3) - 400) / 10)
    yield measure("env.humidity", round(found.u8(5) * 100 / 256, 2))
    yield _volts(found.u8(6))


def _display(frame: Frame) -> Said:
    """Yield CO2 Display: behind the climate its battery in millivolts, gas, light and, not on all, presence."""
    found = _last(frame, 10, _KEEPALIVE, longer=11)
    if found is None:
        return
    yield measure("env.temperature", (found.u16(1) - 400) / 10)
    yield measure("env.humidity", round(found.u8(3) * 100 / 256, 2))
    yield measure("battery.voltage", found.u16(4) / 1000)
    yield measure("env.co2", (found.u8(7) >> 3) << 8 | found.u8(6))
    yield measure("env.illuminance", found.u16(8))
    if len(found) > 10:
        yield state("presence.occupied", found.u8(10) == 1)


def _thermostat(frame: Frame) -> Said:
    """Yield the wireless thermostat: climate, battery, what it was set to, its supply, light, and whom its eye sees."""
    found = _last(frame, 11, _KEEPALIVE)
    if found is None:
        return
    yield measure("env.temperature", (found.u16(1) - 400) / 10)
    yield measure("env.humidity", round(found.u8(3) * 100 / 256, 2))
    yield measure("battery.voltage", found.u16(4) / 1000)
    yield measure("env.illuminance", found.u16(8))
    yield state("presence.occupied", found.u8(10) == 1)


def _lite(*reasons: int, co2: bool) -> Callable[[Frame], Said]:
    """Return what the flat sensors with a motion eye say: bit 2 of the temperature's first byte is somebody there."""

    def says(frame: Frame) -> Said:
        found = _last(frame, 8 if co2 else 6, *reasons)
        if found is None:
            return
        yield state("presence.occupied", bool(found.u8(1) & 0x04))
        yield measure("env.temperature", (_ten_bits(found, 1) - 400) / 10)
        yield measure("env.humidity", round(found.u8(3) * 100 / 256, 2))
        yield _volts_fine(found.u8(4))
        if co2:
            yield measure("env.co2", (found.u8(6) >> 3) << 8 | found.u8(5))

    return says


_OCCUPIED, _LEFT, _TRIGGERED = 0x3A, 0x3B, 0x40


def _eye(frame: Frame) -> Said:
    """Yield PIR Mini: a keepalive, or one byte as soon as somebody comes or has gone."""
    if frame.data[:1] in (bytes((_OCCUPIED,)), bytes((_LEFT,))) and len(frame) <= 2:
        yield state("presence.occupied", frame.u8(0) == _OCCUPIED)
        return
    if frame.data[:1] == bytes((_TRIGGERED,)) and len(frame) <= 2:
        yield state("presence.motion", True)
        return
    found = _last(frame, 10, _KEEPALIVE)
    if found is None:
        return
    yield measure("env.temperature", (_ten_bits(found, 1) - 400) / 10)
    yield measure("env.humidity", round(found.u8(3) * 100 / 256, 2))
    if found.u16(4) <= 0xFFFA:
        yield measure("env.illuminance", found.u16(4))
    yield _volts_fine(found.u8(6))
    yield state("presence.occupied", bool(found.u8(7) & 1))


_OPENED, _PRESSED = 0x20, 0x21


def _door(frame: Frame) -> Said:
    found = _last(frame, 8, _KEEPALIVE, _OPENED, _PRESSED)
    if found is None:
        return
    if found.u8(0) == _PRESSED:
        yield press()
    yield state("contact.open", bool(found.u8(7) & 1))
    yield _volts(found.u8(1))
    if not found.u8(2) & 0x04:
        yield measure("env.temperature", _ten_bits(found, 2) / 10 * (-1 if found.u8(2) & 0x08 else 1))


_RADIATOR, _RADIATOR_FINE = 0x01, 0x81


def _radiator(frame: Frame) -> Said:
    """Yield Vicki: how warm it is and whether it takes the window to be open."""
    found = _last(frame, 9, _RADIATOR, _RADIATOR_FINE)
    if found is None:
        return
    fine = found.u8(0) == _RADIATOR_FINE
    yield measure(
        "env.temperature", round((found.u8(2) - 28.33333) / 5.66666 if fine else found.u8(2) * 165 / 256 - 40, 2)
    )
    yield measure("env.humidity", round(found.u8(3) * 100 / 256, 2))
    yield measure("battery.voltage", 2 + (found.u8(7) >> 4) / 10)


MODELS: Mapping[str, Callable[[Frame], Said]] = {
    "flood-sensor": _flood,
    **dict.fromkeys(("t-valve", "tvalve-flood"), _valve),
    **dict.fromkeys(("button", "mc-button", "multipurpose-button"), _button),
    **dict.fromkeys(("ht", "ht-sensor"), _climate),
    **dict.fromkeys(("co2", "co2-sensor", "co2-notifier"), _carbon_dioxide),
    **dict.fromkeys(("co2-display", "co2-display-lite"), _display),
    **dict.fromkeys(("wireless-thermostat", "wireless-thermostat-sensor"), _thermostat),
    "ht-pir-lite": _lite(0x01, 0x51, co2=False),
    "co2-pir-lite": _lite(0x01, 0x51, co2=True),
    "pir-mini": _eye,
    **dict.fromkeys(("open-close", "open-close-sensor"), _door),
    **dict.fromkeys(("vicki", "vickiv4"), _radiator),
}


def read(frame: Frame) -> Said:
    """Yield what a model's frame says."""
    return MODELS[frame.model](frame)


CODEC = Codec(maker="mclimate", read=read, models=MODELS)
