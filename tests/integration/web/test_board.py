"""The queue in the hour of an earthquake: thousands open, a screen that holds few, and every change read for itself."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from hub.bench import town
from hub.store import console as store
from hub.store import policies
from hub.store.pool import Connection, connect
from hub.store.sql import queries
from hub.web.board import CENTRE, Board, Reading

pytestmark = pytest.mark.anyio
SCREEN = 10
HOUR_S = 3600.0  # nothing is read again for its age
CHANGES = 120
CASES = """
insert into person (name, role, created_at) values ('李雪', 'operator', now());
insert into resident (name, area, created_at) select 'r' || g, '和平社区', now() from generate_series(1, 60) g;
insert into incident (dedup_key, resident_id, kind, severity, state, policy_version, policy_name, opened_at, test)
    select 'resident:' || r.id, r.id, 'sos', 1 + r.id % 5, 'open', v.id, 'x', now() - r.id * interval '1 second',
           r.id % 7 = 0
    from resident r, (select min(id) as id from policy_version) v
"""
HAPPENS = (
    "handler_id = (select min(id) from person)",
    "handler_id = null",
    "responder_id = (select min(id) from person)",
    "severity = 1",
    "dedup_key = null, state = 'cancelled', closed_at = now()",
    "dedup_key = 'resident:' || resident_id, state = 'open', closed_at = null",
)


@pytest.fixture
async def conn(anyio_backend: str, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connection]:
    monkeypatch.setattr(store, "QUEUE_LIMIT", SCREEN)
    async with await connect(dsn) as conn:
        await policies.publish(conn, town.POLICY)
        await conn.execute("set session_replication_role = replica")  # timers are not what is asked about
        await conn.execute(CASES.encode())
        yield conn


async def read(board: Board, conn: Connection) -> Reading:
    return await board.read(conn, CENTRE, stale_s=HOUR_S)


def read_again(before: Reading, after: Reading) -> set[int]:
    """Whose rows came from the database anew: the others are the very same objects."""
    old = {id(row) for row in before.rows}
    return {row["id"] for row in after.rows if id(row) not in old}


async def test_change_beyond_a_full_screen_is_read_for_itself(conn: Connection) -> None:
    board = Board()
    before = await read(board, conn)
    assert (len(before.rows), before.count["count"]) == (SCREEN, 60)
    shown = before.rows[3]["id"]
    await conn.execute("update incident set presses = presses + 1 where id = %s", (shown,))
    board.changed(shown)
    after = await read(board, conn)
    assert read_again(before, after) == {shown}
    unseen = (await (await conn.execute("select max(id) from incident where severity = 5")).fetchone() or [0])[0]
    await conn.execute("update incident set presses = presses + 1 where id = %s", (unseen,))
    board.changed(unseen)
    assert read_again(after, await read(board, conn)) == set(), "nobody sees it: nobody reads it"


async def test_case_that_ends_makes_room_for_one_other(conn: Connection) -> None:
    board = Board()
    before = await read(board, conn)
    gone = before.rows[0]["id"]
    await conn.execute(f"update incident set {HAPPENS[4]} where id = {gone}".encode())
    board.changed(gone)
    after = await read(board, conn)
    assert len(after.rows) == SCREEN
    assert len(read_again(before, after)) == 1
    assert after.count["count"] == 59


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_any_changes_it_is_as_if_all_of_it_were_read(conn: Connection, seed: int) -> None:
    draw, board = random.Random(seed), Board()
    await read(board, conn)
    numbers = [row[0] for row in await (await conn.execute("select id from incident")).fetchall()]
    for _ in range(CHANGES):
        number = draw.choice(numbers)
        await conn.execute(f"update incident set {draw.choice(HAPPENS)} where id = {number}".encode())
        board.changed(number)
        if draw.random() < 0.5:  # two changes are sometimes heard of together
            kept = await read(board, conn)
            fresh = await read(Board(), conn)
            assert [r["id"] for r in kept.rows] == [r["id"] for r in fresh.rows]
            assert list(kept.rows) == list(fresh.rows)
            assert kept.count == fresh.count


YEARS = """
insert into incident (resident_id, kind, severity, state, policy_version, policy_name, opened_at, closed_at)
    select resident_id, 'sos', 1, 'cancelled', policy_version, 'x', now() - g * interval '1 hour',
           now() - g * interval '1 hour' + interval '9 minutes'
    from incident, generate_series(1, 100) g;
insert into page (incident_id, round, step, person_id, role, channel, address, purpose, due_at, state, created_at)
    select i.id, 0, 0, p.id, 'operator', 'console', '', 'alarm', i.opened_at, 'delivered', i.opened_at
    from incident i, person p;
analyze;
"""
BESIDE: dict[str, tuple[bytes, dict[str, Any]]] = {
    "recent": (queries("console").recent, {}),
    "notices": (queries("console").notices, {"person": 1}),
    "wave": (queries("cases").recent_wave, {"within": timedelta(minutes=10)}),
}


def most_looked_at(plan: dict[str, Any]) -> float:
    seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return float(max([seen * plan["Actual Loops"], *map(most_looked_at, plan.get("Plans", []))]))


@pytest.mark.parametrize("what", BESIDE)
async def test_what_stands_beside_the_queue_reads_no_years(conn: Connection, what: str) -> None:
    await conn.execute(YEARS.encode())
    query, values = BESIDE[what]
    row = await (await conn.execute(b"explain (analyze, format json) " + query, values)).fetchone()
    assert row is not None
    assert most_looked_at(row[0][0]["Plan"]) < 1_000
