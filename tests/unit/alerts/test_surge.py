"""Disaster mode: what is sorted, what waits together, and what it never touches."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.events import Dispatched, Due, Raised, Refused, Taken
from alerts.incident import apply
from alerts.model import AlertKind, Decision, Incident, Role, Severity, State
from alerts.ringing import open_incident
from alerts.surge import BUNDLE_EVERY, Answer, Surge, Waiting, bundled, declare, groups, next_ring, propose, rank
from alerts.values import replace
from tests.unit.alerts.duty import DAUGHTER, XIAO_LI, alert, at, policy, roster

NOW = at("02:14:00")
QUAKE = Surge(area="", reason="earthquake", began_at=at("02:10:00"), ends_at=at("06:00:00"))
K = AlertKind


def opened(kind: AlertKind, severity: Severity, *, test: bool = False) -> Decision:
    cause = alert(kind, severity, NOW, test=test)
    return open_incident(1, cause, policy(), roster(), NOW)


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.HIGH])
@pytest.mark.parametrize("kind", list(AlertKind))
def test_severity_one_and_two_come_out_as_they_went_in(kind: AlertKind, severity: Severity) -> None:
    decision = opened(kind, severity)
    assert bundled(decision, None, QUAKE, NOW) is decision


def test_press_in_a_mild_case_rings_at_once() -> None:
    mild = bundled(opened(K.VITALS, Severity.MEDIUM), None, QUAKE, NOW).incident
    event = Raised(alert=alert(now=NOW))
    pressed = apply(mild, event, roster(), NOW)
    assert bundled(pressed, event, QUAKE, NOW) is pressed
    assert {p.due_at for p in pressed.pages} >= {NOW}
    assert pressed.incident.severity is Severity.CRITICAL


def test_what_is_mild_rings_together_and_its_next_step_has_its_whole_time() -> None:
    plain = opened(K.VITALS, Severity.MEDIUM)
    later = bundled(plain, None, QUAKE, NOW)
    ring = at("02:16:00")  # 02:10 and twice three minutes
    assert {p.due_at for p in later.pages} == {p.due_at + (ring - NOW) for p in plain.pages}
    assert plain.incident.timer is not None
    assert later.incident.timer is not None
    assert later.incident.timer.due_at - ring == plain.incident.timer.due_at - NOW
    assert len(later.pages) == len(plain.pages)  # later, never fewer


def test_cases_of_one_turn_ring_at_the_same_moment() -> None:
    moments = {next_ring(QUAKE, at("02:13:00") + timedelta(seconds=s)) for s in range(180)}
    assert moments == {at("02:16:00")}


def test_nothing_waits_beyond_the_end() -> None:
    assert next_ring(QUAKE, at("05:59:30")) == at("06:00:00")


def daughter_goes() -> Incident:
    """Her daughter has said that she goes; no operator has the case, all of them are rung every minute."""
    return apply(
        opened(K.SOS, Severity.CRITICAL).incident, Taken(person_id=DAUGHTER, role=Role.FAMILY), roster(), NOW
    ).incident


def test_whom_somebody_goes_to_operators_are_reminded_together() -> None:
    going = daughter_goes()
    assert going.timer is not None
    now = going.timer.due_at
    rung = apply(going, Due(), roster(), now)
    assert {p.role for p in rung.pages} == {Role.OPERATOR}
    together = bundled(rung, Due(), QUAKE, now)
    assert together.pages == rung.pages  # this ring comes now; the next with all the others
    assert together.incident.timer is not None
    assert rung.incident.timer is not None
    assert together.incident.timer.due_at == next_ring(QUAKE, rung.incident.timer.due_at)
    assert together.incident.timer.due_at - now <= rung.incident.policy.repeat_last + BUNDLE_EVERY


def test_silence_of_who_goes_is_noticed_when_it_would_have_been() -> None:
    going = daughter_goes()
    assert going.timer is not None
    soon = going.timer.due_at + timedelta(seconds=70)
    rung = apply(replace(going, expires_at=soon), Due(), roster(), going.timer.due_at)
    together = bundled(rung, Due(), QUAKE, going.timer.due_at)
    assert together.incident.timer is not None
    assert together.incident.timer.due_at == soon
    back = apply(together.incident, Due(), roster(), soon)
    assert back.incident.state is State.OPEN
    assert bundled(back, Due(), QUAKE, soon) is back


def test_an_operator_who_has_it_and_a_day_without_disaster_change_nothing() -> None:
    hers = apply(opened(K.SOS, Severity.CRITICAL).incident, Taken(person_id=XIAO_LI, role=Role.OPERATOR), roster(), NOW)
    assert bundled(hers, Taken(person_id=XIAO_LI, role=Role.OPERATOR), QUAKE, NOW) is hers
    going = daughter_goes()
    assert going.timer is not None
    rung = apply(going, Due(), roster(), going.timer.due_at)
    assert bundled(rung, Due(), None, going.timer.due_at) is rung


@pytest.mark.parametrize(
    "other",
    [
        None,
        Surge(area="east", reason="flood", began_at=QUAKE.began_at, ends_at=QUAKE.ends_at),
        Surge(area="", reason="over", began_at=at("01:00:00"), ends_at=NOW),
        Surge(area="", reason="ended", began_at=at("01:00:00"), ends_at=QUAKE.ends_at, ended_at=at("02:00:00")),
    ],
)
def test_elsewhere_and_afterwards_nothing_changes(other: Surge | None) -> None:
    decision = opened(K.VITALS, Severity.MEDIUM)
    assert bundled(decision, None, other, NOW) is decision


def test_what_a_person_ordered_does_not_wait() -> None:
    mild = opened(K.VITALS, Severity.MEDIUM).incident
    event = Dispatched(by=XIAO_LI)
    sent = apply(mild, event, roster(), NOW)
    assert sent.pages
    assert bundled(sent, event, QUAKE, NOW) is sent


def test_timer_of_a_mild_case_rings_with_the_others() -> None:
    mild = opened(K.VITALS, Severity.MEDIUM).incident
    assert mild.timer is not None
    now = mild.timer.due_at
    rung = bundled(apply(mild, Due(), roster(), now), Due(), QUAKE, now)
    assert {p.due_at for p in rung.pages} == {next_ring(QUAKE, now)}
    assert rung.incident.state is State.OPEN


@pytest.mark.parametrize(
    ("reason", "hours", "code"),
    [(" ", 2, "surge_needs_reason"), ("flood", 0, "surge_too_long"), ("flood", 12.1, "surge_too_long")],
)
def test_declaring_needs_a_reason_and_an_end(reason: str, hours: float, code: str) -> None:
    with pytest.raises(Refused) as no:
        declare("east", reason, NOW, NOW + timedelta(hours=hours))
    assert no.value.reason == code


def test_declared_it_covers_its_area_until_its_end() -> None:
    flood = declare("east", "flood", NOW, NOW + timedelta(hours=2))
    assert flood.covers("east", NOW)
    assert not flood.covers("west", NOW)
    assert not flood.covers("east", NOW + timedelta(hours=2))


def wave(count: int, area: str, severity: Severity = Severity.CRITICAL) -> list[tuple[datetime, Severity, str]]:
    return [(NOW - timedelta(seconds=9 * n), severity, area) for n in range(count)]


def test_more_than_thirty_in_ten_minutes_propose_it_where_they_are() -> None:
    assert propose(wave(30, "east"), NOW) is None
    found = propose(wave(31, "east") + wave(4, "west"), NOW)
    assert (found and found.area, found and found.count) == ("east", 31)


def test_many_in_several_areas_propose_it_everywhere() -> None:
    found = propose(wave(20, "east") + wave(20, "west"), NOW)
    assert (found and found.area, found and found.count) == ("", 40)


def test_mild_and_old_ones_propose_nothing() -> None:
    assert propose(wave(60, "east", Severity.MEDIUM), NOW) is None
    assert propose(wave(60, "east"), NOW + timedelta(minutes=11)) is None


def waiting(number: int, **facts: Any) -> Waiting:
    values = {"severity": Severity.CRITICAL, "kinds": [K.SOS], "opened_at": NOW, **facts}
    return Waiting(incident_id=number, **values)


@pytest.mark.parametrize(
    ("sooner", "later"),
    [
        ({}, {"severity": Severity.HIGH, "kinds": [K.VITALS]}),
        (
            {"severity": Severity.HIGH},
            {"severity": Severity.HIGH, "kinds": [K.VITALS], "presses": 9},
        ),  # SOS, however mild
        ({}, {"answer": Answer.RESPONDER}),
        ({"answer": Answer.RESPONDER}, {"answer": Answer.OPERATOR}),
        ({"presses": 3}, {"presses": 1, "age": 99}),
        ({"risks": ["oxygen", "lives_alone"]}, {"risks": ["falls"], "age": 99}),
        ({"age": 91}, {"age": 72}),
        ({"opened_at": NOW - timedelta(minutes=1)}, {}),
        ({"severity": Severity.LOW, "kinds": [K.VITALS]}, {"test": True}),
    ],
)
def test_queue_puts_sooner_what_cannot_wait(sooner: dict[str, Any], later: dict[str, Any]) -> None:
    assert rank(waiting(2, **sooner)) < rank(waiting(1, **later))


def test_sos_is_never_behind_what_is_no_call_for_help() -> None:
    dice = random.Random(11)
    cases = [
        waiting(
            n, severity=Severity(dice.randint(1, 4)), kinds=[dice.choice(list(K))], presses=dice.randint(0, 5),
            age=dice.randint(60, 99), answer=dice.choice(list(Answer)),
        )
        for n in range(400)
    ]  # fmt: skip
    order = sorted(cases, key=rank)
    life = [c.severity is Severity.CRITICAL or K.SOS in c.kinds for c in order]
    assert life == sorted(life, reverse=True)
    assert len(order) == 400


def test_queue_is_grouped_by_house_the_worst_first() -> None:
    house = "和平里 3 号楼"
    cases = [
        waiting(1, area="east", address=f"{house} 101", severity=Severity.LOW, kinds=[K.VITALS]),
        waiting(2, area="east", address="光明巷 12 号", answer=Answer.OPERATOR),
        waiting(3, area="east", address=f"{house} 502", presses=2),
    ]
    found = groups(cases)
    assert [(place, [c.incident_id for c in rows]) for place, rows in found] == [
        (("east", house), [3, 1]), (("east", "光明巷 12 号"), [2]),
    ]  # fmt: skip
