"""The press's own path numbers its parameters itself: it must ask exactly what psycopg would have asked."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from hub.bench import town
from hub.store import hot, policies
from hub.store.pool import Connection, connect, tuned
from hub.store.sql import queries

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
QUERY = b"""-- One line about %(what)s.
select %(text)s::text, %(at)s::timestamptz, %(text)s::text || %(number)s::int, %(none)s::bigint, %(many)s::bigint[]
-- and a line between
where %(number)s::int > 0"""
VALUES = {"text": "100 %s; '--", "at": NOW, "number": 7, "none": None, "many": [1, 2], "unused": object()}


@pytest.fixture
async def conn(anyio_backend: str, dsn: str) -> AsyncIterator[Connection]:
    async with await connect(dsn) as conn:
        yield conn


async def test_numbered_query_answers_as_the_named_one(conn: Connection) -> None:
    numbered = await (await hot.execute(conn, QUERY, VALUES)).fetchall()
    named = await (await conn.execute(QUERY.partition(b"\n")[2], VALUES)).fetchall()
    assert numbered == named == [("100 %s; '--", NOW, "100 %s; '--7", None, [1, 2])]


async def test_value_that_was_forgotten_is_named_before_anything_is_asked(conn: Connection) -> None:
    with pytest.raises(KeyError, match="number"):
        await hot.execute(conn, QUERY, {name: value for name, value in VALUES.items() if name != "number"})
    assert (await (await conn.execute("select 1")).fetchone()) == (1,)


@pytest.mark.parametrize("name", ["situation", "open"])
async def test_query_of_the_press_is_whole_once_numbered(conn: Connection, name: str) -> None:
    """The server reads it: a misplaced number or a comment cut in the wrong place would be a syntax error."""
    text, names = hot._numbered(getattr(queries("incidents"), name))
    assert names
    assert b"%(" not in text
    await conn.execute(b"prepare pressed as " + text.strip().rstrip(b";"))
    found = await (await conn.execute("select cardinality(parameter_types) from pg_prepared_statements")).fetchone()
    assert found == (len(names),)


CROWD = 2_000
FILLED = f"""
insert into resident (name, area, created_at) select 'r' || g, '测量', now() from generate_series(1, {CROWD}) g;
insert into person (name, role, created_at) select 'p' || g, 'family', now() from generate_series(1, {CROWD}) g;
insert into care_circle (resident_id, person_id)
    select r.id, p.id from resident r join person p on substr(p.name, 2) = substr(r.name, 2);
insert into device (address, adapter, resident_id, created_at)
    select 'carehub:' || name, 'carehub', id, now() from resident;
insert into incident (dedup_key, resident_id, kind, severity, state, policy_version, policy_name, opened_at)
    select 'resident:' || r.id, r.id, 'sos', 1, 'open', v.id, 'x', now() from resident r, policy_version v;
insert into timer (incident_id, kind, due_at, step, round)
    select id, 'step', now() + interval '1 hour', 0, 0 from incident;
update timer set due_at = now() where incident_id = (select min(incident_id) from timer);
insert into page (incident_id, round, step, person_id, role, channel, address, due_at, state, created_at, owner)
    select i.id, 0, 0, c.person_id, 'family', 'webhook', 'http://r.test/', now(),
           case i.id % {CROWD} when 0 then 'ready' when 1 then 'sending' else 'delivered' end, now(), 1
    from incident i join care_circle c using (resident_id);
"""
ASKED = (
    ("incidents", "lock_by_key"), ("incidents", "lock"), ("incidents", "lock_or_skip"), ("incidents", "situation"),
    ("incidents", "ticking"), ("incidents", "change"), ("people", "roster"), ("people", "devices"), ("outbox", "claim"),
    ("outbox", "settle_all_reached"), ("outbox", "settle_sent"), ("outbox", "settle_missed"), ("outbox", "take_back"),
    ("presses", "seen"), ("presses", "just_counted"),
)  # fmt: skip


def _of_one_case(number: int) -> dict[str, Any]:
    case = {
        "nr": 0,
        "id": None,
        "key": f"resident:{number}",
        "device": 1,
        "kind": "sos",
        "resident": number,
        "alert": "a",
    }
    lane = {"channel": "webhook", "urgent": True, "room": 4, "lease_s": 30, "full": []}
    changed = {
        "id": number, "kind": "sos", "severity": 1, "state": "taken", "policy_name": "x", "step": 0, "round": 0,
        "presses": 1, "test": False, "services": [], "asked": [], "declined": [], "version": 1, "urgent": True,
        "now": datetime.now(UTC).isoformat(), "actor": "person:1", "timer_kind": "expiry",
        "timer_due": datetime.now(UTC).isoformat(), "timer_step": 0, "timer_round": 0, "ended": False, "withdraw": True,
        "standing_down": ["family"], "spoken": ["webhook"],
    }  # fmt: skip
    return {
        "incidents": hot.json([changed] if number > 0 else []), "pages": "[]", "events": "[]", "words": "[]",
        "told_for": "10 min",
        "keys": [f"resident:{number}"], "ids": [number], "cases": hot.json([case]), "except": [-1], "limit": 8,
        "ahead": "25 ms",
        "at": None, "resident": number, "area": "测量", "incident": number, "device": number, "signed_in": "90 s",
        "lanes": hot.json([lane, lane | {"urgent": False}]), "worker": 1, "device_id": number, "identity": "sos:1",
        "id": number, "again_s": 1.0, "attempt": 1, "receipt": "no", "receipt_s": 5.0, "dead": [],
        "alarm_tries": [9] * 5, "word_tries": 3, "kind": "sos", "severity": 1, "window_s": 10.0, "test": False,
        "receipts": hot.json([{"id": number, "worker": 1, "receipt": "HTTP 200"}]),
    }  # fmt: skip


def _worst(plan: dict[str, Any]) -> tuple[float, str]:
    """Return the part of a plan that looks at most rows."""
    seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    what = " ".join(str(plan.get(name, "")) for name in ("Node Type", "Relation Name", "Index Name", "Filter"))
    return max([(seen * plan["Actual Loops"], what), *map(_worst, plan.get("Plans", []))])


@pytest.mark.parametrize(("noun", "name"), ASKED)
async def test_plan_of_a_quiet_hub_still_holds_when_a_night_fills_it(dsn: str, noun: str, name: str) -> None:
    """A hub that had nothing to do has planned for empty tables, and its plans live on: each must go by a key."""
    async with await connect(tuned(dsn)) as conn:
        await policies.publish(conn, town.POLICY)
        await conn.execute("analyze")
        text, names = hot._numbered(getattr(queries(noun), name))
        await conn.execute(b"prepare asked as " + text.strip().rstrip(b";"))
        row = await (await conn.execute("select parameter_types::text[] from pg_prepared_statements")).fetchone()
        assert row is not None
        execute = f"execute asked({', '.join(f'%s::{kind}' for kind in row[0])})"

        async def ask(before: str, number: int) -> Any:
            cursor = psycopg.AsyncClientCursor(conn)
            await cursor.execute((before + execute).encode(), [_of_one_case(number)[each] for each in names])
            return await cursor.fetchone()

        await ask("", -1)
        await conn.execute(FILLED.encode())
        row = await (await conn.execute("select min(id) from incident")).fetchone()
        assert row is not None
        (plan,) = await ask("explain (analyze, format json) ", int(row[0]))
        assert _worst(plan[0]["Plan"])[0] < CROWD / 10, _worst(plan[0]["Plan"])
