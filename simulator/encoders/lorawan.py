"""LoRaWAN sensors, as ChirpStack 4 and The Things Stack 3 pass their bytes on, from both servers' documents.

The counter of frames goes up by one and fills two bytes; it begins again with a join. The Things Stack leaves out
whatever is 0, false or empty, the counter too, and its MQTT knows QoS 0 only.
"""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from simulator.encoders import lorawan_bytes as makers
from simulator.encoders.encoder import Awaits, Device, Encoder, Event, Flag, Messages, Number, Transport, publish, utc
from simulator.encoders.lorawan_bytes import Uplink

APPLICATION = "wards"
GATEWAY = "0016c001f1e2d3c4"

Envelope = Callable[[Device, datetime, Uplink], Messages]


def chirpstack(device: Device, at: datetime, sent: Uplink) -> Messages:
    """Return ChirpStack's `up` event."""
    words = {
        **_head(device, at, sent.model), "adr": True, "dr": 5, "fCnt": device.next_serial(), "fPort": sent.port,
        "confirmed": False, "data": base64.b64encode(sent.data).decode(),
        "rxInfo": [{"gatewayId": GATEWAY, "uplinkId": device.random.getrandbits(32), "rssi": -97, "snr": 6.5}],
    }  # fmt: skip
    return (publish(_topic(device, "up"), words),)


def chirpstack_join(device: Device, at: datetime) -> Messages:
    """Return a `join` event; the counter of frames begins again."""
    device.serial = -1
    return (publish(_topic(device, "join"), _head(device, at, device.model or "Class A")),)


def _topic(device: Device, event: str) -> str:
    return f"{device.prefix}application/{APPLICATION}/device/{device.native}/event/{event}"


def _head(device: Device, at: datetime, model: str) -> dict[str, Any]:
    part = f"{device.random.getrandbits(128):032x}"
    known = {
        "tenantName": "care", "applicationName": APPLICATION, "deviceProfileName": model, "deviceName": "room 4",
        "devEui": device.native, "tags": {},
    }  # fmt: skip
    unique = f"{part[:8]}-{part[8:12]}-4{part[13:16]}-a{part[17:20]}-{part[20:]}"
    return {"deduplicationId": unique, "time": _stamp(at), "deviceInfo": known, "devAddr": "01a2b3c4"}


def things_stack(device: Device, at: datetime, sent: Uplink) -> Messages:
    """Return The Things Stack's `up` message, empty fields left out."""
    brand, _, model = sent.model.lower().partition(" ")
    uplink = {
        "session_key_id": "AYfqmb0pc/1uRZv9xUydgQ==", "f_port": sent.port, "f_cnt": device.next_serial(),
        "frm_payload": base64.b64encode(sent.data).decode(),
        "rx_metadata": [{"gateway_ids": {"gateway_id": "hall", "eui": GATEWAY.upper()}, "rssi": -97, "snr": 6.5}],
        "version_ids": {"brand_id": brand, "model_id": model}, "received_at": _stamp(at),
    }  # fmt: skip
    words = {**_ids(device, at), "uplink_message": {name: value for name, value in uplink.items() if value}}
    return (publish(_things_topic(device, "up"), words),)


def things_stack_join(device: Device, at: datetime) -> Messages:
    device.serial = -1
    words = {**_ids(device, at), "join_accept": {"session_key_id": "AYfqmb0pc/1uRZv9xUydgQ=="}}
    return (publish(_things_topic(device, "join"), words),)


def _ids(device: Device, at: datetime) -> dict[str, Any]:
    ids = {
        "device_id": f"eui-{device.native}", "application_ids": {"application_id": APPLICATION},
        "dev_eui": device.native.upper(), "dev_addr": "01A2B3C4",
    }  # fmt: skip
    return {"end_device_ids": ids, "received_at": _stamp(at)}


def _things_topic(device: Device, event: str) -> str:
    return f"{device.prefix}v3/{APPLICATION}@care/devices/eui-{device.native}/{event}"


def _stamp(at: datetime) -> str:
    return f"{utc(at):%Y-%m-%dT%H:%M:%S}.{utc(at).microsecond // 1000:03d}Z"


def _event(envelope: Envelope, make: Callable[[Device], Uplink]) -> Event:
    def say(device: Device, at: datetime, identity: str) -> Messages:
        return envelope(device, at, make(device))

    return say


def _flag(envelope: Envelope, make: Callable[[Device, bool], Uplink]) -> Flag:
    def say(device: Device, at: datetime, on: bool) -> Messages:
        return envelope(device, at, make(device, on))

    return say


def _number(envelope: Envelope, make: Callable[[Device], Uplink]) -> Number:
    def say(device: Device, at: datetime, pct: int) -> Messages:
        device.battery_pct = pct
        return envelope(device, at, make(device))

    return say


CHIRPSTACK = "https://www.chirpstack.io/docs/chirpstack/integrations/events.html"
THINGS = "https://www.thethingsindustries.com/docs/integrations/data-formats/"


def _milesight(envelope: Envelope, awaits: Awaits, source: str) -> Encoder:
    join = chirpstack_join if envelope is chirpstack else things_stack_join
    return Encoder(
        family="lorawan", transport=Transport.MQTT, awaits=awaits, model="Milesight WS101",
        example="lorawan:70b3d57ed0060a11", source=f"{source} and https://github.com/Milesight-IoT/SensorDecoders",
        press=_event(envelope, makers.milesight_button), battery=_number(envelope, makers.milesight_battery),
        login=join, door=_flag(envelope, makers.milesight_door), motion=_flag(envelope, makers.milesight_motion),
        water=_flag(envelope, makers.milesight_leak), smoke=_flag(envelope, makers.milesight_smoke),
        models={
            "battery": "Milesight WS101", "door": "Milesight WS301", "motion": "Milesight WS202",
            "water": "Milesight WS303", "smoke": "Milesight GS524N",
        },
    )  # fmt: skip


ENCODER = _milesight(chirpstack, Awaits.PUBACK, CHIRPSTACK)
THINGS_STACK = _milesight(things_stack, Awaits.NOTHING, THINGS)
NETVOX = Encoder(
    family="lorawan", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="netvox R312A",
    example="lorawan:70b3d57ed0060b76", source=f"{CHIRPSTACK} and Netvox's LoRaWAN application command",
    press=_event(chirpstack, makers.netvox_button), low_battery=_event(chirpstack, makers.netvox_low),
    battery=_number(chirpstack, makers.netvox_alive), login=chirpstack_join, door=_flag(chirpstack, makers.netvox_door),
    smoke=_flag(chirpstack, makers.netvox_smoke), models={
        "battery": "netvox R312A", "low_battery": "netvox R312A", "door": "netvox R311A", "smoke": "netvox RA02A",
    },
)  # fmt: skip
BROWAN = Encoder(
    family="lorawan", transport=Transport.MQTT, awaits=Awaits.NOTHING, model="Browan TBDW100",
    example="lorawan:70b3d57ed0060bcb", source=f"{THINGS} and Browan's reference manuals of the Tabs",
    login=things_stack_join, door=_flag(things_stack, makers.browan_door),
    motion=_flag(things_stack, makers.browan_motion), water=_flag(things_stack, makers.browan_leak),
    models={"motion": "Browan TBMS100", "water": "Browan TBWL100"},
)  # fmt: skip
