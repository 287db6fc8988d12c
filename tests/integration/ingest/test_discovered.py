"""What a bridge told of is known right after a restart, to every ingest, and no more of it than there is room for."""

import json
from typing import Any

import psycopg
import pytest

from hub.discovered import Discovered
from hub.ingest import Ingest
from hub.store import discovered
from hub.store.pool import connect, hub_now
from tests.integration.ingest.conftest import Hub, add_resident, eventually, settings
from tests.integration.ingest.test_restart import crash

CONFIG = "home7/homeassistant/binary_sensor/cord7/config"
CORD: dict[str, Any] = {"state_topic": "flat7/cord", "name": "SOS cord", "device": {"identifiers": ["cord7"]}}
STATE = "home7/flat7/cord"


async def told(dsn: str, config: Any = CORD) -> None:
    """A hub hears of a cord and is killed."""
    async with await connect(dsn) as conn:
        ingest = await Ingest(settings(checkpoint_s=3600), dsn).__aenter__()
        hub = Hub(ingest, conn)
        hub.send(CONFIG, config, retained=True)
        await hub.done()
        await crash(ingest)


async def pulled(dsn: str) -> list[tuple[Any, ...]]:
    """The next hub hears the cord before anything else; returns the presses of each case."""
    async with await connect(dsn) as conn, Ingest(settings(), dsn) as ingest:
        hub = Hub(ingest, conn)
        hub.send(STATE, b"ON")
        await hub.done()
        return await hub.rows("select presses from incident where kind = 'sos'")


async def test_sos_right_after_a_restart_is_understood_before_its_bridge_says_what_it_is(dsn: str) -> None:
    add_resident(dsn, "ha:home7/cord7")
    await told(dsn)
    assert await pulled(dsn) == [(1,)]


async def test_entity_that_was_taken_out_of_use_stays_so_after_a_restart(dsn: str) -> None:
    add_resident(dsn, "ha:home7/cord7")
    await told(dsn)
    await told(dsn, b"")
    assert await pulled(dsn) == []


async def test_other_process_hears_what_this_one_was_told(hub: Hub, dsn: str) -> None:
    """Another ingest stores it; this one is told so, and forgets it when the other one does."""
    add_resident(dsn, "ha:home7/cord7")
    table = hub.ingest._gatherer.discovered.by_topic
    async with await connect(dsn) as other:
        for payload, known in ((json.dumps(CORD).encode(), True), (b"", False)):
            async with other.transaction():
                await discovered.keep(other, {CONFIG: ("home7", payload)}, await hub_now(other))

            async def heard(wanted: bool = known) -> bool:
                return (STATE in table) == wanted

            await eventually(heard)


async def test_configuration_said_again_is_not_stored_again(hub: Hub) -> None:
    hub.send(CONFIG, CORD)
    await hub.done()
    before = await hub.rows("select topic, xmin::text from discovery")
    hub.send(CONFIG, CORD)
    await hub.done()
    assert await hub.rows("select topic, xmin::text from discovery") == before
    assert [topic for topic, _ in before] == [CONFIG]


async def test_place_keeps_its_newest_messages_and_crowds_out_nobody_else(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovered, "MOST", 3)
    async with await connect(dsn) as conn:
        now = await hub_now(conn)
        await discovered.keep(conn, {"b/homeassistant/sensor/x/config": ("b", b"{}")}, now)
        for number in range(5):
            await discovered.keep(conn, {f"a/{number}/config": ("a", b"{}")}, await hub_now(conn))
        kept = await discovered.load(conn)
        assert [topic for topic, _ in kept] == [
            "b/homeassistant/sensor/x/config",
            *(f"a/{n}/config" for n in (2, 3, 4)),
        ]
        monkeypatch.setattr(discovered, "MOST_BYTES", 2_000)
        await discovered.keep(conn, {"a/9/config": ("a", b"x" * 1_900)}, await hub_now(conn))
        assert [topic for topic, _ in await discovered.load(conn)][-1] == "a/9/config"
    with psycopg.connect(dsn) as look:
        assert look.execute("select count(*) from discovery where place = 'a'").fetchone() == (3,)


async def test_inventor_of_places_fills_no_table_and_crowds_out_its_own(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovered, "MOST_IN_ALL", 4)
    async with await connect(dsn) as conn:
        for number in (1, 2):
            await discovered.keep(conn, {f"home7/{number}/config": ("home7", b"{}")}, await hub_now(conn))
        for number in range(6):
            await discovered.keep(conn, {f"x/{number}/a/config": (f"x/{number}", b"{}")}, await hub_now(conn))
        kept = [topic for topic, _ in await discovered.load(conn)]
        assert kept == ["home7/1/config", "home7/2/config", "x/4/a/config", "x/5/a/config"]
        monkeypatch.setattr(discovered, "MOST_BYTES_IN_ALL", 950)
        await discovered.keep(conn, {"x/9/a/config": ("x/9", b"x" * 900)}, await hub_now(conn))
        assert [topic for topic, _ in await discovered.load(conn)] == [
            "home7/1/config", "home7/2/config", "x/9/a/config"
        ]  # fmt: skip


def test_update_that_does_not_fit_leaves_the_cord_as_it_was() -> None:
    table = Discovered(most=30)
    for house in range(28):  # so many that nobody has more than a tenth
        table.learn(f"h{house}/{CONFIG.partition('/')[2]}", json.dumps(CORD).encode())
    topic = "home8/homeassistant/device/panel/config"
    for count in (2, 4):
        cords = {f"c{n}": {"platform": "binary_sensor", "state_topic": f"p/{n}", "name": "SOS"} for n in range(count)}
        panel = {"device": {"identifiers": ["panel"]}, "components": cords}
        table.learn(topic, json.dumps(panel).encode())
    assert len(table) == 30
    assert {"home8/p/0", "home8/p/1"} <= table.by_topic.keys()
    assert json.loads(table.fresh[topic][1])["components"].keys() == {"c0", "c1"}, "what is stored can be loaded again"
    table.learn(topic, b"")
    assert (len(table), table.fresh[topic][1]) == (28, b"")


def test_inventor_of_entities_crowds_out_its_own() -> None:
    table = Discovered(most=100, most_of_one=3)
    table.learn(CONFIG, json.dumps(CORD).encode())
    for number in range(9):
        invented = {**CORD, "state_topic": f"x/{number}", "device": {"identifiers": [f"x{number}"]}}
        table.learn(f"home8/homeassistant/binary_sensor/x{number}/config", json.dumps(invented).encode())
    assert STATE in table.by_topic
    assert len(table) == 4


def test_house_with_the_most_entities_makes_room_when_all_are_full() -> None:
    table = Discovered(most=5)
    table.learn(CONFIG, json.dumps(CORD).encode())
    for number in range(9):
        invented = {**CORD, "state_topic": f"x/{number}", "device": {"identifiers": [f"x{number}"]}}
        table.learn(f"home8/homeassistant/binary_sensor/x{number}/config", json.dumps(invented).encode())
    assert STATE in table.by_topic
    assert len(table) == 5
