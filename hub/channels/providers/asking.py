"""What the providers have in common: an order, its receipt, and the reports that follow."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import httpx
import msgspec

from hub.channels.answers import drained, retry_after_s
from hub.channels.channel import Outcome, Receipt
from hub.errors import HubError

CODE = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
LIMITED_S = 60.0  # providers let a number be called, or written to, once a minute
REPORTS_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Order:
    """One message or call. The words are the parameters of a registered template, in its order."""

    number: str  # +8613…
    purpose: str
    words: Mapping[str, str]
    reference: str  # what comes back with the reports
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a provider answered. `ref` is its own number of the message; `elsewhere`: another one may do it."""

    receipt: Receipt
    ref: str = ""
    elsewhere: bool = False


class Heard(StrEnum):
    DELIVERED = "delivered"  # on the phone; a call was answered
    MISSED = "missed"  # not on the phone, and never will be
    KEY = "key"  # the person pressed a key
    UNDER_WAY = "under_way"  # nothing to write yet


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of a message or call."""

    ref: str  # the provider's number
    heard: Heard
    reference: str = ""  # ours, where the provider gives it back
    key: str = ""
    detail: str = ""


class ReportError(HubError):
    """What was called back is no report of this provider."""


class Provider(Protocol):
    """One provider's way to be asked."""

    async def sms(self, order: Order) -> Asked:
        """Send a text message."""

    async def voice(self, order: Order) -> Asked:
        """Call, speak, and wait for a key."""


async def ask(http: httpx.AsyncClient, request: httpx.Request, timeout_s: float) -> tuple[dict[str, Any], Asked]:
    """Send a request; returns its JSON, or, where there is none, what that means for the page."""
    try:
        request.extensions["timeout"] = httpx.Timeout(timeout_s).as_dict()
        answer = await http.send(request, stream=True, follow_redirects=False)
        try:
            body = await drained(answer)
        finally:
            await answer.aclose()
    except httpx.TimeoutException:
        return {}, missed("no answer in time")
    except httpx.HTTPError as err:
        return {}, missed(type(err).__name__)
    if answer.status_code == 429 or answer.status_code >= 500:
        return {}, missed(f"HTTP {answer.status_code}", not_before_s=retry_after_s(answer))
    try:
        return msgspec.json.decode(body, type=dict[str, Any]), missed(f"HTTP {answer.status_code}")
    except (ValueError, RecursionError):  # no JSON, no UTF-8, thousands of brackets
        return {}, missed(f"HTTP {answer.status_code} without an answer")


def sent(ref: str) -> Asked:
    return Asked(receipt=Receipt(outcome=Outcome.SENT, detail="with the provider"), ref=ref)


def missed(why: str, *, not_before_s: float = 0.0) -> Asked:
    return Asked(receipt=Receipt(outcome=Outcome.FAILED, detail=why, not_before_s=not_before_s))


def refused(why: str, *, elsewhere: bool = True) -> Asked:
    return Asked(receipt=Receipt(outcome=Outcome.REFUSED, detail=why), elsewhere=elsewhere)


def code_of(value: object) -> str:
    """Return a provider's error code as it may stand in a log: codes only, no sentence that quotes a number."""
    return value if isinstance(value, str) and CODE.fullmatch(value) else "an error"


def rows(body: bytes) -> list[dict[str, Any]]:
    """Return the reports of a list.

    Raises:
        ReportError: It is no list of objects, or too long.
    """
    try:
        found = msgspec.json.decode(body, type=list[dict[str, Any]])
    except (ValueError, RecursionError):  # no JSON, no UTF-8, thousands of brackets
        raise ReportError("no list of reports") from None
    if len(found) > REPORTS_AT_ONCE:
        raise ReportError("too many reports at once")
    return found


def text_of(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    return str(value)[:200] if isinstance(value, str | int) else ""
