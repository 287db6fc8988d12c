"""What people do, once each, and what the desk says no to."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.model import Disposition, Service, State
from hub import answers, desk, taps
from hub.desk import Refused
from hub.incidents import UnknownIncidentError
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


async def test_operator_takes_talks_resolves_and_closes(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    assert (await desk.take(world.conn, incident, operator)).state is State.TAKEN
    assert await desk.note(world.conn, incident, operator, "she fell beside the bed")
    assert (await desk.resolve(world.conn, incident, operator, "voice")).state is State.RESOLVED
    closed = await desk.close(
        world.conn,
        incident,
        operator,
        disposition=Disposition.LIFTED,
        done="lifted",
        with_whom="guard",
        called_back=True,
    )
    assert closed.state is State.CLOSED
    notes = [text for (text,) in await world.rows("select text from note order by id")]
    assert notes == ["she fell beside the bed", "lifted\n→ guard"]
    whats = [entry.what for entry in await world.chain(incident)]
    assert [what for what in whats if what in ("taken", "noted", "resolved", "closed")] == [
        "taken",
        "noted",
        "resolved",
        "closed",
    ]


async def test_second_tap_with_the_same_nonce_changes_nothing(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    await desk.take(world.conn, incident, operator, nonce="tap-1")
    await desk.release(world.conn, incident, operator, nonce="tap-2")
    again = await desk.take(world.conn, incident, operator, nonce="tap-1")
    assert again.state is State.OPEN  # the late copy of the first tap takes nothing back
    assert await desk.note(world.conn, incident, operator, "one", nonce="n") is not None
    assert await desk.note(world.conn, incident, operator, "one", nonce="n") is None


async def test_taking_twice_is_one_taking(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    await desk.take(world.conn, incident, operator)
    length = len(await world.chain(incident))
    await desk.take(world.conn, incident, operator)
    assert len(await world.chain(incident)) == length


async def test_refused_tap_leaves_no_trace_and_may_be_tried_again(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    other = await world.person("second operator", "operator", ("console", ""))
    await desk.take(world.conn, incident, operator)
    with pytest.raises(Refused) as no:
        await desk.take(world.conn, incident, other, nonce="tap")
    assert no.value.code == "already_taken"
    assert no.value.words("zh-CN") == "已有人接警"
    assert no.value.words("en") == "somebody has taken this already"
    assert await world.value("select count(*) from response") == 0
    await desk.release(world.conn, incident, operator)
    assert (await desk.take(world.conn, incident, other, nonce="tap")).handler_id == other


async def test_responder_says_he_goes_arrives_and_hands_over(world: World) -> None:
    incident, guard = await world.press(), world.names["guard"]
    await world.forward(30)
    await world.fire()
    page = (await world.pages(incident, "guard"))[0]["id"]
    states = []
    for number, (verb, to) in enumerate([("accept", ""), ("en_route", ""), ("arrived", ""), ("handed_over", "120 #7")]):
        answered = await desk.answer(world.conn, guard, page, f"tap-{number}", verb, to)
        assert answered.incident is not None
        states.append(answered.incident.state)
    assert states == [State.TAKEN, State.EN_ROUTE, State.ON_SCENE, State.HANDED_OVER]
    assert (await world.pages(incident, "guard"))[0]["state"] == "withdrawn"
    assert await world.value("select text from note") == "→ 120 #7"
    assert await world.pages(incident, "guard", purpose="stand_down") == []  # who goes is not told to stay


async def test_responder_who_arrived_may_not_leave_her_alone(world: World) -> None:
    incident, guard = await world.press(), world.names["guard"]
    await world.forward(30)
    await world.fire()
    page = (await world.pages(incident, "guard"))[0]["id"]
    await desk.answer(world.conn, guard, page, "a", "arrived")
    with pytest.raises(Refused) as no:
        await desk.answer(world.conn, guard, page, "b", "left")
    assert no.value.code == "hand_over_first"
    await desk.answer(world.conn, guard, page, "c", "handed_over", "her son")
    assert (await desk.answer(world.conn, guard, page, "d", "left")).incident is not None


async def test_responder_who_cannot_go_gives_it_back(world: World) -> None:
    incident, daughter = await world.press(), world.names["daughter"]
    page = (await world.pages(incident, "daughter"))[0]["id"]
    await desk.answer(world.conn, daughter, page, "a", "accept")
    answered = await desk.answer(world.conn, daughter, page, "b", "cannot_go")
    assert answered.incident is not None
    assert answered.incident.state is State.OPEN


async def test_no_under_the_nonce_of_a_yes_is_still_a_no(world: World) -> None:
    """A receiver that numbers pages and not taps: its "cannot go" taken for a repeat leaves her with nobody coming."""
    incident, daughter = await world.press(), world.names["daughter"]
    page = (await world.pages(incident, "daughter"))[0]["id"]
    await desk.answer(world.conn, daughter, page, "page-1", "accept")
    for repeat in (False, True):
        answered = await desk.answer(world.conn, daughter, page, "page-1", "cannot_go")
        assert (answered.repeat, answered.incident and answered.incident.state) == (repeat, State.OPEN)
    assert (await desk.answer(world.conn, daughter, page, "page-1", "accept")).repeat


async def test_phone_that_says_yes_and_no_for_ever_does_not_ring_everybody_for_ever(world: World) -> None:
    incident, daughter = await world.press(), world.names["daughter"]
    page = (await world.pages(incident, "daughter"))[0]["id"]
    for number in range(answers.MOST_PROMISES):
        await desk.answer(world.conn, daughter, page, f"yes {number}", "accept")
        await desk.answer(world.conn, daughter, page, f"no {number}", "cannot_go")
    rung = len(await world.pages(incident))
    with pytest.raises(Refused) as no:
        await desk.answer(world.conn, daughter, page, "yes", "accept")
    assert no.value.code == "too_often"
    assert len(await world.pages(incident)) == rung
    assert (await world.incident(incident)).state is State.OPEN  # and it rings on as it would
    await world.forward(61)
    assert (await desk.answer(world.conn, daughter, page, "yes", "accept")).incident is not None


async def test_who_presses_is_looked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every press of a button waits for these round trips."""
    incident, operator, daughter = await world.press(), world.names["operator"], world.names["daughter"]
    page = (await world.pages(incident, "daughter"))[0]["id"]
    looks, execute = [], world.conn.execute

    async def counted(query: Any, *rest: Any, **more: Any) -> Any:
        looks.append(query == taps.PEOPLE.person)
        return await execute(query, *rest, **more)

    monkeypatch.setattr(world.conn, "execute", counted)
    for press in (
        desk.take(world.conn, incident, operator, nonce="1"),
        desk.note(world.conn, incident, operator, "she is awake", nonce="2"),
        desk.call(world.conn, incident, operator, Service.AMBULANCE, nonce="3"),
        desk.answer(world.conn, daughter, page, "4", "cannot_go"),
    ):
        looks.clear()
        await press
        assert sum(looks) == 1


async def test_operator_sends_the_guard(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    await desk.take(world.conn, incident, operator)
    sent = await desk.dispatch(world.conn, incident, operator, world.names["guard"])
    assert sent.state is State.DISPATCHED
    (page,) = await world.pages(incident, "guard")
    assert (page["round"], page["state"]) == (sent.round, "ready")


async def test_receipts_of_terminals_change_pages_only(world: World) -> None:
    incident, daughter = await world.press(), world.names["daughter"]
    length = len(await world.chain(incident))
    page = (await world.pages(incident, "daughter", channel="webhook"))[0]["id"]
    assert not (await desk.answer(world.conn, daughter, page, "a", "delivered")).repeat
    assert (await desk.answer(world.conn, daughter, page, "b", "delivered")).repeat
    assert (await world.pages(incident, "daughter", channel="webhook"))[0]["state"] == "delivered"
    await desk.answer(world.conn, daughter, page, "c", "read")
    assert (await world.pages(incident, "daughter", channel="webhook"))[0]["state"] == "read"
    assert len(await world.chain(incident)) == length


async def test_hold_needs_a_reason_and_ends_ringing(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    until = await world.now() + timedelta(minutes=5)
    with pytest.raises(Refused, match="say why"):
        await desk.hold(world.conn, incident, operator, " ", until)
    assert (await desk.hold(world.conn, incident, operator, "she is on the phone", until)).state is State.HELD
    await world.forward(300)
    await world.fire()
    assert (await world.incident(incident)).state is State.OPEN


async def test_second_hold_waits_for_a_ring(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    until = await world.now() + timedelta(minutes=5)
    await desk.hold(world.conn, incident, operator, "she is on the phone", until)
    await desk.take(world.conn, incident, operator)
    with pytest.raises(Refused) as no:
        await desk.hold(world.conn, incident, operator, "still", until)
    assert no.value.code == "held_before"
    await desk.release(world.conn, incident, operator)
    assert (await desk.hold(world.conn, incident, operator, "still", until)).state is State.HELD


async def test_severity_one_is_not_closed_alone(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    await desk.take(world.conn, incident, operator)
    await desk.resolve(world.conn, incident, operator, "voice")
    with pytest.raises(Refused) as no:
        await desk.close(
            world.conn,
            incident,
            operator,
            disposition=Disposition.REASSURED,
            done="talked",
            with_whom="nobody",
            nonce="x",
        )
    assert no.value.code == "second_person"
    assert (await world.incident(incident)).state is State.RESOLVED
    assert await world.value("select count(*) from note") == 0


async def test_what_the_desk_does_not_understand_is_refused(world: World) -> None:
    incident, guard, daughter = await world.press(), world.names["guard"], world.names["daughter"]
    page = (await world.pages(incident, "daughter"))[0]["id"]
    for code, person, number, verb in (
        ("unknown_verb", daughter, page, "dance"),
        ("unknown_page", daughter, 10**9, "accept"),
        ("not_your_page", guard, page, "accept"),
    ):
        with pytest.raises(Refused) as no:
            await desk.answer(world.conn, person, number, "n", verb)
        assert no.value.code == code
    with pytest.raises(Refused) as no:
        await desk.take(world.conn, incident, guard)
    assert no.value.code == "not_an_operator"
    with pytest.raises(UnknownIncidentError):
        await desk.take(world.conn, 10**9, world.names["operator"])
