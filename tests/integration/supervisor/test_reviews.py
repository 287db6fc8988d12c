"""Calls drawn by lot: kept with what draws them again, and reviewed by somebody who had no hand in them."""

from datetime import date

import pytest

from hub.review_draw import CRITERIA, DrawError
from hub.store import reviews as store
from hub.store.reviews import Lottery, NoSuchDrawError, Verified
from hub.store.service_levels import month_of
from tests.integration.supervisor.duty_log import CHINA, DutyLog

SINCE, UNTIL = month_of(2026, 10, CHINA)


def week(log: DutyLog) -> list[int]:
    """Six calls, three of Li's and three of Chen's, and one still open."""
    cases = []
    for day, (device, who) in enumerate((
        ("watch-wang", "li"), ("button-liu", "chen"), ("watch-he", "li"), ("watch-zhang", "chen"), ("button-liu", "li"),
        ("watch-he", "chen"),
    ), start=5):  # fmt: skip
        case = log.at(day, "10:00").press(device, area="光明社区" if device == "button-liu" else "和平社区")
        log.later(20).take(case, who)
        log.later(60).resolve(case, by=who)
        log.later(10).close(case, "accidental" if day % 2 else "reassured", by=who)
        cases.append(case)
    log.at(12, "10:00").press("watch-wang")
    log.read()
    return cases


def drawn(log: DutyLog, *people: str, wanted: int = 4, seed: str = "开奖 03-11-19", area: str = "") -> int:
    lottery = Lottery(
        since=SINCE, until=UNTIL, area=area, wanted=wanted, seed=seed,
        reviewers=tuple(log.world.people[short] for short in people),
    )  # fmt: skip
    return log.world.run(lambda conn: store.draw(conn, lottery, log.world.people["ma"]))


def verified(log: DutyLog, number: int) -> Verified:
    return log.world.run(lambda conn: store.verify(conn, number))


def test_draw_is_drawn_again_from_seed_and_population(october: DutyLog) -> None:
    week(october)
    first, second = drawn(october, "li", "chen", "ma"), drawn(october, "li", "chen", "ma")
    assert verified(october, first) == Verified(draw=first)
    same = "select place, incident_id, stratum, reviewer_id from review where draw_id = %(d)s order by place"
    assert october.world.sql(same, d=first) == october.world.sql(same, d=second)
    drawn(october, "ma", seed="")
    assert len({row[0] for row in october.world.sql("select seed from review_draw")}) == 2


def test_open_calls_and_other_areas_are_not_drawn(october: DutyLog) -> None:
    cases = week(october)
    number = drawn(october, "ma", wanted=100)
    assert (
        sorted(r[0] for r in october.world.sql("select incident_id from review where draw_id=%(d)s", d=number)) == cases
    )
    there = drawn(october, "ma", wanted=100, area="光明社区")
    assert {r[0] for r in october.world.sql("select stratum from review where draw_id = %(d)s", d=there)} == {
        "光明社区|sos|reassured", "光明社区|sos|accidental"
    }  # fmt: skip


def test_nobody_is_drawn_for_a_call_of_his_own(october: DutyLog) -> None:
    week(october)
    number = drawn(october, "li", "chen", wanted=6)
    for case, reviewer in october.world.sql(
        "select incident_id, reviewer_id from review where draw_id=%(d)s", d=number
    ):
        hands = october.world.sql(
            "select count(*) from incident_event where incident_id = %(i)s and actor = %(a)s",
            i=case, a=f"person:{reviewer}",
        )  # fmt: skip
        assert hands == [(0,)]


def test_row_that_was_put_in_another_place_is_found(october: DutyLog) -> None:
    cases = week(october)
    number = drawn(october, "ma")
    left = next(c for c in cases if c not in {r[0] for r in october.world.sql("select incident_id from review")})
    october.world.sql("update review set incident_id = %(c)s where draw_id = %(d)s and place = 2", c=left, d=number)
    (fault,) = verified(october, number).faults
    assert "place 2" in fault
    october.world.sql("update review_draw set population = population - 0 where id = %(d)s", d=number)
    assert "digest" in verified(october, number).faults[0]


def test_call_that_changed_since_is_named_and_the_draw_still_holds(october: DutyLog) -> None:
    cases = week(october)
    number = drawn(october, "ma")
    october.world.sql("update service_case set area = '光明社区' where incident_id = %(i)s", i=cases[0])
    assert verified(october, number) == Verified(draw=number, changed=(cases[0],))


def test_review_is_written_once_by_its_reviewer_and_remedied_by_another(october: DutyLog) -> None:
    week(october)
    drawn(october, "ma", wanted=1)
    ((number,),) = october.world.sql("select id from review")
    ma, li = october.world.people["ma"], october.world.people["li"]

    def write(who: int) -> bool:
        return october.world.run(lambda conn: store.write(
            conn, number, who, {**dict.fromkeys(CRITERIA, "met"), "script": "not_met"}, finding="没有核对姓名",
            remedy="班前培训", due=date(2026, 11, 10),
        ))  # fmt: skip

    with pytest.raises(DrawError) as refused:
        write(li)
    assert refused.value.code == "not_yours"
    assert write(ma) is True
    assert write(ma) is False
    assert october.world.sql("select score, finding, remedy from review") == [(88, "没有核对姓名", "班前培训")]
    assert october.world.run(lambda conn: store.remedied(conn, number, ma)) is None
    assert october.world.run(lambda conn: store.remedied(conn, number, li)) is not None
    totals, by_criterion = october.world.run(lambda conn: store.results(conn, SINCE, UNTIL, None))
    assert (totals["drawn"], totals["reviewed"], totals["remedies"], totals["to_remedy"]) == (1, 1, 1, 0)
    assert {r["criterion"]: (r["met"], r["not_met"]) for r in by_criterion}["script"] == (0, 1)


def test_case_everybody_had_a_hand_in_is_refused_to_its_own_hands(october: DutyLog) -> None:
    week(october)
    drawn(october, "li", wanted=6)
    own = october.world.sql("select id, incident_id from review where reviewer_id is null")
    assert len(own) == 3
    with pytest.raises(DrawError) as refused:
        october.world.run(lambda conn: store.write(
            conn, own[0][0], october.world.people["li"], {}, finding="", remedy="", due=None
        ))  # fmt: skip
    assert refused.value.code == "own_case"


def test_draw_that_is_not_there_is_refused(october: DutyLog) -> None:
    with pytest.raises(NoSuchDrawError, match="no draw 7"):
        verified(october, 7)
