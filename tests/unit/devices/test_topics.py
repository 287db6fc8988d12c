"""carehub's topics: what is written is read back, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import topics


@pytest.mark.parametrize("kind", topics.UP)
@given(name=st.from_regex(topics.DEVICE_NAME, fullmatch=True).filter(lambda name: name != topics.RESPONDER))
def test_device_s_topic_is_read_as_written(kind: str, name: str) -> None:
    assert topics.is_device_name(name)
    assert topics.parse(topics.uplink(name, kind)) == topics.Uplink(name, kind)
    assert topics.parse(topics.command(name)) is None  # what the hub says is no device's word


@pytest.mark.parametrize(
    "topic",
    [
        "", "carehub/w-1", "carehub/w-1/vitals/", "carehub/w-1/vitals/x", "/carehub/w-1/vitals", "carehub//vitals",
        "Carehub/w-1/vitals", "carehub/w-1/Vitals", "carehub/w-1/vitals\n", "carehub/w-1\n/vitals", "carehub/+/vitals",
        "carehub/w 1/vitals", "carehub/-w/vitals", "carehub/王/vitals", "carehub/w１/vitals",
        "carehub/responder/vitals", f"carehub/{'w' * 65}/vitals", "carehub/" + "w" * 1_000_000,
    ],
)  # fmt: skip
def test_topic_that_is_no_device_s_is_none(topic: str) -> None:
    assert topics.parse(topic) is None


@given(st.integers(0, 10**18 - 1))
def test_answer_is_the_person_s_whose_terminal_it_is(person_id: int) -> None:
    assert topics.answering_person(topics.answer(person_id)) == person_id
    assert topics.answering_person(topics.page(person_id)) is None
    assert topics.parse(topics.answer(person_id)) is None


@pytest.mark.parametrize("person", ["", "-1", "+1", "1.0", "1e3", "１", "1\n", "x", "9" * 19])
def test_answer_of_no_person_is_none(person: str) -> None:
    assert topics.answering_person(f"carehub/responder/{person}/answer") is None
