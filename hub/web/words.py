"""What pages call the fields of a resident's card, in the language of whoever reads; all else is `hub.catalogue`."""

from collections.abc import Callable

from hub.catalogue import LANGUAGES, beginning, pick, speaker, texts

__all__ = ["LANGUAGES", "NAMES", "RISKS", "ability", "beginning", "duty", "pick", "risk", "speaker", "speech"]
NAMES = {"zh-CN": "中文", "en": "English"}
RISKS = tuple(beginning("risk.", "zh-CN"))  # what may be registered of a resident


def risk(language: str, name: str) -> str:
    return _term("risk", language, name).replace("_", " ")


def ability(language: str, name: str) -> str:
    return _term("ability", language, name)


def speech(language: str, name: str) -> str:
    return _term("speech", language, name)


def _term(kind: str, language: str, name: str) -> str:
    return texts(pick(language)).get(f"{kind}.{name}", name)


def duty(t: Callable[..., str], lists: tuple[str, ...] | None) -> str:
    """Say where somebody who could come is on duty; `t` speaks the reader's language."""
    if lists is None:
        return t("coverage.any_hour")
    return ", ".join(name or t("coverage.own_duty") for name in lists) or t("coverage.off_duty")
