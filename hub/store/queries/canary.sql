-- name: resident
-- The resident who is nobody, made when she is missing. Called under the registration's lock.
with known as (select id from resident where canary order by id limit 1), made as (
    insert into resident (name, area, canary, created_at)
    select %(name)s, %(area)s, true, hub_now() where not exists (select from known) returning id
)
select id from known union all select id from made

-- name: person
-- The operator who is nobody. No row comes back when the account is a real person's.
insert into person (name, role, login, password_hash, canary, created_at)
values (%(name)s, 'operator', %(login)s, %(password_hash)s, true, hub_now())
on conflict (login) do update set password_hash = coalesce(excluded.password_hash, person.password_hash), active = true
where person.canary
returning id

-- name: taken
-- Whether the canary's device is worn by somebody else.
select 1 from device where address = %(address)s and resident_id is not null and resident_id <> %(resident)s

-- name: record
insert into canary_round (at, lost, detail, seconds) values (hub_now(), %(lost)s, %(detail)s, %(seconds)s::jsonb)

-- name: forget_rounds
delete from canary_round where at < hub_now() - %(kept)s::interval

-- name: old
-- Closed cases of the canary that nobody needs any more, oldest first.
select i.id from incident i join resident r on r.id = i.resident_id
where r.canary and i.closed_at < hub_now() - %(kept)s::interval order by i.id limit %(limit)s
for no key update of i

-- name: go_links
-- The case after it is linked to it.
update incident set linked_to = null where linked_to = any(%(incidents)s)

-- name: go_downlinks
delete from downlink where page_id in (select id from page where incident_id = any(%(incidents)s))

-- name: go_pages
delete from page where incident_id = any(%(incidents)s)

-- name: go_events
delete from incident_event where incident_id = any(%(incidents)s)

-- name: go_notes
delete from note where incident_id = any(%(incidents)s)

-- name: go_alerts
delete from alert where incident_id = any(%(incidents)s)

-- name: go_responses
delete from response where incident_id = any(%(incidents)s)

-- name: go_presses
-- By the device first: its index is the key's.
delete from press where incident_id = any(%(incidents)s)
  and device_id in (select d.id from device d join resident r on r.id = d.resident_id where r.canary)

-- name: go_accesses
delete from access_log where incident_id = any(%(incidents)s)

-- name: go_presence
update presence set incident_id = null where incident_id = any(%(incidents)s)

-- name: go_handovers
-- Of a desk that was handed over while the canary sang: its own lines go with it.
delete from handover_case where incident_id = any(%(incidents)s)

-- name: go_glass
update break_glass set incident_id = null where incident_id = any(%(incidents)s)

-- name: go_calls
update telephone_call set incident_id = null where incident_id = any(%(incidents)s)

-- name: go_relations
delete from incident_link where a = any(%(incidents)s) or b = any(%(incidents)s)

-- name: go_incidents
delete from incident where id = any(%(incidents)s)
