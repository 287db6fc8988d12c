"""Who told of a fall, and what each cancel takes back."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.model import State
from alerts.witnesses import SAME_FALL, Outcome, Said, began, falls, outcome, standing

NIGHT = datetime(2026, 11, 21, 18, 14, 7, tzinfo=UTC)
WATCH, RADAR, SECOND_RADAR, BUTTON = "device:1", "device:2", "device:3", "device:4"
ASKING = State.CONFIRMING


def said(*lines: tuple[str, float] | tuple[str, float, str]) -> list[Said]:
    return [Said(by=line[0], at=NIGHT + timedelta(seconds=line[1]), taken_back=len(line) > 2) for line in lines]


def test_watch_takes_its_own_fall_back() -> None:
    assert outcome(ASKING, said((WATCH, 0)), WATCH, fixed=False) is Outcome.ENDED


def test_radar_takes_its_own_suspicion_back() -> None:
    assert outcome(ASKING, said((RADAR, 0)), RADAR, fixed=True) is Outcome.ENDED


@pytest.mark.parametrize(("by", "fixed"), [(WATCH, False), (RADAR, True)])
def test_cancel_of_one_of_two_witnesses_leaves_the_other(by: str, fixed: bool) -> None:
    assert outcome(ASKING, said((WATCH, 0), (RADAR, 4)), by, fixed=fixed) is Outcome.NOTED


def test_last_of_two_witnesses_to_take_back_ends_the_asking() -> None:
    lines = said((WATCH, 0), (RADAR, 4), (RADAR, 8, "back"))
    assert outcome(ASKING, lines, WATCH, fixed=False) is Outcome.ENDED


def test_her_button_answers_for_a_radar() -> None:
    assert outcome(ASKING, said((RADAR, 0)), BUTTON, fixed=False) is Outcome.ENDED


def test_radar_of_another_room_does_not_answer_for_her() -> None:
    assert outcome(ASKING, said((WATCH, 0)), RADAR, fixed=True) is Outcome.NOTED


def test_device_that_tells_anew_after_its_cancel_stands_again() -> None:
    lines = said((WATCH, 0), (RADAR, 2), (WATCH, 3, "back"), (WATCH, 9))
    assert standing(lines) == {WATCH, RADAR}
    assert outcome(ASKING, lines, RADAR, fixed=True) is Outcome.NOTED


@pytest.mark.parametrize("state", [State.OPEN, State.TAKEN, State.EN_ROUTE, State.ON_SCENE, State.HELD, State.RESOLVED])
def test_cancel_is_late_once_people_are_called(state: State) -> None:
    assert outcome(state, said((WATCH, 0)), WATCH, fixed=False) is Outcome.LATE


def test_same_cancel_again_says_nothing() -> None:
    lines = said((WATCH, 0), (RADAR, 1), (WATCH, 5, "back"))
    assert outcome(ASKING, lines, WATCH, fixed=False) is None
    assert outcome(State.OPEN, lines, WATCH, fixed=False) is None


def test_cancel_after_something_new_was_told_is_another() -> None:
    lines = said((WATCH, 0), (WATCH, 5, "back"), (RADAR, 6))
    assert outcome(State.OPEN, lines, WATCH, fixed=False) is Outcome.LATE


def test_what_is_told_within_minutes_is_one_fall_and_hours_later_another() -> None:
    minutes = [0, 0.1, 4, 8.9, 240, 241]
    told = [NIGHT + timedelta(minutes=m) for m in minutes]
    assert falls(told) == [0, 0, 0, 0, 1, 1]
    assert falls([NIGHT, NIGHT + SAME_FALL]) == [0, 0]
    assert falls([]) == []


def test_seconds_count_from_the_first_word_about_the_last_fall() -> None:
    lines = said((WATCH, 0), (RADAR, 30), (WATCH, 7200), (RADAR, 7204), (WATCH, 7210, "back"))
    assert began(lines) == NIGHT + timedelta(seconds=7200)
    assert began(said((WATCH, 3, "back"))) is None
