"""Nothing is silent: each rule finds its fault, says it once, and says when it is over."""

import pytest

from alerts import events
from alerts.model import Role
from hub.loops.auditor import Auditor, Finding
from hub.loops.findings import Loud
from hub.store import outbox
from hub.store.pool import connect
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


async def rules(world: World, auditor: Auditor | None = None) -> set[str]:
    return {finding.rule for finding in await (auditor or Auditor(dsn=world.dsn)).look(world.conn)}


async def test_sound_hub_gives_no_finding(world: World) -> None:
    incident = await world.press()
    await world.advance(incident, events.Taken(person_id=world.names["operator"], role=Role.OPERATOR))
    async with await connect(world.dsn) as worker:
        await outbox.enlist(worker)
        assert await rules(world) == set()


async def test_missing_dispatcher_is_found_and_its_return_clears_it(world: World) -> None:
    auditor = Auditor(dsn=world.dsn)
    assert await auditor.look(world.conn) == [
        Finding(rule="dispatch_gone", subject="dispatch", detail="no dispatcher is alive")
    ]
    await auditor.look(world.conn)
    assert await world.value("select count(*) from audit_finding") == 1
    async with await connect(world.dsn) as worker:
        await outbox.enlist(worker)
        assert await auditor.look(world.conn) == []
    assert await world.value("select count(*) from audit_finding where cleared_at is null") == 0


async def test_starting_hub_has_a_moment_for_its_dispatcher(world: World) -> None:
    auditor = Auditor(dsn=world.dsn, since=await world.now())
    await world.forward(10)
    assert await auditor.look(world.conn) == []
    await world.forward(0.1)
    assert {finding.rule for finding in await auditor.look(world.conn)} == {"dispatch_gone"}
    # An auditor that is started again meanwhile does not take back what was found.
    assert await rules(world, Auditor(dsn=world.dsn, since=await world.now())) == {"dispatch_gone"}


async def test_late_timer_and_late_page_are_found(world: World) -> None:
    await world.press()
    assert await rules(world) == {"dispatch_gone"}
    await world.forward(3)
    assert await rules(world) == {"dispatch_gone", "page_late"}
    await world.forward(30)
    assert await rules(world) == {"dispatch_gone", "page_late", "timer_late"}


async def test_incident_nobody_can_be_called_for_is_found(world: World) -> None:
    await world.conn.execute("delete from contact")
    await world.press()
    assert "nobody_reachable" in await rules(world)


async def test_minute_in_which_no_page_arrived_is_found(world: World) -> None:
    incident = await world.press()
    await world.forward(61)
    assert "nobody_heard" in await rules(world)
    await world.conn.execute(
        "update page set state = 'delivered', delivered_at = hub_now() where incident_id = %s", (incident,)
    )
    assert "nobody_heard" not in await rules(world)


@pytest.mark.parametrize(
    ("tampering", "why"),
    [
        ("update incident_event set body = body || '{\"by\": 99}' where seq = 2", "changed after it was written"),
        ("update incident_event set actor = 'person:99' where seq = 1", "changed after it was written"),
        ("delete from incident_event where seq = 2", "comes after 1"),
        ("update incident set state = 'taken'", "not what its chain says"),
        ("delete from incident_event where seq = (select max(seq) from incident_event)", "not what its chain says"),
    ],
)
async def test_tampering_breaks_the_chain_and_stays_on_the_banner(world: World, tampering: str, why: str) -> None:
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    auditor = Auditor(dsn=world.dsn)
    assert "broken_chain" not in await rules(world, auditor)
    await world.conn.execute(tampering.encode())
    found = {f.subject: f.detail for f in await auditor.look(world.conn) if f.rule == "broken_chain"}
    assert why in found[f"incident:{incident}"]
    await Auditor(dsn=world.dsn).look(world.conn)
    assert (
        await world.value("select count(*) from audit_finding where rule = 'broken_chain' and cleared_at is null") == 1
    )


async def test_chain_cut_off_at_its_end_is_held_against_the_anchor_of_its_day(world: World) -> None:
    incident = await world.press()
    await world.forward(86_400)
    await Auditor(dsn=world.dsn).look(world.conn)  # the anchor of the first day
    await world.forward(86_400)
    # Whoever cuts the chain also repairs the tables, so that only the anchor knows better.
    await world.conn.execute("delete from incident_event where incident_id = %s", (incident,))
    found = await Auditor(dsn=world.dsn).look(world.conn)
    assert "anchor:2026-11-21" in {finding.subject for finding in found}


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("update page set state = 'sending', owner = null, lease_until = null", "page_impossible"),
        ("update page set state = 'sending', owner = 7, lease_until = hub_now() - interval '11 seconds'", "page_stuck"),
        ("update page set state = 'sent', lease_until = hub_now() - interval '11 seconds'", "page_stuck"),
        ("insert into coverage_run values (true, hub_now() - interval '4 hours', 1, 1, 1, 1, 15)", "coverage_stalled"),
        ("insert into home_mark values (true, 0, 0, hub_now() - interval '11 minutes')", "homes_stalled"),
    ],
)
async def test_impossible_and_stuck_things_are_found_and_over_when_mended(world: World, fault: str, rule: str) -> None:
    await world.press()
    assert rule not in await rules(world)
    await world.conn.execute(fault.encode())
    assert rule in await rules(world)
    await world.conn.execute("update page set state = 'delivered', delivered_at = hub_now(), lease_until = null")
    await world.conn.execute("update coverage_run set at = hub_now()")
    await world.conn.execute("update home_mark set at = hub_now()")
    assert rule not in await rules(world)


async def test_page_that_would_call_for_an_ended_incident_is_found(world: World) -> None:
    incident = await world.press()
    async with world.conn.transaction():
        await world.conn.execute(
            "update incident set dedup_key = null, state = 'closed', closed_at = hub_now(), disposition = 'test'"
        )
        await world.conn.execute("delete from timer where incident_id = %s", (incident,))
    await world.forward(3)
    assert "page_impossible" in await rules(world)


async def test_outbox_that_grows_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.loops.auditor.OUTBOX_MOST", 1)
    assert "outbox_grows" not in await rules(world)
    await world.press()
    assert "outbox_grows" in await rules(world)


class Loudmouth:
    """A part of the watch with something to say."""

    name = "canary"

    def __init__(self) -> None:
        self.found: tuple[Finding, ...] = (Finding(rule="canary_lost", subject="page", detail="silent 15"),)

    def findings(self) -> tuple[Finding, ...]:
        return self.found

    def says(self) -> str:
        return "lost page"


async def test_findings_of_the_other_parts_are_remembered_and_cleared_like_its_own(world: World) -> None:
    part = Loudmouth()
    auditor = Auditor(dsn=world.dsn, parts=(part,))
    await auditor.look(world.conn)
    assert ("canary_lost", "page") in await world.rows("select rule, subject from audit_finding")
    part.found = ()
    await auditor.look(world.conn)
    assert await world.value("select cleared_at from audit_finding where rule = 'canary_lost'") == await world.now()


async def test_acknowledged_finding_is_silent_until_it_has_been_wrong_too_long(world: World) -> None:
    auditor = Auditor(dsn=world.dsn, parts=(Loudmouth(),))
    await auditor.look(world.conn)
    assert "canary_lost" in {s.finding.rule for s in auditor.loud(Loud.SIREN, again_s=600)}
    await world.conn.execute(
        "update audit_finding set acknowledged_at = hub_now(), acknowledged_by = %s, acknowledged_why = 'seen'",
        (world.names["operator"],),
    )
    await world.forward(60)
    await auditor.look(world.conn)
    assert "canary_lost" not in {s.finding.rule for s in auditor.loud(Loud.SIREN, again_s=600)}
    assert "canary_lost" in {s.finding.rule for s in auditor.loud(Loud.HEARTBEAT, again_s=0)}, "still wrong"
    await world.forward(541)
    await auditor.look(world.conn)
    assert "canary_lost" in {s.finding.rule for s in auditor.loud(Loud.SIREN, again_s=600)}


async def test_auditor_without_a_pass_says_that_the_database_is_away(world: World) -> None:
    auditor = Auditor(dsn=world.dsn, parts=(Loudmouth(),))
    await auditor.look(world.conn)
    assert "database_away" not in {s.finding.rule for s in auditor.standing()}
    auditor.passed_at -= 6
    auditor.started_at -= 60
    assert {"database_away", "canary_lost"} <= {s.finding.rule for s in auditor.loud(Loud.SIREN, again_s=600)}
