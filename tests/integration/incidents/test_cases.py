"""Services, proofs, late taps, links, disaster mode and test mode, through the desk and in the database."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts.events import Taken
from alerts.model import AlertKind, Disposition, Proof, Role, Service, Severity, State
from hub import chain, desk, disaster
from hub.desk import Position, Refused
from hub.loops.linker import Linker
from hub.store import devices, surges
from tests.integration.incidents.world import NOON, World

pytestmark = pytest.mark.anyio
HOME = (38.47, 106.26)


async def guard_page(world: World) -> tuple[int, int, int]:
    """A press nobody of the family answered: (incident, guard, the guard's page)."""
    incident = await world.press()
    await world.forward(30)
    await world.fire()
    return incident, world.names["guard"], (await world.pages(incident, "guard"))[0]["id"]


async def whats(world: World, incident: int) -> list[str]:
    return [entry.what for entry in await world.chain(incident)]


async def facts(world: World, incident: int, what: str) -> dict[str, Any]:
    return next(dict(e.body) for e in reversed(await world.chain(incident)) if e.what == what)


# ---- 120, 119, 110


async def test_services_are_kept_in_order_and_twice_is_once(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    await desk.take(world.conn, incident, operator)
    await desk.call(world.conn, incident, operator, Service.FIRE)
    await desk.call(world.conn, incident, operator, Service.AMBULANCE, "4711")
    length = len(await world.chain(incident))
    again = await desk.call(world.conn, incident, operator, Service.AMBULANCE)
    assert again.services == (Service.FIRE, Service.AMBULANCE)
    assert len(await world.chain(incident)) == length
    assert await world.value("select text from note") == "120 #4711"
    folded = chain.fold(await world.chain(incident))
    assert folded.state["services"] == ["119", "120"]


async def test_guard_does_not_call_for_the_desk(world: World) -> None:
    incident = await world.press()
    with pytest.raises(Refused) as no:
        await desk.call(world.conn, incident, world.names["guard"], Service.POLICE)
    assert no.value.code == "not_an_operator"


async def test_with_120_on_the_line_it_is_not_called_by_itself(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    crew = await world.person("crew", "ambulance", ("webhook", "http://127.0.0.1:9/120"))
    await world.conn.execute(
        "insert into page (incident_id, round, step, person_id, role, channel, address, due_at, created_at)"
        " values (%s, 0, 9, %s, 'ambulance', 'webhook', 'x', hub_now() + interval '45 s', hub_now())", (incident, crew)
    )  # fmt: skip
    await desk.call(world.conn, incident, operator, Service.AMBULANCE)
    assert [p["state"] for p in await world.pages(incident, "crew")] == ["withdrawn"]
    assert {p["state"] for p in await world.pages(incident, "daughter")} == {"ready"}  # nobody else is taken back


# ---- everybody declined


async def test_family_cannot_go_and_the_guard_is_called_at_once(world: World) -> None:
    incident, daughter = await world.press(), world.names["daughter"]
    page = (await world.pages(incident, "daughter"))[0]["id"]
    answered = await desk.answer(world.conn, daughter, page, "no", "cannot_go")
    assert answered.incident is not None
    assert answered.incident.step == 1
    assert await world.pages(incident, "guard", state="ready")
    assert (await world.incident(incident)).asked == {world.names["guard"]}


# ---- proof of arrival


async def test_position_at_her_door_proves_the_arrival_and_is_not_kept(world: World) -> None:
    await world.conn.execute("update resident set lat = %s, lon = %s", HOME)
    incident, guard, page = await guard_page(world)
    where = Position(lat=38.4705, lon=106.2602, accuracy_m=15)
    await desk.answer(world.conn, guard, page, "there", "arrived", position=where)
    assert (await world.incident(incident)).proof is Proof.POSITION
    said = await facts(world, incident, "arrived")
    assert (said["proof"], said["distance_m"]) == ("position", 60)
    assert "38.47" not in str(await world.chain(incident))


async def test_her_button_before_he_says_so_proves_it_but_not_the_press_that_opened_the_case(world: World) -> None:
    incident, guard, page = await guard_page(world)  # 30 s after her press
    await desk.answer(world.conn, guard, page, "there", "arrived")
    assert (await world.incident(incident)).proof is Proof.TOLD
    other = await world.raised(raised_at=await world.now())  # he is asked to press it
    assert other.incident_id == incident
    assert (await world.incident(incident)).proof is Proof.BUTTON
    assert "proved" in await whats(world, incident)


async def test_button_pressed_on_the_way_in_proves_it(world: World) -> None:
    incident, guard, page = await guard_page(world)
    await desk.answer(world.conn, guard, page, "go", "en_route")
    await world.forward(60)
    await world.raised(raised_at=await world.now())
    await world.forward(20)
    await desk.answer(world.conn, guard, page, "there", "arrived")
    assert (await world.incident(incident)).proof is Proof.BUTTON


async def test_who_only_says_he_is_there_is_presumed_to_be_when_ten_minutes_are_over(world: World) -> None:
    incident, guard, page = await guard_page(world)
    await desk.take(world.conn, incident, world.names["operator"])
    await desk.answer(world.conn, guard, page, "there", "arrived")
    await world.forward(599)
    await world.fire()
    assert (await world.incident(incident)).proof is Proof.TOLD
    pages = len(await world.pages(incident))
    await world.forward(1)
    await world.fire()
    there = await world.incident(incident)
    assert (there.proof, there.state) == (Proof.TIME, State.ON_SCENE)
    assert (await facts(world, incident, "presumed"))["person"] == guard
    assert len(await world.pages(incident)) == pages  # nobody is woken for it
    assert there.timer is not None
    assert there.timer.due_at == there.expires_at  # the case's one timer waits for his silence again


async def test_installers_test_press_proves_nothing(world: World) -> None:
    incident, guard, page = await guard_page(world)
    await desk.answer(world.conn, guard, page, "there", "arrived")
    await world.raised(raised_at=await world.now(), test=True)
    assert (await world.incident(incident)).proof is Proof.TOLD


# ---- taps made without a line


async def test_late_tap_counts_when_it_comes_in_and_is_written_with_its_age(world: World) -> None:
    incident, guard, page = await guard_page(world)
    tapped = await world.now()
    await world.forward(20)
    answered = await desk.answer(world.conn, guard, page, "go", "en_route", tapped_at=tapped)
    assert answered.incident is not None
    assert answered.incident.state is State.EN_ROUTE
    assert (await facts(world, incident, "en_route"))["age_s"] == 20
    assert await world.value("select tapped_at from response where nonce = 'go'") == tapped


async def test_taps_of_one_queue_are_taken_in_their_order(world: World) -> None:
    incident, guard, page = await guard_page(world)
    began = await world.now()
    await world.forward(50)
    for number, verb in enumerate(("accept", "en_route", "arrived")):
        at = began + timedelta(seconds=number * 10)
        await desk.answer(world.conn, guard, page, verb, verb, tapped_at=at)
    assert (await world.incident(incident)).state is State.ON_SCENE
    repeat = await desk.answer(world.conn, guard, page, "accept", "accept", tapped_at=began)
    assert repeat.repeat


async def test_old_no_does_not_turn_back_who_goes_now(world: World) -> None:
    incident, guard, page = await guard_page(world)
    old = await world.now()
    await world.forward(15)
    await desk.answer(world.conn, guard, page, "yes", "en_route")
    await world.forward(15)
    with pytest.raises(Refused) as no:
        await desk.answer(world.conn, guard, page, "no", "cannot_go", tapped_at=old)
    assert no.value.code == "tap_overtaken"
    assert (await world.incident(incident)).state is State.EN_ROUTE
    assert await world.value("select count(*) from response where nonce = 'no'") == 0


async def test_intention_is_refused_after_he_was_waited_for_in_vain_but_an_arrival_never_is(world: World) -> None:
    incident, guard, page = await guard_page(world)
    await desk.answer(world.conn, guard, page, "yes", "accept")
    pressed = await world.now()
    while (await world.incident(incident)).state is not State.OPEN:
        await world.forward(60)
        await world.fire()
    with pytest.raises(Refused) as no:
        await desk.answer(world.conn, guard, page, "way", "en_route", tapped_at=pressed + timedelta(seconds=5))
    assert no.value.code == "tap_overtaken"
    came = await desk.answer(world.conn, guard, page, "there", "arrived", tapped_at=pressed + timedelta(seconds=90))
    assert came.incident is not None
    assert came.incident.state is State.ON_SCENE


async def test_late_tap_on_a_case_that_has_ended_changes_nothing(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    page, tapped = (await world.pages(incident, "daughter"))[0]["id"], await world.now()
    await desk.take(world.conn, incident, operator)
    await desk.resolve(world.conn, incident, operator, "voice")
    await desk.close(
        world.conn, incident, operator, disposition=Disposition.REASSURED, done="talked", with_whom="nobody needed",
        called_back=True,
    )  # fmt: skip
    await world.forward(60)
    with pytest.raises(Refused) as no:
        await desk.answer(world.conn, world.names["daughter"], page, "go", "accept", tapped_at=tapped)
    assert no.value.code == "ended"


# ---- links


async def flat(world: World, address: str) -> tuple[int, int]:
    """Another resident and her device."""
    resident = await world.value(
        "insert into resident (name, area, address, created_at) values ('Li', 'east', %s, hub_now()) returning id",
        address,
    )
    device = await world.value(
        "insert into device (address, adapter, resident_id, state, created_at)"
        " values (%s, 'carehub/1', %s, 'live', hub_now()) returning id", f"carehub:w-{resident}", resident
    )  # fmt: skip
    return int(resident), int(device)


async def links(world: World) -> list[tuple[Any, ...]]:
    return await world.rows("select a, b, why, by from incident_link order by a, b")


async def test_smoke_in_two_flats_of_one_house_is_linked_once(world: World) -> None:
    resident, device = await flat(world, "block 3, 402")
    first = (await world.raised(kind=AlertKind.SMOKE)).incident_id
    second = (await world.raised(kind=AlertKind.SMOKE, resident_id=resident, device_id=device)).incident_id
    linker = Linker(pool=world.pool)
    await linker.once()
    await linker.once()
    await Linker(pool=world.pool).once()  # another process, or the same after its restart
    assert await links(world) == [(first, second, "building", None)]


async def test_silent_watch_and_its_wearers_press_are_linked(world: World) -> None:
    linker = Linker(pool=world.pool)
    await linker.once()
    silent = (await world.raised(kind=AlertKind.SILENCE, severity=Severity.TECHNICAL)).incident_id
    await linker.once()
    press = await world.press()
    await linker.once()
    assert await links(world) == [(silent, press, "resident", None)]


async def test_person_links_two_cases_and_what_a_person_said_stays(world: World) -> None:
    resident, device = await flat(world, "block 3, 402")
    first, operator = await world.press(), world.names["operator"]
    second = (await world.raised(kind=AlertKind.SMOKE, resident_id=resident, device_id=device)).incident_id
    assert second is not None
    assert await desk.link(world.conn, second, first, operator)
    assert not await desk.link(world.conn, first, second, operator)
    await Linker(pool=world.pool).once()
    assert await links(world) == [(first, second, "person", operator)]
    for other, code in ((first, "name_the_other_case"), (10**9, "no_such_case")):
        with pytest.raises(Refused) as no:
            await desk.link(world.conn, first, other, operator)
        assert no.value.code == code


async def test_duplicate_names_the_case_it_is_the_same_as(world: World) -> None:
    resident, device = await flat(world, "block 3, 402")
    first, operator = await world.press(), world.names["operator"]
    second = (await world.raised(resident_id=resident, device_id=device)).incident_id
    assert second is not None
    await desk.take(world.conn, second, operator)
    await desk.resolve(world.conn, second, operator, "voice")
    closing: dict[str, Any] = {
        "disposition": Disposition.DUPLICATE, "done": "same", "with_whom": "her son", "called_back": True,
    }  # fmt: skip
    for other, code in ((None, "name_the_other_case"), (second, "name_the_other_case"), (10**9, "no_such_case")):
        with pytest.raises(Refused) as no:
            await desk.close(world.conn, second, operator, duplicate_of=other, **closing)
        assert no.value.code == code
        assert (await world.incident(second)).state is State.RESOLVED
    await desk.close(world.conn, second, operator, duplicate_of=first, **closing)
    assert await links(world) == [(first, second, "duplicate", operator)]
    assert (await facts(world, second, "closed"))["duplicate_of"] == first


# ---- disaster mode


async def supervisor(world: World) -> int:
    return await world.person("supervisor", "supervisor", ("console", ""))


async def test_disaster_mode_lets_the_mild_wait_together_and_touches_no_press(world: World) -> None:
    await disaster.declare(world.conn, await supervisor(world), "east", "power cut", 120)
    press = await world.press()
    assert {p["due_at"] for p in await world.pages(press, "operator")} == {await world.now()}
    resident, device = await flat(world, "block 9, 1")
    mild = (
        await world.raised(
            kind=AlertKind.VITALS, severity=Severity.MEDIUM, resident_id=resident, device_id=device, raised_at=NOON
        )
    ).incident_id
    assert mild is not None
    later = await world.now() + timedelta(minutes=3)
    assert {p["due_at"] for p in await world.pages(mild)} == {later}
    folded = chain.fold(await world.chain(mild))
    assert {p[-1] for p in folded.pages} == {chain.plain(later)}


async def test_disaster_mode_reminds_operators_together_of_whom_somebody_goes_to(world: World) -> None:
    began = await world.now()
    await disaster.declare(world.conn, await supervisor(world), "", "quake", 120)
    incident = await world.press()
    await world.advance(incident, Taken(person_id=world.names["daughter"], role=Role.FAMILY))
    for _ in range(20):
        await world.forward(15)
        await world.fire()
        kept, told = (await world.incident(incident)).timer, chain.fold(await world.chain(incident)).timer
        assert kept is not None
        assert told is not None
        assert told["due_at"] == chain.plain(kept.due_at)
    rings = sorted({(p["due_at"] - began).total_seconds() for p in await world.pages(incident, "operator")})
    assert rings == [0.0, 180.0, 300.0]  # with the others; and when she was not heard of, at the time it always is


async def test_disaster_mode_ends_by_itself_and_both_ends_stay(world: World) -> None:
    boss = await supervisor(world)
    number = await disaster.declare(world.conn, boss, "east", "power cut", 60)
    with pytest.raises(Refused) as no:
        await disaster.declare(world.conn, boss, "east", "again", 60)
    assert no.value.code == "surge_running"
    await world.forward(3600)
    assert await surges.active(world.conn) == []
    assert not await disaster.end(world.conn, boss, number)
    again = await disaster.declare(world.conn, boss, "east", "still dark", 60)
    await world.forward(60)
    assert await disaster.end(world.conn, boss, again)
    rows = await world.rows("select declared_by, ends_at - began_at, ended_by from surge order by id")
    assert rows == [(boss, timedelta(hours=1), None), (boss, timedelta(hours=1), boss)]


async def test_disaster_mode_is_a_supervisors(world: World) -> None:
    for name in ("operator", "guard"):
        with pytest.raises(Refused) as no:
            await disaster.declare(world.conn, world.names[name], "", "flood", 60)
        assert no.value.code == "not_a_supervisor"


async def test_wave_proposes_it_until_it_is_declared(world: World) -> None:
    for _ in range(31):
        resident, device = await flat(world, "block 9, 1")
        await world.raised(resident_id=resident, device_id=device)
    found = await surges.proposed(world.conn)
    assert (found and found.area, found and found.count) == ("east", 31)
    await disaster.declare(world.conn, await supervisor(world), "east", "quake", 60)
    assert await surges.proposed(world.conn) is None


async def test_batch_is_one_entry_in_each_chain_and_one_refusal_stops_no_other(world: World) -> None:
    operator = world.names["operator"]
    other = await world.person("second operator", "operator", ("console", ""))
    cases = [await world.press()]
    for _ in range(3):
        resident, device = await flat(world, "block 9, 1")
        raised = await world.raised(resident_id=resident, device_id=device)
        assert raised.incident_id is not None
        cases.append(raised.incident_id)
    await desk.take(world.conn, cases[1], other)
    batch = await disaster.take_all(world.conn, [*cases, 10**9, cases[0]], operator)
    assert batch.done == (cases[0], cases[2], cases[3])
    assert batch.refused == {"already_taken": (cases[1],), "no_such_case": (10**9,)}
    assert [(await whats(world, case)).count("taken") for case in cases] == [1, 1, 1, 1]
    noted = await disaster.note_all(world.conn, cases, operator, "the lift stands still")
    assert len(noted.done) == 4
    sent = await disaster.send_to_all(world.conn, cases[2:], operator, world.names["guard"])
    assert sent.done == tuple(cases[2:])
    assert [len(await world.pages(case, "guard", state="ready")) for case in cases[2:]] == [1, 1]


@pytest.mark.parametrize(
    ("sqlstate", "falls", "done"),
    [("40P01", 1, True), ("40001", disaster.TRIES - 1, True), ("40001", disaster.TRIES, False), ("57014", 1, False)],
)
async def test_case_of_a_batch_that_falls_to_another_transaction_is_tried_again_and_holds_up_no_other(
    world: World, sqlstate: str, falls: int, done: bool
) -> None:
    cases = [await world.press()]
    for _ in range(2):
        resident, device = await flat(world, "block 9, 1")
        raised = await world.raised(resident_id=resident, device_id=device)
        assert raised.incident_id is not None
        cases.append(raised.incident_id)
    await falling(world, cases[1], sqlstate, falls)
    batch = await disaster.take_all(world.conn, cases, world.names["operator"], nonce="one press")
    assert batch.done == (tuple(cases) if done else (cases[0], cases[2]))
    assert batch.refused == ({} if done else {"busy": (cases[1],)})
    assert [(await whats(world, case)).count("taken") for case in cases] == [1, int(done), 1]
    await world.conn.execute("drop trigger falling on incident_event")
    again = await disaster.take_all(world.conn, cases, world.names["operator"], nonce="one press")
    assert again.done == tuple(cases)
    assert [(await whats(world, case)).count("taken") for case in cases] == [1, 1, 1]


async def falling(world: World, incident: int, sqlstate: str, times: int) -> None:
    """Let the next transactions that write into this case's chain fail so; a sequence outlives what is rolled back."""
    await world.conn.execute("create sequence falls")
    await world.conn.execute(
        "create function fall() returns trigger language plpgsql as $$ begin"
        f" if new.incident_id = {incident} and nextval('falls') <= {times} then"
        f" raise exception 'fell' using errcode = '{sqlstate}'; end if; return new; end $$"
    )
    await world.conn.execute(
        "create trigger falling before insert on incident_event for each row execute function fall()"
    )


async def test_case_that_keeps_changing_is_counted_and_not_thrown_at_the_operator(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await world.press()
    monkeypatch.setattr("hub.store.incidents.LOOKS", 0)  # every look ends in a RaceError
    batch = await disaster.note_all(world.conn, [case, 10**9], world.names["operator"], "the lift stands still")
    assert (batch.done, batch.refused) == ((), {"busy": (case, 10**9)})


async def test_connection_that_is_gone_ends_a_batch(world: World) -> None:
    case = await world.press()
    await falling(world, case, "57P01", 1)
    with pytest.raises(psycopg.OperationalError):
        await disaster.take_all(world.conn, [case], world.names["operator"])


# ---- test mode


async def test_test_mode_ends_by_the_clock_and_has_a_limit(world: World) -> None:
    address, until = await devices.test(world.conn, world.device, 30)
    assert (address, until) == ("carehub:w-1", await world.now() + timedelta(minutes=30))
    for minutes in (-1, devices.LONGEST_TEST_MIN + 1):
        with pytest.raises(devices.TestModeError):
            await devices.test(world.conn, world.device, minutes)
    with pytest.raises(devices.TestModeError):
        await devices.test(world.conn, 10**9, 30)


@pytest.mark.parametrize("kind", [AlertKind.SOS, AlertKind.FALL, AlertKind.SMOKE, AlertKind.GAS])
async def test_whatever_an_installer_sets_off_is_shown_and_alarms_nobody(world: World, kind: AlertKind) -> None:
    raised = await world.raised(kind=kind, test=True)
    assert raised.incident_id is not None
    assert raised.opened
    assert {p["purpose"] for p in await world.pages(raised.incident_id)} == {"notice"}


async def test_operator_makes_a_test_real_and_it_rings_the_family(world: World) -> None:
    incident = (await world.raised(test=True)).incident_id
    assert incident is not None
    await desk.make_real(world.conn, incident, world.names["operator"])
    assert await world.pages(incident, "daughter", purpose="alarm", state="ready")
    assert not (await world.incident(incident)).test


# ---- who may act


async def test_stranger_neither_releases_nor_hands_over(world: World) -> None:
    incident, operator = await world.press(), world.names["operator"]
    stranger = await world.person("somebody", "third_party", area="far away")
    await desk.take(world.conn, incident, operator)
    with pytest.raises(Refused) as no:
        await desk.release(world.conn, incident, stranger)
    assert no.value.code in ("not_yours", "not_an_operator")
    assert (await world.incident(incident)).handler_id == operator
