"""What a channel is: one way out to people, with a receipt for every page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import httpx

from hub.channel_settings import AliyunSettings, ChannelSettings, SmtpSettings, TencentSettings
from hub.config import Secrets
from hub.store.pool import Pool


class Outcome(StrEnum):
    DELIVERED = "delivered"  # it reached the person's device or provider
    SENT = "sent"  # on its way, the receipt comes later
    REFUSED = "refused"  # the other side does not want it; the same again will not help soon
    FAILED = "failed"  # timeout, broken connection, an error of theirs: try again


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What came back. `detail` is for the operator: short, no addresses, no secrets."""

    outcome: Outcome
    detail: str = ""
    not_before_s: float = 0.0  # the other side's own wish (Retry-After, a provider's limit): not again sooner


@dataclass(frozen=True, kw_only=True)
class OutboundPage:
    """One page as it goes out. `body` holds no more than the role may see; `key` is the same on every copy."""

    page_id: int
    incident_id: int
    key: str
    attempt: int
    channel: str
    address: str
    person_id: int
    role: str
    purpose: str
    language: str
    now: datetime
    text: str  # one sentence in the person's language
    body: Mapping[str, Any] = field(default_factory=dict)


class Channel(Protocol):
    """One way out. Sending must be safe to repeat: every copy carries the same key.

    A channel whose other ends may hang one by one also has `provider(address) -> str`, the name of that end: the
    dispatcher lets no single one of them take all the room.
    """

    name: str
    timeout_s: float  # send() is cut off after this; the lease is longer
    receipt_s: float  # after `sent`: without a receipt by then, the page is sent again

    async def send(self, page: OutboundPage) -> Receipt:
        """Send one page. Errors of the other side are receipts, not exceptions."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What channels send with; a channel takes what it needs."""

    pool: Pool
    http: httpx.AsyncClient
    webhook_key: str = field(default="", repr=False)
    webhook_timeout_s: float = 10.0
    channels: ChannelSettings = field(default_factory=ChannelSettings)
    smtp: SmtpSettings = field(default_factory=SmtpSettings)
    aliyun: AliyunSettings = field(default_factory=AliyunSettings)
    tencent: TencentSettings = field(default_factory=TencentSettings)
    secrets: Secrets = field(default_factory=Secrets, repr=False)
