"""Both languages say everything the engine knows, and neither says less than the other."""

import re
import string

import pytest

from alerts.model import AlertKind, Disposition, Purpose, Role, Severity, State
from hub.channels.wording import HAZARDS
from hub.web import story, words

KNOWN = [
    *(f"kind.{each}" for each in AlertKind), *(f"severity.{int(each)}" for each in Severity),
    *(f"state.{each}" for each in State), *(f"role.{each}" for each in Role),
    *(f"purpose.{each}" for each in Purpose), *(f"disposition.{each}" for each in Disposition),
    *(f"page.{each}" for each in ("ready", "sending", "sent", "delivered", "read", "failed", "withdrawn")),
]  # fmt: skip
CHINESE = re.compile("[\u4e00-\u9fff]")


def facts(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})


@pytest.mark.parametrize("key", KNOWN)
def test_engine_knows_nothing_the_console_has_no_word_for(key: str) -> None:
    assert key in words.WORDS


@pytest.mark.parametrize("table", [words.WORDS, story.WORDS], ids=["words", "story"])
def test_both_languages_tell_the_same_facts(table: dict[str, tuple[str, str]]) -> None:
    assert [key for key, (zh, en) in table.items() if facts(zh) != facts(en) or not zh or not en] == []


@pytest.mark.parametrize("table", [words.WORDS, story.WORDS], ids=["words", "story"])
def test_no_english_sentence_holds_chinese(table: dict[str, tuple[str, str]]) -> None:
    assert [key for key, (_, en) in table.items() if CHINESE.search(en)] == []


def test_every_hazard_a_responder_may_be_warned_of_has_words() -> None:
    unsaid = {name for name in HAZARDS if words.risk("zh-CN", name) == name.replace("_", " ")}
    assert unsaid - {str(kind) for kind in AlertKind} == set()


def test_unknown_risk_is_readable_all_the_same() -> None:
    assert words.risk("zh-CN", "loose_carpet") == "loose carpet"
    assert words.speech("en", "吴语") == "吴语"
    assert words.ability("en", "失能") == "dependent"
    assert words.ability("zh-CN", "失能") == "失能"
