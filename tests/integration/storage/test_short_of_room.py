"""No room, or no speed: telemetry is turned away, presses are committed and paged, and it all comes back by itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub import storage
from hub.bench import town
from hub.embedded import EmbeddedPostgres
from hub.ingest import Ingest
from hub.ingress.acks import InOrder
from hub.storage import REFUSED, RESERVE, Level
from hub.store import policies
from hub.store.pool import connect
from tests.integration.ingest.conftest import Hub, eventually, settings
from tests.integration.storage.conftest import Disk
from tests.patience import PATIENCE_S

MB = 1 << 20
GATE = 4712


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOOK_S", 0.05)
    monkeypatch.setattr(storage, "AGAIN_S", 0.5)
    monkeypatch.setattr(storage, "SLOW_S", 0.3)


@pytest.fixture
async def narrow(small: EmbeddedPostgres, disk: Disk) -> AsyncIterator[Hub]:
    """An ingest on the small disk."""
    limits = settings(storage_low_mb=90, storage_short_mb=60, storage_reserve_mb=8)
    async with await connect(small.dsn()) as conn, Ingest(limits, small.dsn()) as ingest:
        ingest.storage._look_s = 0.05
        disk.leave(150)
        yield Hub(ingest, conn)
        disk.leave(150)


async def at_level(hub: Hub, level: Level) -> None:
    async def there() -> bool:
        return hub.ingest.storage.level is level

    await eventually(there)


async def acknowledged(hub: Hub, token: int) -> None:
    async def there() -> bool:
        return token in hub.line.acknowledged

    await eventually(there)


async def test_full_disk_turns_telemetry_away_and_takes_the_press_to_the_last_bytes(narrow: Hub, disk: Disk) -> None:
    await policies.publish(narrow.conn, town.POLICY)
    await town.add_person(narrow.conn, "坐席", "operator")
    (home,) = await town.provision(narrow.conn, 1, "http://127.0.0.1:9/nobody")
    await at_level(narrow, Level.ROOMY)
    reserve = disk.place / "hub" / RESERVE
    await acknowledged(narrow, narrow.vitals(seq=1, hr=70))

    disk.leave(70)
    await at_level(narrow, Level.LOW)
    await acknowledged(narrow, narrow.vitals(seq=2, hr=71))
    assert await narrow.one("select min(length(body)) from raw_batch") == 0  # decoded and kept, its bytes not

    disk.leave(40)
    await at_level(narrow, Level.SHORT)
    assert reserve.stat().st_size == 8 * MB
    before = REFUSED._value.get()
    shed = narrow.vitals(seq=3, hr=72)
    press = narrow.press(home.watch, id="1")
    await acknowledged(narrow, press)
    assert narrow.line.refused == [shed]
    assert REFUSED._value.get() - before == 1
    assert await narrow.one("select count(*) from telemetry where sequence = 3") == 0
    assert (
        await narrow.one("select count(*) from page p join incident i on i.id = p.incident_id where i.kind = 'sos'") > 0
    )

    disk.leave(2)  # somebody else takes everything: the reserve is for presses

    async def given_up() -> bool:
        return not reserve.exists()

    await eventually(given_up)
    assert disk.free > 4 * MB
    await acknowledged(narrow, narrow.press("w2", id="2"))

    disk.leave(150)
    await at_level(narrow, Level.ROOMY)
    await acknowledged(narrow, narrow.vitals(seq=4, hr=73))
    assert await narrow.one("select count(*) from incident where kind = 'sos'") == 2
    assert reserve.exists()
    assert await narrow.one("select count(*) from incident i join alert a on a.incident_id = i.id"
                            " where a.rule = 'storage_short'") > 0  # fmt: skip


async def test_press_on_a_disk_without_a_byte_is_held_and_committed_when_there_is_room(
    narrow: Hub, disk: Disk, small: EmbeddedPostgres
) -> None:
    async with await connect(small.dsn()) as conn:  # as a full disk answers a statement
        await conn.execute(
            "create function no_room() returns trigger language plpgsql as $$ begin raise disk_full; end $$;"
            " create trigger no_room before insert on incident for each row execute function no_room()"
        )
        press = narrow.press("w3", id="1")
        await asyncio.sleep(0.3)
        assert narrow.line.acknowledged == []
        await conn.execute("drop function no_room cascade")
    await acknowledged(narrow, press)


async def test_server_elsewhere_says_itself_that_it_is_full(
    hub: Hub, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk cannot be looked at: what it answers is believed, and telemetry tried again after a while."""
    hub.ingest.storage._folder = None

    async def unknown(_: object) -> None:
        return None

    monkeypatch.setattr(storage, "folder", unknown)
    async with await connect(dsn) as conn:
        await conn.execute(
            "create function no_room() returns trigger language plpgsql as $$ begin raise disk_full; end $$;"
            " create trigger no_room before insert on telemetry for each row when (new.heart_rate_bpm is not null)"
            " execute function no_room()"
        )
        first = hub.vitals(seq=1, hr=70)
        await at_level(hub, Level.SHORT)
        assert hub.line.refused == [first]
        await acknowledged(hub, hub.press(id="1"))
        await conn.execute("drop function no_room cascade")
    await at_level(hub, Level.ROOMY)
    await acknowledged(hub, hub.vitals(seq=2, hr=71))


async def test_disk_too_slow_for_telemetry_does_not_keep_a_press_from_being_read(hub: Hub, dsn: str) -> None:
    hub.ingest._most = 3
    hub.ingest.storage._look_s = 0.05
    async with await connect(dsn) as conn:
        slow = (
            "create function slow() returns trigger language plpgsql as"
            f" $$ begin perform pg_advisory_xact_lock_shared({GATE}); return new; end $$;"
            " create trigger slow before insert on telemetry for each row when (new.heart_rate_bpm is not null)"
            " execute function slow()"
        )
        await conn.execute(slow.encode())
        await conn.execute(f"select pg_advisory_lock({GATE})".encode())  # a batch that takes and takes
        first = hub.vitals(seq=1, hr=70)

        async def under_way() -> bool:
            return hub.ingest._telemetry._under_way == 1

        await eventually(under_way)
        later = [hub.vitals(seq=number, hr=70) for number in (2, 3)]
        assert hub.ingest.full
        await at_level(hub, Level.SHORT)
        assert hub.line.refused == later
        async with asyncio.timeout(PATIENCE_S):
            await hub.ingest.wait_room()
        await acknowledged(hub, hub.press("w2", id="1"))
        await conn.execute(f"select pg_advisory_unlock({GATE})".encode())
    await acknowledged(hub, first)
    await at_level(hub, Level.ROOMY)


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.wrote = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.wrote += bytes(data)

    def is_closing(self) -> bool:
        return False


def test_press_behind_telemetry_that_is_turned_away_is_answered_at_once() -> None:
    line = InOrder()
    line.transport = wire = Wire()
    first, second, press = (line.expect(answer) for answer in (b"a", b"b", b"PRESS"))
    line.settle(press)
    line.refuse(first)
    line.refuse(second)
    line.flush()
    assert wire.wrote == b"PRESS"
    assert line.unsettled == 0
