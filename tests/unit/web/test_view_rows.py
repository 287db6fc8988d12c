"""What a row of the queue and the page of one incident offer to whom."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alerts.model import Severity
from hub.web import views

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
ME, ANOTHER = 3, 4


def row(**facts: Any) -> dict[str, Any]:
    return {
        "severity": 1, "handler_id": None, "test": False, "state": "open", "born": date(1944, 3, 2), "kind": "sos",
        "opened_at": NOW - timedelta(seconds=75), "closed_at": None, "due_at": NOW + timedelta(seconds=20),
        "responder_id": None, "proof": None, "arrived_at": None, "services": [], "area": "", "address": "", "risks": [],
        "presses": 0, "id": 1, **facts,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "take", "act"),
    [
        ({}, True, False),
        ({"state": "taken", "handler_id": ME}, False, True),
        ({"state": "taken", "handler_id": ANOTHER}, False, False),
        ({"state": "en_route"}, True, False),
        ({"state": "resolved", "handler_id": ME}, False, True),
        ({"state": "closed"}, False, False),
        ({"state": "closed", "handler_id": ME}, False, False),
        ({"state": "cancelled"}, False, False),
    ],
)
def test_buttons_are_for_whoever_has_it(facts: dict[str, Any], take: bool, act: bool) -> None:
    case = views.case(row(**facts), NOW, ME)
    assert (case["can_take"], case["can_act"]) == (take, act)


def test_clock_of_an_ended_case_stands_still() -> None:
    ended = row(state="closed", closed_at=NOW - timedelta(seconds=60))
    assert views.case(ended, NOW + timedelta(days=1), ME)["since"] == "0:15"
    assert views.case(row(), NOW, ME)["since"] == "1:15"


def test_case_without_a_timer_counts_down_to_nothing() -> None:
    assert views.queue_row(row(), NOW)["left"] == "0:20"
    assert views.queue_row(row(due_at=None), NOW)["left"] is None
    assert views.queue_row(row(due_at=NOW - timedelta(seconds=9)), NOW)["left"] == "0:00"


def test_row_names_its_own_kind_first_and_each_kind_once() -> None:
    assert views.queue_row(row(kind="fall", kinds=["sos", "fall"]), NOW)["kinds"] == ["fall", "sos"]
    assert views.queue_row(row(kinds=None), NOW)["kinds"] == ["sos"]


def test_every_severity_has_a_shape_of_its_own() -> None:
    marks = [views.queue_row(row(severity=int(each)), NOW)["mark"] for each in Severity]
    assert len(set(marks)) == len(Severity)


def test_technical_alerts_lie_apart_and_nothing_is_dropped() -> None:
    rows = [row(id=number, severity=severity) for number, severity in enumerate((5, 1, 4, 5, 2))]
    calls, technical = views.split(rows)
    assert [r["id"] for r in calls] == [1, 2, 4]
    assert [r["id"] for r in technical] == [0, 3]


def test_resident_born_on_leap_day_is_a_year_older_in_march() -> None:
    assert views.years(date(1944, 2, 29), date(2026, 2, 28)) == 81
    assert views.years(date(1944, 2, 29), date(2026, 3, 1)) == 82
    assert views.years(None, date(2026, 3, 1)) is None


def test_chart_is_oldest_first_and_says_the_last_that_was_measured() -> None:
    newest_first: list[dict[str, Any]] = [
        {"at": 30.04, "heart_rate_bpm": None, "spo2_pct": None},
        {"at": 20.0, "heart_rate_bpm": 82, "spo2_pct": None},
        {"at": 10.0, "heart_rate_bpm": 80, "spo2_pct": 96},
    ]
    chart = views.chart(newest_first)
    assert chart["at"] == [10.0, 20.0, 30.0]
    assert chart["heart_rate_bpm"] == [80, 82, None]
    assert (chart["last_bpm"], chart["last_at"], chart["last_spo2"]) == (82, 20.0, 96)
    assert chart["trend"] is None


def test_chart_of_a_silent_watch_is_empty_and_claims_nothing() -> None:
    chart = views.chart([])
    assert chart["at"] == []
    assert [chart[name] for name in ("last_bpm", "last_at", "last_spo2", "trend")] == [None] * 4


def test_one_odd_beat_and_what_is_long_ago_make_no_trend() -> None:
    steady = [(60.0 * minute, 80.0) for minute in range(9)]
    assert views.trend([*steady, (540.0, 100.0)]) == 0
    fell = [(0.0, 140.0), (10.0, 140.0), (20.0, 140.0), *((2000.0 + t, bpm) for t, bpm in steady)]
    assert views.trend(fell) == 0
    assert (views.trend([(60.0 * minute, 120.0 - 4 * minute) for minute in range(9)]) or 0) < -8


@pytest.mark.parametrize(
    ("facts", "alone"),
    [
        ({"responder_id": ANOTHER, "state": "en_route"}, True),  # the guard is going, and no operator has it
        ({"responder_id": ANOTHER, "state": "en_route", "handler_id": ME}, False),
        ({"responder_id": ANOTHER, "state": "en_route", "severity": 2}, False),
        ({"responder_id": ANOTHER, "state": "en_route", "test": True}, False),
        ({}, False),
    ],
)
def test_severity_one_says_that_no_operator_has_it_whoever_goes(facts: dict[str, Any], alone: bool) -> None:
    assert views.queue_row(row(**facts), NOW)["no_operator"] is alone


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"state": "on_scene", "proof": "told", "arrived_at": NOW - timedelta(minutes=3)}, "told"),
        ({"state": "on_scene", "proof": "time", "arrived_at": NOW - timedelta(minutes=11)}, "time"),
        ({"state": "on_scene", "proof": None, "arrived_at": NOW - timedelta(minutes=11)}, "none"),
        ({"state": "handed_over", "proof": "told", "arrived_at": NOW - timedelta(hours=1)}, "told"),
        ({"state": "on_scene", "proof": "button", "arrived_at": NOW}, "button"),
        ({"state": "open", "proof": None, "arrived_at": None}, None),
        (
            {"state": "open", "proof": None, "arrived_at": NOW - timedelta(hours=1)},
            None,
        ),  # he came, and it is open anew
    ],
)
def test_arrival_is_shown_with_its_proof_or_as_unproved(facts: dict[str, Any], word: str | None) -> None:
    assert views.proof(row(**facts)) == word


def test_services_stand_by_their_keys_whatever_is_proposed() -> None:
    shown = views.services(row(kind="smoke", services=["119"]), [], no_speech=False)
    assert [(s["key"], s["service"], s["joined"], s["because"]) for s in shown] == [
        ("1", "120", False, "smoke"), ("2", "119", True, "smoke"), ("3", "110", False, None),
    ]  # fmt: skip


def test_mild_reading_proposes_no_ambulance_until_nobody_answers() -> None:
    mild = row(kind="vitals", severity=3)
    assert [s["because"] for s in views.services(mild, [], no_speech=False)] == [None, None, None]
    assert [s["because"] for s in views.services(mild, [], no_speech=True)] == ["no_speech", None, None]


def test_places_come_by_their_most_pressing_case() -> None:
    house, other = "和平里 3 号楼", "光明巷 12 号"
    rows = [
        views.queue_row(row(id=1, severity=3, kind="vitals", address=f"{house} 101"), NOW),
        views.queue_row(row(id=2, severity=2, kind="fall", address=other), NOW),
        views.queue_row(row(id=3, address=f"{house} 502", handler_id=ME), NOW),
    ]
    found = views.places(rows)
    assert [(p.house, [r["id"] for r in p.rows], p.alone, p.severity) for p in found] == [
        (house, [3, 1], 1, 1), (other, [2], 1, 2),
    ]  # fmt: skip
