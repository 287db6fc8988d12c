-- name: find_person
-- Demo people are known by their invented number.
select id from person where phone = %(phone)s and role = %(role)s;

-- name: add_person
-- A person who is not there yet.
insert into person (name, role, area, phone, login, password_hash, created_at)
values (%(name)s, %(role)s, %(area)s, %(phone)s, %(login)s, %(password_hash)s, %(now)s)
returning id;

-- name: set_password
-- The demo's sign-in is made anew with its file.
update person set password_hash = %(password_hash)s where id = %(person)s;

-- name: set_contact
-- One way to reach a person; ports may have changed since the last run.
insert into contact (person_id, channel, address, position)
values (%(person)s, %(channel)s, %(address)s, %(position)s)
on conflict (person_id, channel) do update set address = excluded.address, position = excluded.position;

-- name: find_resident
-- Demo residents are known by their invented number.
select id from resident where phone = %(phone)s;

-- name: add_resident
-- A resident who is not there yet.
insert into resident (name, born, area, address, entrance, language, ability, risks, key_place, door_code, phone,
                      lat, lon, created_at)
values (%(name)s, %(born)s, %(area)s, %(address)s, %(entrance)s, %(language)s, %(ability)s, %(risks)s, %(key_place)s,
        %(door_code)s, %(phone)s, %(lat)s, %(lon)s, %(now)s)
returning id;

-- name: set_circle
-- Who belongs to a resident's circle, and how near.
insert into care_circle (resident_id, person_id, relation, position, minutes_away)
values (%(resident)s, %(person)s, %(relation)s, %(position)s, %(minutes_away)s)
on conflict (resident_id, person_id) do update set relation = excluded.relation, minutes_away = excluded.minutes_away;

-- name: cover
-- On duty from now on for `days`, unless a shift already covers the next day.
insert into shift (person_id, during)
select %(person)s, tstzrange(%(now)s - interval '1 hour', %(now)s + make_interval(days => %(days)s))
where not exists (select from shift where person_id = %(person)s
                  and during @> tstzrange(%(now)s, %(now)s + interval '1 day'));

-- name: set_device
-- A device that is bound to a resident and live; one that an earlier run only saw is claimed.
insert into device (address, adapter, model, resident_id, room, state, deadline_s, created_at)
values (%(address)s, %(adapter)s, %(model)s, %(resident)s, %(room)s, 'live', %(deadline_s)s, %(now)s)
on conflict (address) do update set resident_id = excluded.resident_id, model = excluded.model, room = excluded.room,
       state = 'live', deadline_s = excluded.deadline_s
returning id;

-- name: set_credential
-- Secrets are random, and kept in the demo's own file: a run without that file makes new ones.
insert into credential (username, secret_sha256, kind, topic_prefix, device_id, person_id, created_at)
values (%(username)s, %(secret_sha256)s, %(kind)s, %(topic_prefix)s, %(device)s, %(person)s, %(now)s)
on conflict (username) do update set secret_sha256 = excluded.secret_sha256, kind = excluded.kind,
       topic_prefix = excluded.topic_prefix, device_id = excluded.device_id, person_id = excluded.person_id, active = true;

-- name: incidents
-- Every incident of this play with what its heading needs: seeding makes the demo's policy active anew, and what had ended
-- before that belongs to an earlier play.
select i.id, i.kind, i.severity, i.state, i.disposition, i.presses, i.opened_at, i.closed_at, r.address, d.address
from incident i left join resident r on r.id = i.resident_id left join device d on d.id = i.device_id
where i.closed_at is null or i.closed_at >= (select max(active_from) from policy_version)
order by i.id;

-- name: told
-- What the wearer's watch has shown about one incident. Only carehub's own profile names the incident in its words.
select l.delivered_at, l.device_id, said.words ->> 'say', said.words ->> 'text'
from downlink l
cross join lateral (select case when l.topic like 'carehub/%%/command' then convert_from(l.payload, 'UTF8')::jsonb end) said(words)
where l.page_id is null and l.delivered_at is not null and said.words ->> 'incident' = %(incident)s::text
order by l.id;

-- name: chain
-- One incident's events in order.
select seq, at, actor, what, body, prev_hash, hash from incident_event where incident_id = %(incident)s order by seq;

-- name: pages
-- One incident's pages as they went out.
select p.id, p.person_id, p.role, p.channel, p.purpose, p.state, p.round, p.step, p.created_at, p.sent_at,
       p.delivered_at, p.read_at, p.receipt
from page p where p.incident_id = %(incident)s order by p.id;

-- name: roles
-- What everybody is, to name them without their names.
select id, role from person;

-- name: press_incidents
-- Where a press with an identity went. Exactly one row is right.
select p.incident_id from press p join device d on d.id = p.device_id
where d.address = %(device)s and p.identity = %(identity)s;

-- name: alerts_of_device
-- Where a press without an identity may have gone: what the device's alerts opened or joined meanwhile.
select distinct a.incident_id from alert a join device d on d.id = a.device_id
where d.address = %(device)s and a.raised_at between %(since)s and %(until)s;

-- name: falls_of_devices
-- Which of these devices a fall was found for, and the incident it opened or joined.
select distinct d.address, a.incident_id from alert a join device d on d.id = a.device_id
where d.address = any(%(devices)s) and a.kind = 'fall' order by 2;

-- name: dismiss
-- A replay's credentials end with it.
update credential set active = false where username = any(%(usernames)s);

-- name: opened_since
-- What a replay brought about.
select i.kind, count(*) from incident i where i.opened_at >= %(since)s group by 1 order by 1;

-- name: unreadable_since
-- What a replay sent that nobody could read.
select count(*) from unreadable where at >= %(since)s;
