"""Disaster mode at the desk: a supervisor declares it when the console proposes it; then a house is taken as one.

Six operators cannot take two thousand calls one by one before the first of them have waited for hours. As the console
offers it: all of a house are taken with one button, and one person is sent to those who have nobody. What was found
behind each door is heard, and each case ended, one by one.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import httpx

from simulator.chronicle import Chronicle
from simulator.lockstep import Lockstep
from simulator.operator import Case, ConsoleClient, House
from simulator.town_file import Deed

if TYPE_CHECKING:
    from simulator.desk import Operators, Seat, Working

Answer = TypeVar("Answer")

DECIDES_S = 60.0  # from the proposal to the declaration: she looks, and asks what has happened
MINUTES = 480
REASON = "地震，全镇求助"
TOGETHER = 3  # cases of one house that are taken as one; fewer are taken one by one
AT_ONCE = 100  # of one house
HEARD_AFTER_S = 240.0  # whoever was sent has had the time to say that he goes
FIRST_ASKED = ("物业", "Property", "社区", "Community")  # who is near all doors of a house


class ByHouse:
    """What the desk does in disaster mode; without a supervisor nobody declares it, and this does nothing."""

    def __init__(self, desk: "Operators", chief: "Seat | None", clock: Lockstep, chronicle: Chronicle) -> None:
        self._desk, self._chief, self._clock, self._chronicle = desk, chief, clock, chronicle
        self._decides = False
        self._houses: Sequence[House] = ()

    @property
    def seats(self) -> "Sequence[Seat]":
        return [self._chief] if self._chief else []

    def seen(self, screen: ConsoleClient) -> None:
        """Note what the queue's page says besides its rows."""
        if self._chief is None:
            return
        self._houses = screen.houses
        if screen.proposed and not self._decides:
            self._decides = True
            self._clock.after(DECIDES_S, partial(self._declare, self._chief))

    def houses(self, found: Sequence[Case]) -> list[list[Case]]:
        """Return the houses that are to be taken as one: of each, who has no operator and whom nobody has begun on."""
        there = {case.incident for case in found}
        free = [
            [case for case in house.cases
             if case.incident in there and self._untouched(case) and case.state != "confirming"][:AT_ONCE]
            for house in self._houses
        ]  # fmt: skip
        return [cases for cases in free if len(cases) >= TOGETHER]

    def _untouched(self, case: Case) -> bool:
        on_list = self._desk.working.get(case.incident)
        return not case.handled and (on_list is None or (on_list.acts == 0 and not on_list.of_house))

    async def act(self, incident: int, work: "Working") -> None:
        """Take a house; the next thing on her list is whom she sends there."""
        desk = self._desk
        mine = {number: at for number in work.house if (at := desk.working.get(number)) and at.seat is work.seat}
        if work.step == "take":
            if await self._press(work.seat, list(mine), "take"):
                work.step = "send"
            desk.again(incident, work, at_once=work.step == "send")
            return
        work.house = ()
        now = await self._rows(work.seat, list(mine))
        nobody = [number for number in mine if number in now and not now[number].responder]
        if nobody and (person := await self._whom(work.seat, nobody)):
            await self._press(work.seat, nobody, "send", person=str(person))
        for number, at in mine.items():
            at.step, at.sent_at = "speak", at.sent_at or self._clock.now
            case = now.get(number)
            at.waits = ("dispatched", False, False) if case is None or number in nobody else case.standing
            desk.later(number, at, HEARD_AFTER_S)

    async def _declare(self, chief: "Seat") -> None:
        try:
            status, said = await self._desk.asked(chief, partial(chief.client.declare, REASON, MINUTES))
        except (httpx.HTTPError, PermissionError) as error:
            status, said = 0, repr(error)
        if status >= 400 or not status:
            self._chronicle.fault(f"{chief.key} could not declare disaster mode: {status} {said}")
        self._clock.stir()

    async def _press(self, seat: "Seat", incidents: Sequence[int], verb: str, **words: str) -> bool:
        if not incidents:
            return True
        answer = await self._asked(seat, partial(seat.client.group, incidents, verb, **words))
        if answer is None:
            return False
        status, said = answer
        for number in incidents:
            done = "dispatch" if verb == "send" else verb
            deed = Deed(at=self._clock.now, operator=seat.key, incident=number, verb=done, status=status, said=said)
            self._chronicle.deed(deed)
        self._clock.stir()
        return status < 400

    async def _rows(self, seat: "Seat", incidents: Sequence[int]) -> dict[int, Case]:
        found = await self._asked(seat, partial(seat.client.rows, incidents)) or []
        return {case.incident: case for case in found if case.incident in set(incidents)}

    async def _whom(self, seat: "Seat", incidents: Sequence[int]) -> int | None:
        offered = await self._asked(seat, partial(seat.client.offered, incidents)) or []
        can = [one for one in offered if one.can]
        near = [one for word in FIRST_ASKED for one in can if one.role.startswith(word)]
        return next((one.person for one in (*near, *can)), None)

    async def _asked(self, seat: "Seat", ask: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Ask the console; None, and a line of the report, where it does not answer."""
        try:
            return await self._desk.asked(seat, ask)
        except (httpx.HTTPError, PermissionError) as error:
            self._chronicle.fault(f"operator {seat.key}: {error!r}")
            return None
