"""The canary's place in the database: registered once, met by nobody, let go of after some days."""

from datetime import timedelta

import pytest

from alerts.model import Alert, AlertKind, Severity
from hub import desk, incidents
from hub.loops.auditor import Auditor
from hub.loops.chains import Chains
from hub.store import canary, policies
from hub.store.canary import Canary, Round
from hub.store.pool import hub_now
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio
# What refers to an incident or a page, and cannot be there for one of the canary's: no siren sounds and no provider
# is asked for it. A new table is either here or in canary.LETTING_GO.
NEVER_THE_CANARYS = {"siren_sounding", "provider_ref", "device_command", "review"}  # no draw has its cases


async def registered(world: World) -> Canary:
    return await canary.register(world.conn, device_secret="d" * 22, terminal_secret="t" * 22, password_hash="x")


async def sing(world: World, who: Canary, number: int) -> int:
    """One of its presses, as the listener's lane would raise it."""
    async with world.conn.transaction():
        raised = await incidents.raise_alert(world.conn, Alert(
            alert_id=f"canary:{number}", kind=AlertKind.SOS, severity=Severity.CRITICAL,
            raised_at=await hub_now(world.conn), device_id=who.device_id, resident_id=who.resident_id,
            area=canary.AREA, identity=str(number),
        ))  # fmt: skip
    assert raised.incident_id is not None
    return raised.incident_id


async def at_console(world: World, who: Canary) -> None:
    await world.conn.execute(
        "insert into presence (person_id, stream, seen_at) values (%s, 'canary', hub_now() + interval '10 days')",
        (who.person_id,),
    )


async def end(world: World, incident: int) -> None:
    """Close it by hand of the database: how it ends is another test's story."""
    async with world.conn.transaction():
        await world.conn.execute(
            "update incident set dedup_key = null, state = 'closed', closed_at = hub_now(), disposition = 'test'"
            " where id = %s",
            (incident,),
        )
        await world.conn.execute("delete from timer where incident_id = %s", (incident,))


async def anchors(world: World) -> list[str]:
    """Write today's anchor, and say which of an earlier day does not hold."""
    found = await Chains().check(world.conn, await hub_now(world.conn))
    return [b.subject for b in found if b.subject.startswith("anchor")]


async def test_registering_again_changes_nothing_but_the_secrets(world: World) -> None:
    first = await registered(world)
    assert await registered(world) == first
    assert await world.value("select count(*) from resident where canary") == 1
    assert await world.value("select count(*) from person where canary") == 1
    kept = await world.value("select string_agg(secret_sha256::text, '') from credential")
    assert "dddd" not in kept


async def test_account_of_a_real_person_is_not_taken_over(world: World) -> None:
    await world.conn.execute("update person set login = %s where role = 'operator'", (canary.LOGIN,))
    with pytest.raises(canary.CanaryTakenError, match="a real person's"):
        await registered(world)
    assert await world.value("select count(*) from resident where canary") == 0


async def test_canary_follows_its_own_rule_whatever_is_published(world: World) -> None:
    who = await registered(world)
    await at_console(world, who)
    incident = await sing(world, who, 1)
    assert await world.value("select policy_name from incident where id = %s", incident) == canary.AREA
    assert await world.rows("select person_id, channel from page where incident_id = %s order by 2", incident) == [
        (who.person_id, "console"), (who.person_id, "mqtt"),
    ]  # fmt: skip
    real = await world.press()
    assert await world.value("select policy_name from incident where id = %s", real) == "call"
    version = await world.value("select max(id) from policy_version")
    assert canary.AREA in [policy.name for policy in await policies.version(world.conn, version)]


async def test_canary_that_reaches_nobody_is_no_resident_in_danger(world: World) -> None:
    await sing(world, await registered(world), 1)  # nobody is at its console
    await world.forward(90)
    found = {finding.rule for finding in await Auditor(dsn=world.dsn).look(world.conn)}
    assert not found & {"nobody_reachable", "nobody_heard"}


async def test_old_canaries_are_let_go_and_nothing_else_is(world: World) -> None:
    who = await registered(world)
    await at_console(world, who)
    real = await world.press()
    sung = []
    for number in range(3):
        sung.append(await sing(world, who, number))
        await end(world, sung[-1])
    await end(world, real)
    await world.forward(canary.KEPT.total_seconds() - 60)
    late = await sing(world, who, 9)
    await end(world, late)
    await world.forward(120)
    await canary.record(world.conn, Round(seconds={"puback": 0.01}))
    assert {row[0] for row in await world.rows("select id from incident")} == {real, late}
    assert await world.value("select count(*) from incident_event where incident_id = any(%s)", sung) == 0
    assert await world.value("select count(*) from page where incident_id = %s", real) > 0


async def test_anchor_of_a_day_holds_after_its_canaries_are_gone(world: World) -> None:
    who = await registered(world)
    await world.press()
    await end(world, await sing(world, who, 1))
    await world.forward(86_400)
    assert await anchors(world) == []
    assert await canary.let_go(world.conn, timedelta(0)) == 1
    await world.forward(86_400)
    assert await anchors(world) == []


async def test_chain_of_a_person_passed_off_as_the_canarys_is_missed_by_the_anchor(world: World) -> None:
    await world.press()
    await world.forward(86_400)
    assert await anchors(world) == []
    await world.conn.execute("update resident set canary = true")
    await world.forward(86_400)
    assert await anchors(world) == ["anchor:2026-11-21"]


async def test_every_table_that_refers_to_an_incident_is_known_to_letting_go(world: World) -> None:
    refers = {row[0] for row in await world.rows(
        "select distinct conrelid::regclass::text from pg_constraint"
        " where contype = 'f' and confrelid in ('incident'::regclass, 'page'::regclass)"
    )}  # fmt: skip
    let_go = b" ".join(canary.LETTING_GO).decode()
    unknown = {t for t in refers if f"from {t} " not in let_go and f"update {t} " not in let_go}
    assert unknown - {"timer"} <= NEVER_THE_CANARYS, "a closed incident has no timer; all else must go with it"


async def test_canarys_account_acts_on_no_real_case(world: World) -> None:
    """Its secret lies in a file of the machine: whoever reads it must not take a real call from the queue."""
    who = await registered(world)
    real = (await world.raised(world.alert())).incident_id
    assert real is not None
    with pytest.raises(desk.Refused) as no:
        await desk.take(world.conn, real, who.person_id)
    assert no.value.code == "not_an_operator"
    with pytest.raises(desk.Refused):
        await desk.note(world.conn, real, who.person_id, "nothing of the kind")
    own = await sing(world, who, 1)
    assert (await desk.take(world.conn, own, who.person_id)).handler_id == who.person_id
