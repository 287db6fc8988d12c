"""Draws of calls for review: kept with their seed and population, drawn again to be verified, and what was found."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from hub import review_draw
from hub.errors import HubError
from hub.review_draw import ALGORITHM, POPULATION_MOST, Case, DrawError, Drawn
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("reviews")
STRATA = ("area", "kind", "disposition")
DRAWS_SHOWN = 50
MINE_SHOWN = 100


class NoSuchDrawError(HubError):
    """There is no draw of this number."""


@dataclass(frozen=True, kw_only=True)
class Lottery:
    """What is to be drawn: how many calls, of which time and area, told apart by what, for whom to review."""

    since: datetime
    until: datetime
    area: str = ""
    strata: tuple[str, ...] = STRATA
    wanted: int = 10
    reviewers: tuple[int, ...] = ()
    seed: str = ""  # empty: the hub's own chance
    seed_from: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A draw drawn again. `faults` is empty when it is the same; `changed`: the calls are others today."""

    draw: int
    faults: tuple[str, ...] = ()
    changed: tuple[int, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.faults


async def population(conn: Connection, lottery: Lottery) -> list[Case]:
    """Return the calls that may be drawn, one more than is allowed at most."""
    values = {"since": lottery.since, "until": lottery.until, "area": lottery.area, "limit": POPULATION_MOST + 1}
    return [
        Case(
            number=one["incident_id"],
            stratum="|".join(one[name] for name in STRATA if name in lottery.strata),
            hands=frozenset(one["hands"]),
        )
        for one in await rows(conn, Q.population, **values)
    ]


async def draw(conn: Connection, lottery: Lottery, by: int | None) -> int:
    """Draw and keep the draw; returns its number.

    Raises:
        DrawError: It cannot be drawn.
    """
    lottery = lottery if lottery.seed else replace(lottery, seed=secrets.token_hex(16), seed_from="")
    async with conn.transaction():
        cases = await population(conn, lottery)
        drawn = review_draw.draw(lottery.seed, cases, lottery.reviewers, lottery.wanted)
        kept = review_draw.written(cases)
        values = {
            "by": by, "since": lottery.since, "until": lottery.until, "area": lottery.area,
            "strata": list(lottery.strata), "wanted": lottery.wanted, "seed": lottery.seed,
            "seed_from": lottery.seed_from, "algorithm": ALGORITHM, "population": json.dumps(kept, ensure_ascii=False),
            "digest": review_draw.digest(kept), "reviewers": list(lottery.reviewers),
        }  # fmt: skip
        found = await row(conn, Q.keep_draw, **values)
        assert found is not None
        await conn.execute(Q.keep_drawn, {
            "draw": found["id"], "places": [one.place for one in drawn], "cases": [one.number for one in drawn],
            "strata": [one.stratum for one in drawn], "reviewers": [one.reviewer_id for one in drawn],
        })  # fmt: skip
    return int(found["id"])


async def verify(conn: Connection, number: int) -> Verified:
    """Draw again from what was kept, and say what is not the same.

    Raises:
        NoSuchDrawError: No such draw.
    """
    kept = await one_draw(conn, number)
    faults = []
    if kept["algorithm"] != ALGORITHM:
        return Verified(draw=number, faults=(f"drawn with {kept['algorithm']}; this release knows {ALGORITHM}",))
    if review_draw.digest(kept["population"]) != kept["population_sha256"]:
        faults.append("the population is not the one whose digest was recorded")
    cases = review_draw.read(kept["population"])
    again = review_draw.draw(kept["seed"], cases, kept["reviewers"], kept["wanted"])
    faults += _differences(again, await reviews(conn, number))
    lottery = Lottery(
        since=kept["since"], until=kept["until"], area=kept["area"], strata=tuple(kept["strata"]), reviewers=()
    )
    today = {case.number: case for case in await population(conn, lottery)}
    before = {case.number: case for case in cases}
    changed = sorted(number for number in today.keys() | before.keys() if today.get(number) != before.get(number))
    return Verified(draw=number, faults=tuple(faults), changed=tuple(changed))


def _differences(again: Sequence[Drawn], kept: Sequence[Row]) -> list[str]:
    drawn = {one.place: (one.number, one.stratum, one.reviewer_id) for one in again}
    there = {one["place"]: (one["incident_id"], one["stratum"], one["reviewer_id"]) for one in kept}
    return [
        f"place {place}: kept {there.get(place, 'nothing')}, drawn again {drawn.get(place, 'nothing')}"
        for place in sorted(drawn.keys() | there.keys()) if drawn.get(place) != there.get(place)
    ]  # fmt: skip


async def one_draw(conn: Connection, number: int) -> Row:
    found = await row(conn, Q.draw, draw=number)
    if found is None:
        raise NoSuchDrawError(f"there is no draw {number}; carehub reviews list tells which there are")
    return found


async def draws(conn: Connection, area: str | None = None, limit: int = DRAWS_SHOWN) -> list[Row]:
    return await rows(conn, Q.draws, area=area, limit=limit)


async def reviews(conn: Connection, number: int) -> list[Row]:
    return await rows(conn, Q.reviews, draw=number)


async def review(conn: Connection, number: int) -> Row | None:
    return await row(conn, Q.review, review=number)


async def mine(conn: Connection, person_id: int) -> list[Row]:
    return await rows(conn, Q.mine, person=person_id, limit=MINE_SHOWN)


async def reviewers(conn: Connection) -> list[Row]:
    return await rows(conn, Q.reviewers)


async def write(
    conn: Connection, number: int, person_id: int, criteria: Mapping[str, str], *, finding: str, remedy: str,
    due: date | None,
) -> bool:  # fmt: skip
    """Keep a review; False when there is none of this number, or it was written before.

    Raises:
        DrawError: It is another's, or the reviewer had a hand in the case.
    """
    async with conn.transaction():
        there = await review(conn, number)
        if there is None:
            return False
        if there["reviewer_id"] not in (None, person_id):
            raise DrawError("not_yours", "this call was drawn for another reviewer")
        hand = await row(conn, Q.had_a_hand, incident=there["incident_id"], person=person_id)
        if hand is None or hand["exists"]:
            raise DrawError("own_case", "nobody reviews a call he had a hand in")
        values = {"review": number, "person": person_id, "finding": finding, "remedy": remedy, "due": due}
        score = review_draw.score(criteria)
        return await row(conn, Q.keep_review, **values, criteria=json.dumps(dict(criteria)), score=score) is not None


async def remedied(conn: Connection, number: int, person_id: int) -> int | None:
    """Write down that a remedy was done, by another than who asked for it; returns the draw."""
    found = await row(conn, Q.remedied, review=number, person=person_id)
    return None if found is None else int(found["draw_id"])


async def results(conn: Connection, since: datetime, until: datetime, area: str | None) -> tuple[Row, list[Row]]:
    """Return what reviews of a time's calls found: in all, and criterion by criterion."""
    values: dict[str, Any] = {"since": since, "until": until, "area": area}
    totals = await row(conn, Q.totals, **values)
    assert totals is not None
    return totals, await rows(conn, Q.results, **values)
