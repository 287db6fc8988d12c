"""A responder who tapped the wrong thing: back with one tap, written as its own line, for some minutes."""

from datetime import datetime, timedelta

import httpx
import pytest

from alerts.mistaken import TAKES_BACK_WITHIN
from hub.store.pool import Connection
from hub.store.sql import queries
from tests.integration.web.seen import visible
from tests.integration.web.test_responder import Guard, closes, guard
from tests.integration.web.world import World

__all__ = ["guard"]  # a fixture
BACK = "点错了，收回"
SERVICE = queries("service_levels")


def story(world: World, incident: int) -> list[str]:
    return [what for (what,) in world.sql(
        "select what from incident_event where incident_id = %(i)s order by seq", i=incident
    )]  # fmt: skip


def handed_over(guard: Guard) -> None:
    for verb in ("accept", "en_route", "arrived"):
        assert guard.says(verb).status_code == 200
    assert guard.says("handed_over", to="儿子").json()["view"] == "thanks"


def later(world: World, by: timedelta) -> None:
    world.sql("insert into clock (at) values (clock_timestamp() + %(by)s)", by=by)


def arrival_told(guard: Guard) -> datetime | None:
    """When the door was reached, as the month's figures are told of the chain."""

    async def told(conn: Connection) -> datetime | None:
        await conn.execute(SERVICE.forget, {"cases": [guard.incident]})
        await conn.execute(SERVICE.tell, {"cases": [guard.incident]})
        row = await (await conn.execute("select arrived_at from service_case")).fetchone()
        assert row is not None
        return row[0]  # type: ignore[no-any-return]

    return guard.world.run(told)


def test_guard_takes_a_hand_over_back_and_stays(guard: Guard, li: httpx.Client) -> None:
    handed_over(guard)
    assert BACK in guard.sees()
    back = guard.says("mistake")
    assert (back.status_code, back.json()["view"], guard.state()) == (200, "there", "on_scene")
    assert guard.world.sql("select handed_to from incident where id = %(i)s", i=guard.incident) == [(None,)]
    assert guard.says("left").json()["error"] == "hand_over_first"
    assert "赵保安 点错了“交接”，已收回" in visible(li.get(f"/incidents/{guard.incident}/case").text)
    assert guard.says("handed_over", to="120 #4711").json()["view"] == "thanks", "and again, when it is true"
    assert story(guard.world, guard.incident)[-3:] == ["handed_over", "mistaken", "handed_over"]


def test_same_tap_twice_takes_back_once(guard: Guard) -> None:
    handed_over(guard)
    guard.says("mistake", nonce="once")
    before = story(guard.world, guard.incident)
    assert guard.says("mistake", nonce="once").json()["repeat"]
    refused = guard.says("mistake", nonce="another")
    assert (refused.status_code, refused.json()["error"]) == (409, "nothing_to_take_back")
    assert story(guard.world, guard.incident) == before


def test_arrival_taken_back_is_no_arrival_in_the_months_figures(guard: Guard) -> None:
    for verb in ("accept", "en_route", "arrived"):
        guard.says(verb)
    assert BACK in guard.sees()
    assert guard.says("mistake").json()["view"] == "en_route"
    assert guard.state() == "en_route"
    assert BACK not in guard.sees()

    assert arrival_told(guard) is None
    guard.says("arrived")
    ((at,),) = guard.world.sql(
        "select max(at) from incident_event where incident_id = %(i)s and what = 'arrived'", i=guard.incident
    )
    assert arrival_told(guard) == at


def test_cannot_go_taken_back_has_him_going_again(guard: Guard) -> None:
    guard.says("accept")
    assert guard.says("cannot_go").json()["view"] == "declined"
    assert guard.state() == "open"
    assert BACK in guard.sees()
    assert guard.says("mistake").json()["view"] == "accepted"
    responder = "select responder_id from incident where id = %(i)s"
    assert guard.world.sql(responder, i=guard.incident) == [(guard.world.people["guard"],)]
    assert "mistaken" in story(guard.world, guard.incident)


def test_who_had_promised_nothing_is_only_asked_again(guard: Guard) -> None:
    guard.says("cannot_go")
    assert guard.says("mistake").json()["view"] == "asked"
    assert guard.state() == "open"


def test_after_five_minutes_the_button_is_gone_and_the_desk_is_telephoned(guard: Guard) -> None:
    handed_over(guard)
    later(guard.world, TAKES_BACK_WITHIN + timedelta(seconds=5))
    assert 'id="mistake" hidden' in guard.client.get(guard.path).text
    refused = guard.says("mistake")
    assert (refused.status_code, refused.json()["error"]) == (409, "too_late_to_take_back")
    assert "打电话给坐席" in refused.json()["text"]
    assert guard.state() == "handed_over"


def test_tapped_in_time_and_sent_late_counts_as_it_was_tapped(guard: Guard) -> None:
    handed_over(guard)
    ((tapped,),) = guard.world.sql("select clock_timestamp() + interval '1 minute'")
    later(guard.world, timedelta(minutes=20))
    body = {"verb": "mistake", "nonce": "late", "tapped_at": tapped.isoformat()}
    assert guard.client.post(f"{guard.path}/answer", json=body).json()["view"] == "there"


def test_closed_case_is_not_touched_and_he_is_told(guard: Guard, li: httpx.Client) -> None:
    handed_over(guard)
    closes(li, guard.incident)
    before = story(guard.world, guard.incident)
    refused = guard.says("mistake")
    assert (refused.status_code, refused.json()["error"], refused.json()["view"]) == (409, "ended", "closed")
    assert story(guard.world, guard.incident) == before


def test_hand_over_that_the_desk_wrote_is_the_desks(guard: Guard, li: httpx.Client) -> None:
    handed_over(guard)
    guard.world.sql(
        "insert into incident_event (incident_id, seq, at, actor, what, body, prev_hash, hash)"
        " select incident_id, seq + 1, at, 'person:' || %(li)s::text, what, body, hash, hash from incident_event"
        " where incident_id = %(i)s order by seq desc limit 1", li=guard.world.people["li"], i=guard.incident,
    )  # fmt: skip
    assert guard.says("mistake").json()["error"] == "nothing_to_take_back"


def test_without_scripts_it_is_a_form_like_the_others(guard: Guard) -> None:
    handed_over(guard)
    answer = guard.client.post(f"{guard.path}/answer", data={"verb": "mistake", "nonce": "by-form"})
    assert (answer.status_code, answer.headers["location"]) == (303, guard.path)
    assert "您已到场" in guard.sees()


@pytest.mark.parametrize("verb", ["accept", "en_route"])
def test_what_is_no_mistake_of_the_three_is_not_taken_back(guard: Guard, verb: str) -> None:
    guard.says(verb)
    assert 'id="mistake" hidden' in guard.client.get(guard.path).text
    assert guard.says("mistake").json()["error"] == "nothing_to_take_back"
