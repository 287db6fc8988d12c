"""Disaster mode at the simulated desk: declared when it is proposed, and then a house is taken as one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

from simulator import operator
from simulator.by_house import DECIDES_S, HEARD_AFTER_S
from simulator.desk import IN_HAND, LOOK_ANYWAY_S, Operators, Seat
from simulator.operator import Case, ConsoleClient, House, Offered
from tests.unit.simulator.test_desk import USUAL, Room, Screen, row

GUARD = Offered(31, "物业", True)


@dataclass
class Disaster(Screen):
    """A console on which disaster mode may be declared."""

    pressed: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)

    async def do(self, incident: int, verb: str, **words: str) -> tuple[int, str]:
        if verb == "take":
            self.cases = [
                replace(case, state="en_route", responder=True, handled=True) if case.incident == incident else case
                for case in self.cases
            ]
        return await super().do(incident, verb, **words)

    async def declare(self, reason: str, minutes: int) -> tuple[int, str]:
        self.declared.append(reason)
        self.proposed = False
        return 204, ""

    async def rows(self, incidents: Sequence[int]) -> list[Case]:
        return [case for case in self.cases if case.incident in incidents]

    async def offered(self, incidents: Sequence[int]) -> list[Offered]:
        return [Offered(29, "第三方", True), Offered(30, "物业", False), GUARD]

    async def group(self, incidents: Sequence[int], verb: str, **words: str) -> tuple[int, str]:
        self.pressed.append((verb, tuple(incidents), words.get("person", "")))
        return 200, ""


class Hall(Room):
    """A room with a supervisor in it, and a console in disaster mode."""

    def __init__(self, *, chief: bool = True) -> None:
        super().__init__()
        self.screen = self.console = Disaster()
        seats = [Seat(name, cast("ConsoleClient", self.console)) for name in ("desk1", "chief1")]
        self.desk = Operators(
            seats[:1], USUAL, self.clock, self.chronicle, seed="1", matter=lambda _name: None,
            session=timedelta(hours=12), chief=seats[1] if chief else None,
        )  # fmt: skip

    def house(self, *cases: Case) -> list[Case]:
        self.console.houses = (House(tuple(cases)),)
        return list(cases)


def open_cases(*numbers: int) -> list[Case]:
    return [row("open", incident=number) for number in numbers]


def test_supervisor_declares_what_the_console_proposes_once() -> None:
    async def night() -> None:
        hall = Hall()
        hall.console.proposed = True
        await hall.until(LOOK_ANYWAY_S + DECIDES_S + 1, shows=open_cases(7))
        assert len(hall.console.declared) == 1
        await hall.desk.aclose()

    asyncio.run(night())


def test_without_a_supervisor_nobody_declares_it_and_every_case_is_taken_alone() -> None:
    async def night() -> None:
        hall = Hall(chief=False)
        hall.console.proposed = True
        await hall.until(LOOK_ANYWAY_S + DECIDES_S + 1, shows=hall.house(*open_cases(7, 8, 9)))
        assert (hall.console.declared, hall.console.pressed) == ([], [])
        assert (7, "take") in hall.console.done
        await hall.desk.aclose()

    asyncio.run(night())


def test_house_is_taken_as_one_and_a_guard_is_sent_to_those_who_have_nobody() -> None:
    async def night() -> None:
        hall = Hall()
        cases = hall.house(*open_cases(7, 8, 9))
        await hall.until(11, shows=cases)
        assert hall.console.pressed == [("take", (7, 8, 9), "")]
        taken = [replace(case, state="taken", handled=True, responder=case.incident == 9) for case in cases]
        cases = hall.house(*taken)
        await hall.until(21, shows=cases)
        assert hall.console.pressed[1:] == [("send", (7, 8), str(GUARD.person))]
        assert hall.console.done == [], "nothing was done to one of them alone"
        ended = hall.house(*(replace(case, state="handed_over", responder=True) for case in cases))
        await hall.until(HEARD_AFTER_S + 600, shows=ended)
        assert {number for number, verb in hall.console.done if verb == "close"} == {7, 8, 9}
        await hall.desk.aclose()

    asyncio.run(night())


def test_cases_on_a_list_before_it_was_declared_are_taken_with_their_house() -> None:
    async def night() -> None:
        hall = Hall()
        cases = open_cases(*range(6, 14))
        await hall.until(1, shows=cases)
        hall.house(*cases)
        await hall.until(LOOK_ANYWAY_S + 40, shows=cases)
        alone = {number for number, verb in hall.console.done if verb == "take"}
        ((verb, together, _),) = hall.console.pressed[:1]
        assert (verb, alone & set(together), alone | set(together)) == ("take", set(), set(range(6, 14)))
        assert len(alone) <= 2, "whom she has begun on stays hers; the others are on her list no more one by one"
        await hall.desk.aclose()

    asyncio.run(night())


def test_house_whose_first_case_ended_meanwhile_is_not_forgotten() -> None:
    async def night() -> None:
        hall = Hall()
        cases = hall.house(*open_cases(7, 8, 9))
        hall.desk._looked = None
        hall.screen.cases, hall.clock.open = cases, 3
        await hall.desk.look()
        left = hall.house(*cases[1:])
        await hall.until(LOOK_ANYWAY_S * 2, shows=left)
        assert [press for press in hall.console.pressed if press[0] == "take"] == [("take", (8, 9), "")]
        await hall.desk.aclose()

    asyncio.run(night())


def test_who_has_her_hands_full_takes_no_other_house() -> None:
    """What is taken rings nobody: a house that is taken and left lying would be worse off than one that waits."""

    async def night() -> None:
        hall = Hall()
        cases = open_cases(*range(1, 2 * IN_HAND + 1))
        hall.console.houses = (House(tuple(cases[:IN_HAND])), House(tuple(cases[IN_HAND:])))
        await hall.until(11, shows=cases)
        assert hall.console.pressed == [("take", tuple(range(1, IN_HAND + 1)), "")]
        assert not hall.desk.working[IN_HAND + 1].of_house
        left = cases[IN_HAND:]
        hall.console.houses = (House(tuple(left)),)
        await hall.until(LOOK_ANYWAY_S * 3, shows=left)
        together = {number for verb, numbers, _ in hall.console.pressed[1:] if verb == "take" for number in numbers}
        alone = {number for number, verb in hall.console.done if verb == "take"}
        assert together | alone == set(range(IN_HAND + 1, 2 * IN_HAND + 1))
        assert len(together) > IN_HAND / 2
        await hall.desk.aclose()

    asyncio.run(night())


def test_page_of_a_console_in_disaster_mode_is_read() -> None:
    section = (
        '<section class="place sev-1"><h3><b>和平里 3 号楼</b></h3><ol>'
        '<li><a class="row sev-1" data-incident="41" data-pages=""><strong>王</strong>'
        '<span class="row-what">呼救</span><span class="state state-open">待接</span></a></li></ol></section>'
    )
    sheet = (
        '<label class="choice"><input type="radio" name="person" value="8" required disabled><span><b>张</b>'
        '<small>物业 · 不在岗</small></span></label><label class="choice"><input type="radio" name="person" value="9"'
        " required><span><b>马</b><small>社区</small></span></label>"
    )
    assert [[case.incident for case in operator.cases(part)] for part in operator.PLACE.findall(section)] == [[41]]
    assert operator.OFFERED.findall(sheet) == [("8", " disabled", "物业 · 不在岗"), ("9", "", "社区")]
