"""Whose devices there are: encoders by family, and an invented device of each."""

import re

from simulator.encoders.encoder import Encoder, Transport
from simulator.encoders.registry import ENCODERS
from simulator.town_file import TownDevice

ALSO = {"watch_3g": "watch3g", "z2m": "zigbee2mqtt"}  # families by other names
MONITORED_MISSES = 3  # a device is silent when it has missed so many of its reports
SENSOR_DEADLINE_S = 86_400


class NoEncoderError(Exception):
    """Nobody plays devices of this family."""

    def __init__(self, family: str) -> None:
        super().__init__(f"{family}: no device of this family is simulated; there are {', '.join(ENCODERS)}")


def encoder(family: str) -> Encoder:
    """Return the encoder of a family.

    Raises:
        NoEncoderError: There is none.
    """
    found = ENCODERS.get(ALSO.get(family, family))
    if found is None:
        raise NoEncoderError(family)
    return found


def worn(family: str, number: int, report_every_min: int) -> TownDevice:
    """Return somebody's watch or pendant."""
    made = encoder(family)
    scheme, _, native = made.example.partition(":")
    native = _numbered(native, number)
    return TownDevice(
        address=f"{scheme}:{native}", name=native, family=made.family, adapter=f"{scheme}/1", model=made.model,
        kind="watch", transport=str(made.transport), deadline_s=max(900, MONITORED_MISSES * report_every_min * 60),
    )  # fmt: skip


def sensor(kind: str, model: str, room: str, gateway: str, number: int) -> TownDevice:
    """Return a button or sensor at home, behind a Zigbee2MQTT whose base topic is below the gateway's name."""
    name = f"{number} {room}{KINDS[kind]}"
    return TownDevice(
        address=f"z2m:{gateway}/zigbee2mqtt/{name}", name=name, family="zigbee2mqtt", adapter="zigbee2mqtt/1",
        model=model, kind=kind,
        transport=str(Transport.MQTT), room=room, gateway=gateway, deadline_s=0,
    )  # fmt: skip


def apart(kind: str, room: str, number: int) -> TownDevice:
    """Return a mat or a meter, which has a line of its own: no Zigbee bridge stands before it."""
    made = encoder(APART[kind])
    scheme, _, native = made.example.partition(":")
    own = native.rpartition("/")[2] if kind == "bed" else f"meter-{number}"
    return TownDevice(
        address=f"{scheme}:home{number}/{own}", name=f"{number} {room}{KINDS[kind]}", family=made.family,
        adapter=f"{scheme}/1", model=made.model, kind=kind, transport=str(made.transport), room=room,
    )  # fmt: skip


APART = {"bed": "bed", "meter": "homeassistant"}
KINDS = {
    "button": "呼叫",
    "door": "门磁",
    "motion": "红外",
    "smoke": "烟感",
    "gas": "燃气",
    "bed": "床垫",
    "meter": "水表",
}
MODELS = {"button": "TS0215A", "door": "MCCGQ11LM", "motion": "RTCGQ11LM", "smoke": "TS0205", "gas": "TS0204"}


def _numbered(native: str, number: int) -> str:
    """Return the example's name with this number in its last digits."""
    digits = re.search(r"\d+$", native)
    width = max(5, min(len(digits.group()), 8)) if digits else 5
    return f"{native[: len(native) - min(width, len(digits.group()) if digits else 0)]}{number:0{width}d}"
