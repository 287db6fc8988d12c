"""Policy texts as they come from a browser: what takes long to read is refused before it is read."""

import time

import pytest

from alerts.policy import PolicyError
from hub.store import policies

QUICK_S = 2.0  # the console stands still meanwhile, for every operator


@pytest.mark.parametrize("text", [".".join("a" * 19_000) + " = 1", "[" + ".".join("a" * 19_000) + "]"])
def test_key_of_thousands_of_parts_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(PolicyError) as refused:
        policies.check(text, ())
    assert time.process_time() - began < QUICK_S
    assert [(fault.line, fault.code) for fault in refused.value.faults] == [(1, "long_line")]


def test_many_long_lines_are_read_in_time() -> None:
    text = "\n".join(f"k{n}." + ".".join("a" * 900) + " = 1" for n in range(22))
    began = time.process_time()
    with pytest.raises(PolicyError):
        policies.check(text, ())
    assert time.process_time() - began < QUICK_S


def test_version_in_force_is_read_however_long_its_lines() -> None:
    """A limit that came later must not take a centre's policy away."""
    assert policies.published(policies.standard() + "# " + "x" * 5_000).policies


@pytest.mark.parametrize("text", ["a = " + "[" * 9_000, "a = " + "9" * 5_000, "a = "])
def test_duty_lists_of_a_text_nobody_can_read_are_none(text: str) -> None:
    assert policies.named_rosters(text) == ()
