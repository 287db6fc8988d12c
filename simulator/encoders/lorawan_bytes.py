"""What LoRaWAN sensors put into a frame: Milesight's channels, Netvox's eleven bytes, Browan's Tabs."""

from dataclasses import dataclass

from simulator.encoders.encoder import Device

MILESIGHT_PORT, NETVOX_PORT = 85, 6
BATTERY = b"\x01\x75"


@dataclass(frozen=True, kw_only=True)
class Uplink:
    """The bytes, their port, and the model as the network's profile names it."""

    model: str
    port: int
    data: bytes


def _milesight(model: str, data: bytes) -> Uplink:
    return Uplink(model=f"Milesight {model}", port=MILESIGHT_PORT, data=data)


def milesight_button(device: Device) -> Uplink:
    """A short push of a WS101: 1; long is 2, double is 3."""
    return _milesight("WS101", b"\xff\x2e\x01")


def milesight_battery(device: Device) -> Uplink:
    return _milesight("WS101", BATTERY + bytes([device.battery_pct]))


def milesight_door(device: Device, opened: bool) -> Uplink:
    """WS301: magnet away, and a tamper switch that is closed."""
    return _milesight("WS301", BATTERY + bytes([device.battery_pct, 0x03, 0x00, opened, 0x04, 0x00, 0]))


def milesight_motion(device: Device, on: bool) -> Uplink:
    """WS202: movement, and that it is light."""
    return _milesight("WS202", BATTERY + bytes([device.battery_pct, 0x03, 0x00, on, 0x04, 0x00, 1]))


def milesight_leak(device: Device, on: bool) -> Uplink:
    """WS303."""
    return _milesight("WS303", BATTERY + bytes([device.battery_pct, 0x03, 0x00, on]))


def milesight_smoke(device: Device, on: bool) -> Uplink:
    """GS524N: versions, kind and message, charge, concentration, degrees; all bytes together are 0."""
    message = 0x1 if on else 0x7
    data = bytes([0x22, 0x10 | message, device.battery_pct, 60 if on else 0, 24])
    return _milesight("GS524N", data + bytes([-sum(data) & 0xFF]))


def _netvox(model: str, kind: int, device: Device, status: bytes, *, low: bool = False) -> Uplink:
    """Version, kind, report 1, tenths of a volt (bit 7: low), what it reports, zeros up to eleven."""
    volts = 24 + device.battery_pct * 12 // 100
    data = bytes([1, kind, 1, volts | (0x80 if low else 0)]) + status
    return Uplink(model=f"netvox {model}", port=NETVOX_PORT, data=data.ljust(11, b"\0"))


def netvox_button(device: Device) -> Uplink:
    """R312A, an emergency button."""
    return _netvox("R312A", 0x4D, device, b"\x01")


def netvox_alive(device: Device) -> Uplink:
    return _netvox("R312A", 0x4D, device, b"\x00")


def netvox_low(device: Device) -> Uplink:
    return _netvox("R312A", 0x4D, device, b"\x00", low=True)


def netvox_door(device: Device, opened: bool) -> Uplink:
    """R311A: its contact is on while the magnet is there."""
    return _netvox("R311A", 0x02, device, bytes([opened]))


def netvox_smoke(device: Device, on: bool) -> Uplink:
    """RA02A: smoke, heat, tenths of a degree."""
    return _netvox("RA02A", 0x0A, device, bytes([on, 0]) + (231).to_bytes(2))


def _browan(model: str, port: int, device: Device, on: bool, tail: bytes) -> Uplink:
    """Status, volts (2.5 and tenths), degrees above -32, and what the model counts."""
    tenths = min(15, device.battery_pct * 11 // 100)
    return Uplink(model=f"Browan {model}", port=port, data=bytes([on, tenths, 23 + 32]) + tail)


def browan_door(device: Device, opened: bool) -> Uplink:
    return _browan("TBDW100", 100, device, opened, b"\0" * 5)


def browan_motion(device: Device, on: bool) -> Uplink:
    return _browan("TBMS100", 102, device, on, b"\0" * 5)


def browan_leak(device: Device, on: bool) -> Uplink:
    """Humidity, and the degrees of the room."""
    return _browan("TBWL100", 106, device, on, bytes([45, 22 + 32]))
