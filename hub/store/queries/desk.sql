-- name: position
-- The last place that a device of hers, or the one that called, said where it was.
select o.device_id, o.lat, o.lon, o.number = 1 as exact, o.accuracy_m, o.measured_at as at, o.received_at
from device d cross join lateral (
    select device_id, lat, lon, number, accuracy_m, measured_at, received_at from observation
    where device_id = d.id and code = 'location' and lat is not null and quality = 'ok'
      and received_at > hub_now() - interval '3 days'
    order by received_at desc limit 1) o
where (d.resident_id = %(resident)s or d.id = %(device)s) and d.state <> 'retired'
order by o.received_at desc limit 1

-- name: comers
-- Who was called to this case and has a place: asked, on the way, there. One row a person, the last word counts.
select distinct on (p.id) p.id, p.name, p.role, p.lat, p.lon, c.minutes_away, p.id = i.responder_id as goes,
       p.id = i.responder_id and i.state in ('on_scene', 'handed_over') as there,
       (select r.verb from response r where r.incident_id = i.id and r.person_id = p.id order by r.at desc limit 1) as said
from incident i join page pg on pg.incident_id = i.id and pg.purpose = 'alarm' and pg.state <> 'withdrawn'
join person p on p.id = pg.person_id and p.lat is not null and p.role <> 'operator' and not office_only(p.role)
left join care_circle c on c.resident_id = i.resident_id and c.person_id = p.id
where i.id = %(incident)s order by p.id, pg.id desc limit 40

-- name: homes_near
-- The homes around, as dots without names.
select lat, lon from resident where served(canary, ended_at) and lat between %(lat)s - %(span)s and %(lat)s + %(span)s
  and lon between %(lon)s - 1.6 * %(span)s and %(lon)s + 1.6 * %(span)s and id <> coalesce(%(resident)s, 0) limit 200

-- name: landmarks_near
select kind, name, note, lat, lon from landmark where lat between %(lat)s - %(span)s and %(lat)s + %(span)s
  and lon between %(lon)s - 1.6 * %(span)s and %(lon)s + 1.6 * %(span)s order by kind, name limit 60

-- name: place_landmark
insert into landmark (kind, name, note, lat, lon) values (%(kind)s, %(name)s, %(note)s, %(lat)s, %(lon)s)
on conflict (kind, name) do update set note = excluded.note, lat = excluded.lat, lon = excluded.lon returning id

-- name: all_landmarks
select id, kind, name, note, lat, lon from landmark order by kind, name limit %(limit)s

-- name: move_landmark
-- No row: it is gone, or another of this kind has the name.
update landmark l set kind = %(kind)s, name = %(name)s, note = %(note)s, lat = %(lat)s, lon = %(lon)s where l.id = %(id)s
  and not exists (select from landmark o where o.kind = %(kind)s and o.name = %(name)s and o.id <> l.id) returning l.id

-- name: remove_landmark
delete from landmark where id = %(id)s returning id

-- name: called_lately
-- How often these residents have called in the last days, whatever came of it: tests and technical cases are none.
select resident_id, count(*) from incident
where resident_id = any(%(residents)s::bigint[]) and not test and severity < 5 and opened_at > hub_now() - %(within)s::interval
group by resident_id having count(*) >= %(often)s

-- name: book_visit
-- Nobody is sent twice for one reason: while a visit is open there is no other.
insert into visit (device_id, resident_id, reason, booked_at, due, facts)
select i.device_id, i.resident_id, 'repeat_caller', hub_now(), (hub_now() + %(within)s::interval)::date,
       jsonb_build_object('incident', i.id, 'calls', %(calls)s::int)
from incident i where i.id = %(incident)s and i.device_id is not null and i.resident_id is not null
  and not exists (select from visit v where v.resident_id = i.resident_id and v.reason = 'repeat_caller'
                     and (v.status = 'open' or v.done_at > hub_now() - %(rest)s::interval))
on conflict (device_id, reason) where status = 'open' do nothing returning id

-- name: visit_of
select id, due from visit where resident_id = %(resident)s and reason = 'repeat_caller' and status = 'open' limit 1

-- name: to_retry
-- Cases of somebody who does not answer and with whom nobody is yet: their devices are told to dial again.
select i.id, d.id as device, d.address, coalesce(d.model, '') as model
from incident i join device d on d.id = i.device_id and d.state <> 'retired'
where i.dedup_key is not null and not i.test and i.handler_id is not null and i.state in ('taken', 'dispatched', 'en_route')
  and exists (select from incident_event e where e.incident_id = i.id and e.what = 'no_speech')
  and (select count(*) from device_command c where c.incident_id = i.id and c.what = 'call') between 1 and %(most)s - 1
  and not exists (select from device_command c where c.incident_id = i.id and c.what = 'call'
                     and c.asked_at > hub_now() - %(every)s::interval)
order by i.severity, i.opened_at limit 50

-- name: tries
-- How often the device of a case was told to dial, and when last.
select count(*), max(asked_at) as last from device_command where incident_id = %(incident)s and what = 'call'

-- name: set_look
update person set look = %(look)s where id = %(person)s
