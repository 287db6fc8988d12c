-- name: note
-- One line of a device's history.
insert into device_event (device_id, at, action, state, actor, note, facts)
select id, hub_now(), %(action)s, state, %(actor)s, %(note)s, %(facts)s::jsonb from device where id = %(id)s

-- name: note_key
-- Who issued a key; never the key.
insert into credential_event (username, at, actor, facts) values (%(username)s, hub_now(), %(actor)s, %(facts)s::jsonb)

-- name: key
-- What a gateway may publish, and whether it may.
select topic_prefix, active from credential where username = %(username)s and kind = 'gateway'

-- name: keys_of
-- Who issued one user's keys, the last first.
select at, actor, facts from credential_event where username = %(username)s order by id desc limit %(limit)s

-- name: page
-- For `carehub devices list`: which devices, before anything is looked up of them. An address below a prefix is found by
-- the index of addresses where the database compares bytes; elsewhere the page is short all the same.
select d.id from device d
where d.id > %(after)s
  and (%(state)s::text is null or d.state = %(state)s)
  and (%(resident)s::bigint is null or d.resident_id = %(resident)s)
  and (%(below)s::text is null or starts_with(d.address, %(below)s))
  and (%(model)s::text is null or strpos(lower(d.model), lower(%(model)s)) > 0)
  and (%(silent_h)s::double precision is null or not exists (
        select from telemetry_heard t where t.device_id = d.id
           and t.received_at > hub_now() - make_interval(secs => %(silent_h)s::double precision * 3600)))
order by d.id limit %(limit)s

-- name: states
-- How many there are.
select state, count(*) from device group by state order by state

-- name: rows
-- What these devices are, whose, when last heard, what their battery said.
select d.id, d.address, d.model, d.state, d.resident_id, r.name, d.room, v.received_at, b.battery_pct, d.deadline_s,
       c.username
from unnest(%(ids)s::bigint[]) as p(id)
join device d on d.id = p.id
left join resident r on r.id = d.resident_id
left join credential c on c.device_id = d.id and c.active
left join lateral (select received_at from telemetry_heard where device_id = p.id
                   order by received_at desc limit 1) v on true
left join lateral (select battery_pct from telemetry where device_id = p.id and battery_pct is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) b on true
order by d.id
