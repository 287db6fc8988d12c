"""The rules of a device's life, and what keeps one from being in effect."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.device_life import RULES, Action, Check, Doubt, Known, Reason, RefusedError, State, after, effect

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WELL = Known(
    state=State.LIVE, bound_at=NOW - timedelta(days=9), heard_at=NOW - MINUTE, pressed_at=NOW - timedelta(days=9),
    deadline=timedelta(minutes=10), needs_key=True, has_key=True, circle=2, battery_pct=80.0,
    checks={Check.VOICE: True},
)  # fmt: skip


def reasons(known: Known) -> list[Reason]:
    return [reason for reason, _ in effect(known, NOW).reasons]


def test_device_goes_from_seen_to_live_in_five_steps_and_out_of_use_in_one() -> None:
    state = State.SEEN
    for action in (Action.CLAIM, Action.BIND, Action.PRESS, Action.LIVE, Action.RETIRE):
        state = after(action, state)
    assert state is State.RETIRED
    assert after(Action.CLAIM, state) is State.CLAIMED


@pytest.mark.parametrize("state", [State.BOUND, State.TESTED, State.LIVE])
def test_device_that_changes_hands_must_be_pressed_again_and_one_that_changes_rooms_need_not(state: State) -> None:
    assert after(Action.BIND, state) is State.BOUND
    assert after(Action.MOVE, state) is state


def test_nothing_leads_to_use_but_a_press() -> None:
    assert {state for (action, state), to in RULES.items() if to is State.LIVE and action is Action.LIVE} == {
        State.TESTED
    }
    assert {action for (action, state), to in RULES.items() if to is State.TESTED and state is not State.TESTED} == {
        Action.PRESS
    }


@pytest.mark.parametrize(("action", "state"), [(a, s) for a in Action for s in State if (a, s) not in RULES])
def test_step_that_is_not_in_the_table_is_refused_in_both_languages(action: Action, state: State) -> None:
    with pytest.raises(RefusedError) as refused:
        after(action, state)
    assert refused.value.zh
    assert refused.value.en in str(refused.value)


def test_device_nobody_has_pressed_is_not_put_into_service_and_the_refusal_says_it_in_these_words() -> None:
    with pytest.raises(RefusedError, match=r"^a device that is bound cannot be put into service: no press"):
        after(Action.LIVE, State.BOUND)


def test_device_that_is_well_is_in_effect_with_nothing_to_say() -> None:
    found = effect(WELL, NOW)
    assert found.in_effect
    assert found.words("zh-CN") == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"state": State.SEEN}, Reason.UNCLAIMED),
        ({"state": State.CLAIMED}, Reason.UNBOUND),
        ({"state": State.RETIRED}, Reason.RETIRED),
        ({"state": State.TESTED}, Reason.NOT_LIVE),
        ({"has_key": False}, Reason.NO_CREDENTIAL),
        ({"heard_at": NOW - 11 * MINUTE}, Reason.SILENT),
        ({"heard_at": None, "pressed_at": None}, Reason.NEVER_HEARD),
        ({"test_until": NOW + MINUTE}, Reason.TEST_MODE),
        ({"checks": {Check.VOICE: True, Check.POWER: False}}, Reason.FAILED),
    ],
)
def test_device_is_not_in_effect_and_says_why(change: dict[str, object], expected: Reason) -> None:
    found = effect(replace(WELL, **change), NOW)  # type: ignore[arg-type]
    assert [reason for reason, _ in found.reasons] == [expected]
    assert all(found.words("zh-CN"))
    assert all(found.words("en"))


def test_device_just_bound_lacks_its_press_and_its_start() -> None:
    fresh = replace(WELL, state=State.BOUND, pressed_at=None)
    assert reasons(fresh) == [Reason.NO_PRESS, Reason.NOT_LIVE]
    assert reasons(replace(fresh, no_button=True)) == [Reason.NOT_LIVE]


def test_failed_trial_is_named() -> None:
    assert effect(replace(WELL, checks={Check.POWER: False}), NOW).words() == ("a trial failed: power",)


def test_device_without_a_deadline_may_be_silent_for_a_day() -> None:
    assert reasons(replace(WELL, deadline=None, heard_at=NOW - timedelta(hours=24))) == []
    assert reasons(replace(WELL, deadline=None, heard_at=NOW - timedelta(hours=26))) == [Reason.SILENT]


def test_trial_that_was_wanted_and_not_made_keeps_it_out_of_effect() -> None:
    wanted = replace(WELL, wanted=frozenset({Check.SOS, Check.VOICE, Check.LOCATION}))
    assert effect(wanted, NOW).reasons == ((Reason.UNTRIED, "location"),)
    assert effect(wanted, NOW).words("zh-CN") == ("尚未测试：location",)


def test_doubts_do_not_take_it_out_of_effect() -> None:
    found = effect(replace(WELL, battery_pct=9.0, circle=0), NOW)
    assert found.in_effect
    assert found.doubts == (Doubt.BATTERY, Doubt.NOBODY_OF_HER_OWN)
    assert len(found.words()) == 2


def test_installation_is_not_in_effect_without_consent_and_a_device_from_before_is_not_asked() -> None:
    assert reasons(replace(WELL, consented=False)) == [Reason.NO_CONSENT]
    assert reasons(replace(WELL, consented=True)) == []
    assert reasons(WELL) == []


def test_few_confirmed_contacts_are_a_doubt_and_a_reason_only_where_the_hub_wants_it() -> None:
    few = replace(WELL, confirmed=2)
    assert (reasons(few), effect(few, NOW).doubts) == ([], (Doubt.FEW_CONTACTS,))
    assert reasons(replace(few, contacts_min=3)) == [Reason.CONTACTS_MISSING]
    assert effect(replace(few, confirmed=3), NOW).doubts == ()
    assert effect(replace(few, circle=0, confirmed=0), NOW).doubts == (Doubt.NOBODY_OF_HER_OWN,)


def test_room_from_which_a_press_did_not_arrive_is_named_instead_of_the_trial() -> None:
    told = effect(replace(WELL, checks={Check.SOS: False}, unheard=("lift",)), NOW)
    assert told.reasons == ((Reason.UNHEARD, "lift"),)
