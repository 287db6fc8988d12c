"""Zigbee devices behind Tasmota's bridge, from tasmota.github.io/docs/Zigbee: `tele/<bridge>/SENSOR` with ZbReceived.

The bridge names a device by its short address, and by its name if it was given one. It sends no time.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import Awaits, Device, Encoder, Flag, Messages, Transport, mqtt, publish


def _topics(device: Device) -> tuple[str, str, str]:
    """Return what stands before `tele`, the bridge's topic, and the device's name: `tasmota:<home>/<bridge>/<name>`."""
    bridge, _, name = device.native.rpartition("/")
    home, _, own = bridge.rpartition("/")
    return (f"{home}/" if home else ""), own, name


def received(device: Device, **values: Any) -> Messages:
    """Return one frame the bridge heard."""
    home, bridge, name = _topics(device)
    short = name if name.startswith("0x") else f"0x{device.random.getrandbits(16):04X}"
    about: dict[str, Any] = {"Device": short} | ({} if name == short else {"Name": name})
    words = {"ZbReceived": {short: {**about, **values, "Endpoint": 1, "LinkQuality": 80}}}
    return (publish(f"{home}tele/{bridge}/SENSOR", words),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    """A button that speaks IAS ACE: cluster 0501, command 02, emergency."""
    return received(device, **{"0501!02": ""})


def low_battery(device: Device, at: datetime, identity: str) -> Messages:
    """Bit 3 of the zone's status."""
    return received(device, **{"0500<00": "080000FF0000", "ZoneStatusChange": 8})


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return received(device, BatteryPercentage=pct)


def _zone(attribute: str) -> Flag:
    """A detector of an alarm zone: bit 0 of its status, and the attribute its kind has."""

    def say(device: Device, at: datetime, on: bool) -> Messages:
        status = {"0500<00": f"{int(on):02X}0000FF0000", "ZoneStatusChange": int(on)}
        return received(device, **status, **{attribute: int(on)})

    return say


def motion(device: Device, at: datetime, on: bool) -> Messages:
    return received(device, Occupancy=int(on))


def _will(device: Device, word: str) -> Messages:
    home, bridge, _ = _topics(device)
    return (mqtt(f"{home}tele/{bridge}/LWT", word, retain=True),)


def login(device: Device, at: datetime) -> Messages:
    return _will(device, "Online")


def farewell(device: Device, at: datetime) -> Messages:
    return _will(device, "Offline")


ENCODER = Encoder(
    family="tasmota", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="IAS ACE button",
    example="tasmota:home7/zb/0x77B1", source="https://tasmota.github.io/docs/Zigbee/ and the Zigbee cluster library",
    press=press, low_battery=low_battery, battery=battery, login=login, farewell=farewell, door=_zone("Contact"),
    motion=motion, water=_zone("Water"), smoke=_zone("Fire"),
    models={"door": "IAS contact", "motion": "IAS motion", "water": "IAS water", "smoke": "IAS fire"},
)  # fmt: skip
