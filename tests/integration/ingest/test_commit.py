"""Acknowledged means saved: what happens around a commit that fails, hangs or is not heard of."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from hub.embedded import EmbeddedPostgres
from hub.ingest import Ingest
from hub.ingress.arrival import Arrival
from tests.integration.ingest.conftest import Hub, Line, add_resident, eventually, picky, settings
from tests.patience import PATIENCE_S

GATE = 4711


class Gate:
    """Holds every commit of ingest until it is opened: a trigger at commit waits for a lock that we have."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn
        self._conn.execute(
            "create function wait_at_gate() returns trigger language plpgsql as"
            f" $$ begin perform pg_advisory_xact_lock_shared({GATE}); return null; end $$"
        )
        self._conn.execute(
            "create constraint trigger gate after insert on raw_batch deferrable initially deferred"
            " for each row execute function wait_at_gate()"
        )
        self._conn.execute(f"select pg_advisory_lock({GATE})")

    async def reached(self) -> None:
        """Wait until a transaction stands at the gate: it is in its COMMIT."""

        async def waiting() -> bool:
            return bool(self._waiting())

        await eventually(waiting)

    def kill(self) -> None:
        """End the backends that stand at the gate, as a crash would."""
        for (pid,) in self._waiting():
            self._conn.execute("select pg_terminate_backend(%s)", (pid,))

    def open(self) -> None:
        self._conn.execute(f"select pg_advisory_unlock({GATE})")

    def _waiting(self) -> list[tuple[int]]:
        return self._conn.execute(
            "select pid from pg_locks where locktype = 'advisory' and not granted and objid = %s"
            " and database = (select oid from pg_database where datname = current_database())",
            (GATE,),
        ).fetchall()


@pytest.fixture
def gate(hub: Hub, dsn: str) -> Iterator[Gate]:
    """A closed gate, after ingest has started."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        yield Gate(conn)


async def test_press_is_not_acknowledged_before_its_commit(hub: Hub, gate: Gate) -> None:
    token = hub.press(id="1")
    await gate.reached()
    assert hub.line.acknowledged == []
    gate.open()
    await hub.done()
    assert hub.line.acknowledged == [token]


async def test_press_whose_commit_dies_is_tried_again_and_opens_one_incident(hub: Hub, gate: Gate) -> None:
    token = hub.press(id="1")
    await gate.reached()
    gate.kill()
    await gate.reached()
    assert hub.line.acknowledged == []
    assert await hub.one("select count(*) from incident") == 0
    gate.open()
    await hub.done()
    assert hub.line.acknowledged == [token]
    assert await hub.rows("select presses from incident") == [(1,)]
    assert await hub.one("select count(*) from raw_batch") == 1


async def test_telemetry_whose_commit_dies_is_stored_once(hub: Hub, gate: Gate) -> None:
    tokens = [hub.vitals(f"w{number}", seq=number, hr=70) for number in range(5)]
    await gate.reached()
    gate.kill()
    await gate.reached()
    assert hub.line.acknowledged == []
    gate.open()
    await hub.done()
    assert hub.line.acknowledged == tokens
    assert await hub.one("select count(*) from telemetry") == 5


async def test_press_does_not_wait_behind_telemetry_that_cannot_commit(hub: Hub, dsn: str) -> None:
    add_resident(dsn, "carehub:w1")
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("begin")
        conn.execute("lock table observation in access exclusive mode")
        hub.send("carehub/w2/status", {"online": True, "charging": True})
        token = hub.press(hr=80)  # nothing beside the press has a column of its own … but the alarm itself
        await asyncio.sleep(0)
        conn.execute("rollback")
    await hub.done()
    assert token in hub.line.acknowledged


async def test_database_restart_loses_nothing(hub: Hub, postgres: EmbeddedPostgres, dsn: str) -> None:
    before = [hub.vitals(seq=1, hr=70), hub.press("w2", id="1")]
    await hub.done()
    postgres.stop()
    during = [hub.vitals(seq=2, hr=71), hub.press("w3", id="1"), hub.vitals(seq=3, hr=72), hub.press("w2", id="2")]
    assert hub.ingest.waiting == 4
    assert hub.line.acknowledged == before
    postgres.start()
    await hub.done()
    assert sorted(hub.line.acknowledged) == sorted(before + during)
    with psycopg.connect(dsn, autocommit=True) as conn:
        rows = conn.execute("select heart_rate_bpm from telemetry where heart_rate_bpm is not null order by sequence")
        assert rows.fetchall() == [(70.0,), (71.0,), (72.0,)]
        assert conn.execute("select presses from incident order by id").fetchall() == [(2,), (1,)]


async def test_message_that_cannot_be_stored_is_found_by_halving_and_kept(hub: Hub, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(picky("telemetry", "new.heart_rate_bpm = 66"))
    good = [hub.vitals(f"w{number}", seq=1, hr=70) for number in range(8)]
    bad = hub.vitals("w8", seq=1, hr=66)
    good += [hub.vitals(f"w{number}", seq=1, hr=70) for number in range(9, 16)]
    await hub.done()
    assert sorted(hub.line.acknowledged) == sorted([*good, bad])
    assert await hub.one("select count(*) from telemetry") == 15
    ((topic, error),) = await hub.rows("select topic, error from unreadable")
    assert topic == "carehub/w8/vitals"
    assert "picky" in error


async def test_press_that_cannot_be_stored_is_kept_still_rings_and_calls_a_technician(hub: Hub, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(picky("observation", "new.code = 'battery.charging'"))
    token = hub.press(id="1", charging=True)
    other = hub.press("w2", id="1")
    await hub.done()
    assert sorted(hub.line.acknowledged) == sorted([token, other])
    assert await hub.rows("select topic from unreadable") == [("carehub/w1/event",)]
    kinds = await hub.rows("select kind, severity from incident order by severity")
    assert kinds == [("sos", 1), ("sos", 1), ("device", 5)]


async def test_press_waits_as_long_as_even_keeping_it_fails(hub: Hub, dsn: str) -> None:
    """If the technician cannot be called either, the message is not to blame: it stays unacknowledged."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("alter table incident rename to incident_away")
        token = hub.press(id="1")

        async def tried() -> bool:
            found = conn.execute("select 1 from device where address = 'carehub:w1'").fetchone()
            return found is not None

        await eventually(tried)
        assert hub.line.acknowledged == []
        conn.execute("alter table incident_away rename to incident")
    await hub.done()
    assert hub.line.acknowledged == [token]
    assert await hub.one("select count(*) from incident where kind = 'sos'") == 1


async def test_ingest_is_full_when_the_database_is_away(postgres: EmbeddedPostgres, hub: Hub) -> None:
    hub.ingest._most = 3
    postgres.stop()
    try:
        for number in range(3):
            hub.vitals(seq=number, hr=70)
        assert hub.ingest.full
    finally:
        postgres.start()
    async with asyncio.timeout(PATIENCE_S):
        await hub.ingest.wait_room()
    await hub.done()
    assert hub.ingest.waiting == 0


async def test_goodbye_without_a_database_ends_all_the_same(
    postgres: EmbeddedPostgres, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.ingest.DRAIN_S", 0.3)
    async with Ingest(settings(), dsn) as ingest:
        hub_line = Line()
        ingest.submit(Arrival("carehub/w1/vitals", b'{"hr":70}', 1_790_000_000_000, hub_line, 1))
        postgres.stop()
    postgres.start()
    assert hub_line.acknowledged == []
