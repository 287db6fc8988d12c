"""Topic names, filters and how they match (MQTT 3.1.1, 4.7)."""

import pytest

from hub.ingress.topics import filter_fault, matches, prefixes, topic_fault


@pytest.mark.parametrize("topic", ["a", "/", "a/b", "carehub/w-1/vitals", "客厅/按钮", "a b/c"])
def test_topic_is_good(topic: str) -> None:
    assert topic_fault(topic) == ""


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a#", "a\0"])
def test_topic_is_bad(topic: str) -> None:
    assert topic_fault(topic)


@pytest.mark.parametrize("pattern", ["#", "+", "a/#", "a/+/b", "+/+", "/+", "a//#"])
def test_filter_is_good(pattern: str) -> None:
    assert filter_fault(pattern) == ""


@pytest.mark.parametrize("pattern", ["", "a/#/b", "a#", "a+/b", "#/a", "a\0"])
def test_filter_is_bad(pattern: str) -> None:
    assert filter_fault(pattern)


@pytest.mark.parametrize(
    ("pattern", "topic", "takes"),
    [
        ("a/b", "a/b", True), ("a/b", "a/c", False), ("a/b", "a/b/c", False), ("a/b/c", "a/b", False),
        ("a/+", "a/b", True), ("a/+", "a", False), ("a/+", "a/", True), ("a/+", "a/b/c", False), ("+/+", "/a", True),
        ("#", "a/b", True), ("a/#", "a", True), ("a/#", "a/b/c", True), ("a/#", "ab", False), ("a/+/#", "a", False),
        ("#", "$SYS/x", False), ("+/x", "$SYS/x", False), ("$SYS/#", "$SYS/x", True),
    ],
)  # fmt: skip
def test_filter_takes_topic(pattern: str, topic: str, takes: bool) -> None:
    assert matches(pattern, topic) is takes


def test_a_topic_belongs_to_the_prefixes_that_end_in_its_slashes() -> None:
    assert prefixes("carehub/w-1/command") == ["carehub/", "carehub/w-1/"]
