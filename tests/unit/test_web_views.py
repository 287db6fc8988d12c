"""The console's plain calculations: clocks, marks, the bell, the trend, sentences."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.passwords import hash_password, verify
from hub.web import story, views, words

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("seconds", "words_of_it"),
    [(-5, "0:00"), (0, "0:00"), (42.9, "0:42"), (725, "12:05"), (12_000, "3:20:00"), (200_000, "2d")],
)
def test_span_is_written_as_on_a_stop_watch(seconds: float, words_of_it: str) -> None:
    assert views.span(seconds) == words_of_it


def test_time_of_day_is_the_desks_and_says_the_date_when_it_is_not_todays() -> None:
    assert views.local(NOW, SHANGHAI, NOW) == "02:30:00"
    assert views.local(NOW - timedelta(hours=3), SHANGHAI, NOW, seconds=False) == "11-21 23:30"
    assert views.local(None, SHANGHAI, NOW) == ""


@pytest.mark.parametrize(("today", "age"), [(date(2026, 3, 1), 81), (date(2026, 3, 2), 82)])
def test_age_changes_on_the_birthday(today: date, age: int) -> None:
    assert views.years(date(1944, 3, 2), today) == age


def row(**facts: Any) -> dict[str, Any]:
    return {"severity": 1, "handler_id": None, "test": False, "state": "open", **facts}


@pytest.mark.parametrize("state", ["open", "taken", "dispatched", "en_route", "on_scene", "handed_over"])
def test_critical_rings_in_every_state_until_an_operator_has_it(state: str) -> None:
    assert views.rings(row(state=state))
    assert not views.rings(row(state=state, handler_id=3))


@pytest.mark.parametrize("facts", [{"test": True}, {"severity": 2}, {"state": "confirming"}, {"state": "closed"}])
def test_bell_does_not_go_on_for(facts: dict[str, Any]) -> None:
    assert not views.rings(row(**facts))


def test_trend_needs_points_and_a_real_change() -> None:
    rising = [(60.0 * i, 80.0 + 3 * i) for i in range(10)]
    assert views.trend([]) is None
    assert views.trend(rising[:4]) is None
    assert (views.trend(rising) or 0) > 8
    assert views.trend([(t, 80.0) for t, _ in rising]) == 0


def test_password_belongs_to_its_hash_only() -> None:
    hashed = hash_password("right")
    assert hashed.startswith("$argon2id$")
    assert verify(hashed, "right")
    assert not verify(hashed, "wrong")
    assert not verify("damaged", "right")


EVENTS = [
    {"seq": 1, "at": NOW, "actor": "device:7", "what": "opened",
     "body": {"kind": "fall", "severity": 1, "policy": "跌倒"}},
    {"seq": 2, "at": NOW, "actor": "device:7", "what": "rung", "body": {"step": 0, "round": 0, "people": [3, 4]}},
    {"seq": 3, "at": NOW, "actor": "person:3", "what": "taken", "body": {"person": 3, "role": "operator"}},
    {"seq": 4, "at": NOW, "actor": "person:3", "what": "noted", "body": {"note": 1}},
    {"seq": 5, "at": NOW, "actor": "hub", "what": "something_new", "body": {"x": 1}},
]  # fmt: skip


def test_timeline_is_told_in_both_languages_latest_first() -> None:
    names = {3: "李雪", 4: "王小明"}
    assert story.people(EVENTS) == {3, 4}
    zh = [line["text"] for line in story.tell(EVENTS, [], names, "zh-CN")]
    assert zh == ["something new x=1", "李雪 接下", "第 1 步：呼叫 李雪、王小明", "跌倒 · 危急 · 策略「跌倒」"]
    en = [line["text"] for line in story.tell(EVENTS, [], names, "en")]
    assert en[1:3] == ["taken by 李雪", "step 1: calling 李雪, 王小明"]


def test_note_stands_in_the_timeline_instead_of_its_event() -> None:
    notes = [{"at": NOW + timedelta(seconds=1), "text": "听到电视声", "name": "李雪"}]
    first = story.tell(EVENTS, notes, {}, "zh-CN")[0]
    assert (first["text"], first["weight"]) == ("听到电视声", "note")


def test_missing_word_shows_itself_instead_of_breaking_the_page() -> None:
    assert words.speaker("zh-CN")("kind.flood_gate") == "flood gate"


@pytest.mark.parametrize(("wish", "language"), [("en-GB", "en"), ("zh", "zh-CN"), (None, "zh-CN"), ("fr", "zh-CN")])
def test_chinese_is_spoken_when_in_doubt(wish: str | None, language: str) -> None:
    assert words.pick(wish) == language
