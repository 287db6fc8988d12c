"""What the wearer hears: every word there is, for every role, in both languages."""

import pytest

from alerts.model import Role, Told
from devices.adapter import Say
from hub.phrases import saying, tongue


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("say", [say for say in Say if say is not Say.MESSAGE])  # those are an operator's own
def test_watch_has_words_for_everything_it_may_be_told(say: Say, role: Role | None, language: str) -> None:
    text = saying(Told(say=str(say), role=role), language)
    assert text
    assert "{" not in text
    assert text.isascii() == (language == "en")


def test_wearer_hears_who_is_coming() -> None:
    assert saying(Told(say="coming", role=Role.FAMILY), "zh-CN") == "您的家人正在赶来"
    assert saying(Told(say="coming", role=Role.PROPERTY), "en") == "The guard is coming"
    assert saying(Told(say="coming"), "zh-CN") == "有人正在赶来"


def test_wearer_is_not_told_that_somebody_was_told_before_anybody_is() -> None:
    assert saying(Told(say="received"), "en") == "Received"
    assert saying(Told(say="received"), "zh-CN") == "收到"


@pytest.mark.parametrize(
    ("language", "spoken"), [("en-GB", "en"), ("EN", "en"), ("zh-CN", "zh"), ("宁夏话", "zh"), ("", "zh"), ("fr", "zh")]
)
def test_dialect_is_written_as_chinese(language: str, spoken: str) -> None:
    assert tongue(language) == spoken


def test_daughter_who_comes_is_called_the_daughter() -> None:
    coming = Told(say="coming", role=Role.FAMILY)
    assert saying(coming, "zh-CN", "女儿") == saying(coming, "zh-CN", "Daughter") == "您的女儿正在赶来"
    assert saying(coming, "en", "女儿") == "Your daughter is coming"
    assert saying(Told(say="received", role=Role.FAMILY), "zh-CN", "女儿") == "收到，已通知您的女儿"


def test_what_is_no_relation_is_not_read_aloud_and_the_ambulance_is_120() -> None:
    assert saying(Told(say="coming", role=Role.FAMILY), "zh-CN", "欠房租") == "您的家人正在赶来"
    assert saying(Told(say="coming", role=Role.PROPERTY), "zh-CN", "女儿") == "物业保安正在赶来"
    assert saying(Told(say="coming", role=Role.AMBULANCE), "zh-CN") == "120急救正在赶来"
    assert saying(Told(say="coming", role=Role.AMBULANCE), "en") == "The ambulance is coming"
