-- name: seen
-- The incident a press with this identity went to, if it was heard before.
select incident_id from press where device_id = %(device_id)s and identity = %(identity)s

-- name: just_counted
-- The open incident of an alarm counted so shortly before that one without an identity is the same: a button sends its
-- press as a state with its own time and once more as a bare action. One second of slack forward, because the clocks of
-- two ways in are read apart. After an incident has ended, and after an installer's test, a press is a new one;
-- so is what is worse than its case.
select p.incident_id from press p join incident i on i.id = p.incident_id
where p.device_id = %(device_id)s and p.kind = %(kind)s
  and i.dedup_key is not null and (%(test)s::bool or not i.test) and i.severity <= %(severity)s::int
  and p.at > %(at)s::timestamptz - make_interval(secs => %(window_s)s::float8) and p.at <= %(at)s::timestamptz + interval '1 second'
order by p.at desc limit 1

-- name: going_on
-- The open incident that an alarm went to which has been on since then.
select p.incident_id from press p join incident i on i.id = p.incident_id
where p.device_id = %(device_id)s and p.kind = %(kind)s and i.dedup_key is not null and p.at >= %(since)s::timestamptz
  and (%(test)s::bool or not i.test)  -- what goes on when the installer has finished is no test any more
order by p.at desc limit 1

-- name: counters
-- The last press of every counter of a Shelly of the first generation: input0:17.
select distinct on (d.id, split_part(p.identity, ':', 1)) d.address, p.identity
from device d join press p on p.device_id = d.id
where d.address like 'shelly1:%%' and p.identity like 'input%%'
order by d.id, split_part(p.identity, ':', 1), p.at desc

-- name: keep
-- Remember presses.
insert into press (device_id, identity, kind, incident_id, at)
select device_id, identity, kind, incident_id, at
from json_to_recordset(%(presses)s::json)
    as p (device_id bigint, identity text, kind text, incident_id bigint, at timestamptz)
order by device_id, identity
on conflict do nothing

-- name: taken_back
-- The open case that holds an alarm of this kind: of the resident, else of the device itself.
select i.id from unnest(%(keys)s::text[]) with ordinality as k (key, nr)
join incident i on i.dedup_key = k.key
where exists (select from alert a where a.incident_id = i.id and a.kind = %(kind)s)
order by k.nr limit 1

-- name: said
-- Who told of something of one kind in a case, and who took it back, in the order of its chain.
select actor, at, what like 'cancel%%' from incident_event
where incident_id = %(incident)s and what in ('opened', 'attached', 'cancel_noted', 'cancel_late')
  and body ->> 'kind' = %(kind)s
order by seq

-- name: language
-- What the wearer of a device speaks.
select coalesce(r.language, 'zh-CN') from device d left join resident r on r.id = d.resident_id where d.id = %(device_id)s

-- name: tell
-- Say something to a device, once more: it repeats its press because it did not hear.
with told as (
    insert into downlink (topic, payload, retain, device_id, created_at, expires_at)
    values (%(topic)s, %(payload)b, %(retain)s, %(device_id)s, hub_now(), hub_now() + interval '10 minutes') returning id
)
select pg_notify('carehub_downlink', id::text) from told
