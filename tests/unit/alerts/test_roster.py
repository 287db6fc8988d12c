"""Who may be called: the people of one target, in the order somebody on duty would ring them."""

import math

import pytest

from alerts.model import Role
from alerts.policy import Target
from alerts.roster import callable_now, contact_for, is_only, may_be_sent, operators, person, unreachable
from tests.unit.alerts.duty import roster, who


def called(target: Target, *people: object) -> list[int]:
    return [r.person_id for r in callable_now(target, roster(*people))]  # type: ignore[arg-type]


def test_family_is_rung_in_the_circle_s_order_however_far_away() -> None:
    daughter, son = who(1, Role.FAMILY, "mqtt", away=90), who(2, Role.FAMILY, "mqtt", away=1)
    assert called(Target(role=Role.FAMILY), son, daughter) == [1, 2]


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_guards_are_rung_the_nearest_first_and_unknown_distance_last(unknown: float | None) -> None:
    lost = who(1, Role.PROPERTY, "mqtt", away=unknown)
    far, near = who(2, Role.PROPERTY, "mqtt", away=9), who(3, Role.PROPERTY, "mqtt", away=2)
    assert called(Target(role=Role.PROPERTY), lost, far, near) == [3, 2, 1]
    assert called(Target(role=Role.PROPERTY, nearest=1), lost, far, near) == [3]


def test_guard_on_two_lists_is_rung_once() -> None:
    guard = who(1, Role.PROPERTY, "mqtt")
    assert called(Target(role=Role.PROPERTY), guard, guard) == [1]


def test_target_of_other_people_s_role_rings_nobody() -> None:
    assert called(Target(role=Role.COMMUNITY), who(1, Role.PROPERTY, "mqtt"), who(2, Role.FAMILY, "mqtt")) == []


def test_fallback_is_rung_when_whoever_is_on_duty_has_no_telephone() -> None:
    mute, asleep = who(1, Role.PROPERTY), who(2, Role.PROPERTY, "mqtt", on_duty=False)
    target = Target(role=Role.PROPERTY, fallback=(2,))
    assert called(target, mute, asleep) == [2]
    assert called(target, mute, asleep, who(3, Role.PROPERTY, "mqtt")) == [3]
    assert called(Target(role=Role.PROPERTY), mute, asleep) == []


def test_whoever_should_be_called_and_cannot_be_is_named_once() -> None:
    people = roster(
        who(4, Role.PROPERTY), who(4, Role.PROPERTY), who(3, Role.PROPERTY), who(2, Role.PROPERTY, "mqtt"),
        who(1, Role.PROPERTY, on_duty=False), who(5, Role.FAMILY),
    )  # fmt: skip
    assert unreachable(Target(role=Role.PROPERTY), people) == (3, 4)


def test_operators_are_those_at_a_console_now() -> None:
    here, gone = who(1, Role.OPERATOR, "console"), who(2, Role.OPERATOR, "console", on_duty=False)
    assert [r.person_id for r in operators(roster(here, gone))] == [1]


def test_operator_who_is_also_the_daughter_goes_as_the_daughter() -> None:
    both = roster(who(1, Role.OPERATOR, "console"), who(1, Role.FAMILY, "mqtt"))
    found = person(both, 1)
    assert found is not None
    assert found.role is Role.FAMILY
    assert not is_only(both, 1, Role.OPERATOR)
    assert is_only(both, 1, Role.OPERATOR, Role.FAMILY)


def test_stranger_is_nobody_and_of_no_role() -> None:
    assert person(roster(), 999) is None
    assert not is_only(roster(), 999, *Role)


def test_only_family_is_sent_off_duty() -> None:
    assert may_be_sent(who(1, Role.FAMILY, on_duty=False))
    assert not may_be_sent(who(1, Role.PROPERTY, on_duty=False))
    assert may_be_sent(who(1, Role.PROPERTY))


def test_contact_is_the_one_of_the_channel() -> None:
    guard = who(1, Role.PROPERTY, "mqtt", "webhook")
    contact = contact_for(guard, "webhook")
    assert contact is not None
    assert contact.address == "webhook-address"
    assert contact_for(guard, "voice") is None
