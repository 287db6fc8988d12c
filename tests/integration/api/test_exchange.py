"""A platform of the authorities is brought what it is owed: numbered, acknowledged, compared, sent again."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from hub.api import neutral, signing
from hub.api.adapters import JsonHttp
from hub.api.outgoing import Guard, Outgoing
from hub.api.settings import ApiSettings
from hub.loops.exchange import ExchangeLoop, adapter_of, reconcile
from hub.store import exchange as store
from hub.store.exchange import Reconciled
from hub.store.pool import Connection
from tests.integration.api.receiver import Platform, serving
from tests.integration.web.world import World

KEY = "a key of the hub's own"
HERE = Guard(private=("127.0.0.0/8",))
MAPPING = """
[resident]
name = "laoren"
[resident.fields]
bh = "id"
xm = "name"
nl = "ability"
[resident.values.ability]
"失能" = "3"
"半失能" = "2"
[resident.fixed]
xzqh = "640104"
[device.fields]
id = "id"
resident = "resident"
[incident.fields]
id = "id"
disposition = "disposition"
"""


@pytest.fixture
def platform() -> Iterator[Platform]:
    who = Platform()
    with serving(who):
        yield who


@pytest.fixture
def joined(world: World, platform: Platform) -> int:
    salt = signing.salt()
    world.sql(
        "insert into exchange_platform (name, url, adapter, mapping, salt, created_at, reconciled_on) values"
        " ('区平台', %(url)s, 'json', %(mapping)s, %(salt)s, hub_now(), current_date + 1)",
        url=platform.url, mapping=MAPPING, salt=salt,
    )  # fmt: skip
    platform.secret = signing.platform(KEY, salt)
    return int(world.sql("select id from exchange_platform")[0][0])


def turns(world: World, times: int = 4) -> None:
    async def inside(conn: Connection) -> None:
        async with Outgoing(HERE) as out:
            loop = ExchangeLoop(dsn=world.dsn, out=out, settings=ApiSettings(), zone=ZoneInfo("Asia/Shanghai"), key=KEY)
            for _ in range(times):
                await loop.once(conn)

    world.run(inside)


def compare(world: World) -> dict[str, Reconciled]:
    async def inside(conn: Connection) -> list[Reconciled]:
        async with Outgoing(HERE) as out:
            one = (await store.platforms(conn))[0]
            # The day of `joined`, which is ahead of the residents' own: the loop compares nothing by itself.
            return await reconcile(
                conn, one, neutral.read(one["mapping"]), adapter_of(one, out, KEY), one["reconciled_on"]
            )

    return {one.kind: one for one in world.run(inside)}


def due_now(world: World) -> None:
    world.sql("update exchange_record set due_at = hub_now()")


def test_registry_is_brought_once_numbered_without_a_gap_and_in_the_platforms_words(
    world: World, platform: Platform, joined: int
) -> None:
    turns(world)
    assert platform.faults == []
    assert platform.numbers == list(range(1, 10))  # four residents, five devices of theirs
    wang = platform.held["laoren"][world.residents["wang"]]["body"]
    assert wang == {"xzqh": "640104", "bh": world.residents["wang"], "xm": "王秀英", "nl": "3"}
    turns(world)
    assert len(platform.numbers) == 9


def test_change_is_brought_under_a_new_number_and_what_is_gone_is_withdrawn(
    world: World, platform: Platform, joined: int
) -> None:
    turns(world)
    world.sql("update resident set name = '王秀英（改）' where id = %(r)s", r=world.residents["wang"])
    world.sql("update device set state = 'retired' where id = %(d)s", d=world.devices["watch-he"])
    turns(world)
    assert platform.held["laoren"][world.residents["wang"]]["body"]["xm"] == "王秀英（改）"
    assert world.devices["watch-he"] not in platform.held["device"]
    assert platform.numbers[-2:] == [10, 11]


def test_platform_that_is_away_is_brought_everything_later(world: World, platform: Platform, joined: int) -> None:
    platform.away = True
    turns(world)
    assert world.sql("select failing_since is not null, why from exchange_platform") == [(True, "HTTP 503")]
    platform.away = False
    due_now(world)
    turns(world)
    assert platform.numbers == list(range(1, 10))
    assert world.sql("select failing_since from exchange_platform") == [(None,)]


def test_answer_that_was_lost_means_it_is_brought_again(world: World, platform: Platform, joined: int) -> None:
    platform.silent = True
    turns(world, 1)
    platform.silent = False
    due_now(world)
    turns(world)
    assert platform.numbers[:9] == platform.numbers[9:] == list(range(1, 10))
    assert world.sql("select distinct state from exchange_record") == [("acknowledged",)]


def test_record_the_platform_refuses_is_listed_and_holds_up_no_other(
    world: World, platform: Platform, joined: int
) -> None:
    platform.refuse = {("laoren", world.residents["liu"])}
    turns(world)
    assert world.sql("select kind, subject, answer from exchange_record where state = 'refused'") == [
        ("resident", world.residents["liu"], "身份证号缺失")
    ]
    assert len(platform.numbers) == 8
    platform.refuse = set()
    world.sql("update resident set name = '刘桂芳二' where id = %(r)s", r=world.residents["liu"])
    turns(world)
    assert platform.held["laoren"][world.residents["liu"]]["body"]["xm"] == "刘桂芳二"
    assert world.sql("select count(*) from exchange_record where state = 'refused'") == [(0,)]


def test_comparison_finds_nothing_where_both_hold_the_same(world: World, platform: Platform, joined: int) -> None:
    turns(world)
    found = compare(world)
    assert {kind: (one.ours, one.theirs, list(one.differences)) for kind, one in found.items()} == {
        "resident": (4, 4, []), "device": (5, 5, []), "incident": (0, None, []),
    }  # fmt: skip


def test_what_differs_over_there_is_listed_and_sent_again(world: World, platform: Platform, joined: int) -> None:
    turns(world)
    wang, zhang = world.residents["wang"], world.residents["zhang"]
    del platform.held["laoren"][wang]  # they lost one
    platform.held["laoren"][zhang]["sha256"] = "0" * 64  # somebody changed one
    platform.held["laoren"][999] = {"sha256": "1" * 64}  # and this was never ours
    assert list(compare(world)["resident"].differences) == [(wang, "missing"), (zhang, "other"), (999, "extra")]
    turns(world)
    assert compare(world)["resident"].differences == []
    assert set(platform.held["laoren"]) == set(world.residents.values())
    rows = world.sql("select kind, differences, resent from exchange_reconciliation where kind = 'resident'")
    assert rows == [("resident", [], 0)]  # of the day's last comparison
    assert world.sql("select count(*) from exchange_record where why = 'differs'") == [(3,)]


def test_everything_can_be_brought_again_from_a_number_on(world: World, platform: Platform, joined: int) -> None:
    turns(world)

    async def replay(conn: Connection) -> int:
        return await store.replay(conn, joined, 6)

    assert world.run(replay) == 4
    turns(world)
    assert platform.numbers[9:] == [10, 11, 12, 13]


def test_mapping_says_everything_that_is_wrong_with_it() -> None:
    with pytest.raises(neutral.MappingError) as caught:
        neutral.read('[resident.fields]\nxm = "nmae"\n[pets]\nx = 1\n[device]\nfeilds = {}')
    said = str(caught.value)
    assert all(word in said for word in ("'nmae'", "[pets]", "feilds", "needs one for our id"))


def test_standard_mapping_holds_every_kind_that_is_read() -> None:
    assert set(neutral.read(neutral.standard())) == set(store.READ)


def test_platforms_keys_are_derived_apart_and_the_one_told_before_signs_beside_it() -> None:
    platform = {"name": "p", "url": "https://p.example/", "adapter": "json", "salt": "salt"}
    adapter = adapter_of(platform, Outgoing(HERE), KEY)
    assert isinstance(adapter, JsonHttp)
    sent = adapter.keys
    told = signing.headers(sent, "1", 1_000, b"{}")
    assert all(signing.verify(key, told, b"{}", 1_000.0) for key in (
        signing.platform(KEY, "salt"), signing.secret(KEY, "exchange", "salt"),
    ))  # fmt: skip
    others = {signing.platform(KEY, "another"), signing.secret(KEY, "subscription", "salt")}
    assert len({*sent, *others}) == 4
