"""The false-alarm rate that is read in a moment says what the plain count over all cases says."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.store import falls
from hub.store.fleet import Wish
from hub.store.pool import Connection, connect, hub_now
from hub.store.supervision import Q as SUPERVISION
from tests.integration.ingest.test_falls_counted import ZONE

pytestmark = pytest.mark.anyio
CASES = 400

FILLED = f"""
insert into resident (name, area, canary, created_at)
    select 'r' || g, '片区' || g % 3, g = 12, hub_now() from generate_series(1, 12) g;
insert into device (address, adapter, resident_id, model, created_at)
    select 'carehub:' || r.name || m, 'carehub', r.id, m, hub_now() from resident r, unnest(array['CW-1', 'R-1', '']) m;
insert into policy_version (sha256, body, active_from) values ('x', '', hub_now());
insert into incident (dedup_key, resident_id, kind, severity, state, policy_version, policy_name, opened_at, closed_at,
                      disposition, test)
select case when state in ('open', 'confirming') then 'k' || g end, nullif(g % 13, 0), 'fall', 2, state,
       (select max(id) from policy_version), 'x', hub_now() - g % 29 * interval '1 day' - interval '10 minutes',
       case when state in ('cancelled', 'closed') then hub_now() end,
       case when state = 'closed' then
           (array['lifted', 'accidental', 'found_well', 'duplicate', 'not_at_home', 'refused'])[1 + g % 6] end,
       g % 17 = 0
from (select g, (array['cancelled', 'cancelled', 'closed', 'closed', 'closed', 'open', 'confirming'])[1 + g % 7] state
      from generate_series(1, {CASES}) g) c;
insert into timer (incident_id, kind, due_at, step, round)
select id, 'step', hub_now() + interval '1 day', 0, 0 from incident where dedup_key is not null;
insert into alert (alert_id, incident_id, device_id, kind, severity, raised_at)
select i.id || '/' || n || '/' || d.id, i.id, d.id, 'fall', 2, i.opened_at + n * interval '4 minutes' * (1 + i.id % 2)
from incident i, generate_series(0, 2) n, device d
where d.resident_id = coalesce(i.resident_id, 1) and (d.id + i.id + n) % 3 = 0 and n <= i.id % 4;
insert into incident_event (incident_id, seq, at, actor, what, body, prev_hash, hash)
select id, seq, at, actor, what, '{{}}', '', '' from (
    select id, 1 as seq, opened_at as at, 'device:1' as actor, 'opened' as what from incident
    union all select id, 2, opened_at + interval '7 seconds' * (id % 5),
                     case when id % 3 = 0 then 'person:1' else 'device:1' end, 'cancelled' from incident
              where state = 'cancelled'
    union all select id, 2, opened_at + interval '5 minutes', 'device:1', 'cancel_late' from incident
              where state = 'closed' and id % 5 = 0) e;
"""
COUNTED = """count(*) as suspected, count(*) filter (where outcome = 'cancelled') as cancelled,
    count(*) filter (where outcome = 'cancelled_at_desk') as at_desk, count(*) filter (where outcome = 'real') as real,
    count(*) filter (where outcome = 'false') as false, count(*) filter (where outcome = 'unclear') as unclear,
    count(*) filter (where outcome = 'open') as under_way, count(*) filter (where cancelled_late) as late"""
ALL = """f.began_at >= %(since)s and not f.test and r.canary is not true and f.outcome <> 'no_fall_of_its_own'
    and (%(area)s::text is null or r.area = %(area)s)"""
PLAIN_MODELS = f"""with told as (
    select distinct d.model, f.incident_id, f.began_at, f.outcome, f.cancelled_late
    from fall f left join resident r on r.id = f.resident_id
    join alert a on a.incident_id = f.incident_id and a.raised_at >= f.began_at and a.raised_at < f.next_at
    join device d on d.id = a.device_id
    where {ALL} and a.kind = 'fall' and (%(model)s::text is null or d.model = %(model)s))
select model, {COUNTED} from told group by model"""
PLAIN_WEARERS = f"""select f.resident_id, {COUNTED},
    percentile_disc(0.5) within group (order by f.cancelled_after_s), max(f.began_at)
from fall f join resident r on r.id = f.resident_id
where {ALL} and (%(model)s::text is null or exists (
    select from alert a join device d on d.id = a.device_id
    where a.incident_id = f.incident_id and a.kind = 'fall' and d.model = %(model)s))
group by f.resident_id"""


@pytest.fixture
async def conn(anyio_backend: str, dsn: str) -> AsyncIterator[Connection]:
    async with await connect(dsn) as conn:
        yield conn


async def read(conn: Connection) -> datetime:
    now = await hub_now(conn)
    while await falls.read_cases(conn, now):
        pass
    return now


async def compare(conn: Connection, wish: Wish, now: datetime) -> int:
    """Hold what people read against the plain count; return how many falls there are."""
    today = now.astimezone(ZONE).date()
    asked = {**wish.values, **falls._since(today, ZONE)}
    models, wearers = await falls.by_model(conn, wish, today, ZONE), await falls.by_wearer(conn, wish, today, ZONE)

    def figures(line: falls.Line) -> tuple[Any, ...]:
        return tuple(line.about[name] for name in falls.COUNTS[:8])

    plain = await (await conn.execute(PLAIN_MODELS.encode(), asked)).fetchall()
    assert {(line.about["model"], *figures(line)) for line in models} == set(plain)
    assert len(models) == len(plain)
    plain = await (await conn.execute(PLAIN_WEARERS.encode(), asked)).fetchall()
    told = [(one.about["resident_id"], *figures(one), one.about["after_s"], one.about["last_at"]) for one in wearers]
    assert sorted(told) == sorted(plain)
    wrong = [line.falls.false_alarms for line in wearers]
    assert wrong == sorted(wrong, reverse=True)
    return sum(int(row[1]) for row in plain)


@pytest.mark.parametrize("wish", [Wish(), Wish(model="R-1"), Wish(area="片区1"), Wish(model="CW-1", area="片区2")])
async def test_what_is_read_in_a_moment_is_what_the_plain_count_says(conn: Connection, wish: Wish) -> None:
    await conn.execute(FILLED.encode())
    assert await compare(conn, wish, await read(conn)) > 20


async def test_case_that_changes_changes_what_is_read(conn: Connection) -> None:
    await conn.execute(FILLED.encode())
    before = await compare(conn, Wish(), await read(conn))
    await conn.execute(
        "with ended as (update incident set state = 'closed', dedup_key = null, closed_at = hub_now(),"
        " disposition = case when id % 2 = 0 then 'duplicate' else 'lifted' end where state = 'open' returning id),"
        " stopped as (delete from timer where incident_id in (select id from ended))"
        " insert into incident_event (incident_id, seq, at, actor, what, body, prev_hash, hash)"
        " select id, 9, hub_now(), 'person:1', 'closed', '{}'::jsonb, ''::bytea, ''::bytea from ended"
    )
    after = await compare(conn, Wish(), await read(conn))
    assert 0 < after < before
    await conn.execute("update fall_mark set through = through - interval '40 days'")
    assert await compare(conn, Wish(), await read(conn)) == after  # what is read again changes nothing


async def worn(conn: Connection) -> list[Any]:
    query = "select day, model, area, days, worn_min from worn_count where model <> '' order by 1, 2, 3"
    return await (await conn.execute(query)).fetchall()


async def test_worn_days_are_added_up_as_written_and_counted_once_when_the_day_is_over(conn: Connection) -> None:
    await conn.execute(FILLED.encode())
    now = (await hub_now(conn)).astimezone(ZONE).replace(hour=12)
    today = now.date()
    devices = [row[0] for row in await (await conn.execute("select id from device order by id")).fetchall()]
    for minutes in (30.0, None, 0.0, 12.5):
        await conn.execute(SUPERVISION.keep_days, {
            "devices": devices[::2], "days": [today] * len(devices[::2]), "levels": [50.0] * len(devices[::2]),
            "charged": [False] * len(devices[::2]), "worn": [minutes if n % 5 else None for n in devices[::2]],
        })  # fmt: skip
    added = await worn(conn)
    assert len(added) == 6  # two models, one without a name left out, three areas
    assert added[0][4] == 42.5 * added[0][3] > 0
    await falls.count_worn(conn, now, ZONE, again=True)
    assert await worn(conn) == added
    await conn.execute("update device set model = 'CW-2' where model = 'CW-1'")
    await falls.count_worn(conn, now, ZONE)
    assert await worn(conn) == added  # not over
    tomorrow = now + timedelta(days=1)
    for _ in range(falls.OVER_DAYS):
        await falls.count_worn(conn, tomorrow, ZONE)
    assert {row[1] for row in await worn(conn)} == {"CW-2", "R-1"}
    await conn.execute("update device_day set worn_min = 1")
    counted = await worn(conn)
    await falls.count_worn(conn, tomorrow, ZONE)
    assert await worn(conn) == counted  # nobody reads all devices again
