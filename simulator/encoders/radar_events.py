"""Fall radars that tell a fall as a process, from a vendor's MQTT page: `/devices/<id>/events`, milliseconds of UTC.

A fall is confirmed, then calls, then somebody gets up or it ends; its time is the same in all of them.
"""

from datetime import datetime

from simulator.encoders.encoder import Awaits, Device, Encoder, Messages, Transport, publish

PRESENCE, FALL = 0, 1


def _clock(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _topic(device: Device, kind: str) -> str:
    """`radar:<prefix>/<id>`; without a prefix the topic begins with a slash."""
    home, _, own = device.native.rpartition("/")
    return f"{home}/devices/{own}/{kind}"


def _stage(device: Device, at: datetime, status: str, *, ended: bool = False) -> Messages:
    begun = int(device.memory.get("fall", str(_clock(at)).encode()))
    payload = {
        "status": status, "timestamp": begun, "statusUpdateTimestamp": _clock(at),
        "endTimestamp": _clock(at) if ended else 0,
    }  # fmt: skip
    return (publish(_topic(device, "events"), {"type": FALL, "payload": payload}),)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    """Confirmed, and half a minute later by its own clock it says that it calls."""
    device.memory["fall"] = str(_clock(at)).encode()
    return _stage(device, at, "fall confirmed")


def calling(device: Device, at: datetime) -> Messages:
    return _stage(device, at, "calling")


def cancel(device: Device, at: datetime, identity: str) -> Messages:
    """Whoever fell has got up."""
    return _stage(device, at, "fall exit", ended=True)


def presence(device: Device, at: datetime, on: bool) -> Messages:
    payload = {"presenceDetected": on, "timestamp": _clock(at)}
    return (publish(_topic(device, "events"), {"type": PRESENCE, "payload": payload}),)


def heartbeat(device: Device, at: datetime) -> Messages:
    """Every two minutes."""
    words = {"status": "monitoring", "uptime": 120 * device.count("state"), "wifi": {"ssid": "home", "rssi": -60}}
    return (publish(_topic(device, "state"), words),)


ENCODER = Encoder(
    family="radar_events", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="fall-radar",
    example="radar:home7/radar/id_RTAxMjM0", source="a vendor's MQTT page for a fall radar",
    fall=fall, cancel=cancel, heartbeat=heartbeat, presence=presence,
)  # fmt: skip
