-- name: add
insert into exchange_platform (name, url, adapter, mapping, areas, salt, created_at)
values (%(name)s, %(url)s, %(adapter)s, %(mapping)s, %(areas)s, %(salt)s, hub_now()) returning id

-- name: platforms
select p.id, p.name, p.url, p.adapter, p.mapping, p.areas, p.salt, p.active, p.last_number, p.event_mark, p.failing_since,
       p.why, p.ok_at, p.reconciled_on,
       (select count(*) from exchange_record r where r.platform_id = p.id and r.state = 'waiting') as waiting,
       (select count(*) from exchange_record r where r.platform_id = p.id and r.state = 'refused') as refused
from exchange_platform p where (%(name)s::text is null or p.name = %(name)s) and (not %(active)s or p.active) order by p.id

-- name: switch
update exchange_platform set active = %(active)s where id = %(platform)s

-- name: alone
select pg_try_advisory_lock(%(lock)s) as mine

-- name: resident
-- One neutral record a row: its number and its fields. Sensitive ones are not among them: no health, no keys, no codes.
select r.id, jsonb_build_object(
    'id', r.id, 'name', r.name, 'born', r.born, 'area', r.area, 'address', r.address, 'phone', r.phone,
    'ability', r.ability, 'language', r.language, 'registered_at', r.created_at) as body
from resident r
where served(r.canary, r.ended_at) and (%(ids)s::bigint[] is null or r.id = any(%(ids)s)) and r.id > %(after)s
  and (%(areas)s::text[] = '{}' or r.area in (select area_within(x) from unnest(%(areas)s::text[]) x))
order by r.id limit %(limit)s

-- name: device
select d.id, jsonb_build_object(
    'id', d.id, 'address', d.address, 'model', d.model, 'state', d.state, 'resident', d.resident_id, 'room', d.room,
    'registered_at', d.created_at) as body
from device d join resident r on r.id = d.resident_id
where served(r.canary, r.ended_at) and d.state in ('bound', 'tested', 'live') and (%(ids)s::bigint[] is null or d.id = any(%(ids)s))
  and d.id > %(after)s
  and (%(areas)s::text[] = '{}' or r.area in (select area_within(x) from unnest(%(areas)s::text[]) x))
order by d.id limit %(limit)s

-- name: incident
select i.id, jsonb_build_object(
    'id', i.id, 'resident', i.resident_id, 'device', i.device_id, 'area', coalesce(nullif(i.area, ''), r.area, ''),
    'kind', i.kind, 'severity', i.severity, 'opened_at', i.opened_at, 'closed_at', i.closed_at, 'state', i.state,
    'disposition', i.disposition, 'services', i.services, 'test', i.test,
    'answered_at', (select min(e.at) from incident_event e where e.incident_id = i.id and e.what = 'taken'),
    'arrived_at', (select min(e.at) from incident_event e where e.incident_id = i.id and e.what = 'arrived'
        and not exists (select from incident_event m where m.incident_id = i.id and m.what = 'mistaken'
                           and (m.body ->> 'takes_back')::int = e.seq))) as body
from incident i left join resident r on r.id = i.resident_id
where i.closed_at is not null and not coalesce(r.canary, false)
  and (%(ids)s::bigint[] is null or i.id = any(%(ids)s)) and i.id > %(after)s
  and (%(areas)s::text[] = '{}'
       or coalesce(nullif(i.area, ''), r.area, '') in (select area_within(x) from unnest(%(areas)s::text[]) x))
order by i.id limit %(limit)s

-- name: visit
select v.id, jsonb_build_object(
    'id', v.id, 'resident', v.resident_id, 'device', v.device_id, 'reason', v.reason, 'booked_at', v.booked_at,
    'due', v.due, 'status', v.status, 'done_at', v.done_at) as body
from visit v join resident r on r.id = v.resident_id
where not r.canary and (%(ids)s::bigint[] is null or v.id = any(%(ids)s)) and v.id > %(after)s
  and (%(areas)s::text[] = '{}' or r.area in (select area_within(x) from unnest(%(areas)s::text[]) x))
order by v.id limit %(limit)s

-- name: work_order
select o.id, jsonb_build_object(
    'id', o.id, 'resident', o.resident_id, 'device', o.device_id, 'kind', o.kind, 'status', o.state, 'scope', o.scope,
    'opened_at', o.created_at, 'due', o.due, 'done_at', o.done_at, 'ended_at', o.ended_at, 'area', o.area) as body
from work_order o
where (%(ids)s::bigint[] is null or o.id = any(%(ids)s)) and o.id > %(after)s
  and (%(areas)s::text[] = '{}' or o.area in (select area_within(x) from unnest(%(areas)s::text[]) x))
order by o.id limit %(limit)s

-- name: ended_since
-- Cases that ended since an event: they are owed at once, and not only when their turn comes round.
select max(v.number) as through, array_agg(distinct v.incident_id) filter (where v.what in ('closed', 'cancelled')) as ids
from (select number, incident_id, what from api_event where number > %(after)s order by number limit %(limit)s) v

-- name: mark_events
update exchange_platform set event_mark = %(through)s where id = %(platform)s

-- name: known
-- What a platform was told of these, last.
select subject, sha256 from exchange_subject
where platform_id = %(platform)s and kind = %(kind)s and subject = any(%(ids)s)

-- name: gone
-- What it was told and what is no more, or not its own any more, between two numbers.
select s.subject from exchange_subject s
where s.platform_id = %(platform)s and s.kind = %(kind)s and s.sha256 <> '' and s.subject > %(after)s
  and s.subject <= %(through)s and not s.subject = any(%(ids)s)

-- name: owe
-- A new number for each; what was owed of the same before is covered by it.
with numbered as (
    select x.subject, x.sha256, row_number() over (order by x.subject) as nr
    from unnest(%(subjects)s::bigint[], %(digests)s::text[]) as x(subject, sha256)
), counter as (
    update exchange_platform set last_number = last_number + (select count(*) from numbered) where id = %(platform)s
    returning last_number
), first as (select last_number - (select count(*) from numbered) as before from counter),
covered as (
    update exchange_record r set state = 'superseded', done_at = hub_now() from numbered n
    where r.platform_id = %(platform)s and r.kind = %(kind)s and r.subject = n.subject and r.state in ('waiting', 'refused')
), made as (
    insert into exchange_record (platform_id, number, kind, subject, sha256, at, why, due_at)
    select %(platform)s, f.before + n.nr, %(kind)s, n.subject, n.sha256, hub_now(), %(why)s, hub_now() from numbered n, first f
    returning number, subject, sha256
)
insert into exchange_subject (platform_id, kind, subject, sha256, number, seen_on)
select %(platform)s, %(kind)s, m.subject, m.sha256, m.number, hub_now() from made m
on conflict (platform_id, kind, subject) do update set sha256 = excluded.sha256, number = excluded.number, seen_on = excluded.seen_on

-- name: due
-- The next to be sent, in their order: nothing overtakes what waits before it.
select r.number, r.kind, r.subject, r.sha256, r.at, r.why, r.attempts, r.due_at > hub_now() as rests
from exchange_record r where r.platform_id = %(platform)s and r.state = 'waiting' order by r.number limit %(limit)s

-- name: acknowledged
with done as (
    update exchange_record set state = 'acknowledged', done_at = hub_now(), answer = ''
    where platform_id = %(platform)s and number = any(%(numbers)s) and state = 'waiting' returning kind, subject, sha256
), told as (
    update exchange_subject s set acknowledged = d.sha256 from done d
    where s.platform_id = %(platform)s and s.kind = d.kind and s.subject = d.subject
)
update exchange_platform set ok_at = hub_now(), failing_since = null, why = '' where id = %(platform)s

-- name: refused
update exchange_record r set state = 'refused', done_at = hub_now(), answer = x.why
from unnest(%(numbers)s::bigint[], %(whys)s::text[]) as x(number, why)
where r.platform_id = %(platform)s and r.number = x.number and r.state = 'waiting'

-- name: missed
with later as (
    update exchange_record set attempts = attempts + 1, due_at = hub_now() + %(again)s::interval, answer = %(why)s
    where platform_id = %(platform)s and number = any(%(numbers)s) and state = 'waiting'
)
update exchange_platform set failing_since = coalesce(failing_since, hub_now()), why = %(why)s where id = %(platform)s

-- name: replay
-- From a number on, what is still the last word about its subject, once more.
select kind, array_agg(subject) as subjects, array_agg(sha256) as digests from exchange_subject
where platform_id = %(platform)s and number >= %(number)s group by kind

-- name: counted
-- What the platform should hold of a kind: how much, and one digest of it all.
select count(*)::int as count, coalesce(encode(sha256(convert_to(
           string_agg(subject || ':' || acknowledged, E'\n' order by subject), 'UTF8')), 'hex'), '') as sha256
from exchange_subject where platform_id = %(platform)s and kind = %(kind)s and coalesce(acknowledged, '') <> ''

-- name: held
select subject, acknowledged from exchange_subject
where platform_id = %(platform)s and kind = %(kind)s and coalesce(acknowledged, '') <> '' order by subject

-- name: reconciled
insert into exchange_reconciliation (platform_id, day, kind, at, ours, ours_sha256, theirs, theirs_sha256, differences, resent)
values (%(platform)s, %(day)s, %(kind)s, hub_now(), %(ours)s, %(ours_sha256)s, %(theirs)s, %(theirs_sha256)s,
        %(differences)s::jsonb, %(resent)s)
on conflict (platform_id, day, kind) do update set at = excluded.at, ours = excluded.ours, ours_sha256 = excluded.ours_sha256,
    theirs = excluded.theirs, theirs_sha256 = excluded.theirs_sha256, differences = excluded.differences,
    resent = excluded.resent

-- name: reconciled_all
update exchange_platform set reconciled_on = %(day)s where id = %(platform)s

-- name: reconciliations
select day, kind, at, ours, theirs, ours_sha256 = theirs_sha256 as same, differences, resent from exchange_reconciliation
where platform_id = %(platform)s order by day desc, kind limit %(limit)s

-- name: refusals
select number, kind, subject, at, answer from exchange_record
where platform_id = %(platform)s and state = 'refused' order by number limit %(limit)s

-- name: sweep
-- What was taken long ago: its digest stands with its subject.
delete from exchange_record where (platform_id, number) in (
    select platform_id, number from exchange_record where state in ('acknowledged', 'superseded')
      and done_at < hub_now() - make_interval(days => %(days)s) limit %(limit)s)

-- name: waiting_subjects
-- Of these the platform may know more or less than it has said: they are compared when they are through.
select distinct subject from exchange_record where platform_id = %(platform)s and kind = %(kind)s and state = 'waiting'

-- name: current
select subject, sha256 from exchange_subject where platform_id = %(platform)s and kind = %(kind)s and subject = any(%(ids)s)
