-- name: residents
-- Whom this person is family of, and her last word about what is kept of her.
select r.id, r.name, r.phone, c.relation, k.given, k.scope, k.at as consent_at,
       y.answer as contact
from care_circle c join resident r on r.id = c.resident_id and served(r.canary, r.ended_at)
left join lateral (select given, scope, at from consent where resident_id = r.id order by id desc limit 1) k on true
left join lateral (select answer from contact_asked where resident_id = r.id and person_id = c.person_id
                     and answer is not null order by answered_at desc, id desc limit 1) y on true
where c.person_id = %(person)s order by c.position, r.id limit %(limit)s

-- name: open
-- What is happening now, the worst first. Technical matters are the desk's.
select i.id, i.resident_id, i.kind, i.state, i.opened_at, i.test, i.handed_to, i.services, h.name as handler,
       g.name as responder, i.responder_role, c.minutes_away,
       exists (select from incident_event e where e.incident_id = i.id and e.what in ('arrived', 'proved', 'presumed')
                 and not exists (select from incident_event m where m.incident_id = i.id and m.what = 'mistaken' and m.seq > e.seq
                                    and (m.body ->> 'takes_back')::int <= e.seq)) as arrived
from incident i left join person h on h.id = i.handler_id left join person g on g.id = i.responder_id
left join care_circle c on c.resident_id = i.resident_id and c.person_id = i.responder_id
where i.resident_id = any(%(residents)s) and i.dedup_key is not null and i.severity < 5
order by i.severity, i.opened_at limit %(limit)s

-- name: devices
select d.id, d.resident_id, coalesce(nullif(d.model, ''), d.address) as name, d.room, d.deadline_s,
       v.received_at as seen_at, b.battery_pct, w.worn, h.heart_rate_bpm, o.spo2_pct,
       greatest(h.received_at, o.received_at) as measured_at
from device d
left join lateral (select received_at from telemetry_heard where device_id = d.id
                     and received_at > hub_now() - interval '30 days' order by received_at desc limit 1) v on true
left join lateral (select battery_pct from telemetry where device_id = d.id and battery_pct is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) b on true
left join lateral (select worn from telemetry where device_id = d.id and worn is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) w on true
left join lateral (select heart_rate_bpm, received_at from telemetry where device_id = d.id and heart_rate_bpm is not null
                     and d.resident_id = any(%(health)s::bigint[])
                     and received_at > hub_now() - interval '1 day' order by received_at desc limit 1) h on true
left join lateral (select spo2_pct, received_at from telemetry where device_id = d.id and spo2_pct is not null
                     and d.resident_id = any(%(health)s::bigint[])
                     and received_at > hub_now() - interval '1 day' order by received_at desc limit 1) o on true
where d.resident_id = any(%(residents)s) and d.state in ('bound', 'tested', 'live') order by d.resident_id, d.id limit %(limit)s

-- name: absences
-- What holds and what is to come.
select id, resident_id, kind, begins_at, ends_at, reason, written_by = %(me)s as mine, begins_at <= hub_now() as holds
from absence where resident_id = any(%(residents)s) and coalesce(ended_at, ends_at) > hub_now() and ended_at is null
order by begins_at, id limit %(limit)s

-- name: history
-- How her calls ended: no test, nothing technical.
select i.id, i.kind, i.state, i.disposition, i.opened_at, i.closed_at,
       (select min(e.at) from incident_event e where e.incident_id = i.id and e.what = 'taken') as taken_at
from incident i where i.resident_id = %(resident)s and i.closed_at is not null and not i.test and i.severity < 5
  and i.opened_at > hub_now() - make_interval(days => %(days)s)
order by i.opened_at desc limit %(limit)s

-- name: say_contact
-- He says himself whether he is her contact; the last word counts.
insert into contact_asked (resident_id, person_id, asked_by, asked_at, answer, answered_at, answered_by)
select c.resident_id, c.person_id, 'person:' || c.person_id, hub_now(), %(yes)s, hub_now(), 'link' from care_circle c
where c.resident_id = %(resident)s and c.person_id = %(person)s

-- name: night
select from_min, until_min from quiet_night where person_id = %(person)s

-- name: set_night
insert into quiet_night (person_id, from_min, until_min, zone, written_at)
values (%(person)s, %(from)s, %(until)s, %(zone)s, hub_now())
on conflict (person_id) do update set from_min = excluded.from_min, until_min = excluded.until_min, zone = excluded.zone,
    written_at = excluded.written_at

-- name: no_night
delete from quiet_night where person_id = %(person)s

-- name: touched
-- Detection looks at who is away again.
select pg_notify('carehub_config', '')

-- name: was_given
select exists (select from consent where resident_id = %(resident)s and given) as there
