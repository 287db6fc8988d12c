"""People who are called, in the town's time: who answers when, who is not reached, who turns round."""

import asyncio
import hashlib
import hmac
import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.chronicle import Chronicle
from simulator.crowd import Crowd, Person, span
from simulator.lockstep import Lockstep
from simulator.story import Answers, Manners, Span
from simulator.town_file import Town, TownPerson, TownShift
from simulator.wire import Traffic

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
SOON: dict[str, Any] = {"answers": Span(low_s=30, high_s=30), "leaves": Span(low_s=60, high_s=60)}
TIMES: dict[str, Any] = {**SOON, "arrives": Span(low_s=600, high_s=600), "stays": Span(low_s=900, high_s=900)}


class Listens(Crowd):
    """A crowd whose answers are kept, and refused where a test says so."""

    said: list[tuple[datetime, str]]
    told: list[tuple[str, str, Mapping[str, Any]]]  # page, verb, words
    refuses: frozenset[str] = frozenset()

    async def say(self, person: Person, page: Mapping[str, Any], verb: str, words: Mapping[str, str]) -> str:
        self.said.append((self._clock.now, verb))
        self.told.append((f"{page['page']} {page['answer_url']}", verb, words))
        return "409" if verb in self.refuses else ""


def crowd() -> tuple[Listens, Lockstep, Chronicle]:
    clock = Lockstep("http://127.0.0.1:1/step", "k", NOON, Traffic())
    town = Town(
        title="x", seed=1, begins=NOON, ends=NOON, zone="Asia/Shanghai", communities=(), residents=(), gateways=(),
        people=(), operators=(),
    )  # fmt: skip
    made = Listens("the key", clock, Chronicle(town, "x", ""))
    made.said, made.told = [], []
    return made, clock, made._chronicle


def person(
    made: Listens, manners: Manners, *, flat: bool = False, helped: list[str] | None = None,
    shift: TownShift | None = None, name: str = "赵师傅",
) -> Person:  # fmt: skip
    who = TownPerson(key="property-1", name=name, role="property", shift=shift)
    one = Person(
        who, manners, made._clock, made._chronicle, made, seed="1", flat=flat,
        helps=(helped if helped is not None else []).append,
    )  # fmt: skip
    made.by_path["/app/9"] = one
    return one


def page(number: int = 1, purpose: str = "alarm", incident: int = 7) -> dict[str, Any]:
    return {"page": number, "incident": incident, "purpose": purpose, "resident": {"name": "王秀兰"}, "answer_url": "x"}


def signed(made: Listens, body: bytes, key: str = "the key") -> int:
    stamp = str(int(made._clock.now.timestamp()))
    right = hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"x-carehub-timestamp": stamp, "x-carehub-signature": f"v1={right}", "idempotency-key": "k"}
    return made.receive("/app/9", headers, body)


def later(clock: Lockstep, seconds: float) -> None:
    async def run() -> None:
        goal = clock.now + timedelta(seconds=seconds)
        while clock._heap and clock._heap[0][0] <= goal:
            moment, _, deed = clock._heap.pop(0)
            clock.now = max(clock.now, moment)
            clock._heap.sort()
            if (result := deed()) is not None:
                await result
        clock.now = goal

    asyncio.run(run())


def test_page_that_comes_in_the_middle_of_a_step_is_of_the_moment_at_which_the_step_ends() -> None:
    made, clock, chronicle = crowd()
    person(made, Manners(who="property", **TIMES)).called(page())
    clock.now = NOON + timedelta(seconds=45)  # the hub says where it stopped
    later(clock, 3600)
    assert [(at - NOON).total_seconds() for at, _ in made.said][:2] == [75, 135]
    assert chronicle.truth.received[0].at == NOON + timedelta(seconds=45)


def test_guard_says_he_goes_sets_out_arrives_and_hands_over_each_at_its_time() -> None:
    made, clock, chronicle = crowd()
    helped: list[str] = []
    person(made, Manners(who="property", **TIMES), helped=helped).called(page())
    later(clock, 3600)
    assert [((at - NOON).total_seconds(), verb) for at, verb in made.said] == [
        (30, "accept"), (90, "en_route"), (690, "arrived"), (1590, "handed_over"),
    ]  # fmt: skip
    assert helped == ["王秀兰"]
    assert [tap.verb for tap in chronicle.truth.received[0].taps] == ["accept", "en_route", "arrived", "handed_over"]


def test_who_wants_to_leave_early_is_refused_and_stays() -> None:
    made, clock, _ = crowd()
    made.refuses = frozenset({"left"})
    person(made, Manners(who="property", leaves_early=1.0, **TIMES)).called(page())
    later(clock, 3600)
    assert [verb for _, verb in made.said] == ["accept", "en_route", "arrived", "left", "handed_over"]


def test_case_is_played_once_however_often_it_rings() -> None:
    made, clock, chronicle = crowd()
    one = person(made, Manners(who="property", **TIMES))
    for number in (1, 1, 2, 3):
        one.called(page(number))
    later(clock, 60)
    assert [verb for _, verb in made.said] == ["accept"]
    assert [received.copies for received in chronicle.truth.received] == [2, 1, 1]


def test_who_is_told_to_stand_down_turns_round() -> None:
    made, clock, _ = crowd()
    one = person(made, Manners(who="property", **TIMES))
    one.called(page())
    later(clock, 100)
    one.called(page(2, "stand_down"))
    later(clock, 3600)
    assert [verb for _, verb in made.said] == ["accept", "en_route"]


def test_who_was_not_quick_enough_does_not_set_out() -> None:
    made, clock, chronicle = crowd()
    made.refuses = frozenset({"accept"})
    person(made, Manners(who="property", **TIMES)).called(page())
    later(clock, 3600)
    assert [tap.refused for tap in chronicle.truth.received[0].taps] == ["409"]


@pytest.mark.parametrize(
    ("manners", "verbs"),
    [
        (Manners(who="x", does=Answers.SILENT), []), (Manners(who="x", silent=1.0), []),
        (Manners(who="x", does=Answers.CANNOT_GO, **SOON), ["cannot_go"]),
        (Manners(who="x", cannot_go=1.0, **SOON), ["cannot_go"]),
        (Manners(who="x", gives_up=1.0, **SOON), ["accept", "cannot_go"]),
    ],
)  # fmt: skip
def test_answer_is_as_the_story_says(manners: Manners, verbs: list[str]) -> None:
    made, clock, _ = crowd()
    person(made, manners).called(page())
    later(clock, 3600)
    assert [verb for _, verb in made.said] == verbs


def test_page_is_taken_from_the_hub_alone() -> None:
    made, clock, chronicle = crowd()
    person(made, Manners(who="property"))
    body = json.dumps(page()).encode()
    assert signed(made, body, key="another") == 401
    assert made.receive("/app/8", {}, body) == 404
    assert chronicle.truth.received == []
    assert signed(made, body) == 200
    later(clock, 0)
    assert len(chronicle.truth.received) == 1
    assert len(chronicle.truth.faults) == 2


def test_flat_telephone_receives_nothing() -> None:
    made, clock, chronicle = crowd()
    person(made, Manners(who="family"), flat=True)
    assert signed(made, json.dumps(page()).encode()) == 503
    later(clock, 3600)
    assert (chronicle.truth.received, made.said) == ([], [])


def test_eight_times_in_ten_it_takes_as_long_as_the_story_says() -> None:
    draw = random.Random(3)
    times = [span(draw, Span(low_s=20, high_s=180)) for _ in range(4000)]
    inside = sum(20 <= each <= 180 for each in times) / len(times)
    assert 0.77 < inside < 0.83
    assert max(times) <= 720
    assert span(draw, Span(low_s=40, high_s=40)) == 40


def test_who_pressed_the_wrong_button_says_what_he_meant() -> None:
    made, clock, _ = crowd()
    one = person(made, Manners(who="x", wrong_button=1.0, **TIMES))
    for incident in range(1, 9):
        one.called(page(incident, incident=incident))
    later(clock, 7200)
    courses = {tuple(verb for at, verb, _ in made.told if at.startswith(f"{number} ")) for number in range(1, 9)}
    assert courses == {
        ("cannot_go", "accept", "en_route", "arrived", "handed_over"),
        ("accept", "en_route", "arrived", "handed_over", "arrived", "handed_over"),
    }
    taps = [(at, words.get("nonce", verb)) for at, verb, words in made.told]
    assert len(taps) == len(set(taps)), "a second tap of the same button is no copy of the first"


def test_old_page_is_answered_before_the_right_one() -> None:
    made, clock, _ = crowd()
    one = person(made, Manners(who="x", old_page=1.0, **TIMES))
    one.called(page(1, incident=1))
    later(clock, 7200)
    made.told.clear()
    one.called(page(2, incident=2))
    later(clock, 7200)
    assert [(at.split()[0], verb) for at, verb, _ in made.told[:3]] == [
        ("1", "accept"),
        ("2", "accept"),
        ("2", "en_route"),
    ]


def test_wrong_code_is_nobody_s_page() -> None:
    made, clock, _ = crowd()
    made.refuses = frozenset()
    one = person(made, Manners(who="x", wrong_code=1.0, **TIMES))
    one.called(page(4) | {"answer_url": "http://hub/r/token123456"})
    later(clock, 7200)
    assert [at for at, _, _ in made.told[:2]] == ["1000004 http://hub/r/tokenAAAAAA", "4 http://hub/r/token123456"]


def test_who_says_he_is_there_from_elsewhere_says_it_again_at_the_door() -> None:
    made, clock, _ = crowd()
    made.homes = {"王秀兰": (38.5, 106.2)}
    person(made, Manners(who="x", elsewhere=1.0, **TIMES)).called(page())
    later(clock, 7200)
    places = [words["position"]["lat"] for _, verb, words in made.told if verb == "arrived"]
    assert places == [38.55, 38.5]
    assert [verb for _, verb in made.said] == ["accept", "en_route", "arrived", "arrived", "handed_over"]


def test_second_who_comes_too_is_not_turned_back_by_anybody() -> None:
    made, clock, _ = crowd()
    made.refuses = frozenset({"accept"})
    one = person(made, Manners(who="x", comes_too=1.0, **TIMES))
    one.called(page())
    later(clock, 10)
    one.called(page(2, "stand_down"))
    later(clock, 7200)
    assert [verb for _, verb in made.said] == ["accept", "en_route", "arrived", "handed_over"]


@pytest.mark.parametrize(
    ("until", "last"),
    [("12:20", ("handed_over", "李师傅")), ("12:05", ("cannot_go", None)), ("18:00", ("handed_over", "家属"))],
)
def test_who_goes_off_duty_hands_over_to_a_colleague_or_turns_back(until: str, last: tuple[str, str | None]) -> None:
    made, clock, _ = crowd()
    day = TownShift(since="07:00", until=until)
    one = person(made, Manners(who="x", ends_with_shift=1.0, **TIMES), shift=day)
    person(made, Manners(who="x"), shift=TownShift(since=until, until="07:00"), name="李师傅")
    one.called(page())  # at noon in their town
    later(clock, 7200)
    _, verb, words = made.told[-1]
    assert (verb, words.get("to")) == last
