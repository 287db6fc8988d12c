"""Netvox: eleven bytes of which the second names the product, the third the report. Other ports answer settings."""

from collections.abc import Callable, Iterator, Mapping

from devices.adapter import DecodeError
from devices.adapters.lorawan.parts import NAME, Codec, Frame, Said, absent, alarm, measure, press, state, wrong_port
from devices.telemetry import Observation

REPORT_PORT, SETTINGS_PORT = 6, 7
QUIET_PORTS = frozenset({7, 13, 14, 22, 23})  # answers about settings, thresholds, calibration
VERSION_REPORT = 0
_LOW_BATTERY = 0x80  # of the battery byte; the rest are tenths of a volt

Reader = Callable[[Frame], Said]


def _battery(frame: Frame) -> Iterator[Observation]:
    raw = frame.u8(3)
    if raw & 0x7F:
        yield measure("battery.voltage", (raw & 0x7F) / 10)
    yield state("battery.low", bool(raw & _LOW_BATTERY))


def _flags(code: str, count: int = 1, *, alarming: bool = False) -> Reader:
    """Return what a sensor says that has `count` gangs of one kind, one byte each."""

    def says(frame: Frame) -> Said:
        for gang in range(count):
            channel = str(gang + 1) if count > 1 else None
            on = frame.u8(4 + gang) != 0
            yield alarm(code, on, channel=channel) if alarming else state(code, on, channel=channel)

    return says


def _sos(frame: Frame) -> Said:
    yield alarm("alarm.sos", frame.u8(4) != 0)


def _buttons(count: int) -> Reader:
    def says(frame: Frame) -> Said:
        for key in range(count):
            if frame.u8(4 + key) == 1:
                yield press(channel=str(key + 1) if count > 1 else None)

    return says


def _number(code: str, at: int, raw: int, by: float) -> Observation:
    return absent(code) if raw in (0xFFFF, 0x7FFF) else measure(code, raw * by)


def _climate(frame: Frame) -> Said:
    temperature = frame.i16(4)
    yield absent("env.temperature") if temperature == -1 else measure("env.temperature", temperature / 100)
    yield _number("env.humidity", 6, frame.u16(6), 0.01)


def _air(frame: Frame) -> Said:
    yield from _climate(frame)


def _probe(count: int) -> Reader:
    """Return what thermocouples and resistance probes say, in tenths of a degree."""

    def says(frame: Frame) -> Said:
        for gang in range(count):
            yield measure("env.temperature", frame.i16(4 + 2 * gang) / 10, channel=str(gang + 1) if count > 1 else None)

    return says


def _room(frame: Frame) -> Said:
    """Yield an RB11E: temperature, light, somebody there, and the cover taken off."""
    yield measure("env.temperature", frame.i16(4) / 100)
    yield measure("env.illuminance", frame.u16(6))
    yield state("presence.occupied", frame.u8(8) == 1)
    yield alarm("alarm.tamper", frame.u8(9) == 1)


def _smoke(frame: Frame) -> Said:
    yield alarm("alarm.smoke", frame.u8(4) != 0)
    yield alarm("alarm.temperature", frame.u8(5) == 1)


def _monoxide(frame: Frame) -> Said:
    yield alarm("alarm.carbon_monoxide", frame.u8(4) != 0)
    yield alarm("alarm.temperature", frame.u8(5) == 1)


def _incense(frame: Frame) -> Said:
    """Yield an RA02G: smoke, a loud noise, a blow to its housing, its power."""
    yield alarm("alarm.smoke", frame.u8(4) != 0)
    yield alarm("alarm.tamper", frame.u8(6) == 1)
    yield alarm("alarm.powerCut", frame.u8(7) == 1)


def _light(frame: Frame) -> Said:
    yield measure("env.illuminance", frame.u16(4))


def _sunlight(frame: Frame) -> Said:
    yield measure("env.illuminance", frame.u32(4))


def _glass(frame: Frame) -> Said:
    yield state("contact.open", frame.u8(4) == 1)
    yield alarm("alarm.vibration", frame.u8(5) == 1, native="glass")


def _vibration(count: int) -> Reader:
    def says(frame: Frame) -> Said:
        for gang in range(count):
            on = frame.u8(4 + gang) == 1
            yield alarm("alarm.vibration", on, channel=str(gang + 1) if count > 1 else None)

    return says


def _multisensor(frame: Frame) -> Said:
    """Yield an R315: which sensors it has and what they see, a bit each, then the climate; or, second, the light."""
    if frame.u8(2) == 2:
        yield measure("env.illuminance", frame.u16(4))
        return
    has, sees = frame.u16(4), frame.u16(6)
    for bit, code in ((3, "alarm.water_leak"), (4, "alarm.water_leak"), (5, "alarm.vibration")):
        if has >> bit & 1:
            yield alarm(code, bool(sees >> bit & 1), channel=str(bit))
    if has >> 1 & 1:
        yield state("presence.motion", bool(sees >> 1 & 1))
    if has & 1:
        yield measure("env.temperature", frame.i16(8) / 100)
        yield measure("env.humidity", frame.u8(10) / 2)


def _nothing(frame: Frame) -> Said:
    return ()


_CONTACT, _LEAK, _TWO_LEAKS = (
    _flags("contact.open"),
    _flags("alarm.water_leak", alarming=True),
    _flags("alarm.water_leak", 2, alarming=True),
)
_TWO_CONTACTS = _flags("contact.open", 2)

# The product byte of the maker's command document -> its names and what its data report says. Products that measure
# machines (currents, pulses, voltages) say nothing of people but their battery.
PRODUCTS: Mapping[int, tuple[str, Reader]] = {
    0x01: ("r711", _climate),
    0x02: ("r311a r313a", _CONTACT),
    0x03: ("rb11e", _room),
    0x04: ("r311g", _light),
    0x06: ("r311w r313w", _TWO_LEAKS),
    0x07: ("rb11e1", _room),
    0x08: ("r801a", _probe(1)),
    0x0A: ("ra02a", _smoke),
    0x0B: ("r718a", _climate),
    0x10: ("rb02i", _sos),
    0x11: ("ra02c", _monoxide),
    0x12: ("r718wb", _LEAK),
    0x13: ("r718ab", _climate),
    0x14: ("r718b2", _probe(2)),
    0x15: ("r718cj2", _probe(2)),
    0x16: ("r718ck2", _probe(2)),
    0x17: ("r718ct2", _probe(2)),
    0x18: ("r718cr2", _probe(2)),
    0x19: ("r718ce2", _probe(2)),
    0x1A: ("r718da", _vibration(1)),
    0x1B: ("r718db", _vibration(1)),
    0x1D: ("r718f", _CONTACT),
    0x1E: ("r718g", _sunlight),
    0x21: ("r718j", _nothing),
    0x25: ("r718lb", _CONTACT),
    0x27: ("r718mba", _vibration(1)),
    0x2F: ("r718da2", _vibration(2)),
    0x31: ("r718t", _buttons(1)),
    0x32: ("r718wa", _LEAK),
    0x35: ("ra0716", _air),
    0x36: ("r72616", _air),
    0x37: ("r72716", _air),
    0x3D: ("r718db2", _vibration(2)),
    0x3E: ("r718f2", _TWO_CONTACTS),
    0x45: ("r718lb2", _TWO_CONTACTS),
    0x46: ("r718wa2", _TWO_LEAKS),
    0x47: ("r718wb2", _TWO_LEAKS),
    0x48: ("r718t2", _buttons(2)),
    0x4B: ("r311b", _light),
    0x4D: ("r312a", _sos),
    0x4F: ("r311fa", _vibration(1)),
    0x55: ("r312", _buttons(1)),
    0x56: ("r311cb r313cb", _glass),
    0x5A: ("r311wa r313wa", _TWO_LEAKS),
    0x6A: ("ra0716a r72616a", _air),
    0x6B: ("r718wba", _LEAK),
    0x6C: ("r311cc r313cc", _TWO_CONTACTS),
    0x6E: ("r720a", _climate),
    0x7D: ("r730f", _CONTACT),
    0x7E: ("r730f2", _TWO_CONTACTS),
    0x82: ("r730mba", _vibration(1)),
    0x85: ("r730wa", _LEAK),
    0x86: ("r730wa2", _TWO_LEAKS),
    0x87: ("r730wb", _LEAK),
    0x88: ("r730wb2", _TWO_LEAKS),
    0x89: ("r730da", _vibration(1)),
    0x8A: ("r730da2", _vibration(2)),
    0x8B: ("r730db", _vibration(1)),
    0x8C: ("r730db2", _vibration(2)),
    0x8D: ("r730lb", _CONTACT),
    0x8E: ("r730lb2", _TWO_CONTACTS),
    0x90: ("r718cj", _probe(1)),
    0x91: ("r718ck", _probe(1)),
    0x92: ("r718ct", _probe(1)),
    0x93: ("r718cr", _probe(1)),
    0x94: ("r718ce", _probe(1)),
    0x95: ("r718b", _probe(1)),
    0xA6: ("rb02b", _buttons(2)),
    0xA7: ("rb02c", _buttons(3)),
    0xA8: ("r311da r313da", _vibration(1)),
    0xA9: ("r311db r313db", _vibration(1)),
    0xAA: ("r311la", _nothing),  # a distance within or beyond what somebody set
    0xD2: ("r315", _multisensor),
    0xD7: ("ra02g", _incense),
}
MODELS: Mapping[str, int] = {name: number for number, (names, _) in PRODUCTS.items() for name in names.split()}
_NO_BATTERY = frozenset({0x0E, 0x69})  # on the mains: what stands there is something else


def read(frame: Frame) -> Said:
    """Yield a data report's battery and values; a start-up report and answers to settings say nothing."""
    if frame.port in QUIET_PORTS:
        return
    if frame.port not in (REPORT_PORT, None):
        raise wrong_port(frame)
    frame.needs(4)
    if frame.u8(2) == VERSION_REPORT:
        return
    product = frame.u8(1)
    if product in _NO_BATTERY:
        return
    expected = MODELS.get(frame.model)
    if expected is not None and expected != product:
        raise DecodeError(NAME, f"product {product:#04x}, {frame.model} is {expected:#04x}")
    yield from PRODUCTS.get(product, ("", _nothing))[1](frame)
    yield from _battery(frame)


def fits(frame: Frame) -> Iterator[str]:
    """Yield the product's names if this is the data report of one that is known, whole and with nothing behind it."""
    if frame.port == REPORT_PORT and len(frame) == 11 and frame.u8(0) in (1, 2, 3) and frame.u8(1) in PRODUCTS:
        yield PRODUCTS[frame.u8(1)][0].split()[0]


CODEC = Codec(maker="netvox", read=read, models=MODELS, others=True)
