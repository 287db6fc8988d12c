"""Subsidies: what each scheme asks, with its source, and what thirty per cent of an invoice are. No clock, no database.

The conditions are the national framework; counties add their own. Papers are named as they are remembered, and none was
at hand when this was written: each stands as "to be checked by the authority" until somebody there has held it against
the paper itself and says so here (`checked`). A verdict is never a grant: it says which condition is met, which is not,
and which paper is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

RATE_PCT: Final = 30
CAP_FEN: Final = 500_000  # 5,000 yuan a person
WORN_MIN: Final = 60.0  # minutes a day from which a device counts as worn on it
HARDSHIP: Final = ("minimum_income", "near_minimum", "extreme_hardship")  # 低保, 低保边缘, 特困
FACTS: Final = ("hardship", "care_grade", "disability_grade", "insured", "bed_agreement", "assessment")


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # a paper is missing


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing a scheme asks: that a fact is one of some values, or a number of at least so much."""

    fact: str
    among: frozenset[str] = frozenset()
    at_least: int | None = None
    at_most: int | None = None

    def met(self, facts: Mapping[str, str]) -> Verdict:
        value = facts.get(self.fact, "")
        if not value:
            return Verdict.UNKNOWN
        if self.among:
            return Verdict.YES if value in self.among else Verdict.NO
        if not value.isdecimal():
            return Verdict.UNKNOWN
        low = self.at_least is None or int(value) >= self.at_least
        return Verdict.YES if low and (self.at_most is None or int(value) <= self.at_most) else Verdict.NO


@dataclass(frozen=True, kw_only=True)
class Scheme:
    key: str
    source: str  # the paper it rests on
    conditions: tuple[Condition, ...]
    by_item: bool = False  # paid by the thing bought, with its invoice
    used: bool = True  # worn, used and tested days are part of the evidence
    checked: bool = False  # the authority has compared paper, conditions and sums


FRAIL: Final = frozenset({"半失能", "失能"})
_POOR = Condition(fact="hardship", among=frozenset(HARDSHIP))
_SIXTY = Condition(fact="age", at_least=60)
_SAID = frozenset({"yes"})
SCHEMES: Final[tuple[Scheme, ...]] = (
    Scheme(key="renewal", source="商办消费函〔2025〕29号", conditions=(_SIXTY,), by_item=True),
    Scheme(key="service_allowance", source="财社〔2014〕113号", conditions=(_POOR, Condition(fact="age", at_least=80))),
    Scheme(
        key="nursing_allowance", source="财社〔2014〕113号", conditions=(_POOR, Condition(fact="ability", among=FRAIL))
    ),
    Scheme(
        key="home_bed", source="民办函〔2021〕64号",
        conditions=(_SIXTY, Condition(fact="ability", among=FRAIL), Condition(fact="bed_agreement", among=_SAID)),
    ),
    Scheme(
        key="care_insurance", source="医保发〔2020〕37号",
        conditions=(Condition(fact="insured", among=_SAID), Condition(fact="care_grade", at_least=3, at_most=5)),
    ),
)  # fmt: skip
BY_KEY: Final = {scheme.key: scheme for scheme in SCHEMES}


def verdict(scheme: Scheme, facts: Mapping[str, str]) -> Verdict:
    """Return whether she is eligible: a condition that is not met decides, then a paper that is missing."""
    found = [condition.met(facts) for condition in scheme.conditions]
    if Verdict.NO in found:
        return Verdict.NO
    return Verdict.UNKNOWN if Verdict.UNKNOWN in found else Verdict.YES


@dataclass(frozen=True, kw_only=True)
class Bought:
    """One item of one person."""

    price_fen: int
    invoiced: bool


def allowances(items: Sequence[Bought], *, rate_pct: int = RATE_PCT, cap_fen: int = CAP_FEN) -> list[int]:
    """Return what each item is subsidised with, in fen, in the order in which they were bought.

    A part of the price, rounded down to the fen, for every item that has an invoice, until the person's cap is used up.
    """
    left, found = cap_fen, []
    for item in items:
        share = min(left, item.price_fen * rate_pct // 100) if item.invoiced else 0
        left -= share
        found.append(share)
    return found


def yuan(fen: int) -> str:
    """Return an amount as it is written: 3,199.90."""
    return f"{fen // 100:,}.{fen % 100:02d}"
