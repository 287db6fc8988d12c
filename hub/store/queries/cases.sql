-- name: link
-- Two cases belong together. No row: one of them does not exist. False: it was known, and what a person says replaces
-- what the hub found.
with pair as (
    select a.id as a, b.id as b from incident a, incident b where a.id = %(a)s and b.id = %(b)s
), made as (
    insert into incident_link (a, b, why, at, by) select a, b, %(why)s, hub_now(), %(person)s from pair
    on conflict (a, b) do update set why = excluded.why, at = excluded.at, by = excluded.by
        where incident_link.by is null or excluded.why = 'duplicate' and incident_link.why <> 'duplicate'
    returning a, b
)
select exists (select from made), pg_notify('carehub_incident', pair.a::text), pg_notify('carehub_incident', pair.b::text)
from pair

-- name: whom
-- A resident whom a case of nobody known may be given: her area, and what else of hers is open.
select r.area, array(select i.id from incident i where i.resident_id = r.id and i.dedup_key is not null
                     and i.id <> %(id)s order by i.id limit 20)
from resident r where r.id = %(resident)s and served(r.canary, r.ended_at)

-- name: identify
update incident set resident_id = %(resident)s, area = %(area)s where id = %(id)s and resident_id is distinct from %(resident)s

-- name: ambulance_is_called
-- An operator has 120 on the line: what would have called it by itself is taken back.
update page set state = 'withdrawn', withdrawn_at = hub_now()
where incident_id = %(incident)s and role = 'ambulance' and purpose = 'alarm' and state = 'ready'

-- name: said_before
-- Whether this very tap is a repeat: nonce and verb.
select 1 from response where incident_id = %(id)s and person_id = %(person)s and nonce = %(nonce)s and verb = %(verb)s

-- name: speechless
-- Whether an operator has written that she called back in vain.
select 1 from incident_event where incident_id = %(incident)s and what = 'no_speech' limit 1

-- name: promises
-- How often somebody said lately that he goes, or that he did not mean what he said.
select count(*) from response where incident_id = %(incident)s and person_id = %(person)s
  and verb in ('accept', 'en_route', 'mistake') and at > hub_now() - %(within)s::interval and at <= hub_now()

-- name: tapped
-- When a late tap was made, beside when it came in.
update response set tapped_at = %(tapped_at)s
where incident_id = %(incident)s and person_id = %(person)s and verb = %(verb)s
  and nonce in (%(nonce)s, %(verb)s::text || ' ' || %(nonce)s::text)

-- name: overtaken
-- Whether the case has gone past an intention: he has said something later, was sent anew, or was waited for in vain.
select 1 where exists (
    select from response where incident_id = %(incident)s and person_id = %(person)s and nonce <> %(nonce)s
       and verb in ('accept', 'cannot_go', 'en_route', 'arrived', 'handed_over', 'mistake') and coalesce(tapped_at, at) > %(tapped_at)s
) or exists (
    select from incident_event where incident_id = %(incident)s and at > %(tapped_at)s
       and (what = 'dispatched' and body ->> 'person' = %(person)s::bigint::text
            or what = 'expired' and body ->> 'responder' = %(person)s::bigint::text)
)

-- name: last_tap
-- What somebody said last, if it may be taken back: its event, when he pressed, whether he had said before it that he goes.
-- Nothing, once he has said something else or the desk has written a hand-over of its own.
select t.seq, t.what, t.at - coalesce((t.body ->> 'age_s')::float8, 0) * interval '1 s' as pressed_at,
       coalesce((select e.what <> 'cannot_go' from incident_event e
                 where e.incident_id = t.incident_id and e.actor = t.actor and e.seq < t.seq
                   and e.what in ('taken', 'en_route', 'also_en_route', 'cannot_go')
                   and not exists (select from incident_event m where m.incident_id = e.incident_id and m.what = 'mistaken'
                                      and (m.body ->> 'takes_back')::int = e.seq)
                 order by e.seq desc limit 1), false) as goes
from (
    select incident_id, seq, at, actor, what, body from incident_event where incident_id = %(incident)s and (what = 'handed_over'
        or actor = %(actor)s and what in ('taken', 'en_route', 'also_en_route', 'arrived', 'also_on_scene', 'cannot_go', 'left', 'mistaken'))
    order by seq desc limit 1
) t where t.actor = %(actor)s and t.what in ('arrived', 'handed_over', 'cannot_go')

-- name: at_the_door
-- Where she lives, when this person said that he goes, and the real presses of her own button in the last minutes.
select r.lat, r.lon,
       (select max(at) from response where incident_id = i.id and person_id = %(person)s and verb in ('accept', 'en_route')),
       array(select raised_at from alert where incident_id = i.id and kind = 'sos' order by raised_at desc limit 10)
from incident i left join resident r on r.id = i.resident_id where i.id = %(incident)s

-- name: surges
-- Disaster mode where it is on now, the widest first.
select s.id, s.area, s.reason, s.declared_by, p.name as declared_by_name, s.began_at, s.ends_at, s.ended_at
from surge s join person p on p.id = s.declared_by
where s.ended_at is null and s.ends_at > hub_now() and s.began_at <= hub_now() order by s.area, s.id

-- name: surge_lock
-- One declaration at a time: two supervisors see the same wave.
select pg_advisory_xact_lock(52990006)

-- name: declare_surge
insert into surge (area, reason, declared_by, began_at, ends_at)
values (%(area)s, %(reason)s, %(person)s, %(began_at)s, %(ends_at)s)
returning id, pg_notify('carehub_incident', '0')

-- name: end_surge
-- Ended by a person; again changes nothing.
update surge set ended_at = hub_now(), ended_by = %(person)s
where id = %(id)s and ended_at is null and ends_at > hub_now() and began_at < hub_now()
returning id, pg_notify('carehub_incident', '0')

-- name: recent_wave
-- What opened in the last minutes, for the proposal: real calls of people, not the canary's. Open or ended, each by its
-- own index: the time is asked for once, since no index is gone by for one that is asked for again at every row.
with t as materialized (select hub_now() as now, hub_now() - %(within)s as since)
select i.opened_at, i.severity, i.area, (select now from t) from incident i left join resident r on r.id = i.resident_id
where (i.dedup_key is not null and i.opened_at > (select since from t)
       or i.closed_at > (select since from t) and i.opened_at > (select since from t))
  and i.severity <= 2 and not i.test and not coalesce(r.canary, false)

-- name: new_cases
-- Cases opened after a number, oldest first, with what they may have in common with others.
select i.id, i.kind, i.opened_at, i.resident_id, i.area, coalesce(r.address, ''), coalesce(d.address, '')
from incident i left join resident r on r.id = i.resident_id left join device d on d.id = i.device_id
where i.id > %(after)s and not coalesce(r.canary, false) order by i.id limit %(limit)s

-- name: neighbours
-- Cases that a case may belong to: opened within minutes of it in the same area or by the same way in, or open and of
-- the same resident.
select i.id, i.kind, i.opened_at, i.resident_id, i.area, coalesce(r.address, ''), coalesce(d.address, '')
from (
    -- Numbers are given in the order of opening: the latest few by their numbers, and not all of a disaster sorted.
    (select id from incident where id < %(id)s and opened_at > %(since)s order by id desc limit %(limit)s)
    union
    select id from incident where id < %(id)s and resident_id = %(resident)s and dedup_key is not null
) near
-- The limits have each looked up by its key: a plan for many would read whole tables for each new case.
cross join lateral (select * from incident where id = near.id limit 1) i
left join lateral (select address, canary from resident where id = i.resident_id limit 1) r on true
left join lateral (select address from device where id = i.device_id limit 1) d on true
where not coalesce(r.canary, false)
order by i.opened_at desc limit %(limit)s

-- name: first_to_link
-- Where to begin: what opened before this has been looked at, or is too old to matter.
select coalesce(min(id), (select coalesce(max(id), 0) + 1 from incident)) - 1 from incident where opened_at > hub_now() - %(within)s

-- name: links_found
-- What the hub found; what a person said stays.
with made as (
    insert into incident_link (a, b, why, at)
    select p.a, p.b, p.why, hub_now() from unnest(%(a)s::bigint[], %(b)s::bigint[], %(why)s::text[]) as p(a, b, why)
    on conflict (a, b) do nothing returning a, b
)
select a, b, pg_notify('carehub_incident', a::text), pg_notify('carehub_incident', b::text) from made

-- name: links
-- The cases that belong to one, both ways, with the resident's case before it.
select l.why, i.id, i.kind, i.severity, i.state, i.opened_at, i.disposition, r.name as resident, r.address
from (
    select b as id, why from incident_link where a = %(incident)s
    union all select a, why from incident_link where b = %(incident)s
    union all select linked_to, 'before' from incident where id = %(incident)s and linked_to is not null
    union all select id, 'after' from incident where linked_to = %(incident)s
) l join incident i on i.id = l.id left join resident r on r.id = i.resident_id
order by i.opened_at desc limit 24

-- name: ambulance_due
-- When 120 will be called by itself, if nobody says otherwise before.
select min(due_at) as due_at from page
where incident_id = %(incident)s and role = 'ambulance' and purpose = 'alarm' and state = 'ready'

-- name: areas
-- Where people live whom the hub serves.
select area from resident where area <> '' and served(canary, ended_at) group by area order by area limit 500

-- name: its_device
-- Whether a device is the resident's of a case, or the one that called.
select 1 from incident i join device d on d.id = %(device)s and (d.id = i.device_id or d.resident_id = i.resident_id)
where i.id = %(incident)s and d.state <> 'retired'
