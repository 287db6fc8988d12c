"""Service levels of an October written by hand: every figure here was added up on paper."""

import math

import pytest

from hub.service_levels import Level
from hub.store import service_levels as store
from hub.store.pool import Connection, hub_now
from hub.store.service_levels import NoSuchAreaError, Wish, month_of
from tests.integration.supervisor.duty_log import CHINA, DutyLog


def levels(log: DutyLog, by: str = "", *, area: str | None = None, level: str = "community") -> dict[str, Level]:
    log.read()
    since, until = month_of(2026, 10, CHINA)

    async def asked(conn: Connection) -> list[Level]:
        wish = Wish(since=since, until=until, area=area)
        return await store.levels(conn, wish, await hub_now(conn), CHINA, by=by, level=level)

    return {one.key: one for one in log.world.run(asked)}


def handled(log: DutyLog, device: str, answered_s: float, **more: object) -> int:
    """A call that an operator takes and that ends with her voice."""
    case = log.press(device, **more)  # type: ignore[arg-type]
    log.later(answered_s).take(case)
    log.later(120).resolve(case)
    log.later(30).close(case)
    return case


def visited(log: DutyLog, device: str, answered_s: float, door_s: float, **more: object) -> int:
    """A call to which the guard goes; seconds from the press."""
    case = log.press(device, **more)  # type: ignore[arg-type]
    log.later(answered_s).take(case)
    log.later(1).send(case, "guard")
    log.later(9).says(case, "guard", "accept")
    log.later(door_s - answered_s - 10).says(case, "guard", "arrived")
    log.later(60).resolve(case, "scene")
    log.later(5).close(case, "lifted")
    return case


def test_answers_are_counted_from_the_press_to_the_operators_hand(october: DutyLog) -> None:
    for day, answered in ((5, 10.0), (6, 60.0), (7, 61.0), (8, 180.0), (9, 181.0)):
        handled(october.at(day, "08:00"), "watch-zhang", answered)
    all_of = levels(october)[""]
    assert (all_of.calls, all_of.due_60, all_of.in_60, all_of.due_180, all_of.in_180) == (5, 5, 2, 5, 4)
    assert (all_of.answer_p50, all_of.answer_p90) == (61, 181)
    assert (all_of.due_45, all_of.called_off) == (0, 0), "nobody was sent, and she was spoken with within 45 minutes"
    assert all_of.share("in_60") == 0.4
    assert all_of.kept("in_60") is False


def test_call_nobody_answers_counts_as_late_once_it_is(october: DutyLog) -> None:
    handled(october.at(5, "08:00"), "watch-zhang", 20)
    october.at(6, "02:14").press("button-wang")
    pending = levels(october.later(59))[""]
    assert (pending.calls, pending.due_60, pending.in_60, pending.unanswered) == (2, 1, 1, 0)
    late = levels(october.later(2))[""]
    assert (late.due_60, late.in_60, late.due_180) == (2, 1, 1)
    lost = levels(october.later(120))[""]
    assert (lost.due_180, lost.in_180, lost.unanswered) == (2, 1, 1)
    assert lost.answer_p90 is not None
    assert math.isinf(lost.answer_p90), "nine in ten were answered: never"


def test_family_that_goes_answers_a_lesser_call_but_not_a_critical_one(october: DutyLog) -> None:
    critical = october.at(5, "08:00").press("watch-wang")
    october.timers()
    lesser = october.press("watch-he", "vitals", 2)
    for case in (critical, lesser):
        world = october.world
        guard = world.people["guard"]
        world.sql(
            "insert into page (incident_id, round, step, person_id, role, channel, address, due_at, created_at)"
            " select %(i)s, 0, 0, %(p)s, 'property', 'webhook', 'x', hub_now(), hub_now()", i=case, p=guard,
        )  # fmt: skip
    october.later(30).says(critical, "guard", "accept")
    october.says(lesser, "guard", "accept")
    found = levels(october.later(200), "severity")
    assert (found["1"].in_60, found["1"].unanswered) == (0, 1)
    assert (found["2"].in_60, found["2"].unanswered) == (1, 0)


def test_doors_are_counted_from_the_press_and_unreached_ones_are_late(october: DutyLog) -> None:
    visited(october.at(5, "08:00"), "watch-wang", 20, 20 * 60)
    visited(october.at(6, "08:00"), "watch-wang", 20, 45 * 60)
    visited(october.at(7, "08:00"), "watch-wang", 20, 50 * 60)
    off = october.at(8, "08:00").press("watch-wang")  # called off after ten minutes: in no share, and shown
    october.later(20).take(off)
    october.send(off, "guard")
    october.later(600).resolve(off)
    october.close(off)
    never = october.at(9, "08:00").press("watch-wang")  # the guard never came; her daughter rang after 50 minutes
    october.later(20).take(never)
    october.send(never, "guard")
    october.later(3_000).resolve(never)
    october.close(never)
    all_of = levels(october)[""]
    assert (all_of.due_45, all_of.in_45, all_of.due_60m, all_of.in_60m) == (4, 2, 4, 3)
    assert (all_of.unreached, all_of.called_off) == (1, 1)
    assert all_of.door_p50 == 45 * 60
    assert all_of.door_p90 is not None
    assert math.isinf(all_of.door_p90)


def test_critical_call_that_nobody_resolves_needs_a_door_even_if_nobody_was_sent(october: DutyLog) -> None:
    case = october.at(5, "08:00").press("watch-wang")
    october.later(30).take(case)
    assert levels(october.later(44 * 60))[""].due_45 == 0
    assert levels(october.later(60))[""].due_45 == 1
    late = levels(october.later(15 * 60))[""]
    assert (late.due_60m, late.in_60m, late.unreached) == (1, 0, 1)


def test_tests_canary_technical_findings_and_what_the_wearer_took_back_are_left_out(october: DutyLog) -> None:
    october.at(5, "08:00").press("button-liu", test=True)
    october.press("watch-zhang", "silence", 5, rule="T3")
    asked = october.press("watch-he", "fall", countdown_s=15.0)
    october.cancel(asked)
    october.world.resident("nobody", "金丝雀", canary=True)
    october.world.device("canary", "nobody")
    october.press("canary")
    assert levels(october.later(600))[""] == Level(key="")
    since, until = month_of(2026, 10, CHINA)
    wish = Wish(since=since, until=until)
    assert october.world.run(lambda conn: store.left_out(conn, wish)) == {"tests": 1, "technical": 1, "taken_back": 1}


def test_fall_that_asks_first_is_counted_from_the_end_of_the_countdown(october: DutyLog) -> None:
    case = october.at(5, "08:00").press("watch-he", "fall", countdown_s=15.0)
    assert levels(october)[""].calls == 0
    october.later(15).timers()
    october.later(40).take(case)
    october.resolve(case)
    assert levels(october)[""].answer_p50 == 40


def test_test_that_was_none_is_counted_from_when_somebody_said_so(october: DutyLog) -> None:
    case = october.at(5, "08:00").press("button-liu", test=True)
    october.later(300)
    october.make_real(case)
    october.later(25).take(case)
    assert levels(october)[""].answer_p50 == 25


def test_case_rung_again_after_it_was_over_was_not_over(october: DutyLog) -> None:
    case = october.at(5, "08:00").press("watch-wang")
    october.later(20).take(case)
    october.later(100).resolve(case)
    october.later(300).press("watch-wang")
    found = levels(october.later(3_600))[""]
    assert (found.calls, found.unreached) == (1, 1)


def test_levels_stand_by_area_organisation_kind_and_hour(october: DutyLog) -> None:
    visited(october.at(5, "02:14"), "watch-wang", 20, 1200)
    handled(october.at(5, "02:50"), "button-liu", 90, area="光明社区")
    handled(october.at(6, "14:00"), "watch-he", 30, kind="vitals", severity=2)
    october.at(7, "09:00")
    assert {k: v.calls for k, v in levels(october, "area").items()} == {"和平社区": 2, "光明社区": 1}
    assert {k: v.calls for k, v in levels(october, "area", level="township").items()} == {"丽景街道": 3}
    assert {k: v.calls for k, v in levels(october, "area", level="county").items()} == {"兴庆区": 3}
    assert {k: v.calls for k, v in levels(october, "kind").items()} == {"sos": 2, "vitals": 1}
    assert {k: v.calls for k, v in levels(october, "hour").items()} == {"02": 2, "14": 1}
    assert {k: v.calls for k, v in levels(october, "day").items()} == {"2026-10-05": 2, "2026-10-06": 1}
    by_org = levels(october, "organisation")
    assert by_org[str(october.orgs["和平物业"])].in_45 == 1
    assert levels(october, area="光明社区")[""].in_60 == 0
    assert levels(october, area="兴庆区")[""].calls == 3
    assert levels(october, area="金凤区")[""].calls == 0


def test_reading_again_and_later_changes_no_figure(october: DutyLog) -> None:
    visited(october.at(5, "08:00"), "watch-wang", 20, 1200)
    once = levels(october.at(20, "08:00"))
    october.world.sql("delete from service_mark")
    assert levels(october) == once
    october.world.sql("delete from service_mark")
    october.world.sql("delete from service_case")
    assert levels(october) == once


def test_area_nobody_has_is_refused_with_those_there_are(october: DutyLog) -> None:
    with pytest.raises(NoSuchAreaError, match="兴庆区"):
        october.world.run(lambda conn: store.must_be_there(conn, "火星区"))


def test_october_ends_at_midnight_on_the_wall(october: DutyLog) -> None:
    october.world.sql("update clock set at = '2026-09-30 15:59:59Z'")
    october.press("watch-wang")
    october.world.sql("update clock set at = '2026-10-31 15:59:59Z'")
    october.press("watch-zhang")
    october.world.sql("update clock set at = '2026-10-31 16:00:01Z'")
    october.press("watch-he")
    assert levels(october)[""].calls == 1


def test_critical_breach_is_a_minute_and_others_are_three(october: DutyLog) -> None:
    late = handled(october.at(5, "08:00"), "watch-wang", 61)
    handled(october.at(6, "08:00"), "watch-he", 61, kind="vitals", severity=2)
    later = handled(october.at(7, "08:00"), "watch-he", 181, kind="vitals", severity=2)
    october.read()
    since, until = month_of(2026, 10, CHINA)

    async def asked(conn: Connection) -> list[int]:
        found = await store.breaches(conn, Wish(since=since, until=until), await hub_now(conn))
        return [one["incident_id"] for one in found if one["late_answer"]]

    assert october.world.run(asked) == [later, late]
