"""A home with Zigbee2MQTT: one connection, several buttons and sensors."""

import random
from dataclasses import dataclass, field
from datetime import datetime

import aiomqtt

from simulator.encoders import zigbee2mqtt as words
from simulator.ledger import Ledger, Press
from simulator.line import Line
from simulator.neighbourhood import Device, Endpoint, HomeGateway
from simulator.physiology import CHINA


@dataclass
class Home:
    """One bridge and what hangs on it."""

    gateway: HomeGateway
    devices: tuple[Device, ...]
    resident: str
    listener: Endpoint
    ledger: Ledger
    seed: str = ""
    _draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        gone = words.bridge_offline(self.gateway.base)
        self.line = Line(
            self.listener, self.gateway.username, self.gateway.secret,
            will=aiomqtt.Will(gone.topic, gone.payload, qos=1, retain=True),
        )  # fmt: skip

    @property
    def name(self) -> str:
        return self.gateway.name

    async def start(self) -> None:
        """What Zigbee2MQTT says when it comes up: itself, and each device's availability, retained."""
        await self._say(words.bridge_online(self.gateway.base))
        for device in self.devices:
            await self._say(words.availability(device.base, device.name, online=True))

    async def press(self, device: Device, at: datetime) -> Press:
        """One push of an SOS button: three messages."""
        press = self.ledger.press(device.address, self.resident, "sos", None)
        for publication in words.emergency(device.base, device.name, at.astimezone(CHINA), **self._radio()):
            await self._say(publication)
            press.copies += 1
            self.ledger.press_saved(press)
        return press

    async def smoke(self, device: Device, at: datetime) -> Press:
        """The kitchen detector sounds."""
        press = self.ledger.press(device.address, self.resident, "smoke", None)
        await self._say(words.smoke(device.base, device.name, at.astimezone(CHINA), smoke=True, **self._radio()))
        self.ledger.press_saved(press)
        return press

    async def door(self, device: Device, at: datetime, *, closed: bool) -> None:
        await self._say(words.contact(device.base, device.name, at.astimezone(CHINA), closed=closed, **self._radio()))

    async def report(self, at: datetime) -> None:
        """Battery sensors speak when something changes; now and then somebody passes through the hall."""
        for device in self.devices:
            if device.model in DOORS and self._draw.random() < 0.1:
                await self.door(device, at, closed=False)
                await self.door(device, at, closed=True)

    async def _say(self, publication: words.Publication) -> None:
        self.ledger.message_sent("zigbee")
        await self.line.publish(publication.topic, publication.payload, retain=publication.retain)
        self.ledger.message_saved("zigbee")

    def _radio(self) -> dict[str, int]:
        return {"battery_pct": self._draw.randint(78, 100), "linkquality": self._draw.randint(60, 180)}


BUTTONS = frozenset({"TS0215A", "PBTZB-110"})
DOORS = frozenset({"MCCGQ11LM", "SNZB-04"})
SMOKE = frozenset({"TS0205"})
