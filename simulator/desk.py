"""Operators in the town's time: each case from the bell to the disposition, through the console's own pages.

An operator knows what a telephone tells her: she asks whoever answers, which is the truth of the town. What the console
refuses is written down and tried again, as somebody at a desk would.
"""

import asyncio
import contextlib
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import httpx

from simulator.by_house import ByHouse
from simulator.chronicle import Chronicle
from simulator.crowd import span
from simulator.lockstep import Lockstep
from simulator.operator import Case, ConsoleClient, SignedOutError
from simulator.story import Desk, Happens, Script
from simulator.town_file import Deed, Happened

LOOK_S = 5.0  # of the town's time between two looks at the queue
LOOK_ANYWAY_S = 60.0  # so long she looks at nothing when nothing is heard
HELLO_LIMIT_S = 10.0  # of real time, for the console's stream to open
SENT_AGAIN_S = 480.0  # nobody has said that he goes: the next step
CALLS_120 = timedelta(minutes=45)
TAKES_OVER = timedelta(minutes=15)  # 120 needs so long to be there
WAITS_S = 600.0  # who waits for the scene looks again when its row changes, and after so long
FIRST = 1_000_000_000  # places further up the list
IN_HAND = 60  # of cases taken by houses: before so many have ended, she takes no other house
GIVES_UP = 200  # acts on one case; then the report says that it did not end
WAITING = ("dispatched", "en_route", "on_scene")
SENT = ("dispatched", False, False)  # a row of whom nobody has said yet that he goes
VOICE = {  # who can speak for herself: how it ends
    Happens.PRESSES_BY_ACCIDENT: "accidental", Happens.PRESSES_TO_TEST: "test", Happens.PRESSES_LONELY: "reassured",
    Happens.WATCH_OFF: "reassured", Happens.WRONG_WEARER: "found_well", Happens.GOES_OUT: "not_at_home",
    Happens.AWAY: "not_at_home", Happens.VISITED: "found_well", Happens.TAP: "service",
    Happens.FALLS_AND_CANCELS: "found_well",
}  # fmt: skip
SCENE = {
    Happens.FALLS: "lifted", Happens.FALLS_LOCKED: "forced_entry", Happens.DIES: "deceased",
    Happens.SMOKE: "found_well", Happens.GAS: "found_well", Happens.BREATHLESS: "hospital",
}  # fmt: skip
Answer = TypeVar("Answer")


@dataclass
class Seat:
    """One operator's sign-in, and the console that stands open before her: its stream is what says she is there."""

    key: str
    client: ConsoleClient
    until: datetime | None = None
    cases: int = 0
    busy: bool = False  # one telephone: what else there is to do waits
    todo: list[tuple[bool, int, int, int, float]] = field(default_factory=list)  # technical, order, case, turn, seconds
    listens: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether she has people to go on with when she has done what she does."""
        return self.busy and bool(self.todo) and not self.todo[0][0]

    async def listen(self) -> None:
        """Open the stream, if it is not; return when the console has said that it knows of it."""
        if self.listens is not None and not self.listens.done():
            return
        heard = asyncio.Event()
        self.listens = asyncio.create_task(self._listening(heard), name=f"{self.key} listens")
        with contextlib.suppress(TimeoutError):  # her next look opens it
            async with asyncio.timeout(HELLO_LIMIT_S):
                await heard.wait()

    async def _listening(self, heard: asyncio.Event) -> None:
        try:
            with contextlib.suppress(httpx.HTTPError, httpx.StreamError):
                async for _ in self.client.events():
                    heard.set()
        finally:
            heard.set()

    async def aclose(self) -> None:
        if self.listens is not None:
            self.listens.cancel()
            await asyncio.gather(self.listens, return_exceptions=True)
        await self.client.aclose()


@dataclass
class Working:
    """A case somebody works on."""

    seat: Seat
    since: datetime
    step: str = "take"
    acts: int = 0
    sent_at: datetime | None = None
    called_at: datetime | None = None
    held: bool = False
    turn: int = 0  # of its acts only the one put down last is done
    waits: tuple[str, bool, bool] | None = None  # for the row to be another than this
    house: tuple[int, ...] = ()  # in disaster mode the first of a house's cases stands for all of them
    of_house: bool = False


class Operators:
    """The desk. `look` after every step; everything else happens at its own time."""

    def __init__(
        self, seats: list[Seat], plan: Desk, clock: Lockstep, chronicle: Chronicle, *, seed: str,
        matter: Callable[[str], Happened | None], session: timedelta, chief: Seat | None = None,
    ) -> None:  # fmt: skip
        self._disaster = ByHouse(self, chief, clock, chronicle)
        self._seats, self._plan, self._clock, self._chronicle = seats, plan, clock, chronicle
        self._matter, self._session = matter, session
        self._draw = random.Random(f"{seed}:desk")
        self._cases: dict[int, Case] = {}
        self._order = itertools.count()
        self.working: dict[int, Working] = {}
        self._looked: datetime | None = None
        self._heard = (-1, -1)  # what had stirred, and how many cases were open, when she looked

    async def begin(self) -> None:
        """Everybody sits down: a page to whoever's console is open arrives there."""
        for seat in (*self._seats, *self._disaster.seats):
            try:
                await self._signed_in(seat)
            except (httpx.HTTPError, PermissionError) as error:
                self._chronicle.fault(f"operator {seat.key}: {error!r}")

    async def look(self) -> None:
        """Look at the queue, when there may be anything new in it and she has not just looked."""
        now, heard = self._clock.now, (self._clock.stirred, self._clock.open)
        if not self._seats or (not self._clock.open and not self.working):
            return
        since = LOOK_ANYWAY_S if self._looked is None else (now - self._looked).total_seconds()
        if since < LOOK_ANYWAY_S and heard == self._heard:
            return
        if all(seat.full for seat in self._seats) and not (self._disaster.seats and since >= LOOK_ANYWAY_S):
            return  # everybody has people to go on with: who is new waits in the queue; a supervisor's eye is on it
        if since < LOOK_S:
            self._clock.at(now + timedelta(seconds=LOOK_S - since), lambda: None)
            return
        await self._fetch()

    async def _fetch(self) -> None:
        self._looked, self._heard = self._clock.now, (self._clock.stirred, self._clock.open)
        seat = self._seats[0]
        try:
            found, notices = await self.asked(seat, seat.client.queue)
            if pages := (*notices, *(page for case in found for page in case.pages)):
                await seat.client.shown(pages)
        except (httpx.HTTPError, PermissionError) as error:
            self._chronicle.fault(f"operator: {error!r}")
            seat.until = None
            return
        self._disaster.seen(seat.client)
        self._seen(found)

    async def _row(self, seat: Seat, incident: int) -> Case | None:
        """Return a case as it stands now: she has it open before her. The whole queue is read when she looks up."""
        try:
            case = await self.asked(seat, partial(seat.client.row, incident))
        except (httpx.HTTPError, PermissionError) as error:
            self._chronicle.fault(f"operator {seat.key}: {error!r}")
            seat.until = None
            return self._cases.get(incident)
        if case is not None:
            self._cases[incident] = case
        return case

    def _seen(self, found: list[Case]) -> None:
        self._cases = {case.incident: case for case in found}
        for gone in [incident for incident in self.working if incident not in self._cases]:
            left = self.working.pop(gone)
            left.seat.cases -= 1
            self._inherit([number for number in left.house if number in self.working])
        for house in self._disaster.houses(found):
            seat = min(self._seats, key=lambda each: self._in_hand[each.key])
            if self._in_hand[seat.key] < IN_HAND:
                self._begin_house(house, seat)
        for case in found:
            work = self.working.get(case.incident)
            if work is None and case.state != "confirming":
                self._begin(case)
            elif work is not None and work.waits not in (None, case.standing):
                work.waits = None
                self.again(case.incident, work)

    def _begin(self, case: Case) -> None:
        seat = min(self._seats, key=lambda each: each.cases)
        seat.cases += 1
        work = self.working[case.incident] = Working(seat=seat, since=self._clock.now)
        self.again(case.incident, work, span(self._draw, self._plan.takes))

    @property
    def _in_hand(self) -> Counter[str]:
        return Counter(work.seat.key for work in self.working.values() if work.of_house)

    def _begin_house(self, house: Sequence[Case], seat: Seat) -> None:
        """One entry on one list instead of one for each, wherever they stood."""
        seat.cases += len(house)
        for case in house:
            before = self.working.get(case.incident)
            if before is not None:
                before.seat.cases -= 1
            turn = before.turn + 1 if before else 0  # what is on a list for it is done no more
            self.working[case.incident] = Working(seat=seat, since=self._clock.now, turn=turn, of_house=True)
        self._inherit([case.incident for case in house])

    def _inherit(self, house: Sequence[int]) -> None:
        """Let the first of these stand for all of them."""
        if house:
            first = self.working[house[0]]
            first.house = tuple(house)
            self.again(house[0], first, span(self._draw, self._plan.takes))

    def again(self, incident: int, work: Working, seconds: float | None = None, *, at_once: bool = False) -> None:
        """Put something on her list that takes her so long: one after another, people before devices.

        `at_once`: before everything of its kind. Whoever takes a case opens its line; what she has not taken goes on
        ringing others, what she has taken does not.
        """
        work.turn += 1
        case = self._cases.get(incident)
        takes_s = span(self._draw, self._plan.works) if seconds is None else seconds
        technical = case is not None and case.kind == "other"
        place = next(self._order) - (FIRST if at_once else 0)
        heapq.heappush(work.seat.todo, (technical, place, incident, work.turn, takes_s))
        self._begin_next(work.seat)

    def _begin_next(self, seat: Seat) -> None:
        while seat.todo and not seat.busy:
            _, _, incident, turn, takes_s = heapq.heappop(seat.todo)
            work = self.working.get(incident)
            if work is None or work.turn != turn:
                continue
            seat.busy = True
            self._clock.after(takes_s, partial(self._done, seat, incident, work, turn))

    async def _done(self, seat: Seat, incident: int, work: Working, turn: int) -> None:
        seat.busy = False
        try:
            await self._turn(incident, work, turn)
        finally:
            self._begin_next(seat)

    def later(self, incident: int, work: Working, seconds: float) -> None:
        """Look at it again when so long has passed; her telephone is free meanwhile."""
        work.turn += 1
        self._clock.after(seconds, partial(self._turn, incident, work, work.turn))

    async def _turn(self, incident: int, work: Working, turn: int) -> None:
        if work.house and self.working.get(incident) is work and work.turn == turn:
            await self._disaster.act(incident, work)
            return
        case = await self._row(work.seat, incident)
        if case is None or self.working.get(incident) is not work or work.turn != turn:
            return
        work.waits = None
        work.acts += 1
        if work.acts > GIVES_UP:
            self._chronicle.fault(f"operator: case {incident} did not end after {GIVES_UP} acts")
            return
        await self._act(case, work)

    async def _act(self, case: Case, work: Working) -> None:
        """The next thing to be done about a case."""
        matter = self._matter(case.resident)
        if work.step == "take" or case.alone or case.state == "open":  # hers has run out: she takes it again
            if await self._do(work, case.incident, "take"):
                work.step = "speak"
            asks = self._plan.script is Script.SLOW and matter is not None and matter.what == Happens.SAYS_ONLY_HELP
            takes_s = 3 * self._plan.works.high_s if asks else None
            self.again(case.incident, work, takes_s, at_once=work.step == "speak")
        elif self._plan.script is Script.HOLDS and not work.held and case.state not in WAITING:
            work.held = True
            minutes = str(min((5, 10, 15, 30), key=lambda each: abs(each * 60 - self._plan.holds_s)))
            await self._do(work, case.incident, "hold", minutes=minutes, reason="另一个电话在等，请稍候")
            self.later(case.incident, work, self._plan.holds_s + 60)
        elif case.state in ("handed_over", "resolved"):
            await self._close(case, work, SCENE.get(_what(matter), "treated_home"), "scene")
        elif case.state in WAITING or case.responder:
            await self._wait(case, work)
        elif matter is None or matter.what in VOICE:
            ended = VOICE[_what(matter)] if matter else "device_fault" if case.kind == "other" else "found_well"
            await self._close(case, work, ended, "voice")
        else:
            await self._send(case, work, matter)

    async def _send(self, case: Case, work: Working, matter: Happened) -> None:
        """No speech is an emergency: somebody goes, at once."""
        if work.sent_at is None and matter.what == Happens.FALLS_LOCKED:
            await self._do(work, case.incident, "door_code")
        work.sent_at = work.sent_at or self._clock.now
        await self._do(work, case.incident, "dispatch", no_speech="1")
        work.waits = SENT  # whatever else becomes of it she looks at
        self.later(case.incident, work, SENT_AGAIN_S / 2)

    async def _wait(self, case: Case, work: Working) -> None:
        """Somebody is on the way, or nobody yet; after long enough 120 is called, and takes over."""
        now = self._clock.now
        work.sent_at = work.sent_at or now
        if work.called_at is None and now - work.sent_at > CALLS_120:
            work.called_at = now
            await self._do(work, case.incident, "call", service="120", reference="0427")
        elif work.called_at is not None and now - work.called_at > TAKES_OVER:
            await self._do(work, case.incident, "hand_over", to="120 急救 0427")
            await self._close(case, work, "hospital", "scene")
            return
        elif not case.responder and case.state in ("taken", "open"):
            await self._do(work, case.incident, "dispatch", no_speech="1")
            self.later(case.incident, work, SENT_AGAIN_S)
            return
        work.waits = case.standing
        due_s = (work.called_at + TAKES_OVER if work.called_at else work.sent_at + CALLS_120) - now
        self.later(case.incident, work, min(WAITS_S, max(1.0, due_s.total_seconds() + 1)))

    async def _close(self, case: Case, work: Working, disposition: str, how: str) -> None:
        closed = await self._do(
            work, case.incident, "close", disposition=disposition, done="电话核实；到场查看", with_whom="家属",
            how=how, called_back="1",
        )  # fmt: skip
        if not closed:
            self.again(case.incident, work)

    async def _do(self, work: Working, incident: int, verb: str, **words: str) -> bool:
        try:
            status, said = await self.asked(work.seat, partial(work.seat.client.do, incident, verb, **words))
        except (httpx.HTTPError, PermissionError) as error:
            self._chronicle.fault(f"operator {work.seat.key}: {error!r}")
            work.seat.until = None
            return False
        self._chronicle.deed(
            Deed(at=self._clock.now, operator=work.seat.key, incident=incident, verb=verb, status=status, said=said)
        )
        self._clock.stir()  # what she did shows
        return status < 400

    async def asked(self, seat: Seat, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask the console. Whom it does not know any more signs in again, once."""
        await self._signed_in(seat)
        try:
            return await ask()
        except SignedOutError:
            seat.until = None
            await self._signed_in(seat)
            return await ask()

    async def _signed_in(self, seat: Seat) -> None:
        if seat.until is None or self._clock.now >= seat.until:
            await seat.client.sign_in()
            seat.until = self._clock.now + self._session * 0.7
        await seat.listen()

    async def aclose(self) -> None:
        for seat in (*self._seats, *self._disaster.seats):
            await seat.aclose()


def _what(matter: Happened | None) -> Happens:
    return Happens(matter.what) if matter else Happens.PRESSES
