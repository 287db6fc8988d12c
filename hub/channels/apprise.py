"""Copies to a chat group or wherever apprise can write. Best effort: a copy never counts as reaching a person."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hub.channels.channel import Means, OutboundPage, Outcome, Receipt

AT_ONCE = 4  # the library waits in threads; one that hangs is not waited for
WAITING = 16  # more are told to come again
SERVICE_TIMEOUT_S = 8.0


class Apprise:
    """`contact.address` is the NAME of a target; its URL, which holds a token, is CAREHUB_APPRISE_<NAME>."""

    name = "apprise"
    timeout_s = 12.0
    receipt_s = 60.0

    def __init__(self, means: Means) -> None:
        self._targets = means.secrets.apprise
        self._threads: ThreadPoolExecutor | None = None
        self._busy = 0

    def provider(self, address: str) -> str:
        return address.lower()

    async def send(self, page: OutboundPage) -> Receipt:
        url = self._targets.get(page.address.lower())
        if not url:
            return Receipt(outcome=Outcome.REFUSED, detail="no such target: set CAREHUB_APPRISE_<NAME>")
        if self._busy >= WAITING:
            return Receipt(outcome=Outcome.FAILED, detail="too many copies are waiting")
        self._threads = self._threads or ThreadPoolExecutor(AT_ONCE, thread_name_prefix="apprise")
        self._busy += 1
        copy = asyncio.get_running_loop().run_in_executor(self._threads, partial(_notify, url, page.text))
        copy.add_done_callback(self._done)
        return await asyncio.shield(copy)

    def _done(self, copy: "asyncio.Future[Receipt]") -> None:
        self._busy -= 1
        if not copy.cancelled():
            copy.exception()  # looked at, so that nobody misses it


def _notify(url: str, text: str) -> Receipt:
    """Send one copy. No link goes with it: whoever reads in a group must not answer in one person's name."""
    from apprise import Apprise as Library  # noqa: PLC0415 - 0.2 s to import, and most hubs have no targets
    from apprise import AppriseAsset, NotifyType  # noqa: PLC0415

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines may quote a target's URL
    target = Library(asset=AppriseAsset(service_timeout=SERVICE_TIMEOUT_S))
    if not target.add(url):
        return Receipt(outcome=Outcome.REFUSED, detail="apprise does not understand this target's URL")
    if target.notify(body=text, notify_type=NotifyType.WARNING):
        return Receipt(outcome=Outcome.DELIVERED, detail="a copy was taken")
    return Receipt(outcome=Outcome.FAILED, detail="the service did not take the copy")
