-- name: keep
insert into work_order (kind, source, scope, quality, area, place, resident_id, device_id, due, state, created_at, created_by)
values (%(kind)s, %(source)s, %(scope)s, %(quality)s, %(area)s, %(place)s, %(resident)s, %(device)s, %(due)s, 'planned',
        hub_now(), %(by)s)
on conflict (source) where source <> '' and ended_at is null do nothing
returning id, created_at

-- name: hold
select o.*, (select seq from work_order_event where order_id = o.id order by seq desc limit 1) as seq,
       (select hash from work_order_event where order_id = o.id order by seq desc limit 1) as head,
       array(select e.actor from work_order_event e where e.order_id = o.id and e.what = 'finish') as finishers
from work_order o where o.id = %(order)s for update

-- name: change
update work_order set state = %(state)s, version = version + 1,
       assignee_id = case when %(verb)s = 'assign' then %(assignee)s else assignee_id end,
       organisation_id = case when %(verb)s = 'assign' then (select organisation_id from person where id = %(assignee)s) else organisation_id end,
       done_by = case when %(verb)s = 'finish' then assignee_id else done_by end,
       done_at = case when %(verb)s = 'finish' then hub_now() when %(verb)s = 'send_back' then null else done_at end,
       ended_at = case when %(ended)s then hub_now() end
where id = %(order)s

-- name: append
insert into work_order_event (order_id, seq, at, actor, what, body, prev_hash, hash)
values (%(order)s, %(seq)s, %(at)s, %(actor)s, %(what)s, %(body)s, %(prev_hash)s, %(hash)s)

-- name: word
insert into work_order_word (order_id, seq, text) values (%(order)s, %(seq)s, %(text)s)

-- name: events
select e.seq, e.at, (e.body ->> 'tapped_at')::timestamptz as tapped_at, e.actor, e.what, e.body, e.prev_hash, e.hash, w.text, p.name as by_name, a.name as assignee
from work_order_event e left join work_order_word w using (order_id, seq)
left join person p on e.actor = 'person:' || p.id left join person a on (e.body ->> 'assignee')::bigint = a.id
where e.order_id = %(order)s order by e.seq

-- name: orders
-- Orders of a time or still open, the next due first.
select o.id, o.kind, o.source, o.scope, o.quality, o.area, o.place, o.resident_id, r.name as resident, o.device_id,
       d.address, d.model, o.due, o.state, o.assignee_id, p.name as assignee, g.name as organisation, o.created_at, o.created_by,
       o.done_at, o.ended_at, b.name as done_name,
       (select count(*) from work_order_file f where f.order_id = o.id)::int as files
from work_order o
left join resident r on r.id = o.resident_id left join device d on d.id = o.device_id
left join person p on p.id = o.assignee_id left join person b on b.id = o.done_by
left join organisation g on g.id = o.organisation_id
where (%(area)s::text is null or o.area in (select area_within(%(area)s)))
  and (%(state)s::text is null or o.state = %(state)s) and (%(kind)s::text is null or o.kind = %(kind)s)
  and (%(order)s::bigint is null or o.id = %(order)s)
  and (o.ended_at is null and %(open)s or o.created_at >= %(since)s and o.created_at < %(until)s)
order by o.ended_at is not null, o.due, o.id limit %(limit)s

-- name: counts
select o.state, count(*)::int as n, count(*) filter (where o.ended_at is null and o.due < %(today)s)::int as late
from work_order o
where (%(area)s::text is null or o.area in (select area_within(%(area)s)))
  and (o.ended_at is null or o.created_at >= %(since)s and o.created_at < %(until)s)
group by o.state

-- name: people
-- Who may be sent: people of an area's organisations and the centre's own.
select id, name, role from person
where active and not canary and (%(organisation)s::bigint is null or organisation_id = %(organisation)s)
  and role in ('community', 'property', 'third_party', 'village_doctor', 'county_centre', 'installer', 'operator')
order by role, name, id limit 500

-- name: mine
-- What one person has to do, with its place; and what he did lately, for him to see that it arrived.
select o.id, o.kind, o.source, o.scope, o.quality, o.area, coalesce(nullif(o.place, ''), r.address, '') as place, o.due, o.state,
       o.done_at, r.name as resident, r.address, r.entrance, r.phone, r.lat, r.lon, d.model, d.address as device,
       (select max(e.at) from work_order_event e where e.order_id = o.id and e.what = 'arrive') as arrived_at,
       (select max(e.at) from work_order_event e where e.order_id = o.id and e.what = 'assign') as given_at,
       (select w.text from work_order_event e join work_order_word w using (order_id, seq)
        where e.order_id = o.id and e.what = 'send_back' order by e.seq desc limit 1) as sent_back,
       (select count(*) from work_order_file f where f.order_id = o.id)::int as files,
       array(select f.sha256 from work_order_file f where f.order_id = o.id) as digests
from work_order o left join resident r on r.id = o.resident_id left join device d on d.id = o.device_id
where o.assignee_id = %(person)s and (%(order)s::bigint is null or o.id = %(order)s)
  and (o.state in ('assigned', 'accepted', 'on_site')
       or o.state in ('done', 'checked') and o.done_at > hub_now() - make_interval(days => %(days)s))
order by o.state in ('done', 'checked'), o.due, o.id limit %(limit)s

-- name: tapped
select seq from work_order_event where order_id = %(order)s and body ->> 'nonce' = %(nonce)s

-- name: tell
insert into work_order_notice (order_id, person_id, asked_at, due_at)
select %(order)s, %(person)s, t.now, t.now from hub_now() as t (now)

-- name: next_notice
-- One that is due, put off until its sender would have come back. Given to another meanwhile, it is told to nobody.
with t as materialized (select hub_now() as now),
due as (
    select id from work_order_notice, t where due_at <= t.now order by due_at limit 1 for update skip locked
), taken as (
    update work_order_notice n set due_at = t.now + make_interval(secs => %(again_s)s), tries = tries + 1
    from due, t where n.id = due.id returning n.*, t.now as now
)
select n.id, n.order_id, n.person_id, n.tries, n.now, p.role, p.language, o.kind, o.due, o.area,
       o.assignee_id = n.person_id and o.state = 'assigned' and p.active as holds,
       (select jsonb_agg(jsonb_build_array(c.channel, c.address) order by c.position, c.channel) from contact c
        where c.person_id = n.person_id and c.channel = any(%(writes)s)) as ways
from taken n join person p on p.id = n.person_id join work_order o on o.id = n.order_id

-- name: told
update work_order_notice set due_at = null, channel = %(channel)s, failed = %(why)s,
       sent_at = case when %(channel)s <> '' then hub_now() end where id = %(id)s

-- name: notice
-- How the last word about this order went out.
select n.sent_at, n.channel, n.failed, n.due_at from work_order_notice n where n.order_id = %(order)s order by n.id desc limit 1

-- name: add_file
insert into work_order_file (order_id, at, person_id, media_type, bytes, sha256, content)
select o.id, hub_now(), %(person)s, %(media_type)s, %(bytes)s, %(sha256)s, %(content)s from work_order o
where o.id = %(order)s and (select count(*) from work_order_file where order_id = o.id) < %(most)s
on conflict (order_id, sha256) do nothing returning id

-- name: files
select f.id, f.at, f.media_type, f.bytes, f.sha256, p.name as by_name from work_order_file f join person p on p.id = f.person_id
where f.order_id = %(order)s order by f.id

-- name: file
select f.order_id, f.media_type, f.sha256, f.content, o.resident_id from work_order_file f join work_order o on o.id = f.order_id
where f.id = %(file)s

-- name: wanted
-- What should have an order and has none: visits that were booked, devices long silent at residents who are visited,
-- residents not reached when the month ends, who calls again and again, holes nobody fills.
with late as (
    select 'visit:' || v.id as source, case v.reason when 'battery' then 'battery' else 'visit' end as kind,
           v.resident_id, v.device_id, coalesce(r.area, '') as area, coalesce(r.address, '') as place, v.due,
           jsonb_build_object('reason', v.reason) as facts
    from visit v left join resident r on r.id = v.resident_id where v.status = 'open' and served(r.canary, r.ended_at)
    union all
    select 'silence:' || s.id, 'silence', d.resident_id, d.id, r.area, r.address, %(today)s::date + %(silent_due)s::int,
           jsonb_build_object('since', s.since)
    from device_silence s join device d on d.id = s.device_id join resident r on r.id = d.resident_id
    join visiting g on g.resident_id = r.id and g.until is null
    where s.ended_at is null and served(r.canary, r.ended_at) and s.since < %(now)s - make_interval(hours => %(silent_hours)s)
    union all
    select 'month:' || r.id || ':' || %(month)s, 'visit', r.id, null, r.area, r.address, %(month_ends)s::date, jsonb_build_object('reason', 'month')
    from visiting g join resident r on r.id = g.resident_id
    where g.until is null and served(r.canary, r.ended_at) and %(book_month)s and not exists (select from contact_made c where c.resident_id = r.id
          and c.at >= %(since)s and c.at < %(until)s and (c.how = 'visit' and c.outcome = 'met'
                     and (c.evidence <> '' or c.order_id is not null or c.incident_id is not null)
               or c.how in ('phone', 'video') and c.outcome = 'spoke'))
    union all
    select 'repeat:' || r.id || ':' || %(month)s, 'repeat_caller', r.id, null, r.area, r.address, %(today)s::date + 7, jsonb_build_object('calls', count(*))
    from service_case c join resident r on r.id = c.resident_id
    where served(r.canary, r.ended_at) and c.started_at >= %(now)s - interval '30 days' and c.disposition in ('accidental', 'reassured', 'service')
    group by r.id having count(*) >= %(repeats)s
    union all
    select 'hole:' || h.kind || ':' || h.area || ':' || h.roster || ':' || to_char(min(h.first_hour) at time zone %(zone)s, 'IYYY-IW'),
           'coverage', null, null, h.area, h.roster, (min(h.first_hour) at time zone %(zone)s)::date, jsonb_build_object('hole', h.kind)
    from coverage_hole h where h.kind in ('nobody', 'unreachable') group by h.kind, h.area, h.roster
)
select l.* from late l
where not exists (select from work_order o where o.source = l.source)
order by l.due, l.source limit %(limit)s

-- name: visit_done
update visit set status = 'done', done_at = hub_now(), done_by = %(by)s, note = %(note)s
where id = %(visit)s and status = 'open'
