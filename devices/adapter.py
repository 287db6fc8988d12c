"""What an adapter is: a vendor's bytes in, telemetry out; a command in, bytes out. Pure."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from devices.orders import Order
from devices.telemetry import Telemetry


class DeviceError(Exception):
    """Base of every error this package raises."""


class DecodeError(DeviceError):
    """The bytes do not follow the grammar. `reason` says where; the caller keeps the bytes."""

    def __init__(self, adapter: str, reason: str) -> None:
        super().__init__(f"{adapter}: {reason}")
        self.adapter = adapter
        self.reason = reason


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it came off the wire. For TCP protocols `topic` is `tcp/<protocol>` and `payload` one frame; where
    frames do not name their device, `tcp/<protocol>/<id>` with the id its connection signed in with.

    `model` is what the device is known to be (bound to it, or named by its network server); None: nobody said.
    """

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False
    model: str | None = None


class Say(StrEnum):
    """What the hub can tell a device."""

    RECEIVED = "received"  # 收到: saved, people are being called
    ASKING = "asking"  # are you all right? people are called unless she cancels
    COMING = "coming"  # a named role is on the way
    CANCELLED = "cancelled"
    CLOSED = "closed"
    MESSAGE = "message"  # an operator's own words


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One message to a device: words, or an order instead of them (`say` is then None).

    `text` is what it shows or speaks; `identity` names the press it answers. `number` is what the device repeats in its
    answer, where its protocol has that. `model` is what the device is known to be and `heard_on` the topic it was last
    heard on: some makers' words, and some topics, are known only from them.
    """

    device: str  # address, as in Telemetry.device
    say: Say | None = None
    text: str = ""
    order: Order | None = None
    identity: str | None = None
    incident: int | None = None
    number: int = 0  # 0 to 65,535
    at: datetime | None = None  # when it was asked for
    model: str | None = None
    heard_on: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says to a command, in its own words."""

    words: str
    refused: bool = False  # it cannot, or will not


class Downlink(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes for a device: over MQTT on `topic`, over TCP as they are (`topic` is then `tcp/<protocol>`)."""

    topic: str
    payload: bytes
    retain: bool = False


class Adapter(Protocol):
    """One byte grammar. The models that share it are rows of a table in its file."""

    name: str  # "zigbee2mqtt/1": grammar and version of the decoder
    scheme: str  # the part of a device address before the colon

    def claims(self, topic: str) -> bool:
        """Whether this grammar is spoken on `topic`."""

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this may be a press, a fall or an alarm. Looks at bytes only; doubt means True."""

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return what the message says, one entry a device, empty if it says nothing of a device.

        Raises:
            DecodeError: The payload does not follow the grammar.
        """

    def encode(self, command: Command) -> Downlink | None:
        """Return the command in the device's own words, or None if it cannot be told."""
