"""Oxon: call buttons; the first byte is the kind, and a heartbeat is a frame without a press."""

from collections.abc import Callable, Mapping

from devices.adapters.lorawan.parts import Codec, Frame, Said, measure, press


def _oxobutton(frame: Frame) -> Said:
    """Yield Oxobutton Q: pressed unless its clock or its motion sensor sent the frame."""
    frame.needs(8)
    if not frame.u8(2) and not frame.u8(3):
        yield press(channel=str(frame.u8(1)))
    yield measure("battery.level", frame.u8(6))
    yield measure("device.temperature", frame.i8(7))


def _board(frame: Frame) -> Said:
    """Yield the button board: six buttons and, in the highest bits, whether one was held."""
    frame.needs(8)
    buttons = frame.u8(1)
    for number in range(6):
        if buttons >> number & 1 and not frame.u8(2):
            yield press("long" if buttons & 0x40 else "pressed", channel=str(number + 1))
    yield measure("battery.level", frame.u8(6))
    yield measure("device.temperature", frame.i8(7))


def _oxobutton_2(frame: Frame) -> Said:
    frame.needs(12)
    for number in range(4):
        if frame.u8(1) >> number & 1:
            yield press(channel=str(number + 1))
    yield measure("battery.level", frame.u8(5))
    yield measure("env.temperature", frame.i16(6) / 100)
    yield measure("env.humidity", frame.u16(8) / 100)
    yield measure("env.illuminance", frame.u16(10) / 100)


_KINDS: Mapping[int, Callable[[Frame], Said]] = {0x30: _oxobutton, 0x31: _board, 0x39: _oxobutton_2}


def read(frame: Frame) -> Said:
    """Yield what the kind in the first byte says; other kinds are about the device."""
    says = _KINDS.get(frame.u8(0))
    return () if says is None else says(frame)


CODEC = Codec(
    maker="oxon",
    read=read,
    models=dict.fromkeys(("oxobutton", "oxobutton-q", "oxobutton2", "buttonboard")),
    others=True,
)
