"""Cases as the duty log tells them: rung, climbed, taken, pressed again, closed."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from alerts import events
from alerts.model import AlertKind, Disposition, Role, Severity, State, TimerKind
from hub import chain, desk, incidents
from hub.store import policies
from hub.store.pool import connect
from tests.integration.incidents.world import NOON, POLICY, World
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio


async def test_unanswered_family_page_goes_to_the_guard(world: World) -> None:
    incident = await world.press()
    await world.fire()
    assert await world.pages(incident, "guard") == []  # not early
    await world.forward(30)
    await world.fire()
    (page,) = await world.pages(incident, "guard")
    assert (page["step"], page["channel"], page["state"]) == (1, "mqtt", "ready")
    after = await world.incident(incident)
    assert after.timer is not None
    assert (after.step, after.timer.due_at) == (1, NOON + timedelta(seconds=90))


async def test_last_rung_rings_on(world: World) -> None:
    incident = await world.press()
    for pause in (30, 60, 60, 60):
        await world.forward(pause)
        await world.fire()
    after = await world.incident(incident)
    assert after.timer is not None
    assert after.timer.kind is TimerKind.REPEAT
    assert after.round == 2
    assert {p["round"] for p in await world.pages(incident, "operator", step=2)} == {0, 1, 2}


async def test_taken_withdraws_waiting_pages_and_stands_down_who_was_told(world: World) -> None:
    incident = await world.press()
    await world.conn.execute("update page set state = 'delivered', delivered_at = hub_now() where channel = 'webhook'")
    await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    assert {(p["channel"], p["state"]) for p in await world.pages(incident, purpose="alarm")} == {
        ("webhook", "delivered"), ("mqtt", "withdrawn"), ("console", "withdrawn"),
    }  # fmt: skip
    (stand_down,) = await world.pages(incident, purpose="stand_down")
    assert (stand_down["person_id"], stand_down["channel"]) == (world.names["daughter"], "webhook")
    after = await world.incident(incident)
    assert after.timer is not None
    assert after.timer.kind is TimerKind.EXPIRY


async def test_page_on_its_way_to_a_terminal_is_called_back(world: World) -> None:
    incident = await world.press()
    page = (await world.pages(incident, channel="mqtt"))[0]["id"]
    await world.conn.execute("update page set state = 'sent' where id = %s", (page,))
    await world.conn.execute(
        "insert into downlink (topic, payload, page_id, created_at, expires_at)"
        " values ('t', 'x', %s, hub_now(), hub_now() + interval '20 s')", (page,)
    )  # fmt: skip
    await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    assert await world.value("select expires_at <= hub_now() from downlink where page_id = %s", page)
    assert (await world.pages(incident, "daughter", purpose="stand_down"))[0]["channel"] == "mqtt"


async def test_acknowledgement_of_a_page_taken_back_a_moment_before_still_counts(world: World) -> None:
    incident = await world.press()
    page = (await world.pages(incident, channel="mqtt"))[0]["id"]
    await world.conn.execute(
        "insert into downlink (topic, payload, page_id, created_at, expires_at)"
        " values ('t', 'x', %s, hub_now(), hub_now() + interval '20 s')", (page,)
    )  # fmt: skip
    await world.conn.execute("update downlink set delivered_at = hub_now() where page_id = %s", (page,))
    (again,) = await world.pages(incident, "daughter", channel="mqtt")
    assert again["state"] == "delivered"  # it had been made ready again: nobody rings her a second time


async def test_take_does_not_wait_for_a_terminal_that_acknowledges_at_this_moment(world: World) -> None:
    """The acknowledgement holds the words and wants the page, the take the other way round: neither may be killed."""
    incident = await world.press()
    page = (await world.pages(incident, channel="mqtt"))[0]["id"]
    await world.conn.execute("update page set state = 'sent' where id = %s", (page,))
    await world.conn.execute(
        "insert into downlink (topic, payload, page_id, created_at, expires_at)"
        " values ('t', 'x', %s, hub_now(), hub_now() + interval '20 s')", (page,)
    )  # fmt: skip
    async with await connect(world.dsn) as terminal, terminal.transaction():
        await terminal.execute("select id from downlink where page_id = %s for no key update", (page,))
        async with asyncio.timeout(PATIENCE_S):
            await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
        await terminal.execute("update downlink set delivered_at = hub_now() where page_id = %s", (page,))
    assert await world.value("select delivered_at is not null from page where id = %s", page)


async def test_page_that_was_read_ends_its_ladder(world: World) -> None:
    incident = await world.press()
    (webhook,) = await world.pages(incident, "daughter", channel="webhook")
    await world.conn.execute("update page set state = 'sent' where id = %s", (webhook["id"],))
    await desk.answer(world.conn, world.names["daughter"], webhook["id"], "n1", "cannot_go")
    (mqtt,) = await world.pages(incident, "daughter", channel="mqtt")
    assert mqtt["state"] == "withdrawn"


async def test_terminal_puback_is_the_pages_receipt_and_ends_the_ladder(world: World) -> None:
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    (page,) = await world.pages(incident, "guard")
    await world.conn.execute("update page set state = 'sent' where id = %s", (page["id"],))
    await world.conn.execute(
        "insert into downlink (topic, payload, page_id, created_at, expires_at)"
        " values ('t', 'x', %s, hub_now(), hub_now() + interval '20 s')", (page["id"],)
    )  # fmt: skip
    await world.conn.execute("update downlink set delivered_at = hub_now() where page_id = %s", (page["id"],))
    assert (await world.pages(incident, "guard"))[0]["state"] == "delivered"


async def test_taken_expires_and_escalation_goes_on(world: World) -> None:
    incident = await world.press()
    await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    await world.forward(300)
    await world.fire()
    after = await world.incident(incident)
    assert (after.state, after.handler_id, after.round) == (State.OPEN, None, 1)
    assert [p["state"] for p in await world.pages(incident, "daughter", round=1, channel="webhook")] == ["ready"]


async def test_same_finding_again_changes_nothing(world: World) -> None:
    alert = world.alert()
    first = await world.raised(alert)
    before = (await world.chain(first.incident_id or 0), await world.pages(first.incident_id or 0))
    again = await world.raised(alert)
    assert (again.repeat, again.opened, again.incident_id) == (True, False, first.incident_id)
    assert before == (await world.chain(first.incident_id or 0), await world.pages(first.incident_id or 0))


async def test_second_press_joins_the_case_and_is_counted(world: World) -> None:
    incident = await world.press()
    await world.forward(5)
    assert await world.press() == incident
    assert (await world.incident(incident)).presses == 2
    assert await world.value("select count(*) from incident") == 1


async def test_presses_ring_a_person_every_thirty_seconds_at_most_and_all_are_counted(world: World) -> None:
    incident = await world.press()
    rang = []
    for _ in range(9):
        await world.forward(10)
        rang.append((await world.raised(raised_at=await world.now())).rang)
    assert rang == [False, False, True, False, False, True, False, False, True]
    assert (await world.incident(incident)).presses == 10


async def test_pressing_again_does_not_put_the_next_step_off(world: World) -> None:
    incident = await world.press()
    await world.forward(29)
    await world.press()
    await world.forward(1)
    await world.fire()
    assert len(await world.pages(incident, "guard")) == 1


async def test_press_after_the_end_opens_a_new_case(world: World) -> None:
    first = await world.press()
    operator = world.names["operator"]
    await world.advance(first, events.Taken(person_id=operator, role=Role.OPERATOR))
    await world.advance(first, events.Resolved(by=operator, how="voice"))
    closed = events.Closed(by=operator, disposition=Disposition.REASSURED, with_whom="daughter", called_back=True)
    await world.advance(first, closed)
    assert await world.value("select count(*) from timer") == 0
    assert await world.press() != first


async def test_cancelled_fall_calls_nobody_and_is_kept(world: World) -> None:
    raised = await world.raised(kind=AlertKind.FALL, countdown_s=15.0)
    incident = raised.incident_id or 0
    assert not raised.rang
    await world.advance(incident, events.Cancelled(by="wearer"), "device:1")
    assert await world.pages(incident) == []
    assert (await world.incident(incident)).state is State.CANCELLED


async def test_fall_nobody_cancelled_rings_when_the_countdown_is_over(world: World) -> None:
    incident = (await world.raised(kind=AlertKind.FALL, countdown_s=15.0)).incident_id or 0
    await world.forward(15)
    await world.fire()
    assert (await world.incident(incident)).state is State.OPEN
    assert len(await world.pages(incident, purpose="alarm")) == 3


async def test_off_duty_guard_is_not_called(world: World) -> None:
    await world.conn.execute(
        "update shift set during = tstzrange(%s, %s)", (NOON - timedelta(days=2), NOON - timedelta(days=1))
    )
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    assert await world.pages(incident, "guard") == []
    assert (await world.incident(incident)).step == 2  # the empty step is not waited for


async def test_unknown_device_opens_a_case_of_its_own(world: World) -> None:
    raised = await world.raised(resident_id=None)
    incident = await world.incident(raised.incident_id or 0)
    assert (incident.resident_id, incident.dedup_key) == (None, f"device:{world.device}")
    assert {p["role"] for p in await world.pages(incident.incident_id)} == {"operator"}


async def test_wearers_device_is_told_after_the_press(world: World) -> None:
    await world.raised(identity="press-7")
    ((topic, payload),) = await world.rows("select topic, convert_from(payload, 'utf8') from downlink")
    assert topic == "carehub/w-1/command"
    assert "press-7" in payload
    assert "收到" in payload


async def test_publishing_a_policy_changes_no_incident_in_progress(world: World) -> None:
    incident = await world.press()
    await policies.publish(world.conn, POLICY.replace('wait = "30s"', 'wait = "15s"').replace('"property"', '"family"'))
    await world.forward(30)
    await world.fire()
    assert len(await world.pages(incident, "guard")) == 1  # the property guard of the old policy
    other = (await world.raised(resident_id=None)).incident_id or 0
    (first, *_) = (await world.incident(other)).policy.steps
    assert first.wait == timedelta(seconds=15)


async def test_hub_without_a_policy_starts_with_the_standard_one(dsn: str, world: World) -> None:
    await world.conn.execute("delete from policy_version")
    raised = await world.raised()
    assert raised.opened
    assert raised.rang


@pytest.mark.parametrize(
    "silence",
    ["delete from timer", "update incident set dedup_key = null, state = 'cancelled', closed_at = hub_now()"],
)
async def test_database_refuses_a_silent_incident(world: World, silence: str) -> None:
    await world.press()
    with pytest.raises(psycopg.errors.RaiseException, match="timer"):
        await world.conn.execute(silence.encode())


async def test_folding_the_chain_rebuilds_incident_timer_and_pages(world: World) -> None:
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    await world.press()
    await world.advance(incident, events.Taken(person_id=world.names["guard"], role=Role.PROPERTY))
    entries = await world.chain(incident)
    chain.verify(incident, entries)
    folded = chain.fold(entries)
    now = await world.incident(incident)
    assert now.timer is not None
    assert folded.timer == chain.plain(
        {"kind": now.timer.kind, "due_at": now.timer.due_at, "step": now.timer.step, "round": now.timer.round}
    )
    assert (folded.state["state"], folded.state["responder"]) == (now.state, now.responder_id)
    rows = await world.rows("select round, step, person_id, channel, purpose, due_at from page where purpose = 'alarm'")
    assert sorted(folded.pages) == sorted(tuple(chain.plain(row)) for row in rows)


async def test_chain_keeps_no_words_that_name_anybody(world: World) -> None:
    incident = await world.press()
    guard = world.names["guard"]
    await world.advance(incident, events.Taken(person_id=guard, role=Role.PROPERTY))
    await world.advance(incident, events.Arrived(person_id=guard))
    await world.advance(incident, events.HandedOver(person_id=guard, to="her son Wang Qiang"))
    assert (await world.incident(incident)).handed_to == "her son Wang Qiang"
    assert "Wang" not in str([entry.body for entry in await world.chain(incident)])


async def test_two_presses_at_once_open_one_case(world: World) -> None:
    async def press(number: int) -> None:
        try:
            async with world.pool.connection() as conn, conn.transaction():
                await incidents.raise_alert(conn, world.alert(alert_id=f"at-once-{number}"))
        except psycopg.errors.SerializationFailure:  # another of them opened it: as the urgent lane does
            await press(number)

    await asyncio.gather(*(press(number) for number in range(8)))
    assert await world.rows("select presses from incident") == [(8,)]


async def test_worse_finding_raises_the_case(world: World) -> None:
    raised = await world.raised(kind=AlertKind.VITALS, severity=Severity.MEDIUM, rule="V5")
    incident = raised.incident_id or 0
    assert (await world.incident(incident)).policy.name == "rest"
    await world.press()
    after = await world.incident(incident)
    assert (after.severity, after.kind, after.policy.name) == (Severity.CRITICAL, AlertKind.SOS, "call")


async def test_press_waits_for_nobody_when_its_transaction_is_rolled_back(world: World) -> None:
    alert = world.alert()
    async with await connect(world.dsn) as conn, conn.transaction(force_rollback=True):
        await incidents.raise_alert(conn, alert)
    assert (await world.raised(alert)).opened
