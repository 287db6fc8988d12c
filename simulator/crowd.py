"""The people who are called, in the town's time: an app behind a signed webhook, or a terminal over MQTT.

Each answers on the channel that called: a tap on the page's link over HTTP, a word from the terminal. A case is played
once by each, however often it rings.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import exp, log
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from simulator.chronicle import Chronicle
from simulator.lockstep import Lockstep
from simulator.responders import answer_body, genuine
from simulator.story import ZONE, Answers, Manners, Span
from simulator.town_file import Received, Tap, TownPerson
from simulator.webhook import answered
from simulator.wire import MqttLine

DECLINED = (409, 410)  # somebody was quicker; the case is over
NINE_TENTHS = 1.2816  # of a normal distribution
LONGEST = 4.0  # nobody takes more than so many times the longer end
OTHERS = 1_000_000  # from a page's number to one that is nobody's
NOTICES_S = Span(low_s=8, high_s=45)  # that it was the wrong button, the old page, the wrong code
FAR_DEG = 0.05  # some five kilometres
SHARP_M = 15.0  # of a phone in the open


@dataclass(frozen=True)
class Act:
    """One thing somebody does about a page, so long after the one before."""

    verb: str
    after_s: float = 0.0
    words: Mapping[str, Any] = field(default_factory=dict)
    goes_on: bool = False  # whatever he is told
    page: Mapping[str, Any] | None = None  # another than the one that called


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
    _last: Mapping[str, Any] | None = None  # the page of the case before

    def __post_init__(self) -> None:
        self.crowd.everybody.append(self)

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
        too = self._other(received).random() < self.manners.comes_too
        if received.purpose == "stand_down":
            if not too:
                self._cases[received.incident] = self._cases.get(received.incident, 0) + 1
        elif received.purpose == "alarm" and received.incident not in self._cases:
            self._cases[received.incident] = 1
            acts = self._answer(page, received)
            self._later([replace(act, goes_on=True) for act in acts] if too else acts, page, received)
            self._last = page

    def _other(self, received: Received) -> random.Random:
        """Chance of its own for what few people do: the others answer as they would without it."""
        return random.Random(f"{self.seed}:{received.incident}:other")

    def _answer(self, page: Mapping[str, Any], received: Received) -> list[Act]:
        """Return what he will do about it."""
        plan, draw, other = self.manners, random.Random(f"{self.seed}:{received.incident}"), self._other(received)
        other.random()  # whether he comes too
        roll = draw.random()
        if plan.does is Answers.SILENT or roll < plan.silent:
            return []
        wait = span(draw, plan.answers)
        if plan.does is Answers.CANNOT_GO or roll < plan.silent + plan.cannot_go:
            return [Act("cannot_go", wait)]
        wrong = self._wrong_at_first(other, page)
        acts = [*wrong, Act("accept", span(other, NOTICES_S))]
        acts[0] = replace(acts[0], after_s=wait)
        if draw.random() < plan.gives_up:
            return [*acts, Act("cannot_go", span(draw, plan.leaves))]
        acts += [Act("en_route", span(draw, plan.leaves)), *self._arrives(other, span(draw, plan.arrives), received)]
        if draw.random() < plan.leaves_early:
            acts.append(Act("left", 45.0, goes_on=True))
        if not wrong and other.random() < plan.wrong_button:  # he is still there, and says so
            acts += [
                Act("handed_over", 5.0, {"to": "?"}, goes_on=True),
                Act("arrived", span(other, NOTICES_S), {"nonce": f"{received.page}-still"}, goes_on=True),
            ]
        over = {"to": plan.hands_over_to, "nonce": f"{received.page}-over"}
        acts.append(Act("handed_over", span(draw, plan.stays), over))
        return self._until_his_shift_ends(other, acts)

    def _wrong_at_first(self, draw: random.Random, page: Mapping[str, Any]) -> list[Act]:
        """Return what he does before he does it right: the page of last time, a code that is none, the other button."""
        plan, found = self.manners, list[Act]()
        if self._last is not None and draw.random() < plan.old_page:
            found.append(Act("accept", goes_on=True, page=self._last))
        if draw.random() < plan.wrong_code:
            typed = {"page": int(page["page"]) + OTHERS, "answer_url": f"{str(page.get('answer_url', ''))[:-6]}AAAAAA"}
            found.append(Act("accept", goes_on=True, page={**page, **typed}))
        if draw.random() < plan.wrong_button / 2:
            found.append(Act("cannot_go", goes_on=True))
        return [replace(act, after_s=span(draw, NOTICES_S)) for act in found]

    def _arrives(self, draw: random.Random, way_s: float, received: Received) -> list[Act]:
        """Return how he says that he is there; some say it before they are, and their phones know where they are."""
        home = self.crowd.homes.get(received.resident)
        if home is None or draw.random() >= self.manners.elsewhere:
            return [Act("arrived", way_s)]
        far = {"lat": home[0] + FAR_DEG, "lon": home[1], "accuracy_m": SHARP_M}
        near = {"lat": home[0], "lon": home[1], "accuracy_m": SHARP_M}
        return [
            Act("arrived", way_s / 2, {"position": far}),
            Act("arrived", way_s / 2, {"position": near, "nonce": f"{received.page}-there"}),
        ]

    def _until_his_shift_ends(self, draw: random.Random, acts: list[Act]) -> list[Act]:
        """Who goes off duty while he is there hands over to a colleague; who is still on his way turns back."""
        ends = self._off_duty()
        if ends is None or draw.random() >= self.manners.ends_with_shift:
            return acts
        left_s = (ends - self.clock.now).total_seconds()
        for at, act in enumerate(acts):
            if act.after_s <= left_s:
                left_s -= act.after_s
                continue
            there = any(each.verb == "arrived" for each in acts[:at])
            colleague = self.crowd.relieves(self)
            last = Act("handed_over", left_s, {"to": colleague}) if there and colleague else Act("cannot_go", left_s)
            return acts if there and not colleague else [*acts[:at], last]
        return acts

    def _off_duty(self) -> datetime | None:
        """Return when his shift ends; None: he keeps no hours, or is not on duty."""
        if self.who.shift is None:
            return None
        now = self.clock.now.astimezone(ZoneInfo(ZONE))
        hour, minute = (int(part) for part in self.who.shift.until.split(":"))
        end = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=hour, minutes=minute)
        return end if end > now else end + timedelta(days=1)

    def _later(self, acts: Sequence[Act], page: Mapping[str, Any], received: Received) -> None:
        if not acts:
            return
        number, one = self._cases[received.incident], acts[0]

        async def act() -> None:
            if self._cases[received.incident] != number:
                return  # somebody else goes
            refused = await self.crowd.say(self, one.page or page, one.verb, one.words)
            received.taps.append(Tap(at=self.clock.now, verb=one.verb, refused=refused))
            if one.verb == "arrived" and not refused and received.resident:
                self.helps(received.resident)
            if not refused or one.goes_on:
                self._later(acts[1:], page, received)

        self.clock.after(one.after_s, act)


class Crowd:
    """Everybody who is called, and the one HTTP server that stands for their telephones."""

    def __init__(self, key: str, clock: Lockstep, chronicle: Chronicle) -> None:
        self._key, self._clock, self._chronicle = key, clock, chronicle
        self._http = httpx.AsyncClient(timeout=60.0)
        self.by_path: dict[str, Person] = {}
        self.everybody: list[Person] = []
        self.homes: Mapping[str, tuple[float, float]] = {}  # of residents by name

    def relieves(self, person: Person) -> str:
        """Return who comes on duty when somebody goes off it, of the same role and place; "": nobody."""
        assert person.who.shift is not None
        same = (person.who.role, person.who.area, person.who.shift.until)
        return next(
            (each.who.name for each in self.everybody
             if each.who.shift is not None and (each.who.role, each.who.area, each.who.shift.since) == same), "",
        )  # fmt: skip

    async def say(self, person: Person, page: Mapping[str, Any], verb: str, words: Mapping[str, Any]) -> str:
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
