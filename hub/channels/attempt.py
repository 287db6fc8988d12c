"""One attempt to reach somebody: for no longer than its channel may take, and whatever goes wrong is its receipt."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

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


async def first_to_take(
    ways: Iterable[tuple[str, str]],
    channels: Mapping[str, Channel],
    compose: Callable[[str, str], OutboundPage],
    **whose: object,
) -> tuple[str, str]:
    """Try somebody's ways (channel, address), the nearest first, until one takes the page.

    Returns:
        The channel that took it and "", or "" and why the last of them did not.
    """
    why = "no app, mail or service of his own is registered"
    for name, address in ways:
        if (channel := channels.get(name)) is None:
            continue
        receipt = await attempt(channel, partial(compose, name, address), **whose)
        if receipt.outcome in (Outcome.DELIVERED, Outcome.SENT):
            return name, ""
        why = f"{name}: {receipt.detail}"
    return "", why
