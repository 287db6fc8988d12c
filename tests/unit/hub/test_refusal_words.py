"""A button that did nothing says why, in the language of whoever pressed it."""

import re
from pathlib import Path

import pytest

import alerts
import hub
from hub.catalogue import beginning
from hub.refusals import Refused

OTHERWISE = "otherwise"
WORDS = beginning("refused.", "zh-CN").keys() - {OTHERWISE}
RAISED = re.compile(r'Refused\(\s*"([a-z_]+)"')


def codes() -> set[str]:
    """Every code that the engine and the desk refuse with, as the source has it."""
    folders = [Path(place) for package in (alerts, hub) for place in package.__path__]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    return {code for file in files for code in RAISED.findall(file.read_text(encoding="utf-8"))}


def test_every_refusal_has_words_and_every_word_a_refusal() -> None:
    assert codes() == WORDS


def test_refusal_speaks_the_persons_language() -> None:
    refused = Refused("already_taken")
    assert refused.words() == "已有人接警"
    assert refused.words("en-GB") == "somebody has taken this already"
    assert refused.words("宁夏话") == "已有人接警"


def test_refusal_without_words_of_its_own_says_something_all_the_same() -> None:
    assert Refused("flood").words("zh-CN") == beginning("refused.", "zh-CN")[OTHERWISE]
    assert Refused("flood").words("en") == beginning("refused.", "en")[OTHERWISE]
    assert Refused("flood", "the cellar is full").words("en") == "the cellar is full"


@pytest.mark.parametrize("code", sorted(WORDS))
def test_refusal_does_not_show_its_code_to_people(code: str) -> None:
    for language in ("zh-CN", "en"):
        assert "_" not in Refused(code).words(language)
    assert Refused(code).code == code
