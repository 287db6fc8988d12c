"""Whatever the engine may write into a chain, the timeline can tell, in both languages and without holes."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts import incident as engine
from alerts import ringing
from hub.catalogue import texts
from hub.web import story, words
from tests.unit.alerts import histories

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
NAMES = {3: "李雪", 4: "王小明"}


def told(what: str, language: str = "en", actor: str = "hub", **body: Any) -> str:
    event = {"seq": 1, "at": NOW, "actor": actor, "what": what, "body": body}
    return str(story.tell([event], [], NAMES, language)[0]["text"])


@pytest.fixture(scope="module")
def reasons() -> dict[str, Mapping[str, Any]]:
    """Every reason that a hundred random nights bring out, with the facts it came with."""
    found: dict[str, Mapping[str, Any]] = {}
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((ringing, "open_incident"), (engine, "apply")):
            true = getattr(module, name)

            def kept(*given: Any, _true: Any = true, **more: Any) -> Any:
                decision = _true(*given, **more)
                found.update(decision.reasons)
                return decision

            patch.setattr(module, name, kept)
        for seed in range(100):
            histories.play(random.Random(seed).randbytes(160))
    return found


def test_nights_bring_out_enough_to_be_worth_looking_at(reasons: dict[str, Mapping[str, Any]]) -> None:
    assert {"opened", "attached", "rung", "taken", "dispatched", "arrived", "handed_over", "closed"} <= set(reasons)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_reason_of_the_engine_is_told_in_words(language: str, reasons: dict[str, Mapping[str, Any]]) -> None:
    wordless = [what for what in reasons if f"event.{what}" not in texts("en")]
    assert wordless == []
    holes = {what: line for what, facts in reasons.items() if "–" in (line := told(what, language, **facts))}
    assert holes == {}


@pytest.mark.parametrize("what", ["cancelled", "cancel_noted", "cancel_late"])
def test_cancel_is_told_with_how_soon_it_came(what: str) -> None:
    for language in words.LANGUAGES:
        assert "14" in told(what, language, by="wearer", after_s=14, said="cancel")
        assert "–" not in told(what, language, by="wearer")


def test_person_without_a_name_is_a_number_and_never_a_hole() -> None:
    assert told("taken", person=9) == "taken by #9"
    assert told("rung", step=1, people=[3, 9]) == "step 2: calling 李雪, #9"


def test_missing_fact_is_a_dash_and_the_page_still_opens() -> None:
    assert told("closed") == "closed: –"


@pytest.mark.parametrize(
    ("who", "zh", "en"),
    [("timer", "计时", "timer"), ("device:7", "设备", "device"), ("wearer", "本人", "wearer"),
     ("person:3", "李雪", "李雪"), ("person:9", "#9", "#9"), ("person:", "person:", "person:"),
     ("test", "test", "test")],
)  # fmt: skip
def test_line_says_who_did_it(who: str, zh: str, en: str) -> None:
    assert (story.actor(who, NAMES, "zh-CN"), story.actor(who, NAMES, "en")) == (zh, en)


def test_notes_and_events_stand_by_time_and_what_ended_a_case_stands_out() -> None:
    events = [
        {"seq": 1, "at": NOW, "actor": "hub", "what": "opened", "body": {}},
        {"seq": 2, "at": NOW, "actor": "hub", "what": "rung", "body": {}},
        {"seq": 3, "at": NOW.replace(minute=40), "actor": "person:3", "what": "closed", "body": {}},
    ]
    lines = story.tell(events, [{"at": NOW.replace(minute=35), "name": None, "text": "door is locked"}], NAMES, "en")
    assert [line["weight"] for line in lines] == ["key", "note", "plain", "key"]
    assert [line["seq"] for line in lines] == [3, 0, 2, 1]
