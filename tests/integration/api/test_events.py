"""Signed events: a receiver of somebody else's making hears of a case, in its order, later too."""

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from hub import desk
from hub.api import signing
from hub.api.events import Wish, subscribe
from hub.api.outgoing import Guard, Outgoing
from hub.api.settings import ApiSettings
from hub.loops.auditor import Auditor
from hub.loops.events import EventsLoop
from hub.store import events as store
from hub.store.pool import Connection, connect, open_pool
from tests.integration.api.conftest import Client
from tests.integration.api.receiver import Receiver, serving
from tests.integration.web.world import World

KEY = "a key of the hub's own"
HERE = Guard(private=("127.0.0.0/8",))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    who = Receiver()
    with serving(who):
        yield who


def subscribed(world: World, receiver: Receiver, **more: object) -> int:
    async def inside(conn: Connection) -> tuple[int, str]:
        wish = Wish(name="街道平台", url=receiver.url, **{"kinds": ["incident.*"], **more})  # type: ignore[arg-type]
        return await subscribe(conn, wish, guard=HERE, by="command:test")

    number, receiver.secret = world.run(inside)
    return number


def turn(world: World, times: int = 1, guard: Guard = HERE) -> None:
    """Let the loop take some turns, until nothing is due."""

    async def inside(conn: Connection) -> None:
        async with open_pool(world.dsn, name="test") as pool, Outgoing(guard) as out:
            loop = EventsLoop(
                dsn=world.dsn, pool=pool, out=out, settings=ApiSettings(give_up_days=1.0), source="http://hub", key=KEY
            )
            for _ in range(times):
                while await loop.once(conn):
                    pass

    world.run(inside)


def acts(world: World, incident: int, *verbs: str) -> None:
    async def inside(conn: Connection) -> None:
        li = world.people["li"]
        for verb in verbs:
            if verb == "resolve":
                await desk.resolve(conn, incident, li, "voice")
            else:
                await getattr(desk, verb)(conn, incident, li)

    world.run(inside)


def found(world: World) -> set[tuple[str, str]]:
    """Let the auditor look once."""

    async def look(conn: Connection) -> set[tuple[str, str]]:
        return {(one.rule, one.subject) for one in await Auditor(dsn=world.dsn).look(conn)}

    return world.run(look)


def due_now(world: World) -> None:
    world.sql("update api_delivery set due_at = hub_now() where state = 'waiting'")


def test_case_is_told_signed_and_in_its_order(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    incident = world.alert("watch-wang")
    acts(world, incident, "take", "resolve")
    turn(world)
    assert receiver.faults == []
    assert [one["data"]["seq"] for one in receiver.told] == list(range(1, len(receiver.told) + 1))
    assert {one["type"] for one in receiver.told} >= {"carehub.incident.taken", "carehub.incident.resolved"}
    taken = next(one for one in receiver.told if one["type"] == "carehub.incident.taken")
    assert taken["specversion"] == "1.0"
    assert (taken["subject"], taken["source"]) == (f"incident/{incident}", "http://hub/incidents")
    assert (taken["data"]["state"], taken["data"]["handler"]) == ("taken", world.people["li"])
    turn(world)
    assert len({one["id"] for one in receiver.told}) == len(receiver.told)


def test_nothing_of_her_health_is_told_without_the_scope(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver, kinds=["incident.opened"])
    world.alert("watch-wang", "fall")
    turn(world)
    (told,) = receiver.told
    assert "kind" not in told["data"]
    assert "王秀英" not in str(told)
    assert "fall" not in str(told)


def test_subscriber_with_the_scope_is_told_what_happened(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver, kinds=["incident.opened"], health=True)
    world.alert("watch-wang", "fall")
    turn(world)
    assert receiver.told[0]["data"]["kind"] == "fall"


def test_receiver_that_was_away_hears_of_each_case_in_its_order_later(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    receiver.answers = [500, 429]
    first, second = world.alert("watch-wang"), world.alert("watch-zhang")
    acts(world, first, "take")
    turn(world)
    assert {one["data"]["incident"] for one in receiver.told} <= {first, second}
    for _ in range(20):
        due_now(world)
        turn(world)
    for incident in (first, second):
        seqs = [one["data"]["seq"] for one in receiver.told if one["data"]["incident"] == incident]
        assert seqs == list(range(1, len(seqs) + 1))
    assert world.sql("select count(*) from api_delivery where state = 'waiting'") == [(0,)]
    assert world.sql("select failing_since from api_subscription") == [(None,)]


def test_later_event_of_a_case_waits_for_the_earlier_one(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    incident = world.alert("watch-wang")
    receiver.answers = [503] * 50
    world.sql("insert into clock (at) values (hub_now())")  # however slow the machine: it is not tried again yet
    turn(world)
    acts(world, incident, "take")
    turn(world)
    assert receiver.told == []
    tried = world.sql("select seq, attempts from api_delivery order by seq")
    assert tried[0] == (1, 1)
    assert all(attempts == 0 for _, attempts in tried[1:])


def test_subscription_that_fails_for_too_long_is_switched_off_and_found(world: World, receiver: Receiver) -> None:
    number = subscribed(world, receiver)
    receiver.answers = [500] * 50
    world.alert("watch-wang")
    turn(world)
    world.sql("update api_subscription set failing_since = hub_now() - interval '25 hours'")
    due_now(world)
    turn(world)
    assert world.sql("select active, disabled_why like 'nothing taken%%' from api_subscription") == [(False, True)]
    assert ("subscription_disabled", f"subscription:{number}") in found(world)
    receiver.answers = []
    due_now(world)
    turn(world)
    assert receiver.told == []

    async def enable(conn: Connection) -> None:
        await store.named(conn, store.Q.enable, number)

    world.run(enable)
    turn(world)
    assert receiver.told[0]["data"]["seq"] == 1


def test_receiver_that_is_gone_is_not_asked_again(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    receiver.answers = [410]
    world.alert("watch-wang")
    turn(world)
    assert world.sql("select disabled_why from api_subscription") == [("gone (410)",)]


def test_events_are_told_again_from_a_number_on(world: World, receiver: Receiver) -> None:
    number = subscribed(world, receiver)
    world.alert("watch-wang")
    turn(world)
    heard = [one["id"] for one in receiver.told]

    async def replay(conn: Connection) -> int:
        return await store.replay(conn, number, event=world.sql("select min(number) + 1 from api_event")[0][0])

    assert world.run(replay) == len(heard) - 1
    turn(world)
    assert [one["id"] for one in receiver.told] == heard + heard[1:]


def test_changed_key_and_the_one_before_it_both_sign_for_a_day(world: World, receiver: Receiver) -> None:
    number = subscribed(world, receiver)
    fresh = rotated(world, number)
    world.alert("watch-wang")
    turn(world)
    assert receiver.faults == []
    receiver.secret = fresh
    heard = len(receiver.told)
    world.alert("watch-zhang")
    turn(world)
    assert receiver.faults == []
    assert len(receiver.told) > heard


def rotated(world: World, number: int) -> str:
    fresh = signing.fresh()

    async def rotate(conn: Connection) -> None:
        await store.rotate(conn, number, fresh, derived=partial(signing.secret, KEY, "subscription"))

    world.run(rotate)
    return fresh


def test_key_before_signs_no_more_after_a_day(world: World, receiver: Receiver) -> None:
    number = subscribed(world, receiver)
    rotated(world, number)
    world.sql("update api_subscription set salt_at = salt_at - interval '25 hours'")
    world.alert("watch-wang")
    turn(world)
    assert set(receiver.faults) == {"not signed"}


def test_key_of_a_release_before_is_made_of_its_salt_until_it_is_changed(world: World, receiver: Receiver) -> None:
    number = subscribed(world, receiver)
    world.sql("update api_subscription set secret = '', salt = 'salt'")
    receiver.secret = signing.secret(KEY, "subscription", "salt")
    world.alert("watch-wang")
    turn(world)
    heard = len(receiver.told)
    assert heard > 0
    fresh = rotated(world, number)
    world.alert("watch-zhang")
    turn(world)
    assert receiver.faults == []
    receiver.secret = fresh
    world.alert("button-liu")
    turn(world)
    assert receiver.faults == []


def test_key_stands_in_the_database_sealed_for_its_own_row(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    ((kept, whole),) = world.sql("select secret, s::text from api_subscription s")
    assert kept.startswith("sealed:1:")
    assert receiver.secret.removeprefix("whsec_") not in whole


def test_subscriber_of_an_area_hears_of_what_is_inside_it(world: World, receiver: Receiver) -> None:
    world.sql("insert into area (name, level) values ('和平街道', 'township')")
    world.sql("insert into area (name, parent) values ('和平社区', '和平街道')")
    subscribed(world, receiver, areas=["和平街道"])
    world.alert("watch-zhang", area="别处")
    inside = world.alert("watch-wang")
    turn(world)
    assert {one["data"]["incident"] for one in receiver.told} == {inside}


def test_nothing_is_sent_into_our_own_network(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    world.alert("watch-wang")
    turn(world, guard=Guard())
    assert receiver.told == []
    assert world.sql("select distinct answer from api_delivery where attempts > 0")[0][0].startswith("only https")
    world.sql("update api_subscription set url = replace(url, 'http://127.0.0.1', 'https://localhost')")
    due_now(world)
    turn(world, guard=Guard())
    assert "private network" in world.sql("select distinct answer from api_delivery where attempts > 1")[0][0]


def test_event_is_kept_when_its_case_commits_after_the_mark_has_passed(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    incident = world.alert("watch-wang")
    turn(world)
    before = len(receiver.told)

    async def held_open(conn: Connection) -> None:
        """A case is taken in a transaction that stays open, while others go on and their events are told."""
        async with await connect(world.dsn) as slow:
            async with slow.transaction():
                await desk.take(slow, incident, world.people["li"])
                for hours in (1, 2, 3):
                    await conn.execute(
                        "insert into clock (ahead) values (make_interval(hours => %s))"
                        " on conflict (one) do update set ahead = excluded.ahead",
                        (hours,),
                    )
                    await store.gather(conn)
                assert await store.gather(conn) == (0, False)
            fresh, _ = await store.gather(conn)
            assert fresh > 0
            assert (await store.gather(conn))[0] == 0

    world.run(held_open)
    turn(world)
    told = receiver.told[before:]
    assert "carehub.incident.taken" in {one["type"] for one in told}
    assert [one["data"]["seq"] for one in receiver.told] == list(range(1, len(receiver.told) + 1))


def test_transaction_held_open_elsewhere_keeps_nobody_waiting(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)

    with psycopg.connect(world.dsn) as slow:
        slow.execute("select pg_current_xact_id()")
        turn(world)
        incident = world.alert("watch-wang")
        turn(world)
        assert {one["data"]["incident"] for one in receiver.told} == {incident}


def test_backlog_is_read_some_at_a_time_and_whole(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    turn(world)
    first, second = world.alert("watch-wang"), world.alert("watch-zhang")
    acts(world, first, "take", "resolve")
    acts(world, second, "take")

    async def piecemeal(conn: Connection) -> int:
        looks, more = 0, True
        while more:
            _, more = await store.gather(conn, at_once=1)
            looks += 1
        return looks

    assert world.run(piecemeal) >= 5
    assert world.sql(
        "select count(*) from incident_event e where not exists (select from api_event k"
        " where k.incident_id = e.incident_id and k.seq = e.seq)"
    ) == [(0,)]
    assert world.sql(
        "select count(*) from api_event a join api_event b on a.incident_id = b.incident_id"
        " and a.seq < b.seq and a.number > b.number"
    ) == [(0,)]


def test_database_brought_back_on_another_server_tells_on_by_the_time(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    world.alert("watch-wang")
    turn(world)
    heard = len(receiver.told)
    world.sql("update api_mark set seen = '900000000:900000000:'::pg_snapshot")
    world.alert("watch-zhang")
    turn(world)
    assert len(receiver.told) > heard
    assert len({one["id"] for one in receiver.told}) == len(receiver.told)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.9", "100.64.0.1", "0.0.0.0", "::1",
        "fe80::1", "fd00::1", "::ffff:10.0.0.1", "2002:a00:1::1", "64:ff9b::a00:1", "224.0.0.1",
        "255.255.255.255", "nonsense",
    ],
)  # fmt: skip
def test_guard_lets_nothing_through_into_private_networks(address: str) -> None:
    assert not Guard().allows(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "https://user:secret@example.org/", "http://example.org/", "https://10.1.2.3/", "https://",
        "https://example.org/#part", "https://[::1]/", "https://example.org/" + "a" * 500, "https://exa mple.org/",
    ],
)  # fmt: skip
def test_guard_refuses_what_is_no_address_for_a_receiver(url: str) -> None:
    assert Guard().wrong(url)


def test_guard_lets_the_internet_and_named_networks_through() -> None:
    assert Guard().allows("203.0.114.9")
    assert Guard().wrong("https://example.org/hook") == ""
    assert Guard(private=("10.20.0.0/16",)).allows("10.20.3.4")
    assert not Guard(private=("10.20.0.0/16",)).allows("10.21.3.4")


def test_subscription_is_made_listed_and_removed_over_the_api(world: World, client: Client) -> None:
    program = client("events:manage")
    refused = program.post("/subscriptions", json={"name": "x", "url": "https://192.168.0.9/hook"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert program.post(
        "/subscriptions", json={"name": "x", "url": "https://example.org/h", "health": True}
    ).status_code == 403  # fmt: skip
    made = program.post("/subscriptions", json={"name": "街道", "url": "https://example.org/h"})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    number = made.json()["id"]
    assert "secret" not in program.get(f"/subscriptions/{number}").text
    stored = world.sql("select s::text from api_subscription s")[0][0]
    assert made.json()["secret"].removeprefix("whsec_") not in stored
    assert program.delete(f"/subscriptions/{number}").status_code == 204
    assert program.get(f"/subscriptions/{number}").status_code == 404


async def test_two_that_gather_at_once_number_an_event_once(world: World, receiver: Receiver) -> None:
    subscribed(world, receiver)
    world.alert("watch-wang")
    async with await connect(world.dsn) as one, await connect(world.dsn) as other, one.transaction():
        await one.execute("select pg_advisory_xact_lock(%s)", (store.LOCK,))
        assert await store.gather(other) == (0, False)
