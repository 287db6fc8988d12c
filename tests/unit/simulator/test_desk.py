"""Operators in the town's time: who is signed out signs in again, and no case is let go."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from simulator.chronicle import Chronicle
from simulator.desk import LOOK_ANYWAY_S, Operators, Seat
from simulator.lockstep import Lockstep
from simulator.operator import Case, ConsoleClient, House, SignedOutError
from simulator.story import Desk, Span
from simulator.town_file import Happened, Town
from simulator.wire import Traffic

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
USUAL = Desk(number=1, takes=Span(low_s=10, high_s=10), works=Span(low_s=20, high_s=20))


@dataclass
class Screen:
    """A console with what a test puts on it."""

    cases: list[Case] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    done: list[tuple[int, str]] = field(default_factory=list)  # case, verb
    sign_ins: int = 0
    looks: int = 0
    signed_out: bool = False
    houses: tuple[House, ...] = ()
    proposed: bool = False

    async def sign_in(self) -> None:
        self.sign_ins, self.signed_out = self.sign_ins + 1, False

    async def events(self) -> AsyncIterator[str]:
        yield "hub:hello"
        await asyncio.Event().wait()

    async def queue(self) -> tuple[list[Case], tuple[int, ...]]:
        if self.signed_out:
            raise SignedOutError
        self.looks += 1
        return list(self.cases), ()

    async def row(self, incident: int) -> Case | None:
        if self.signed_out:
            raise SignedOutError
        return next((case for case in self.cases if case.incident == incident), None)

    async def do(self, incident: int, verb: str, **words: str) -> tuple[int, str]:
        self.verbs.append(verb)
        self.done.append((incident, verb))
        return 204, ""

    async def aclose(self) -> None: ...


def row(state: str, *, responder: bool = False, alone: bool = False, incident: int = 7, kind: str = "sos") -> Case:
    return Case(
        incident=incident, state=state, kind=kind, resident="王秀兰", pages=(), responder=responder, handled=False,
        alone=alone,
    )  # fmt: skip


class Room:
    """One operator, her screen, and a calendar that a test turns."""

    def __init__(self) -> None:
        self.screen = Screen()
        self.clock = Lockstep("http://127.0.0.1:1/step", "k", NOON, Traffic())
        town = Town(
            title="x", seed=1, begins=NOON, ends=NOON, zone="Asia/Shanghai", communities=(), residents=(), gateways=(),
            people=(), operators=(),
        )  # fmt: skip
        self.chronicle = Chronicle(town, "x", "")
        fell = Happened(number=1, resident="r1", what="falls", at=NOON, kind="fall")
        seat = Seat("desk1", cast("ConsoleClient", self.screen))
        self.desk = Operators(
            [seat], USUAL, self.clock, self.chronicle, seed="1", matter=lambda _name: fell, session=timedelta(hours=12)
        )  # fmt: skip

    async def until(self, seconds: float, *, shows: Case | list[Case] | None) -> None:
        """Let time pass in the calendar's own steps; the screen shows a case, several, or none."""
        cases = shows if isinstance(shows, list) else [shows] if shows else []
        self.screen.cases, self.clock.open = cases, len(cases)
        goal = self.clock.now + timedelta(seconds=seconds)
        heap: list[Any] = self.clock._heap
        await self.desk.look()
        while heap and heap[0][0] <= goal:
            at = heap[0][0]
            self.clock.now = max(self.clock.now, at)
            deed = heap.pop(0)[2]
            heap.sort()
            if (result := deed()) is not None:
                await result
            await self.desk.look()
        self.clock.now = goal
        await self.desk.look()


def test_operator_whose_session_has_ended_signs_in_again_and_sees_the_case() -> None:
    async def day() -> None:
        room = Room()
        await room.desk.begin()
        room.screen.signed_out = True
        await room.until(11, shows=row("open"))
        assert (room.screen.sign_ins, room.screen.verbs) == (2, ["take"])
        assert room.chronicle.truth.faults == []
        await room.desk.aclose()

    asyncio.run(day())


def test_case_whose_taker_has_run_out_is_taken_again() -> None:
    async def day() -> None:
        room = Room()
        await room.until(11, shows=row("open"))
        await room.until(LOOK_ANYWAY_S * 3, shows=row("en_route", responder=True))
        assert room.screen.verbs == ["take"]
        await room.until(LOOK_ANYWAY_S, shows=row("en_route", responder=True, alone=True))
        await room.until(LOOK_ANYWAY_S, shows=row("en_route", responder=True, alone=True))
        assert room.screen.verbs[:2] == ["take", "take"]
        await room.desk.aclose()

    asyncio.run(day())


def test_case_nobody_comes_to_is_worked_until_120_takes_over() -> None:
    async def day() -> None:
        room = Room()
        await room.until(11, shows=row("open"))
        await room.until(5_400, shows=row("dispatched"))
        assert {"call", "hand_over", "close"} <= set(room.screen.verbs)
        await room.desk.aclose()

    asyncio.run(day())


def test_nothing_open_is_not_looked_at() -> None:
    async def day() -> None:
        room = Room()
        await room.until(3_600, shows=None)
        assert room.screen.looks == 0
        await room.desk.aclose()

    asyncio.run(day())


def test_one_operator_has_one_telephone() -> None:
    async def day() -> None:
        room = Room()
        ringing = [row("open", incident=number) for number in (7, 8, 9)]
        await room.until(11, shows=ringing)
        assert room.screen.done == [(7, "take")]
        await room.until(20, shows=[row("taken", incident=7), *ringing[1:]])
        assert room.screen.done[1:] == [(7, "dispatch")], "she speaks with whom she has taken: others ring on meanwhile"
        await room.until(10, shows=[row("dispatched", incident=7), *ringing[1:]])
        assert room.screen.done[2:] == [(8, "take")]
        await room.until(30, shows=[row("dispatched", incident=7), row("taken", incident=8), ringing[2]])
        assert room.screen.done[3:] == [(8, "dispatch"), (9, "take")]
        await room.desk.aclose()

    asyncio.run(day())


def test_person_goes_before_a_device_that_waited_longer() -> None:
    async def day() -> None:
        room = Room()
        silent = [row("open", incident=number, kind="other") for number in (1, 2)]
        await room.until(1, shows=silent)
        await room.until(20, shows=[*silent, row("open", incident=7)])
        assert room.screen.done[:2] == [(1, "take"), (7, "take")]
        await room.desk.aclose()

    asyncio.run(day())


def test_who_waits_for_the_scene_answers_others_meanwhile() -> None:
    async def day() -> None:
        room = Room()
        going = row("en_route", responder=True, incident=7)
        await room.until(11, shows=row("open", incident=7))
        await room.until(30, shows=going)
        await room.until(15, shows=[going, row("open", incident=8)])
        assert (8, "take") in room.screen.done
        await room.desk.aclose()

    asyncio.run(day())


def test_case_that_comes_back_although_somebody_was_sent_is_taken_at_once() -> None:
    async def day() -> None:
        room = Room()
        await room.until(11, shows=row("open"))
        await room.until(21, shows=row("taken"))
        assert room.screen.verbs == ["take", "dispatch"]
        await room.until(60, shows=row("dispatched"))
        assert room.screen.verbs == ["take", "dispatch"], "nothing is new"
        room.clock.stir()
        await room.until(26, shows=row("open"))  # she pressed again: worse, and nobody's any more
        assert room.screen.verbs == ["take", "dispatch", "take"]
        await room.desk.aclose()

    asyncio.run(day())


def test_whoever_has_her_hands_full_does_not_read_the_whole_queue_at_every_word() -> None:
    async def day() -> None:
        room = Room()
        crowd = [row("open", incident=number) for number in range(1, 60)]
        await room.until(LOOK_ANYWAY_S, shows=crowd)
        looks = room.screen.looks
        await room.until(600, shows=crowd)
        assert len(room.screen.done) > 25
        assert room.screen.looks - looks <= 1 + 600 / LOOK_ANYWAY_S
        await room.desk.aclose()

    asyncio.run(day())
