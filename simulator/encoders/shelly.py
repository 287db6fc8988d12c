"""Shellies of the second generation and later on MQTT, from shelly-api-docs.shelly.cloud/gen2: `<id>/events/rpc`.

Notifications carry seconds with fractions. Bluetooth (BLU) buttons and contacts come through the maker's script, as an
event of the gateway that holds their own address.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import Awaits, Device, Encoder, Messages, Transport, mqtt, publish


def notify(gateway: str, at: datetime, method: str, params: dict[str, Any]) -> Messages:
    """Return a notification of the Shelly that publishes on `<gateway>/events/rpc`."""
    own, clock = gateway.rpartition("/")[2], round(at.timestamp(), 2)
    words = {"src": own, "dst": f"{gateway}/events", "method": method, "params": {"ts": clock, **params}}
    return (publish(f"{gateway}/events/rpc", words),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    pushed = {"component": "input:0", "id": 0, "event": "single_push", "ts": round(at.timestamp(), 2)}
    return notify(device.native, at, "NotifyEvent", {"events": [pushed]})


def smoke(device: Device, at: datetime, on: bool) -> Messages:
    return notify(device.native, at, "NotifyStatus", {"smoke:0": {"id": 0, "alarm": on, "mute": False}})


def water(device: Device, at: datetime, on: bool) -> Messages:
    return notify(device.native, at, "NotifyStatus", {"flood:0": {"id": 0, "alarm": on, "mute": False}})


def presence(device: Device, at: datetime, on: bool) -> Messages:
    zone = {"id": 200, "value": on, "num_objects": int(on)}
    return notify(device.native, at, "NotifyStatus", {"presencezone:200": zone})


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    power = {"id": 0, "battery": {"V": round(4.0 + 0.02 * pct, 2), "percent": pct}, "external": {"present": False}}
    return notify(device.native, at, "NotifyFullStatus", {"devicepower:0": power})


def login(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/online", "true", retain=True),)


def farewell(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/online", "false", retain=True),)


def blu(device: Device, at: datetime, **values: Any) -> Messages:
    """`shelly:<gateway>/blu/<address>`: what the script passes on."""
    gateway, _, address = device.native.rpartition("/blu/")
    data = {
        "encryption": False, "BTHome_version": 2, "pid": device.count("pid", 256), "battery": device.battery_pct,
        **values, "rssi": -70, "address": address,
    }  # fmt: skip
    event = {"component": "script:1", "id": 1, "event": "shelly-blu", "data": data, "ts": round(at.timestamp(), 2)}
    return notify(gateway, at, "NotifyEvent", {"events": [event]})


def blu_press(device: Device, at: datetime, identity: str) -> Messages:
    return blu(device, at, button=1)


def blu_battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return blu(device, at)


def blu_door(device: Device, at: datetime, opened: bool) -> Messages:
    return blu(device, at, window=int(opened), rotation=0)


def blu_motion(device: Device, at: datetime, on: bool) -> Messages:
    return blu(device, at, motion=int(on), illuminance=41)


ENCODER = Encoder(
    family="shelly", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="SNSN-0024X",
    example="shelly:home7/shelly/shellyplusi4-a1b2c3d4e5f6", source="https://shelly-api-docs.shelly.cloud/gen2/",
    press=press, battery=battery, login=login, farewell=farewell, presence=presence, water=water, smoke=smoke,
    models={"presence": "S4SN-0U61X", "water": "S4SN-0071A", "smoke": "SNSN-0031Z", "battery": "SNSN-0013A"},
)  # fmt: skip
BLU = Encoder(
    family="shelly", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="SBBT-002C",
    example="shelly:home7/shelly/shellyplusi4-a1b2c3d4e5f6/blu/b4:35:22:aa:bb:01",
    source="the maker's script ble-shelly-blu, and https://bthome.io/format/",
    press=blu_press, battery=blu_battery, door=blu_door, motion=blu_motion,
    models={"door": "SBDW-002C", "motion": "SBMO-003Z"},
)  # fmt: skip
