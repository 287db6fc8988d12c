"""Drawing by lot, twice (双随机): which calls are reviewed, and by whom. The seed makes the same draw anywhere.

Every lot is SHA-256 over text, so that an outsider draws again with any tool: lot(seed, words…) = sha256 of seed and
words joined by "|". Of each stratum the cases with the smallest lot("case", number) are taken; places are shared out
among the strata by size, largest remainder first, no stratum empty while there are places. Then, in the order of their
lots, each case goes to the reviewer who has the fewest so far and had no hand in it; among equals the smallest
lot("reviewer", case, person) decides.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeAlias

from hub.errors import HubError

ALGORITHM: Final = "carehub-draw/1"
POPULATION_MOST: Final = 20_000
DRAWN_MOST: Final = 500
CRITERIA: Final = ("answered", "verified", "script", "right_help", "informed", "stayed", "closed", "written")
MET, NOT_MET, NONE = "met", "not_met", "none"


class DrawError(HubError):
    """This cannot be drawn."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call that may be drawn."""

    number: int
    stratum: str
    hands: frozenset[int]  # who worked on it: they do not review it


@dataclass(frozen=True, kw_only=True)
class Drawn:
    place: int
    number: int
    stratum: str
    reviewer_id: int | None  # None: everybody had a hand in it


Written: TypeAlias = list[list[object]]  # [[case, stratum, [hands]]]


def draw(seed: str, population: Sequence[Case], reviewers: Sequence[int], wanted: int) -> list[Drawn]:
    """Return what is drawn.

    Raises:
        DrawError: Nothing to draw from, nobody to review, or too much of either.
    """
    _check(population, reviewers, wanted)
    ordered = sorted(population, key=lambda case: (case.stratum, lot(seed, "case", case.number)))
    strata = {name: list(cases) for name, cases in groupby(ordered, key=lambda case: case.stratum)}
    places = share_out({name: len(cases) for name, cases in strata.items()}, wanted)
    chosen = [case for name, cases in strata.items() for case in cases[: places[name]]]
    load = dict.fromkeys(reviewers, 0)
    drawn = []
    for place, case in enumerate(sorted(chosen, key=lambda one: lot(seed, "case", one.number)), start=1):
        reviewer = _reviewer(seed, case, load)
        if reviewer is not None:
            load[reviewer] += 1
        drawn.append(Drawn(place=place, number=case.number, stratum=case.stratum, reviewer_id=reviewer))
    return drawn


def _reviewer(seed: str, case: Case, load: Mapping[int, int]) -> int | None:
    free = [person for person in load if person not in case.hands]
    return min(free, key=lambda one: (load[one], lot(seed, "reviewer", case.number, one)), default=None)


def share_out(sizes: Mapping[str, int], wanted: int) -> dict[str, int]:
    """Share places out among strata by their sizes: largest remainder first, none empty while there are places."""
    total = sum(sizes.values())
    wanted = min(wanted, total)
    exact = {name: size * wanted / total for name, size in sizes.items()}
    places = {name: min(sizes[name], max(1, int(share))) for name, share in exact.items()}
    by_need = sorted(sizes, key=lambda name: (places[name] - exact[name], name))
    while sum(places.values()) < wanted:
        for name in by_need:
            if sum(places.values()) < wanted and places[name] < sizes[name]:
                places[name] += 1
    while sum(places.values()) > wanted:  # a last place is given up where there are more strata than places
        name = max((n for n in places if places[n]), key=lambda n: (places[n] > 1, places[n] - exact[n], n))
        places[name] -= 1
    return places


def lot(seed: str, *words: object) -> str:
    return hashlib.sha256("|".join((seed, *map(str, words))).encode()).hexdigest()


def written(population: Sequence[Case]) -> Written:
    """Return a population as it is kept: in order of the cases' numbers."""
    return [[one.number, one.stratum, sorted(one.hands)] for one in sorted(population, key=lambda one: one.number)]


def read(population: Sequence[Sequence[object]]) -> list[Case]:
    found = []
    for number, stratum, hands in population:
        assert isinstance(number, int)
        assert isinstance(hands, list)
        found.append(Case(number=number, stratum=str(stratum), hands=frozenset(int(one) for one in hands)))
    return found


def digest(population: Written) -> str:
    """Return the SHA-256 of a population, written as JSON without spaces."""
    return hashlib.sha256(json.dumps(population, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def score(criteria: Mapping[str, str]) -> int | None:
    """Return how many of the criteria that apply were met, in hundredths; None when none applies."""
    met = sum(criteria.get(name) == MET for name in CRITERIA)
    missed = sum(criteria.get(name) == NOT_MET for name in CRITERIA)
    return round(100 * met / (met + missed)) if met + missed else None


def _check(population: Sequence[Case], reviewers: Sequence[int], wanted: int) -> None:
    if not population:
        raise DrawError("nothing", "no call ended in this time and area: choose a longer time or a larger area")
    if len(population) > POPULATION_MOST:
        raise DrawError("too_many", f"more than {POPULATION_MOST:,} calls: choose a shorter time or one area")
    if not reviewers:
        raise DrawError("nobody", "nobody to review: name at least one reviewer")
    if len(set(reviewers)) != len(reviewers):
        raise DrawError("twice", "a reviewer is named twice")
    if not 1 <= wanted <= DRAWN_MOST:
        raise DrawError("wanted", f"draw between 1 and {DRAWN_MOST} calls")
