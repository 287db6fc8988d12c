"""What a drill says about each operator, and how a story gets other numbers."""

from typing import Any

import pytest

from hub.commands.simulate import changed
from hub.errors import HubError
from hub.simulated.drills import stories
from hub.simulated.marks import HARMLESS, marks
from simulator.story import Happens

NAMES = {7: "林姐", 8: "小高"}


def case(
    resident: int, disposition: str | None, *events: tuple[int, str, str], opened: int = 0, kind: str = "sos"
) -> dict[str, Any]:
    """A case whose events are (second, actor, what)."""
    return {
        "kind": kind, "resident": resident, "state": "closed" if disposition else "open", "disposition": disposition,
        "opened_at": at(opened), "events": [{"at": at(s), "actor": actor, "what": what} for s, actor, what in events],
    }  # fmt: skip


def at(second: int) -> str:
    return f"2026-03-02T08:{second // 60:02}:{second % 60:02}+00:00"


def happened(resident: str, what: Happens, wants: str = "incident") -> dict[str, Any]:
    """As a town writes it: a press is an incident by whatever finger, a fall is for a detector to find."""
    return {"resident": resident, "at": at(0), "what": str(what), "wants": wants, "cancelled_at": None}


TRUTH = {
    "numbers": {"r0": 1, "r1": 2},
    "happened": [happened("r0", Happens.FALLS, "finding"), happened("r1", Happens.PRESSES_BY_ACCIDENT)],
}
ACCOUNT = {
    "incidents": [
        case(1, "hospital", (12, "person:7", "taken"), (20, "person:7", "script_step"), (300, "person:7", "closed")),
        case(2, "hospital", (30, "person:8", "taken"), (70, "person:8", "dispatched"), (90, "person:8", "closed")),
        case(1, None, (5, "person:99", "taken")),  # her daughter
    ]
}


def test_each_operator_has_the_time_to_take_and_to_answer_and_what_was_right() -> None:
    told = marks(ACCOUNT, TRUTH, NAMES)
    first, second = told["operators"]
    assert first == {"name": "林姐", "cases": 1, "take_s": 12, "answer_s": 8, "ticked": 1, "right": 1, "wrong": 0}
    assert second == {"name": "小高", "cases": 1, "take_s": 30, "answer_s": 40, "ticked": 0, "right": 0, "wrong": 1}
    assert (told["cases"], told["left"], told["never_taken"]) == (3, 1, 1)


@pytest.mark.parametrize(
    ("what", "wants", "closed_as", "right"),
    [
        (Happens.FALLS, "finding", "lifted", True), (Happens.FALLS, "unseen", "hospital", True),
        (Happens.FALLS, "finding", "accidental", False), (Happens.PRESSES, "incident", "hospital", True),
        (Happens.PRESSES_BY_ACCIDENT, "incident", "accidental", True),
        (Happens.PRESSES_BY_ACCIDENT, "incident", "hospital", False),
        (Happens.PRESSES_TO_TEST, "incident", "test", True), (Happens.PRESSES_LONELY, "incident", "reassured", True),
        (Happens.FALLS_AND_CANCELS, "nothing", "accidental", True), (Happens.FEVER, "finding", "reassured", False),
    ],
)  # fmt: skip
def test_closing_is_right_by_what_the_town_says_happened(
    what: Happens, wants: str, closed_as: str, right: bool
) -> None:
    truth = {"numbers": {"r0": 1}, "happened": [happened("r0", what, wants)]}
    account = {"incidents": [case(1, closed_as, (12, "person:7", "taken"), (300, "person:7", "closed"))]}
    (told,) = marks(account, truth, {7: "林姐"})["operators"]
    assert (told["right"], told["wrong"]) == ((1, 0) if right else (0, 1))


def test_silent_device_of_somebody_who_fell_is_judged_by_nobody() -> None:
    account = {
        "incidents": [case(1, "device_fault", (12, "person:7", "taken"), (30, "person:7", "closed"), kind="silence")]
    }
    (told,) = marks(account, TRUTH, {7: "林姐"})["operators"]
    assert (told["cases"], told["right"], told["wrong"]) == (1, 0, 0)


def test_what_is_harmless_is_said_in_the_words_of_stories() -> None:
    assert set(Happens) >= HARMLESS


def test_a_drill_that_was_stopped_knows_nothing_of_right_and_wrong() -> None:
    told = marks(ACCOUNT, None, NAMES)
    assert not told["truth"]
    assert [(one["right"], one["wrong"]) for one in told["operators"]] == [(0, 0), (0, 0)]


def test_nobody_worked_and_nothing_is_made_up() -> None:
    assert marks({"incidents": []}, None, {7: "林姐"})["operators"][0]["take_s"] is None


def test_a_story_gets_other_numbers_in_its_town_and_nowhere_else() -> None:
    text = 'title = "x"\n\n[town]\nresidents = 200\nstarts = "2026-01-05"\n\n[[resident]]\nname = "a"\n'
    assert changed(text, {"residents": 5, "days": 2}) == text.replace(
        "[town]\nresidents = 200", "[town]\ndays = 2\nresidents = 5"
    )


def test_a_story_of_other_numbers_expects_nothing() -> None:
    text = "[town]\nresidents = 200\n\n[expect]    # so\ncases = 0\nhuman = '3m'\n\n[operators]\nnumber = 1\n"
    assert changed(text, {"residents": 5}) == "[town]\nresidents = 5\n\n[operators]\nnumber = 1\n"
    last = "[town]\nresidents = 200\n\n[expect]\ncases = 0\n"
    assert changed(last, {"residents": 5}) == "[town]\nresidents = 5\n\n"


def test_a_play_has_no_town_to_change() -> None:
    with pytest.raises(HubError, match="no \\[town\\]"):
        changed('title = "x"\n', {"days": 1})


def test_only_stories_of_a_town_can_be_drilled() -> None:
    assert "quiet_night" in stories()
    assert "one_night" not in stories()  # a play of the demo
