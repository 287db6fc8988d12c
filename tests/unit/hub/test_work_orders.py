"""A work order goes its way through one table, and nobody checks himself."""

import pytest

from hub.work_orders import ENDED, TRANSITIONS, VERBS, OrderRefusedError, OrderState, step

NOBODY: frozenset[str] = frozenset()


def test_order_that_goes_well_is_planned_assigned_accepted_on_site_done_and_checked() -> None:
    state = "planned"
    for verb in ("assign", "accept", "arrive", "finish", "check"):
        state = step(state, verb, words="写了", by="person:9", doers=frozenset({"person:3"})).to
    assert state == "checked"


@pytest.mark.parametrize("verb", ["check", "send_back"])
def test_who_did_it_neither_checks_it_nor_sends_it_back(verb: str) -> None:
    with pytest.raises(OrderRefusedError) as refused:
        step("done", verb, words="好", by="person:3", doers=frozenset({"person:3", "person:5"}))
    assert refused.value.code == "same_hand"


@pytest.mark.parametrize(("state", "verb"), [("on_site", "finish"), ("assigned", "refuse"), ("planned", "cancel")])
def test_what_was_done_or_why_not_has_to_be_written(state: str, verb: str) -> None:
    with pytest.raises(OrderRefusedError) as refused:
        step(state, verb, words="  ", by="person:3", doers=NOBODY)
    assert refused.value.code == "words"


def test_nothing_happens_to_an_order_that_has_ended() -> None:
    for state in ENDED:
        for verb in VERBS:
            with pytest.raises(OrderRefusedError):
                step(state, verb, words="x", by="person:3", doers=NOBODY)


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    reached = {row.to for verbs in TRANSITIONS.values() for row in verbs.values()} | {OrderState.PLANNED}
    assert reached == set(OrderState)
    assert {verb for verbs in TRANSITIONS.values() for verb in verbs} == set(VERBS)
