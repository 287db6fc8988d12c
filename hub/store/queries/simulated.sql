-- name: areas
insert into area (name, level) select unnest(%(names)s::text[]), 'community' on conflict (name) do nothing

-- name: organisations
-- With the area each serves; '' serves them all.
with given as (select * from json_to_recordset(%(rows)s::json) as r (name text, kind text, area text)),
made as (insert into organisation (name, kind, created_at) select distinct on (name) name, kind, hub_now() from given
         returning id, name),
serves as (insert into organisation_area (organisation_id, area)
           select distinct made.id, area.name from made join given using (name) join area on given.area in ('', area.name))
select name, id from made

-- name: residents
-- Numbers rise as `nr` does. Who has dementia has a fence, as her family would set it.
insert into resident (name, born, area, address, entrance, language, ability, risks, key_place, phone, lat, lon, spo2_scale,
                      fence_m, created_at)
select name, born, area, address, entrance, language, ability, array(select json_array_elements_text(risks)), key_place,
       phone, lat, lon, spo2_scale, 500 * (risks::text like '%%"dementia"%%')::int, hub_now()
from json_to_recordset(%(rows)s::json) as r (
    nr int, name text, born date, area text, address text, entrance text, language text, ability text, risks json,
    key_place text, phone text, lat float8, lon float8, spo2_scale smallint)
order by nr
returning id

-- name: door_codes
update resident set door_code = r.code from json_to_recordset(%(rows)s::json) as r (id bigint, code text)
where resident.id = r.id

-- name: people
-- Numbers rise as `nr` does.
insert into person (name, role, area, phone, lat, lon, login, password_hash, organisation_id, created_at)
select name, role, area, phone, lat, lon, login, password_hash, organisation, hub_now()
from json_to_recordset(%(rows)s::json) as r (
    nr int, name text, role text, area text, phone text, lat float8, lon float8, login text, password_hash text,
    organisation bigint)
order by nr
returning id

-- name: contacts
insert into contact (person_id, channel, address, position)
select person, channel, address, position
from json_to_recordset(%(rows)s::json) as r (person bigint, channel text, address text, position int)

-- name: circles
insert into care_circle (resident_id, person_id, relation, position, minutes_away)
select resident, person, relation, position, minutes_away
from json_to_recordset(%(rows)s::json) as r (
    resident bigint, person bigint, relation text, position int, minutes_away real)
on conflict (resident_id, person_id) do nothing

-- name: shifts
insert into shift (person_id, during)
select person, tstzrange(since, until)
from json_to_recordset(%(rows)s::json) as r (person bigint, since timestamptz, until timestamptz)

-- name: devices
-- As if each had been registered, bound and tested.
insert into device (address, adapter, model, resident_id, room, state, deadline_s, created_at, bound_at)
select address, adapter, model, resident, room, 'live', deadline_s, hub_now(), hub_now()
from json_to_recordset(%(rows)s::json) as r (
    nr int, address text, adapter text, model text, resident bigint, room text, deadline_s int)
order by nr
returning id

-- name: credentials
insert into credential (username, secret_sha256, kind, topic_prefix, device_id, person_id, active, created_at)
select username, decode(digest, 'hex'), kind, prefix, device, person, true, hub_now()
from json_to_recordset(%(rows)s::json) as r (
    username text, digest text, kind text, prefix text, device bigint, person bigint)

-- name: raw_bodies
select body from raw_batch order by received_at, batch

-- name: raw_messages
select coalesce(sum(messages), 0) from raw_batch

-- name: presses
select d.address, p.identity, p.kind, p.incident_id, p.at
from press p join device d on d.id = p.device_id order by p.at, p.device_id, p.identity

-- name: alerts
select a.alert_id, a.incident_id, d.address, i.resident_id, a.kind, a.severity, a.rule, a.identity, a.raised_at, a.measured_at,
       a.evidence
from alert a join incident i on i.id = a.incident_id left join device d on d.id = a.device_id
order by a.raised_at, a.alert_id

-- name: incidents
select i.id, i.kind, i.severity, i.resident_id, d.address, i.area, i.state, i.test, i.policy_name, i.presses, i.opened_at,
       i.closed_at, i.disposition
from incident i left join device d on d.id = i.device_id order by i.id

-- name: events
select seq, at, actor, what, body from incident_event where incident_id = %(incident)s order by seq

-- name: pages
select id, incident_id, round, step, person_id, role, channel, purpose, state, attempts, created_at, due_at, sent_at,
       delivered_at, read_at, withdrawn_at, receipt
from page order by id

-- name: devices_kept
select d.address, d.id, d.resident_id, coalesce(w.rows, 0), coalesce(o.rows, 0), coalesce(a.rows, 0), coalesce(p.rows, 0),
       greatest(w.last, o.last)
from device d
left join (select device_id, sum(messages) as rows, max(received_at) as last
           from (select device_id, 1 as messages, received_at from telemetry
                 union all select device_id, messages, received_at from telemetry_packed) said
           group by 1) w on w.device_id = d.id
left join (select device_id, count(*) as rows, max(received_at) as last from observation group by 1) o on o.device_id = d.id
left join (select device_id, count(*) as rows from accel_window group by 1) a on a.device_id = d.id
left join (select device_id, count(*) as rows from press group by 1) p on p.device_id = d.id
order by d.id

-- name: words
select topic, count(*), count(delivered_at), count(*) filter (where delivered_at is null and expires_at <= hub_now())
from downlink group by topic order by topic

-- name: unread
select source, topic, error, count(*) from unreadable group by 1, 2, 3 order by 1, 2, 3

-- name: found
-- What the auditor found and what would be the hub's own fault.
select rule, subject, detail, found_at from audit_finding
where rule in ('silent_incident', 'timer_late', 'page_late', 'broken_chain', 'page_stuck') order by found_at
