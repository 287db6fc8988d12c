"""The people who are called, in the town's time: an app behind a signed webhook, or a terminal over MQTT.

Each answers on the channel that called: a tap on the page's link over HTTP, a word from the terminal. A case is played
once by each, however often it rings.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any

import httpx

from simulator.chronicle import Chronicle
from simulator.lockstep import Lockstep
from simulator.responders import answer_body, genuine
from simulator.story import Answers, Manners, Span
from simulator.town_file import Received, Tap, TownPerson
from simulator.webhook import answered
from simulator.wire import MqttLine

DECLINED = (409, 410)  # somebody was quicker; the case is over
NINE_TENTHS = 1.2816  # of a normal distribution
LONGEST = 4.0  # nobody takes more than so many times the longer end


def span(draw: random.Random, how_long: Span) -> float:
    """Draw how long something takes: eight times in ten between the two ends, seldom much longer."""
    low, high = max(how_long.low_s, 0.5), max(how_long.high_s, 0.5)
    if high <= low:
        return how_long.low_s
    middle, spread = (low * high) ** 0.5, (high / low) ** (1 / (2 * NINE_TENTHS))
    return float(min(middle * exp(draw.gauss(0, 1) * log(spread)), high * LONGEST))


@dataclass
class Person:
    """Somebody who is called."""

    who: TownPerson
    manners: Manners
    clock: Lockstep
    chronicle: Chronicle
    crowd: "Crowd"
    seed: str
    helps: Callable[[str], None]  # she is no longer alone
    terminal: MqttLine | None = None
    prefix: str = ""
    flat: bool = False  # his phone: nothing reaches him
    _cases: dict[int, int] = field(default_factory=dict)  # incident → which playing of it is his present one

    def called(self, page: Mapping[str, Any]) -> None:
        """Take a page in: it came in the middle of a step, whose time is known when it ends."""
        self.clock.soon(lambda: self._called(page))

    def _called(self, page: Mapping[str, Any]) -> None:
        try:
            received = Received(
                page=int(page["page"]), incident=int(page["incident"]), person=self.who.key, role=self.who.role,
                channel="mqtt" if self.terminal else "webhook", purpose=str(page.get("purpose", "alarm")),
                at=self.clock.now, resident=str((page.get("resident") or {}).get("name", "")),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            self.chronicle.fault(f"{self.who.key} got a page that is none: {error!r}")
            return
        if not self.chronicle.received(received):
            return
        if received.purpose == "stand_down":
            self._cases[received.incident] = self._cases.get(received.incident, 0) + 1
        elif received.purpose == "alarm" and received.incident not in self._cases:
            self._cases[received.incident] = 1
            self._answer(page, received)

    def _answer(self, page: Mapping[str, Any], received: Received) -> None:
        plan, draw = self.manners, random.Random(f"{self.seed}:{received.incident}")
        roll = draw.random()
        if plan.does is Answers.SILENT or roll < plan.silent:
            return
        wait = span(draw, plan.answers)
        if plan.does is Answers.CANNOT_GO or roll < plan.silent + plan.cannot_go:
            self._later(wait, page, received, [("cannot_go", {}, 0.0)])
            return
        acts: list[tuple[str, dict[str, str], float]] = [("accept", {}, 0.0)]
        if draw.random() < plan.gives_up:
            acts.append(("cannot_go", {}, span(draw, plan.leaves)))
        else:
            acts += [("en_route", {}, span(draw, plan.leaves)), ("arrived", {}, span(draw, plan.arrives))]
            if draw.random() < plan.leaves_early:
                acts.append(("left", {}, 45.0))
            acts.append(("handed_over", {"to": plan.hands_over_to}, span(draw, plan.stays)))
        self._later(wait, page, received, acts)

    def _later(
        self, wait: float, page: Mapping[str, Any], received: Received, acts: list[tuple[str, dict[str, str], float]]
    ) -> None:
        number = self._cases[received.incident]

        async def act() -> None:
            if self._cases[received.incident] != number:
                return  # somebody else goes
            verb, words, _ = acts[0]
            refused = await self.crowd.say(self, page, verb, words)
            received.taps.append(Tap(at=self.clock.now, verb=verb, refused=refused))
            if verb == "arrived" and not refused and received.resident:
                self.helps(received.resident)
            if (not refused or verb == "left") and len(acts) > 1:
                self._later(acts[1][2], page, received, acts[1:])

        self.clock.after(wait, act)


class Crowd:
    """Everybody who is called, and the one HTTP server that stands for their telephones."""

    def __init__(self, key: str, clock: Lockstep, chronicle: Chronicle) -> None:
        self._key, self._clock, self._chronicle = key, clock, chronicle
        self._http = httpx.AsyncClient(timeout=60.0)
        self.by_path: dict[str, Person] = {}

    async def say(self, person: Person, page: Mapping[str, Any], verb: str, words: Mapping[str, str]) -> str:
        """Give one answer; return why it was refused, empty when it was not."""
        body = answer_body(page, verb, words)
        if person.terminal:
            person.terminal.publish(f"{person.prefix}answer", body)
            return ""
        url = str(page.get("answer_url", ""))
        try:
            said = await self._http.post(url, content=body, headers={"Content-Type": "application/json"})
        except httpx.HTTPError as error:
            self._chronicle.fault(f"an answer to page {page.get('page')}: {error!r}")
            return repr(error)
        if not said.is_success and said.status_code not in DECLINED:
            self._chronicle.fault(f"an answer to a page was met with {said.status_code} {said.text[:100]}")
        self._clock.stir()
        return "" if said.is_success else f"{said.status_code} {said.text[:60]}"

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take one webhook and return the HTTP status. A telephone without power gives no answer worth having."""
        person = self.by_path.get(path)
        if person is None:
            self._chronicle.fault(f"a page for {path}, who is nobody here")
            return 404
        if wrong := genuine(self._key, headers, body, self._clock.now.timestamp()):
            self._chronicle.fault(f"a page is not the hub's: {wrong}")
            return 401
        if person.flat:
            return 503
        try:
            page = json.loads(body)
        except ValueError:
            return 400
        person.called(page if isinstance(page, dict) else {})
        return 200

    async def app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The ASGI application."""
        await answered(self.receive, scope, receive, send)

    async def aclose(self) -> None:
        await self._http.aclose()
