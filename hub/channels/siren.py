"""A siren, at home or in the centre, over MQTT. It sounds for a limited time; whoever takes the case stops it."""

from dataclasses import dataclass

import msgspec

from alerts.model import Purpose
from devices.adapter import Downlink
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.channels.posting import post

SOUND_S = 120  # by itself it falls silent; the next ring sounds it again


@dataclass(frozen=True, kw_only=True)
class Commands:
    """How one family of sirens is switched; `topic` ends what `contact.address` begins."""

    begins: str
    on: object
    off: object


WARNING = {"strobe": True, "strobe_duty_cycle": 5}
FAMILIES = (
    Commands(
        begins="zigbee2mqtt/",
        on={"warning": WARNING | {"mode": "emergency", "level": "very_high", "duration": SOUND_S}},
        off={"warning": {"mode": "stop", "level": "low", "strobe": False, "duration": 1}},
    ),
    Commands(begins="cmnd/", on="ON", off="OFF"),  # Tasmota: cmnd/<device>/POWER
    Commands(begins="", on={"v": 1, "siren": "on", "seconds": SOUND_S}, off={"v": 1, "siren": "off"}),
)


class Siren:
    """`contact.address` is the topic a siren takes its commands on. Nothing is retained: who starts is silent."""

    name = "siren"
    timeout_s = 3.0
    receipt_s = 20.0

    def __init__(self, means: Means) -> None:
        self._pool = means.pool

    async def send(self, page: OutboundPage) -> Receipt:
        if page.purpose != Purpose.ALARM:
            return Receipt(outcome=Outcome.REFUSED, detail="a siren tells nothing but an alarm")
        if not page.address or any(wild in page.address for wild in "+#\0"):
            return Receipt(outcome=Outcome.REFUSED, detail="the contact's address is not a topic")
        family = next(family for family in FAMILIES if page.address.startswith(family.begins))
        sound = Downlink(topic=page.address, payload=_bytes(family.on))
        return await post(self._pool, page, sound, self.receipt_s, stop=_bytes(family.off))


def _bytes(command: object) -> bytes:
    return command.encode() if isinstance(command, str) else msgspec.json.encode(command)
