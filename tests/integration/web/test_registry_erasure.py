"""Erasure reaches every table, and nobody else's words; merges reach every table and give back what they filled."""

import json
from datetime import date
from typing import Any

import pytest

from hub import sealed
from hub.store import registry, registry_erase, registry_merge
from hub.store.erased_columns import ERASURE, undecided
from hub.store.pool import Connection
from tests.integration.web.world import World

MARK = "秘密的话"
COLUMNS = """
with recursive fk as (
    select conrelid, confrelid from pg_constraint where contype = 'f' and conparentid = 0
), near (rel) as (
    select 'resident'::regclass::oid union select 'person'::regclass::oid
    union select a.attrelid from pg_attribute a join pg_class k on k.oid = a.attrelid
    where a.attname in ('resident_id', 'incident_id', 'device_id', 'person_id', 'order_id') and k.relkind in ('r', 'p')
      and not k.relispartition and k.relnamespace = 'public'::regnamespace
), reach (rel) as (
    select rel from near
    union select f.conrelid from fk f join reach r on f.confrelid = r.rel
    where f.confrelid not in ('person'::regclass)
)
select r.rel::regclass::text, array_agg(a.attname::text order by a.attnum)
from reach r join pg_attribute a on a.attrelid = r.rel and a.attnum > 0 and not a.attisdropped
where a.atttypid in ('text'::regtype, 'jsonb'::regtype, 'json'::regtype, 'bytea'::regtype, 'text[]'::regtype)
group by 1
"""
TABLES = """
select c.relname from pg_class c where c.relkind in ('r', 'p') and not c.relispartition
  and c.relnamespace = 'public'::regnamespace order by 1
"""


def test_every_column_that_may_hold_words_of_hers_is_erased_or_kept_for_a_reason(world: World) -> None:
    columns: dict[str, list[str]] = dict(map(tuple, world.sql(COLUMNS)))
    assert undecided(columns) == []
    there = {name for (name,) in world.sql(TABLES)}
    assert [table for table in ERASURE if table not in there] == []
    assert all(why for found in ERASURE.values() for why in found.values())


def full(world: World, resident: str) -> int:
    """Write a word of hers wherever somebody may have written one, and take her devices away."""
    r, son, ma = world.residents[resident], world.people["son"], world.people["ma"]
    watch, case = world.devices["watch-zhang"], world.alert("watch-zhang")
    values = {"r": r, "p": son, "m": MARK, "d": watch, "i": case, "ma": ma}
    world.circle(resident, "son", "侄子", 20)
    order = world.sql(
        "insert into work_order (kind, scope, quality, place, resident_id, due, state, created_at, created_by)"
        " values ('visit', %(m)s, %(m)s, %(m)s, %(r)s, current_date, 'planned', hub_now(), 'hub') returning id",
        **values,
    )[0][0]
    values["o"] = order
    for text in (
        "update device_event set note = '' where device_id = %(d)s",
        "insert into work_order_event (order_id, seq, at, actor, what, body, prev_hash, hash) values"
        " (%(o)s, 1, hub_now(), 'hub', 'made', '{}', '', '')",
        "insert into work_order_word values (%(o)s, 1, %(m)s)",
        "insert into work_order_file (order_id, at, person_id, media_type, bytes, sha256, content)"
        " values (%(o)s, hub_now(), %(ma)s, 'image/png', 12, 'x', convert_to(%(m)s, 'UTF8'))",
        "insert into contact_made (resident_id, at, how, outcome, evidence, note, entered_by, entered_at)"
        " values (%(r)s, hub_now(), 'phone', 'spoke', %(m)s, %(m)s, 'hub', hub_now())",
        "insert into welfare_fact (resident_id, fact, value, document, entered_by, entered_at)"
        " values (%(r)s, 'hardship', %(m)s, %(m)s, 'hub', hub_now())",
        "insert into visiting (resident_id, since, reason, entered_by, entered_at)"
        " values (%(r)s, current_date, %(m)s, 'hub', hub_now())",
        "insert into purchase (resident_id, scheme, item, price_fen, invoice, bought_on, entered_by, entered_at)"
        " values (%(r)s, 'refit', 'rail', 100, 'F-1', current_date, 'hub', hub_now())",
        "insert into telephone_call (incident_id, direction, state, provider, ours, number, party, resident_id,"
        " asked_at, recording) values (%(i)s, 'out', 'asked', 'p', 'o', %(m)s, 'resident', %(r)s, hub_now(), %(m)s)",
        "insert into handover (outgoing, incoming, note, begun_at) values (%(ma)s, %(p)s, '张德福要再去看', hub_now())",
        "insert into handover_case (handover_id, incident_id, note) select max(id), %(i)s, %(m)s from handover",
        "insert into note (incident_id, at, person_id, text) values (%(i)s, hub_now(), %(ma)s, %(m)s)",
        "insert into absence (resident_id, kind, begins_at, ends_at, reason, written_by, written_at)"
        " values (%(r)s, 'away', hub_now(), hub_now() + interval '1 day', %(m)s, 'family', hub_now())",
        "insert into device_command (device_id, asked_by, asked_at, what, detail, expires_at, answers, again)"
        " values (%(d)s, 'hub', hub_now(), 'say', jsonb_build_object('say', %(m)s::text), hub_now(), true, true)",
        "update alert set evidence = jsonb_build_object('x', %(m)s::text) where incident_id = %(i)s",
        "insert into visit (device_id, resident_id, reason, booked_at, due, status, done_at, note)"
        " values (%(d)s, %(r)s, 'battery', hub_now(), current_date, 'done', hub_now(), %(m)s)",
        "update resident set hazards = %(m)s where id = %(r)s",
        "insert into exchange_platform (name, url, adapter, mapping, salt, created_at)"
        " values ('区平台', 'http://127.0.0.1:9', 'json', '', 's', hub_now())",
        "insert into exchange_record (platform_id, number, kind, subject, sha256, at, due_at, answer)"
        " select id, 1, 'resident', %(r)s, 'x', hub_now(), hub_now(), %(m)s from exchange_platform",
        "insert into device_event (device_id, at, action, state, actor, note, facts) values"
        " (%(d)s, hub_now(), 'note', 'live', 'hub', %(m)s, '{}')",
        "insert into device_event (device_id, at, action, state, actor, facts) values"
        " (%(d)s, hub_now(), 'retire', 'retired', 'hub', jsonb_build_object('resident', %(r)s::bigint))",
        "update device set resident_id = null, state = 'retired' where id = %(d)s",
        "with t as (delete from timer where incident_id = %(i)s) update incident set closed_at = hub_now(),"
        " state = 'closed', disposition = 'test', dedup_key = null where id = %(i)s",
    ):
        world.sql(text, **values)
    return r


def erase(world: World, number: int) -> registry_erase.Erased:
    async def do(conn: Connection) -> registry_erase.Erased:
        async with conn.transaction():
            await registry.acting(conn, "hub", "erasure")
            return await registry_erase.erase(conn, number, {})

    return world.run(do)


def test_no_table_holds_a_word_of_hers_after_an_erasure(world: World) -> None:
    zhang = full(world, "zhang")
    erased = erase(world, zhang)
    left = []
    for (table,) in world.sql(TABLES):
        said = f"select count(*) from {table} t where t::text like any(%(words)s)"
        found = world.sql(said, words=[f"%{word}%" for word in (MARK, MARK.encode().hex(), "张德福")])
        left += [table] if found[0][0] else []
    assert left == []
    assert erased.stayed["purchases"] == 1
    assert world.sql("select count(*) from work_order_event") == [(1,)]


def preview(world: World, *names: str) -> int:
    async def keep(conn: Connection) -> int:
        row = await (await conn.execute(
            "insert into registry_import (kind, file_name, at, digest, body)"
            " values ('residents', 'x', hub_now(), '', '') returning id")).fetchone()  # fmt: skip
        assert row is not None
        body = json.dumps([[n, {"name": name, "area": "和平社区"}] for n, name in enumerate(names)])
        text = sealed.seal("registry_import.body", row[0], body)
        await conn.execute("update registry_import set body = %s where id = %s", (text, row[0]))
        return int(row[0])

    return world.run(keep)


def test_previews_of_others_outlive_an_erasure(world: World) -> None:
    hers, others = preview(world, "李一", "张德福"), preview(world, "李一", "李二")
    world.sql(
        "update device set resident_id = null, state = 'retired' where id = %(d)s", d=world.devices["watch-zhang"]
    )
    assert erase(world, world.residents["zhang"]).gone["previews"] == 1
    kept = {number: bool(body) for number, body in world.sql("select id, body from registry_import")}
    assert kept == {hers: False, others: True}


def test_whoever_was_merged_twice_over_is_erased_with_her(world: World) -> None:
    one, two = world.resident("one", "赵一", phone="1"), world.resident("two", "赵一", phone="2")
    three = world.resident("three", "赵一", phone="3")
    world.sql("update resident set merged_into = %(b)s, ended_at = hub_now() where id = %(a)s", a=one, b=two)
    world.sql("update resident set merged_into = %(b)s, ended_at = hub_now() where id = %(a)s", a=two, b=three)
    erase(world, three)
    assert world.sql("select count(*) from resident where name = '赵一'") == [(0,)]


@pytest.fixture
def twins(world: World) -> tuple[int, int]:
    """One woman registered twice, visited under both numbers."""
    wang = world.residents["wang"]
    twin = world.resident("twin", "王秀英", hazards="地滑", risks=["stroke"], born=date(1944, 3, 2), fence_m=300)
    world.sql("update resident set born = null where id = %(r)s", r=wang)
    case = world.alert("stray")
    for number in (wang, twin):
        values: dict[str, Any] = {"r": number, "n": str(number), "i": case}
        for text in (
            "insert into visiting (resident_id, since, reason, entered_by, entered_at)"
            " values (%(r)s, '2026-01-01', 'alone', 'hub', hub_now())",
            "insert into purchase (resident_id, scheme, item, price_fen, invoice, bought_on, entered_by, entered_at)"
            " values (%(r)s, 'refit', 'rail', 100, %(n)s, current_date, 'hub', hub_now())",
            "insert into welfare_fact (resident_id, fact, value, document, entered_by, entered_at)"
            " values (%(r)s, 'hardship', 'yes', 'x', 'hub', hub_now())",
            "insert into contact_made (resident_id, at, how, outcome, entered_by, entered_at)"
            " values (%(r)s, hub_now(), 'phone', 'spoke', 'hub', hub_now())",
            "insert into work_order (kind, scope, resident_id, due, state, created_at, created_by)"
            " values ('visit', 'x', %(r)s, current_date, 'planned', hub_now(), 'hub')",
            "insert into telephone_call (direction, state, provider, ours, party, resident_id, asked_at)"
            " values ('out', 'asked', 'p', %(n)s, 'resident', %(r)s, hub_now())",
            "insert into service_case (incident_id, started_at, kind, severity, area, resident_id)"
            " values (%(r)s, hub_now(), 'sos', 1, '', %(r)s)",
        ):
            world.sql(text, **values)
    return wang, twin


MOVED = ("visiting", "purchase", "welfare_fact", "contact_made", "work_order", "telephone_call", "service_case")


def counted(world: World, number: int) -> dict[str, int]:
    return {
        table: world.sql(f"select count(*) from {table} where resident_id = %(r)s", r=number)[0][0] for table in MOVED
    }


def test_merge_takes_visits_money_calls_and_orders_and_undo_gives_them_back(
    world: World, twins: tuple[int, int]
) -> None:
    wang, twin = twins
    held = "select name, born, hazards, risks, fence_m from resident where id = %(r)s"
    before = world.sql(held, r=wang)

    async def merge(conn: Connection) -> int:
        async with conn.transaction():
            await registry.acting(conn, "hub", "merge")
            return await registry_merge.merge(conn, wang, twin)

    async def undo(conn: Connection) -> None:
        async with conn.transaction():
            await registry.acting(conn, "hub", "merge")
            await registry_merge.undo(conn, number)

    number = world.run(merge)
    assert counted(world, wang) == dict.fromkeys(MOVED, 2)
    assert counted(world, twin) == dict.fromkeys(MOVED, 0)
    assert world.sql("select count(*) from visiting where until is null") == [(1,)]
    assert world.sql(held, r=wang)[0][1:3] == (date(1944, 3, 2), "地滑")
    world.sql("update resident set hazards = '门口有台阶' where id = %(r)s", r=wang)  # written since: it stays
    world.run(undo)
    assert counted(world, wang) == counted(world, twin) == dict.fromkeys(MOVED, 1)
    assert world.sql("select count(*) from visiting where until is null") == [(2,)]
    name, born, _, risks, fence = before[0]
    assert world.sql(held, r=wang) == [(name, born, "门口有台阶", risks, fence)]
