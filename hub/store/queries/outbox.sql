-- name: new_worker
-- A number no other worker ever had.
select nextval('worker_number')::int

-- name: prove
-- Proof of life: held as long as this session lives, and by nobody else.
select pg_advisory_lock(%(class)s::int, %(worker)s::int)

-- name: claim
-- Due pages for the lanes that have room, urgent and ordinary apart, so that a slow line never blocks the others; none
-- for a provider that is full: the host of a URL, or the address itself.
-- Returns all that a message says; who may see what is decided by hub.channels.wording.
-- Each row by its key or place, so that a plan made while the tables were empty still holds when a night fills them.
with t as materialized (select hub_now() as now),
due as materialized (
    select one.place, one.incident_id, one.person_id, t.now, lane.lease_s
    from t cross join json_to_recordset(%(lanes)s::json)
             as lane (channel text, urgent bool, room int, lease_s float8, "full" text[])
    cross join lateral (
        select ctid as place, incident_id, person_id from page
        where state = 'ready' and channel = lane.channel and urgent = lane.urgent and due_at <= t.now
          and (cardinality(lane."full") = 0 or lower(address) <> all(lane."full")
               and regexp_replace(split_part(address, '/', 3), '^.*@', '') <> all(lane."full"))
        order by due_at, id limit lane.room
        for no key update skip locked) as one
)
update page p
set state = 'sending', owner = %(worker)s::int, lease_until = due.now + make_interval(secs => due.lease_s),
    attempts = p.attempts + 1
from due
cross join lateral (select * from incident where id = due.incident_id limit 1) i
left join lateral (select * from resident where id = i.resident_id limit 1) r on true
cross join lateral (select language from person where id = due.person_id limit 1) o
left join lateral (  -- a retired device is nobody's, and was somebody's
    select coalesce(l.name, '') as name, coalesce(l.address, '') as home
    from device d join device_event e on e.device_id = d.id and e.action = 'retire'
    left join resident l on l.id = (e.facts ->> 'resident')::bigint
    where i.resident_id is null and d.id = i.device_id and d.state = 'retired'
    order by e.id desc limit 1) last on true
where p.ctid = due.place
returning p.id, p.incident_id, p.round, p.step, p.person_id, p.role, p.channel, p.address, p.purpose, p.due_at, p.attempts,
          p.urgent, due.now, o.language, i.kind, i.severity, i.state, i.test, i.opened_at, i.presses, i.area, i.device_id,
          i.responder_role, p.created_at,
          exists (select from incident_event e
                   where e.incident_id = i.id and e.what in ('not_cancelled', 'no_speech')) as no_speech,
          r.id as resident_id, r.name, r.address as home, r.entrance, r.key_place, r.risks,
          r.phone, r.language as spoken, last.name as retired_of, last.home as retired_home

-- name: settle_reached
-- It arrived. Only the worker that holds it may say so; a page taken back meanwhile is somebody else's.
with t as materialized (select hub_now() as now)
update page set state = 'delivered', sent_at = coalesce(sent_at, t.now), delivered_at = t.now, owner = null,
                lease_until = null, receipt = %(receipt)s
from t where id = %(id)s and owner = %(worker)s and state = 'sending'
returning t.now, pg_notify('carehub_page', id::text)

-- name: settle_all_reached
-- Several arrived. A page that somebody holds at this moment is left out, never waited for: two that settle and withdraw
-- several pages of an incident would wait for each other.
with t as materialized (select hub_now() as now),
mine as materialized (
    select p.place, r.receipt from json_to_recordset(%(receipts)s::json) as r (id bigint, worker int, receipt text)
    cross join lateral (
        select ctid as place from page where id = r.id and owner = r.worker and state = 'sending' limit 1
        for no key update skip locked) p
)
update page set state = 'delivered', sent_at = coalesce(sent_at, t.now), delivered_at = t.now, owner = null,
                lease_until = null, receipt = mine.receipt
from t, mine where page.ctid = mine.place
returning page.id, t.now, pg_notify('carehub_page', page.id::text)

-- name: settle_sent
-- It is on its way; the receipt comes later, or the page is sent again under the same key. When somebody took the incident
-- at this very moment, what is on its way is called back.
with t as materialized (select hub_now() as now), unsaid as (
    update downlink set expires_at = t.now from t where id in (
        select d.id from downlink d join page p on p.id = d.page_id
        where p.id = %(id)s and p.withdrawn_at is not null and d.delivered_at is null
        for no key update of d skip locked)
)
update page set state = case when withdrawn_at is null then 'sent' else 'withdrawn' end, sent_at = t.now, owner = null,
                lease_until = case when withdrawn_at is null then t.now + make_interval(secs => %(receipt_s)s) end,
                receipt = %(receipt)s
from t where ctid = (select ctid from page where id = %(id)s and owner = %(worker)s and state = 'sending' limit 1
                     for no key update)
returning t.now, pg_notify('carehub_page', id::text)

-- name: settle_missed
-- It did not arrive: again after a pause, or never when it was withdrawn, its incident has ended, or it was tried enough.
-- The next channel of the same person need not wait for its turn then. After half an hour a later ring has called whoever
-- is on duty now: an alarm that still fails then would one day wake somebody whose shift is long over. Said by the worker
-- that holds it, or later by a provider of the attempt it took, while nobody has said otherwise.
with t as materialized (select hub_now() as now),
held as materialized (
    select ctid as place, incident_id from page
    where id = %(id)s
      and (state = 'sending' and owner = %(worker)s::int or state = 'sent' and attempts = %(attempt)s::int)
    limit 1 for no key update
),
missed as (
    update page p set
        state = case when p.withdrawn_at is not null or i.dedup_key is null and p.purpose = 'alarm' then 'withdrawn'
                     when p.purpose = 'alarm' and p.round < i.round and p.created_at < t.now - interval '30 minutes' then 'withdrawn'
                     when %(again_s)s::float8 is null then 'failed' else 'ready' end,
        due_at = case when %(again_s)s::float8 is null then p.due_at else t.now + make_interval(secs => %(again_s)s) end,
        owner = null, lease_until = null, receipt = %(receipt)s
    from t, held, incident i
    where p.ctid = held.place and i.id = held.incident_id
    returning p.id, p.incident_id, p.round, p.step, p.person_id, p.purpose, p.state, t.now
), next_channel as (
    update page set due_at = n.now
    from (select p.place, m.now from missed m cross join lateral (
              select ctid as place from page
              where incident_id = m.incident_id and round = m.round and step = m.step and person_id = m.person_id
                and purpose = m.purpose and id <> m.id and state = 'ready' and attempts = 0 and due_at > m.now
              order by due_at limit 1
              for no key update skip locked) p
          where m.state <> 'withdrawn') n
    where page.ctid = n.place
)
select state, pg_notify('carehub_page', id::text) from missed

-- name: take_back
-- Pages of workers that are gone, or that hang beyond their lease, and pages whose receipt never came. A page withdrawn
-- meanwhile, or of an ended incident, is not sent again; one whose receipt never came is given up after as many attempts
-- as one that failed (`alarm_tries` by severity, null: never), or a terminal that is off would be rung for ever.
with t as materialized (select hub_now() as now),
lost as materialized (
    select p.ctid as place, p.incident_id, t.now from page p, t
    where p.state in ('sending', 'sent')
      and (p.lease_until <= t.now
           or p.state = 'sending' and p.owner = any(%(dead)s::int[]))
    order by p.lease_until limit %(limit)s
    for no key update of p skip locked
)
update page p set
    state = case when p.withdrawn_at is not null or i.dedup_key is null and p.purpose = 'alarm' then 'withdrawn'
                 when p.state = 'sent' and p.attempts >= case when p.purpose = 'alarm'
                      then (%(alarm_tries)s::int[])[i.severity] else %(word_tries)s end then 'failed'
                 else 'ready' end,
    due_at = lost.now, owner = null, lease_until = null, receipt = 'taken back'
from lost cross join lateral (select dedup_key, severity from incident where id = lost.incident_id limit 1) i
where p.ctid = lost.place
returning p.id, p.incident_id, p.state

-- name: busy_workers
-- Who has pages under way.
select distinct owner from page where state = 'sending' and owner is not null

-- name: living_workers
-- Whose proof of life is held right now.
select objid::int from pg_locks
where locktype = 'advisory' and classid = %(class)s::int and objsubid = 2 and granted
  and database = (select oid from pg_database where datname = current_database())

-- name: next_due
-- Seconds until the next page is due; null: none waits.
with t as materialized (select hub_now() as now)
select t.now, (select min(due_at) from page where state = 'ready') from t

-- name: signed_in
-- Whether a console of this person is connected.
with t as materialized (select hub_now() as now)
select exists (select from presence, t where person_id = %(person)s and seen_at > t.now - %(fresh)s::interval)

-- name: post
-- A message for a terminal or device, carried by the ingest process; its acknowledgement is the page's receipt. No row: the
-- page was withdrawn a moment ago.
with t as materialized (select hub_now() as now)
insert into downlink (topic, payload, retain, device_id, page_id, created_at, expires_at)
select %(topic)s, %(payload)s, %(retain)s, %(device)s, p.id, t.now, t.now + make_interval(secs => %(keep_s)s)
from t, page p where p.id = %(page)s and p.withdrawn_at is null
returning id, pg_notify('carehub_downlink', id::text)

-- name: page
-- One page, for whoever answers it.
select id, incident_id, person_id, role, state from page where id = %(id)s

-- name: received
-- The person's terminal or console has it.
with t as materialized (select hub_now() as now)
update page set state = case when state in ('ready', 'sending', 'sent', 'failed') then 'delivered' else state end,
                delivered_at = coalesce(delivered_at, t.now), lease_until = null
from t where id = %(id)s and person_id = %(person)s and delivered_at is null
returning pg_notify('carehub_page', id::text)

-- name: read
-- The person has seen it.
with t as materialized (select hub_now() as now)
update page set state = case when state = 'withdrawn' then state else 'read' end,
                delivered_at = coalesce(delivered_at, t.now), read_at = t.now, lease_until = null
from t where id = %(id)s and person_id = %(person)s and read_at is null
returning pg_notify('carehub_page', id::text)
