"""One attempt to reach somebody: for no longer than its channel may take, and whatever goes wrong is its receipt."""

import asyncio
from collections.abc import Callable

import structlog

from hub.channels.channel import Channel, OutboundPage, Outcome, Receipt

log = structlog.get_logger()


async def in_time(channel: Channel, page: OutboundPage) -> Receipt:
    """Send a page; a channel that takes too long has failed."""
    try:
        async with asyncio.timeout(channel.timeout_s):
            return await channel.send(page)
    except TimeoutError:
        return Receipt(outcome=Outcome.FAILED, detail=f"nothing came back in {channel.timeout_s:g} s")


async def attempt(channel: Channel, compose: Callable[[], OutboundPage], **whose: object) -> Receipt:
    """Compose a page and send it; a fault in either is this page's failure, logged with `whose` it was."""
    try:
        return await in_time(channel, compose())
    except Exception as err:
        log.exception("channel_failed", **whose, channel=channel.name)
        return Receipt(outcome=Outcome.FAILED, detail=type(err).__name__)
