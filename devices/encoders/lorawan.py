"""Messages down to LoRaWAN sensors: the maker's bytes and port, in the words of the network it was heard through.

Source: the integration documents of ChirpStack (v3 and v4 agree) and The Things Stack v3; the makers' user guides. A
sensor that sleeps hears it after its next message up.
"""

import base64
import json
import re

from devices.adapter import Downlink
from devices.orders import Interval, Locate, Order, Reboot, Report

# A topic a device was heard on, and where what is for it goes.
_CHIRPSTACK = re.compile(r"(?P<head>(?:[^#+]*/)?application/[^/#+]+/device/(?P<eui>[0-9a-fA-F]{16}))/event/[a-z]+")
_THE_THINGS = re.compile(r"(?P<head>(?:[^#+]*/)?v3/[^/#+]+/devices/[^/#+]+)/(?:up|join|location/solved|down/[a-z]+)")
MILESIGHT_PORT, DRAGINO_PORT, ABEEWAY_PORT = 85, 2, 2
MILESIGHT_S = (60, 64_800)
DRAGINO_MOST_S = 0xFFFFFF
ABEEWAY_TOKENS = 16
ABEEWAY_WHERE = 0x01


def downlink(heard_on: str, eui: str, port: int, content: bytes) -> Downlink | None:
    """Return what asks the network server to tell a device these bytes; None for a server that is not known."""
    data = base64.b64encode(content).decode("ascii")
    if (place := _CHIRPSTACK.fullmatch(heard_on)) is not None:
        if place["eui"].lower() != eui:
            return None
        asked = {"devEui": eui, "confirmed": True, "fPort": port, "data": data}
        return Downlink(topic=f"{place['head']}/command/down", payload=json.dumps(asked).encode())
    if (place := _THE_THINGS.fullmatch(heard_on)) is not None:
        pushed = {"downlinks": [{"f_port": port, "frm_payload": data, "confirmed": True, "priority": "NORMAL"}]}
        return Downlink(topic=f"{place['head']}/down/push", payload=json.dumps(pushed).encode())
    return None


def content(maker: str, order: Order | None, number: int) -> tuple[int, bytes] | None:
    """Return the port and the bytes of an order to a maker's sensor, None if it has none for it."""
    match maker, order:
        case "abeeway", Locate():
            return ABEEWAY_PORT, bytes((ABEEWAY_WHERE, number % ABEEWAY_TOKENS))
        case "milesight", Reboot():
            return MILESIGHT_PORT, b"\xff\x10\xff"
        case "milesight", Interval(seconds, Report.POSITION) if MILESIGHT_S[0] <= seconds <= MILESIGHT_S[1]:
            return MILESIGHT_PORT, b"\xff\x03" + seconds.to_bytes(2, "little")
        case "dragino", Reboot():
            return DRAGINO_PORT, b"\x04\xff"
        case "dragino", Interval(seconds, Report.POSITION) if seconds <= DRAGINO_MOST_S:
            return DRAGINO_PORT, b"\x01" + seconds.to_bytes(3, "big")
    return None
