"""The table of states of a call, and the signature between hub and PBX."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from hub.telephone_settings import TelephoneSettings
from hub.telephony import signing
from hub.telephony.states import LEADS, OVER, State, after
from hub.telephony.telephone import dialable

KEY = "a key of sixteen bytes or more"
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def headers(key: str = KEY, body: bytes = b"{}", at: datetime = NOW) -> dict[str, str]:
    return {name.lower(): value for name, value in signing.sign(key, "POST", "/calls", body, at).items()}


def test_every_state_has_its_row() -> None:
    assert set(LEADS) == set(State)
    assert all(LEADS[state] == frozenset() for state in OVER)


@pytest.mark.parametrize("order", list(itertools.permutations([State.RINGING_DESK, State.RINGING, State.ANSWERED])))
def test_reports_in_any_order_lead_to_the_furthest(order: tuple[State, ...]) -> None:
    state = State.ASKED
    for said in order:
        state = after(state, said)
    assert state is State.ANSWERED


@pytest.mark.parametrize(("first", "then"), list(itertools.permutations(sorted(OVER), 2)))
def test_first_end_counts(first: State, then: State) -> None:
    assert after(first, then) is first


def test_nothing_leads_back_out_of_an_end_and_what_was_lost_is_found() -> None:
    assert {after(end, said) for end in OVER for said in State} == OVER
    assert after(State.LOST, State.ENDED) is State.ENDED
    assert after(State.LOST, State.RINGING) is State.LOST
    assert after(State.ANSWERED, State.FAILED) is State.ENDED


def test_signature_is_of_this_body_path_and_time() -> None:
    good = headers()
    assert signing.check(KEY, "POST", "/calls", b"{}", good, NOW) == good["x-carehub-nonce"]
    for method, path, body in (("GET", "/calls", b"{}"), ("POST", "/other", b"{}"), ("POST", "/calls", b"{ }")):
        with pytest.raises(signing.ForgedError):
            signing.check(KEY, method, path, body, good, NOW)
    with pytest.raises(signing.ForgedError):
        signing.check("another key of sixteen bytes", "POST", "/calls", b"{}", good, NOW)


@pytest.mark.parametrize("age_s", [301, -301])
def test_signature_of_another_time_is_refused(age_s: int) -> None:
    with pytest.raises(signing.ForgedError, match="clock"):
        signing.check(KEY, "POST", "/calls", b"{}", headers(at=NOW - timedelta(seconds=age_s)), NOW)


def test_short_key_signs_nothing() -> None:
    with pytest.raises(signing.ForgedError, match="TELEPHONE_KEY"):
        signing.check("short", "POST", "/calls", b"{}", headers("short"), NOW)


@pytest.mark.parametrize(
    ("said", "number"),
    [("138 0000 0001", "+8613800000001"), ("0951-000 0001", "+869510000001"), ("1064000000077", "+861064000000077"),
     ("+49 170 1234567", "+491701234567"), ("120", None), ("", None), ("call me", None)],
)  # fmt: skip
def test_numbers_are_dialled_as_the_world_writes_them(said: str, number: str | None) -> None:
    assert dialable(said) == number


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"provider": "pigeon"}, "no provider"), ({"provider": "pbx"}, "url"), ({"provider": "aliyun"}, "show_number"),
     ({"provider": "pbx", "url": "http://pbx.example.org"}, "https"), ({"longest_min": 0}, "longest_min")],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TelephoneSettings(**wrong)  # type: ignore[arg-type]
