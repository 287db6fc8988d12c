"""What carehub says to people, in Chinese and English: the gettext catalogues of `hub/locale`, and how one is spoken.

A message's msgid is our key, never a sentence: both languages are translations, and neither can be forgotten
(`tests/unit/web/test_words_are_whole.py`). Every `.po` file of a language's folder belongs to it, one a subject.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from babel.messages.pofile import read_po

LANGUAGES = ("zh-CN", "en")


def pick(language: str | None) -> str:
    """Return the language we have for a wish; Chinese when in doubt."""
    return "en" if language and language.lower().startswith("en") else "zh-CN"


@cache
def texts(language: str) -> Mapping[str, str]:
    """Return every message of one of `LANGUAGES` by its key, with the places for its facts still open."""
    folder = resources.files("hub") / "locale" / language.replace("-", "_") / "LC_MESSAGES"
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".po"):
            with path.open("rb") as file:
                found |= {str(message.id): str(message.string) for message in read_po(file) if message.id}
    return found


class Count(int):
    """A number that knows its noun: `{n:gap|gaps}` is "gap" for one and "gaps" for none or many.

    Gettext's own plural forms follow one number of a sentence; ours have two at times.
    """

    def __format__(self, spec: str) -> str:
        one, choice, many = spec.partition("|")
        return (one if self == 1 else many) if choice else super().__format__(spec)


def counted(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sentence mentions, with whole numbers that choose between one and many."""
    return {name: Count(value) if type(value) is int else value for name, value in facts.items()}


def speaker(language: str) -> Callable[..., str]:
    """Return `t(key, **facts)` for one language. A missing word shows its key rather than breaking a page."""
    said = texts(pick(language))

    def t(key: str, **facts: Any) -> str:
        text = said.get(key)
        return text.format(**counted(facts)) if text is not None else key.rsplit(".", 1)[-1].replace("_", " ")

    return t


def beginning(prefix: str, language: str) -> dict[str, str]:
    """Return the messages whose keys begin so, without that beginning: what a page's script is given."""
    said = texts(pick(language))
    return {key.removeprefix(prefix): text for key, text in said.items() if key.startswith(prefix)}
