-- name: add_account
-- An account that only a program uses: nobody signs in with it, nothing reaches it.
insert into person (name, role, language, organisation_id, created_at)
values (%(name)s, %(role)s, 'zh-CN', %(organisation)s, hub_now()) returning id

-- name: add_token
insert into api_token (name, secret_sha256, hint, scopes, person_id, organisation_id, per_minute, created_at, created_by,
                       expires_at)
values (%(name)s, %(digest)s, %(hint)s, %(scopes)s, %(person)s, %(organisation)s, %(per_minute)s, hub_now(), %(by)s,
        hub_now() + make_interval(days => %(days)s))
returning id, expires_at

-- name: token
-- Who holds this key, if it counts. Being used is noted once a minute.
with t(now) as (select hub_now()), living as (
    select k.id, k.name, k.scopes, k.person_id, k.organisation_id, k.per_minute, k.last_used_at from api_token k, t
    where k.secret_sha256 = %(digest)s and k.revoked_at is null and k.expires_at > t.now
), used as (
    update api_token k set last_used_at = t.now from living, t
    where k.id = living.id and (living.last_used_at is null or living.last_used_at < t.now - interval '1 minute')
)
select living.id, living.name, living.scopes, living.person_id, living.organisation_id, living.per_minute, p.role
from living join person p on p.id = living.person_id and p.active
left join organisation o on o.id = living.organisation_id
where coalesce(o.active, true)

-- name: tokens
-- Every key there is, the living first.
select k.id, k.name, k.hint, k.scopes, k.person_id, p.name as person, k.organisation_id, o.name as organisation,
       k.per_minute, k.created_at, k.created_by, k.expires_at, k.last_used_at, k.revoked_at,
       k.revoked_at is null and k.expires_at > hub_now() as living
from api_token k join person p on p.id = k.person_id left join organisation o on o.id = k.organisation_id
order by k.revoked_at is not null, k.id limit %(limit)s

-- name: revoke_token
update api_token set revoked_at = hub_now(), revoked_by = %(by)s where id = %(id)s and revoked_at is null returning name

-- name: organisation
-- One organisation by its number, its name or its code.
select id, name from organisation
where active and (id = %(number)s::bigint or name = %(word)s or uscc = %(word)s) order by id limit 2

-- name: incidents
-- A page of cases, the latest first, of one organisation's areas or all; never the canary's.
select i.id, i.kind, i.severity, i.state, i.opened_at, i.closed_at, coalesce(nullif(i.area, ''), r.area, '') as area, i.test,
       i.resident_id, i.device_id, i.handler_id, i.responder_id, i.responder_role, i.presses, i.policy_name,
       i.policy_version, i.step, i.round, i.services, i.proof, i.disposition, i.linked_to, i.version, t.kind as timer,
       case t.kind when 'expiry' then i.expires_at else t.due_at end as due_at
from incident i left join resident r on r.id = i.resident_id left join timer t on t.incident_id = i.id
where (%(id)s::bigint is null or i.id = %(id)s)
  and (%(before)s::bigint is null or i.id < %(before)s)
  and (%(open)s::boolean is null or (i.dedup_key is not null) = %(open)s)
  and (%(state)s::text is null or i.state = %(state)s)
  and (%(resident)s::bigint is null or i.resident_id = %(resident)s)
  and (%(since)s::timestamptz is null or i.opened_at >= %(since)s)
  and not coalesce(r.canary, false)
  and (%(area)s::text is null or coalesce(nullif(i.area, ''), r.area, '') in (select area_within(%(area)s)))
  and (%(organisation)s::bigint is null or coalesce(nullif(i.area, ''), r.area, '') in (
        select area_within(a.area) from organisation_area a where a.organisation_id = %(organisation)s))
order by i.id desc limit %(limit)s

-- name: hold_version
-- What a change is to be based on, held until it is made.
select version from incident where id = %(incident)s for update

-- name: answered
-- Whether this very act was done before: a repeat is answered as it was then, whatever has changed since.
select exists (select from response where incident_id = %(incident)s and person_id = %(person)s
               and nonce in (%(nonce)s, %(verb)s::text || ' ' || %(nonce)s::text)) as there

-- name: events
-- The chain of a case, in its order, with what an outsider needs to check it.
select seq, at, actor, what, body, encode(prev_hash, 'hex') as prev_hash, encode(hash, 'hex') as hash
from incident_event where incident_id = %(incident)s and seq > %(after)s order by seq limit %(limit)s

-- name: notes
select n.id, n.at, n.person_id, n.text from note n
where n.incident_id = %(incident)s and n.id > %(after)s order by n.id limit %(limit)s

-- name: residents
-- A page of residents, of one organisation's areas or all.
select r.id, r.name, r.born, r.area, r.address, r.entrance, r.language, r.ability, r.risks, r.key_place, r.phone,
       r.door_code <> '' as has_door_code, r.lat, r.lon, r.fence_m, r.spo2_scale, r.risk_class, r.languages, r.hazards,
       r.ended_at, r.ended_why, r.version,
       coalesce((select jsonb_agg(jsonb_build_object('person_id', p.id, 'name', p.name, 'relation', c.relation,
                                                     'minutes_away', c.minutes_away) order by c.position, p.id)
                 from care_circle c join person p on p.id = c.person_id
                 where c.resident_id = r.id and p.active and not p.canary), '[]') as circle
from resident r
where served(r.canary, case when %(ended)s::boolean then null else r.ended_at end) and r.id > %(after)s
  and (%(id)s::bigint is null or r.id = %(id)s)
  and (%(locked)s::boolean or not r.locked)  -- such a record opens for a supervisor, or with a reason at the console
  and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
  and (%(organisation)s::bigint is null or r.area in (
        select area_within(a.area) from organisation_area a where a.organisation_id = %(organisation)s))
order by r.id limit %(limit)s

-- name: people
-- A page of people; of an organisation: its own, and those who are called for a resident of its areas.
with t as materialized (select hub_now() as now)
select p.id, p.name, p.role, p.area, p.organisation_id, p.active,
       exists (select from duties(p.id, t.now) d where d.on_duty) as on_duty,
       coalesce((select array_agg(distinct k.channel order by k.channel) from contact k where k.person_id = p.id), '{}') as channels
from person p cross join t
where not p.canary and p.id > %(after)s and (%(id)s::bigint is null or p.id = %(id)s)
  and (%(role)s::text is null or p.role = %(role)s)
  and (%(organisation)s::bigint is null or p.organisation_id = %(organisation)s or exists (
        select from care_circle c join resident r on r.id = c.resident_id
        where c.person_id = p.id and served(r.canary, r.ended_at) and r.area in (
            select area_within(a.area) from organisation_area a where a.organisation_id = %(organisation)s)))
order by p.id limit %(limit)s

-- name: devices
-- A page of devices; of an organisation: those of residents of its areas.
select d.id, d.address, d.model, d.state, d.resident_id, d.room, d.deadline_s, d.test_until, v.received_at as heard_at,
       b.level_pct as battery_pct, b.flat_on,
       (select s.since from device_silence s where s.device_id = d.id and s.ended_at is null) as silent_since
from device d left join resident r on r.id = d.resident_id
left join device_battery b on b.device_id = d.id
left join lateral (select received_at from telemetry_heard where device_id = d.id order by received_at desc limit 1) v on true
where d.id > %(after)s and (%(id)s::bigint is null or d.id = %(id)s) and not coalesce(r.canary, false)
  and (%(resident)s::bigint is null or d.resident_id = %(resident)s)
  and (%(state)s::text is null or d.state = %(state)s)
  and (%(organisation)s::bigint is null or r.area in (
        select area_within(a.area) from organisation_area a where a.organisation_id = %(organisation)s))
order by d.id limit %(limit)s

-- name: surges
-- Where disaster mode is on, or was, the latest first.
select s.id, s.area, s.reason, s.declared_by, s.began_at, s.ends_at, s.ended_at, s.ended_by
from surge s where (%(before)s::bigint is null or s.id < %(before)s)
  and (not %(running)s or s.ended_at is null and s.ends_at > hub_now())
  and (%(organisation)s::bigint is null or s.area = '' or s.area in (
        select area_within(a.area) from organisation_area a where a.organisation_id = %(organisation)s))
order by s.id desc limit %(limit)s

-- name: visits
-- Visits that are to be made, or were.
select v.id, v.device_id, v.resident_id, coalesce(r.area, '') as area, v.reason, v.booked_at, v.due, v.status, v.done_at,
       v.done_by, v.note
from visit v left join resident r on r.id = v.resident_id
where v.id > %(after)s and (%(id)s::bigint is null or v.id = %(id)s) and (%(status)s::text is null or v.status = %(status)s)
  and (%(organisation)s::bigint is null or r.area in (
        select area_within(a.area) from organisation_area a where a.organisation_id = %(organisation)s))
order by v.id limit %(limit)s

-- name: serves
-- Whether an area is one of an organisation's, or inside one of them.
select exists (select from organisation_area a where a.organisation_id = %(organisation)s
               and %(area)s in (select area_within(a.area))) as there

-- name: work_orders
-- A page of work orders; of an organisation: its own, and those in its areas.
select o.id, o.kind, o.source, o.scope, o.quality, o.area, o.place, o.resident_id, o.device_id, o.due, o.state, o.assignee_id,
       o.organisation_id, o.done_by, o.created_at, o.created_by, o.done_at, o.ended_at, o.version
from work_order o
where o.id > %(after)s and (%(id)s::bigint is null or o.id = %(id)s) and (%(state)s::text is null or o.state = %(state)s)
  and (%(open)s::boolean is null or (o.ended_at is null) = %(open)s)
  and (%(organisation)s::bigint is null or o.organisation_id = %(organisation)s or o.area in (
        select area_within(a.area) from organisation_area a where a.organisation_id = %(organisation)s))
order by o.id limit %(limit)s
