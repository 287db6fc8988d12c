-- name: find_person
-- Demo people are known by their invented number.
select id from person where phone = %(phone)s and role = %(role)s;

-- name: set_password
-- The demo's sign-in is made anew with its file.
update person set password_hash = %(password_hash)s where id = %(person)s;

-- name: find_resident
-- Demo residents are known by their invented number.
select id from resident where phone = %(phone)s;

-- name: heard
-- A device that has spoken and is nobody's; once it is somebody's it stays so. Heard anew, the installer's page offers it.
insert into device (address, model, state, created_at) values (%(address)s, %(model)s, 'seen', hub_now())
on conflict (address) do update set created_at = hub_now() where device.state = 'seen';

-- name: cover_but
-- On duty from now on for `days`, but for some hours on the next such weekday that is more than a day away, unless a shift
-- already covers now.
with t as materialized (select hub_now() as now),
away as (
    select start, start + make_interval(hours => %(hours)s) as until from (
        select (date_trunc('week', at - lead + interval '7 days') + lead) at time zone %(zone)s as start
        from (select t.now at time zone %(zone)s + interval '1 day' as at,
                     make_interval(days => %(weekday)s - 1, hours => %(from_h)s) as lead from t) wall) s
)
insert into shift (person_id, during)
select %(person)s, part from t, away, lateral (values
    (tstzrange(t.now - interval '1 hour', away.start)),
    (tstzrange(away.until, t.now + make_interval(days => %(days)s)))) as p(part)
where not exists (select from shift where person_id = %(person)s and during @> t.now);

-- name: incidents
-- Every incident of this play with what its heading needs: seeding makes the demo's policy active anew, and what had ended
-- before that belongs to an earlier play.
select i.id, i.kind, i.severity, i.state, i.disposition, i.presses, i.opened_at, i.closed_at, r.address, d.address
from incident i left join resident r on r.id = i.resident_id left join device d on d.id = i.device_id
where (i.closed_at is null or i.closed_at >= (select max(active_from) from policy_version)) and r.canary is not true
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

-- name: opened_since
-- What a replay brought about.
select i.kind, count(*) from incident i left join resident r on r.id = i.resident_id
where i.opened_at >= %(since)s and r.canary is not true group by 1 order by 1;

-- name: unreadable_since
-- What a replay sent that nobody could read. A sign-in that was refused has no topic: the hub had not heard yet of the
-- replay's own credential, and the next one goes in.
select count(*) from unreadable where at >= %(since)s and topic <> '';

-- name: visited
-- A demo resident is visited every month and has bought a thing: the invoice of every third one is missing.
with entered as (
    insert into visiting (resident_id, since, reason, entered_by, entered_at)
    values (%(resident)s, hub_now()::date - 60, 'alone', 'command:demo', hub_now())
)
insert into purchase (resident_id, scheme, item, price_fen, invoice, seller, bought_on, entered_by, entered_at)
select %(resident)s::bigint, 'renewal', item, fen, case when mod(%(resident)s::bigint, 3) = 0 then '' else 'DEMO-' || (%(resident)s::bigint * 10 + n) end,
       '演示商家', hub_now()::date - 30, 'command:demo', hub_now()
from (values (1, '智能手表', 69900), (2, '卫生间扶手', 38000 + 100000 * mod(%(resident)s::bigint, 2))) as things (n, item, fen);

-- name: area
insert into area (name, parent, level) values (%(name)s, nullif(%(parent)s, ''), %(level)s) on conflict (name) do nothing

-- name: organisation
-- One that serves the neighbourhood, with its people.
with made as (insert into organisation (name, kind, created_at) values (%(name)s, %(kind)s, hub_now())
              on conflict (name) do update set kind = excluded.kind returning id),
serves as (insert into organisation_area (organisation_id, area) select id, %(area)s from made on conflict do nothing)
update person set organisation_id = made.id from made
where person.role = %(role)s and person.area = %(area)s and person.organisation_id is null
