"""The ways out to people. To add one: README.md."""

from collections.abc import Callable

from hub.channels.channel import Channel, Means, OutboundPage, Outcome, Receipt
from hub.channels.console import Console
from hub.channels.device import Device
from hub.channels.mqtt import Mqtt
from hub.channels.webhook import Webhook

CHANNELS: tuple[Callable[[Means], Channel], ...] = (Console, Webhook, Mqtt, Device)

__all__ = ["CHANNELS", "Channel", "Means", "OutboundPage", "Outcome", "Receipt", "open_channels"]


def open_channels(means: Means) -> dict[str, Channel]:
    """Return every channel by name."""
    return {channel.name: channel for channel in (make(means) for make in CHANNELS)}
