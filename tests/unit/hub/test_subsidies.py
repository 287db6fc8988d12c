"""Thirty per cent, at most 5,000 yuan a person, item by item; and what is missing is said, not guessed."""

import pytest

from hub.subsidies import BY_KEY, SCHEMES, Bought, Verdict, allowances, verdict, yuan


def bought(*yuan_: float) -> list[Bought]:
    return [Bought(price_fen=round(price * 100), invoiced=True) for price in yuan_]


@pytest.mark.parametrize(
    ("prices", "paid"),
    [
        ([1000], [300_00]),
        ([3199.90], [959_97]),
        ([0.01], [0]),  # three tenths of a fen are none
        ([10_000, 5_000, 2_000, 1_000], [3_000_00, 1_500_00, 500_00, 0]),  # 4,500 used, 500 left, then none
        ([16_666.67], [5_000_00]),
        ([99_999], [5_000_00]),
    ],
)  # fmt: skip
def test_each_item_has_its_share_until_the_cap(prices: list[float], paid: list[int]) -> None:
    assert allowances(bought(*prices)) == paid


def test_item_without_an_invoice_has_nothing_and_uses_nothing_up() -> None:
    items = [Bought(price_fen=10_000_00, invoiced=False), *bought(10_000)]
    assert allowances(items) == [0, 3_000_00]


def test_condition_that_is_not_met_decides_before_a_paper_that_is_missing() -> None:
    bed = BY_KEY["home_bed"]
    assert verdict(bed, {"age": "82", "ability": "失能", "bed_agreement": "yes"}) is Verdict.YES
    assert verdict(bed, {"age": "82", "ability": "失能"}) is Verdict.UNKNOWN
    assert verdict(bed, {"age": "82", "ability": "自理"}) is Verdict.NO


def test_care_insurance_asks_for_a_grade_of_three_to_five() -> None:
    scheme = BY_KEY["care_insurance"]
    given = [verdict(scheme, {"insured": "yes", "care_grade": grade}) for grade in ("2", "3", "5", "6", "重度")]
    assert given == [Verdict.NO, Verdict.YES, Verdict.YES, Verdict.NO, Verdict.UNKNOWN]


def test_age_sixty_is_old_enough_for_renewal() -> None:
    assert [verdict(BY_KEY["renewal"], {"age": age}) for age in ("59", "60", "")] == ["no", "yes", "unknown"]


def test_every_scheme_names_its_source() -> None:
    assert all(scheme.source for scheme in SCHEMES)


def test_no_scheme_says_that_the_authority_has_compared_it() -> None:
    """Papers are named from memory here; the day one was compared, this test says which."""
    assert [scheme.key for scheme in SCHEMES if scheme.checked] == []


def test_amounts_are_written_with_both_fen() -> None:
    assert yuan(319_990) == "3,199.90"
    assert yuan(5) == "0.05"
