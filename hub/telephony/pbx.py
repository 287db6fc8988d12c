"""A telephone system of the centre's own (Asterisk, FreeSWITCH, a SIP trunk's box) behind the signed requests that
README.md describes. It rings the operator's extension, then the other; it reports calls that come in as well.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from hub.telephony import asking, signing
from hub.telephony.line import Line
from hub.telephony.states import State
from hub.telephony.telephone import WHY, Asked, Order, Report, ReportError, dialable

TRIES = 2  # an order carries our number of the call: the PBX makes it once, however often it is asked
PATH = "/telephony/pbx/events"  # where it reports to
STATES = {str(state): state for state in State if state not in (State.ASKED, State.LOST)}


class Event(msgspec.Struct, kw_only=True):
    """What a PBX reports."""

    event: str  # ringing_desk, ringing, answered, ended, failed, recorded
    reference: str
    call: str = ""  # our number of a call that we asked for
    direction: Literal["out", "in"] = "out"
    number: str = msgspec.field(default="", name="from")  # of who calls
    extension: str = ""  # that answered
    at: datetime | None = None
    seconds: int | None = None
    why: str = ""
    recording: str = ""


class Pbx:
    name = "pbx"
    patience_s = 20.0

    def __init__(self, line: Line, http: httpx.AsyncClient) -> None:
        self._settings, self._key, self._http = line.settings, line.key, http

    async def originate(self, order: Order) -> Asked:
        s = self._settings
        body = {
            "call": order.ours, "desk": order.desk, "number": order.number, "record": s.record,
            "longest_s": s.longest_min * 60,
        }  # fmt: skip
        heard = asking.Heard(sent=False)
        for _ in range(TRIES):
            heard = await self._ask("POST", "/calls", body, order.now)
            if heard.sent and heard.status and heard.status < 500:
                break
        reference = heard.body.get("reference")
        if heard.status in (200, 201, 202) and isinstance(reference, str) and 0 < len(reference) <= 100:
            return Asked(reference=reference)
        if not heard.sent or heard.status >= 400:
            said = heard.body.get("error")
            why = said if isinstance(said, str) and said in WHY else "provider" if not heard.sent else "refused"
            return Asked(why=why, detail=f"HTTP {heard.status}")
        return Asked(detail=f"HTTP {heard.status}")

    async def hang_up(self, reference: str, now: datetime) -> bool:
        heard = await self._ask("POST", f"/calls/{quote(reference, safe='')}/hangup", {}, now)
        return heard.status in (200, 202, 204)

    async def look(self, reference: str, ours: str, asked_at: datetime, now: datetime) -> Report | None:
        heard = await self._ask("GET", f"/calls/{quote(reference or ours, safe='')}", None, now)
        if heard.status != 200:
            return None
        try:
            return _report(msgspec.convert(heard.body, Event, strict=False), nonce="")
        except (msgspec.ValidationError, ReportError):
            return None

    def read(self, body: bytes, headers: Mapping[str, str], path: str, now: datetime) -> list[Report]:
        return events(self._key, body, headers, path, now)

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, now: datetime) -> asking.Heard:
        url = f"{self._settings.url.rstrip('/')}{path}"
        text = b"" if body is None else msgspec.json.encode(body)
        signed = signing.sign(self._key, method, urlsplit(url).path, text, now)
        headers = signed | ({} if body is None else {"Content-Type": "application/json"})
        request = self._http.build_request(method, url, content=text or None, headers=headers)
        return await asking.ask(self._http, request, self._settings.timeout_s)


def events(key: str, body: bytes, headers: Mapping[str, str], path: str, now: datetime) -> list[Report]:
    """Return the one event of a signed report.

    Raises:
        ReportError: Forged, too old, or no event.
    """
    try:
        nonce = signing.check(key, "POST", path, body, headers, now)
    except signing.ForgedError as no:
        raise ReportError(str(no)) from None
    try:
        return [_report(msgspec.json.decode(body, type=Event), nonce=nonce)]
    except (ValueError, RecursionError) as no:
        raise ReportError(f"no event: {no}") from None


def _report(said: Event, *, nonce: str) -> Report:
    if said.event not in STATES and said.event != "recorded":
        raise ReportError(f"no event of a call: {said.event[:40]!r}")
    if not 0 < len(said.reference) <= 100 or len(said.recording) > 1000:
        raise ReportError("a reference of 1 to 100 characters, a recording's address of 1000 at most")
    at = said.at if said.at is None or said.at.tzinfo else said.at.replace(tzinfo=UTC)
    return Report(
        state=STATES.get(said.event), reference=said.reference, ours=said.call[:40], nonce=nonce, at=at,
        seconds=None if said.seconds is None else max(0, min(said.seconds, 86_400)),
        why=said.why if said.why in WHY else "other" if said.why else "", recording=said.recording,
        incoming=said.direction == "in", number=dialable(said.number[:40]) or "", extension=said.extension[:40],
    )  # fmt: skip
