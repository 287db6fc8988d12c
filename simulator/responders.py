"""The people who are called. Each answers on the real channel: an app behind a webhook, or an MQTT terminal."""

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from simulator.ledger import Call, Ledger, now
from simulator.line import Line
from simulator.neighbourhood import Endpoint, Responder
from simulator.scenario import Behaviour, Does
from simulator.webhook import answered

CLOCK_SLACK_S = 300  # a signed page older than this is somebody else's recording
DECLINED = (409, 410)  # somebody was quicker; the case is over
ANSWER_TRIES = 8
TRY_AGAIN_S = 0.5

Answer = Callable[[Mapping[str, Any], str, Mapping[str, str]], Awaitable[str]]
"""Give one answer to a page: (page, verb, more words) -> empty, or why it was refused."""


@dataclass
class Person:
    """One responder with a way of answering. A case is played once, however often it rings."""

    who: Responder
    behaviour: Behaviour
    ledger: Ledger
    answer: Answer
    seed: str = ""
    _cases: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    def called(self, page: Mapping[str, Any]) -> None:
        """Take a page in. Never fails: what cannot be read is noted."""
        try:
            call = Call(
                page=int(page["page"]), incident=int(page["incident"]), person=self.who.person, role=self.who.role,
                channel=self.who.channel, purpose=str(page.get("purpose", "alarm")), at=now().isoformat(),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            self.ledger.fault(f"{self.who.role} {self.who.person} got a page that is none: {error!r}")
            return
        if not self.ledger.called(call):
            return
        if call.purpose == "stand_down":
            self._stand_down(call.incident)
        elif call.purpose == "alarm" and call.incident not in self._cases:
            self._cases[call.incident] = asyncio.create_task(
                self._play(page, call), name=f"person {self.who.person} incident {call.incident}"
            )

    def _stand_down(self, incident: int) -> None:
        """Somebody else goes, or it is over: turn round."""
        if case := self._cases.get(incident):
            case.cancel()

    async def _play(self, page: Mapping[str, Any], call: Call) -> None:
        plan, draw = self.behaviour, random.Random(f"{self.seed}:{self.who.person}:{call.incident}")
        if plan.does is Does.SILENT:
            return
        await asyncio.sleep(plan.answers_after_s * draw.uniform(0.8, 1.2))
        if plan.does is Does.CANNOT_GO:
            await self._say(page, call, "cannot_go")
            return
        if not await self._say(page, call, "accept"):
            return  # somebody was quicker
        for pause, verb, words in (
            (plan.leaves_after_s, "en_route", {}),
            (plan.arrives_after_s, "arrived", {}),
            (plan.hands_over_after_s, "handed_over", {"to": plan.hands_over_to}),
        ):
            await asyncio.sleep(pause * draw.uniform(0.8, 1.2))
            if not await self._say(page, call, verb, **words):
                return  # the case is over, or an operator has decided otherwise

    async def _say(self, page: Mapping[str, Any], call: Call, verb: str, **words: str) -> bool:
        refused = await self.answer(page, verb, words)
        (call.refused if refused else call.answered).append(f"{verb} {refused}".strip())
        return not refused


def answer_body(page: Mapping[str, Any], verb: str, words: Mapping[str, Any]) -> bytes:
    """One answer. The nonce is the same in every copy of it, so that a second tap is harmless."""
    return json.dumps(
        {"page": page["page"], "nonce": f"{page['page']}-{verb}", "verb": verb, **words}, ensure_ascii=False
    ).encode()


def genuine(key: str, headers: Mapping[str, str], body: bytes, at: float) -> str:
    """Check a webhook; return what is wrong with it, empty when nothing is.

    Args:
        key: shared with the hub.
        headers: with lower-case names.
        body: as received.
        at: seconds since 1970.
    """
    stamp, signature = headers.get("x-carehub-timestamp", ""), headers.get("x-carehub-signature", "")
    if not stamp.isdecimal() or abs(at - int(stamp)) > CLOCK_SLACK_S:
        return "timestamp is missing or not of now"
    right = "v1=" + hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, right):
        return "signature is wrong"
    return "" if headers.get("idempotency-key") else "idempotency key is missing"


class Families:
    """The families' telephones: one HTTP server that checks who is calling, and each one's own answer."""

    def __init__(self, key: str, ledger: Ledger) -> None:
        self._key = key
        self._ledger = ledger
        self._http = httpx.AsyncClient(timeout=10.0)
        self.people: dict[str, Person] = {}

    async def answer(self, page: Mapping[str, Any], verb: str, words: Mapping[str, str]) -> str:
        """POST to the page's own answer_url; over a console that restarts, again with the same nonce."""
        url, body = str(page.get("answer_url", "")), answer_body(page, verb, words)
        for _ in range(ANSWER_TRIES):
            try:
                said = await self._http.post(url, content=body, headers={"Content-Type": "application/json"})
            except httpx.TransportError:
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            if said.status_code < 500:
                if not said.is_success and said.status_code not in DECLINED:
                    self._ledger.fault(f"an answer to page {page.get('page')} was met with {said.status_code}")
                return "" if said.is_success else f"{said.status_code} {said.text[:100]}"
            await asyncio.sleep(TRY_AGAIN_S)
        return "no answer from the hub"

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take one webhook and return the HTTP status."""
        person = self.people.get(path)
        if person is None:
            return 404
        if wrong := genuine(self._key, headers, body, time.time()):
            self._ledger.fault(f"a page for {path} is not the hub's: {wrong}")
            return 401
        try:
            page = json.loads(body)
        except ValueError:
            return 400
        person.called(page if isinstance(page, dict) else {})
        return 200

    async def app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The ASGI application that uvicorn serves."""
        await answered(self.receive, scope, receive, send)

    async def aclose(self) -> None:
        await self._http.aclose()


class Terminal:
    """A guard's or community worker's MQTT terminal."""

    def __init__(self, who: Responder, listener: Endpoint) -> None:
        self._who = who
        self.person: Person | None = None
        self.line = Line(listener, who.username, who.secret, subscribe=[f"{who.prefix}page"], hear=self._hear)

    async def answer(self, page: Mapping[str, Any], verb: str, words: Mapping[str, str]) -> str:
        """Publish on the answer topic. A terminal hears nothing back but the PUBACK."""
        await self.line.publish(f"{self._who.prefix}answer", answer_body(page, verb, words))
        return ""

    def _hear(self, _topic: str, payload: bytes) -> None:
        try:
            page = json.loads(payload)
        except ValueError:
            page = {}
        if self.person:
            self.person.called(page if isinstance(page, dict) else {})
