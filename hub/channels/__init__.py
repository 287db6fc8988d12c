"""The ways out to people. To add one: README.md."""

import re
from collections.abc import Callable
from dataclasses import replace

import httpx

from hub.channels.app import App
from hub.channels.apprise import Apprise
from hub.channels.channel import Channel, Means, OutboundPage, Outcome, Receipt
from hub.channels.console import Console
from hub.channels.device import Device
from hub.channels.email import Email
from hub.channels.mqtt import Mqtt
from hub.channels.siren import Siren
from hub.channels.sms import Sms
from hub.channels.voice import Voice
from hub.channels.webhook import Webhook
from hub.config import Settings
from hub.store.pool import Pool

CHANNELS: tuple[Callable[[Means], Channel], ...] = (
    Console, App, Sms, Voice, Email, Webhook, Mqtt, Siren, Apprise, Device,
)  # fmt: skip
ADDRESS = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+")  # what a push service takes as a sender's address

__all__ = ["CHANNELS", "Channel", "Means", "OutboundPage", "Outcome", "Receipt", "means_of", "open_channels"]


def open_channels(means: Means) -> dict[str, Channel]:
    """Return every channel by name."""
    return {channel.name: channel for channel in (make(means) for make in CHANNELS)}


def means_of(settings: Settings, pool: Pool, http: httpx.AsyncClient) -> Means:
    """Return what the channels send with, as the settings say."""
    public = settings.public_url if ADDRESS.fullmatch(settings.public_url) else ""
    channels = replace(settings.channels, push_contact=settings.channels.push_contact or public)
    return Means(
        pool=pool, http=http, webhook_key=settings.secrets.webhook_key,
        webhook_timeout_s=settings.dispatch.webhook_timeout_s, channels=channels, smtp=settings.smtp,
        aliyun=settings.aliyun, tencent=settings.tencent, secrets=settings.secrets,
    )  # fmt: skip
