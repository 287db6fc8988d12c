"""Drawing by lot: the same seed draws the same, nobody reviews himself, every stratum has its share."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.review_draw import (
    CRITERIA,
    Case,
    DrawError,
    digest,
    draw,
    read,
    score,
    share_out,
    written,
)

LI, CHEN, MA, SUN = 1, 2, 3, 4


def month(n: int = 60) -> list[Case]:
    strata = ("和平社区|fall", "和平社区|sos", "光明社区|sos")
    return [Case(number=k, stratum=strata[k % 3], hands=frozenset({LI if k % 2 else CHEN})) for k in range(1, n + 1)]


def test_seed_draws_the_same_whatever_order_the_cases_come_in() -> None:
    once = draw("上午九点开奖号 03 11 19", month(), [MA, SUN], 12)
    assert draw("上午九点开奖号 03 11 19", month()[::-1], [MA, SUN], 12) == once
    assert draw("another", month(), [MA, SUN], 12) != once


def test_first_place_is_what_an_outsider_finds_with_sha256_alone() -> None:
    cases = [Case(number=k, stratum="", hands=frozenset()) for k in (7, 8, 9)]
    lots = {k: hashlib.sha256(f"s|case|{k}".encode()).hexdigest() for k in (7, 8, 9)}
    assert [one.number for one in draw("s", cases, [MA], 2)] == sorted(lots, key=lots.__getitem__)[:2]


@given(st.text(min_size=1, max_size=8), st.integers(1, 40), st.sets(st.integers(1, 6), min_size=1))
def test_nobody_reviews_a_case_he_had_a_hand_in_and_loads_are_even(seed: str, wanted: int, people: set[int]) -> None:
    cases = {case.number: case for case in month(40)}
    drawn = draw(seed, list(cases.values()), sorted(people), wanted)
    assert len(drawn) == wanted
    assert len({one.number for one in drawn}) == wanted
    for one in drawn:
        free = people - cases[one.number].hands
        assert one.reviewer_id in free if free else one.reviewer_id is None
    free_of_all = people - {LI, CHEN}
    if free_of_all:
        loads = [sum(one.reviewer_id == person for one in drawn) for person in free_of_all]
        assert max(loads) - min(loads) <= 1


@example({"a": 1, "b": 4, "c": 1}, 3)  # two that are rounded up, and none of them to be forgotten for it
@given(st.dictionaries(st.text(max_size=3), st.integers(1, 50), min_size=1, max_size=8), st.integers(1, 100))
def test_places_are_shared_out_whole_and_no_stratum_is_forgotten(sizes: dict[str, int], wanted: int) -> None:
    places = share_out(sizes, wanted)
    assert sum(places.values()) == min(wanted, sum(sizes.values()))
    assert all(0 <= places[name] <= sizes[name] for name in sizes)
    if wanted >= len(sizes):
        assert min(places.values()) >= 1


def test_places_follow_the_sizes() -> None:
    assert share_out({"a": 80, "b": 15, "c": 5}, 20) == {"a": 16, "b": 3, "c": 1}


def test_population_is_read_back_as_it_was_written_and_its_digest_tells_any_change() -> None:
    cases = month()
    kept = written(cases)
    assert read(kept) == sorted(cases, key=lambda case: case.number)
    assert digest(kept) != digest(written(cases[1:]))


@pytest.mark.parametrize(
    ("cases", "people", "wanted", "code"),
    [
        ([], [MA], 1, "nothing"), (month(3), [], 1, "nobody"), (month(3), [MA], 0, "wanted"),
        (month(3), [MA, MA], 1, "twice"),
    ],
)  # fmt: skip
def test_draw_that_cannot_be_is_refused(cases: list[Case], people: list[int], wanted: int, code: str) -> None:
    with pytest.raises(DrawError) as refused:
        draw("s", cases, people, wanted)
    assert refused.value.code == code


def test_score_leaves_out_what_did_not_apply() -> None:
    assert score(dict.fromkeys(CRITERIA, "met")) == 100
    assert score({"answered": "met", "script": "not_met", "stayed": "none"}) == 50
    assert score({}) is None
