"""Both languages say everything the engine knows, and neither says less than the other."""

import re
import string
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import hub
from alerts.model import AlertKind, Disposition, Purpose, Role, Severity, State
from hub.catalogue import LANGUAGES, texts
from hub.channels.wording import HAZARDS
from hub.web import words

LOCALE = Path(hub.__path__[0]) / "locale"
KNOWN = [
    *(f"kind.{each}" for each in AlertKind), *(f"severity.{int(each)}" for each in Severity),
    *(f"state.{each}" for each in State), *(f"role.{each}" for each in Role),
    *(f"purpose.{each}" for each in Purpose), *(f"disposition.{each}" for each in Disposition),
    *(f"page.{each}" for each in ("ready", "sending", "sent", "delivered", "read", "failed", "withdrawn")),
]  # fmt: skip
CHINESE = re.compile("[\u4e00-\u9fff]")
ZH, EN = (texts(language) for language in LANGUAGES)
ONLY_CHINESE_NEEDS = "clause."  # a clause is said when all is known that either language names


def facts(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})


@pytest.mark.parametrize("key", KNOWN)
def test_engine_knows_nothing_the_console_has_no_word_for(key: str) -> None:
    assert key in ZH


def test_both_languages_have_every_message_and_none_is_empty() -> None:
    assert ZH.keys() == EN.keys()
    assert [key for key in ZH if not ZH[key].strip() or not EN[key].strip()] == []


def test_both_languages_tell_the_same_facts() -> None:
    assert [key for key in ZH if facts(ZH[key]) != facts(EN[key]) and not key.startswith(ONLY_CHINESE_NEEDS)] == []


def test_no_english_sentence_holds_chinese() -> None:
    assert [key for key, text in EN.items() if CHINESE.search(text)] == []


def test_no_message_stands_in_two_files_of_a_language() -> None:
    for folder in sorted(LOCALE.iterdir()):
        keys = [str(m.id) for file in sorted(folder.rglob("*.po")) for m in read_po(BytesIO(file.read_bytes())) if m.id]
        assert [key for key, times in Counter(keys).items() if times > 1] == []


def test_every_file_has_its_other_language() -> None:
    names = [sorted(file.name for file in folder.rglob("*.po")) for folder in sorted(LOCALE.iterdir())]
    assert names[0] == names[1]


def test_every_hazard_a_responder_may_be_warned_of_has_words() -> None:
    unsaid = {name for name in HAZARDS if words.risk("zh-CN", name) == name.replace("_", " ")}
    assert unsaid - {str(kind) for kind in AlertKind} == set()


def test_unknown_risk_is_readable_all_the_same() -> None:
    assert words.risk("zh-CN", "loose_carpet") == "loose carpet"
    assert words.speech("en", "吴语") == "吴语"
    assert words.ability("en", "失能") == "dependent"
    assert words.ability("zh-CN", "失能") == "失能"
