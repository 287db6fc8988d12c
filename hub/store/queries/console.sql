-- name: account
-- A console login, active people only.
select id, role, password_hash from person where login = %(login)s and active;

-- name: begin_session
-- A signed-in browser; only the token's hash is kept.
insert into web_session (token_sha256, person_id, csrf, created_at, seen_at, expires_at, address, browser, second_factor)
select %(token)s, %(person)s, %(csrf)s, t.now, t.now, t.now + make_interval(hours => %(hours)s), %(address)s, %(browser)s,
       %(second_factor)s from hub_now() as t(now);

-- name: forget_sessions
-- Ended ones go when somebody signs in: nobody needs them.
delete from web_session where expires_at < hub_now();

-- name: session
-- Who holds this token, if it lives and was used lately. Being used is noted once a minute.
with t(now) as (select hub_now()), living as (
    select s.token_sha256, s.person_id, s.csrf, s.seen_at from web_session s, t
    where s.token_sha256 = %(token)s and s.expires_at > t.now
      and s.seen_at > t.now - make_interval(mins => %(idle_minutes)s)
), seen as (
    update web_session w set seen_at = t.now from living, t
    where w.token_sha256 = living.token_sha256 and living.seen_at < t.now - interval '1 minute'
)
select p.id, p.name, p.role, p.language, p.canary, p.organisation_id, p.look, living.csrf,
       exists (select from second_factor f where f.person_id = p.id and f.confirmed_at is not null) as enrolled,
       case p.role when 'supervisor' then (select count(*) from break_glass b where b.seen_at is null and b.person_id <> p.id)
       else 0 end as glass
from living join person p on p.id = living.person_id and p.active;

-- name: end_session
delete from web_session where token_sha256 = %(token)s;

-- name: set_language
update person set language = %(language)s where id = %(person)s;

-- name: arrive
-- A console is open and connected.
insert into presence (person_id, stream, seen_at) values (%(person)s, %(stream)s, hub_now());

-- name: beat
-- All consoles of this process are still there; their sessions are in use. Returns the hub's time.
with t(now) as materialized (select hub_now()), here as (
    update presence set seen_at = t.now from t where stream = any(%(streams)s)
), used as (
    update web_session w set seen_at = t.now from t where w.token_sha256 = any(%(sessions)s)
      and w.seen_at < t.now - interval '1 minute' and w.expires_at > t.now
)
select now from t;

-- name: living_sessions
-- Which of these sessions may still listen.
select token_sha256 from web_session where token_sha256 = any(%(sessions)s) and expires_at > hub_now();

-- name: leave
-- These consoles are gone; whom they were looking at is told apart by its colleagues.
with gone as (delete from presence where stream = any(%(streams)s) returning incident_id)
select pg_notify('carehub_look', incident_id::text) from gone where incident_id is not null;

-- name: look
-- What a console has open now. Colleagues see it; nothing else changes.
with before as (select incident_id from presence where stream = %(stream)s and person_id = %(person)s),
now as (
    update presence set incident_id = i.id from (select %(incident)s::bigint as id) i
    where stream = %(stream)s and person_id = %(person)s and presence.incident_id is distinct from i.id
      and (i.id is null or exists (select from incident where incident.id = i.id))
    returning i.id
)
select pg_notify('carehub_look', x.id::text) from (
    select incident_id as id from before where exists (select from now) union select id from now
) x where x.id is not null;

-- name: delivered
-- The browser has shown these pages to the person they are for. The dispatcher may still be at them.
with shown as (
    update page set state = 'delivered', delivered_at = hub_now(), sent_at = coalesce(sent_at, hub_now()),
                    owner = null, lease_until = null
    where id = any(%(pages)s) and person_id = %(person)s and channel = 'console' and state in ('ready', 'sending', 'sent')
    returning id
)
select id, pg_notify('carehub_page', id::text) from shown;

-- name: read
-- The person has opened the case of these pages.
with opened as (
    update page set state = 'read', read_at = hub_now(), delivered_at = coalesce(delivered_at, hub_now()),
                    sent_at = coalesce(sent_at, hub_now()), owner = null, lease_until = null
    where incident_id = %(incident)s and person_id = %(person)s and channel = 'console'
      and state in ('ready', 'sending', 'sent', 'delivered')
    returning id
)
select id, pg_notify('carehub_page', id::text) from opened;

-- name: open_cases
-- Of every open case, or of a change's own, what says whether a screen shows it. The canary's are for the canary's
-- operator, and nobody else's are.
select i.test, i.severity, i.handler_id is not null, i.responder_id is not null, i.opened_at, i.id
from incident i left join resident r on r.id = i.resident_id
where i.dedup_key is not null and coalesce(r.canary, false) = %(canary)s
  and (%(ids)s::bigint[] is null or i.id = any(%(ids)s));

-- name: queue
-- Of these open cases what an operator needs to choose: worst first, then oldest, technical ones last. One reading serves
-- everybody's screen: who looks, and whose pages were not shown yet, stands there with the person.
select i.id, i.kind, i.severity, i.state, i.opened_at, i.presses, i.test, i.step, i.round, i.area, i.resident_id,
       i.handler_id, h.name as handler, i.responder_id, g.name as responder, i.responder_role, i.services, i.proof,
       r.name as resident, r.born, r.address, coalesce(r.risks, '{}') as risks, d.address as device, d.room,
       last.name as retired_of, last.home as retired_home,
       t.kind as timer, case t.kind when 'expiry' then i.expires_at else t.due_at end as due_at,
       (select array_agg(distinct a.kind order by a.kind) from alert a where a.incident_id = i.id) as kinds,
       (select a.rule from alert a where a.incident_id = i.id and a.rule is not null
         order by a.severity, a.raised_at desc limit 1) as rule,
       (select max(a.raised_at) from alert a where a.incident_id = i.id) as last_alert_at,
       exists (select from incident_event e where e.incident_id = i.id and e.what in ('not_cancelled', 'no_speech')) as no_speech,
       (select array_agg(distinct array[p.id::text, p.name]) from presence pr join person p on p.id = pr.person_id
         where pr.incident_id = i.id and pr.seen_at > hub_now() - interval '15 seconds') as lookers,
       (select array_agg(array[pg.person_id, pg.id] order by pg.id) from page pg where pg.incident_id = i.id
           and pg.channel = 'console' and pg.state in ('ready', 'sending', 'sent')) as unshown
from incident i
left join resident r on r.id = i.resident_id
left join device d on d.id = i.device_id
left join lateral (  -- a retired device is nobody's, and was somebody's
    select coalesce(l.name, '') as name, coalesce(l.address, '') as home
    from device_event e left join resident l on l.id = (e.facts ->> 'resident')::bigint
    where i.resident_id is null and d.state = 'retired' and e.device_id = d.id and e.action = 'retire'
    order by e.id desc limit 1) last on true
left join person h on h.id = i.handler_id
left join person g on g.id = i.responder_id
left join timer t on t.incident_id = i.id
where i.id = any(%(ids)s::bigint[]) and i.dedup_key is not null and coalesce(r.canary, false) = %(canary)s
order by i.severity, i.test, i.opened_at, i.id;

-- name: pages_of
-- Whose rows these pages change: the cases they belong to; and who is told something that stands in no row.
select distinct pg.incident_id, case when pg.purpose <> 'alarm' and pg.channel = 'console' then pg.person_id end as told
from page pg where pg.id = any(%(pages)s);

-- name: on_duty
-- Whose consoles are connected now.
select distinct p.id, p.name, p.role from presence pr join person p on p.id = pr.person_id
where pr.seen_at > hub_now() - interval '15 seconds' and not p.canary order by p.name;

-- name: recent
-- What ended in the last 12 hours, latest first.
select i.id, i.kind, i.severity, i.state, i.opened_at, i.closed_at, i.disposition, i.test, r.name as resident, h.name as handler,
       (select min(e.at) from incident_event e where e.incident_id = i.id and e.what = 'taken') as taken_at
from incident i left join resident r on r.id = i.resident_id left join person h on h.id = i.handler_id
where i.closed_at > hub_now() - interval '12 hours' and r.canary is not true order by i.closed_at desc limit 8;

-- name: notices
-- What this person was told about cases that need nothing from her any more.
select pg.id, pg.incident_id, pg.purpose, pg.created_at, r.name as resident, i.state
from page pg join incident i on i.id = pg.incident_id left join resident r on r.id = i.resident_id
where pg.person_id = %(person)s and pg.channel = 'console' and pg.purpose <> 'alarm'
  and pg.state in ('ready', 'sending', 'sent') and pg.created_at > hub_now() - interval '1 hour'
order by pg.created_at desc limit 5;

-- name: incident
select i.id, i.kind, i.severity, i.state, i.opened_at, i.closed_at, i.presses, i.test, i.step, i.round, i.area,
       i.policy_name, i.policy_version, i.handler_id, h.name as handler, i.responder_id, g.name as responder, i.responder_role,
       i.handed_to, i.resolved_by, i.disposition, i.version, i.resident_id, i.device_id, i.services, i.proof, i.linked_to,
       (select max(e.at) from incident_event e where e.incident_id = i.id and e.what = 'arrived') as arrived_at,
       exists (select from incident_event e where e.incident_id = i.id and e.what in ('not_cancelled', 'no_speech')) as no_speech,
       r.name as resident, r.born, r.address, r.entrance, r.language, r.ability, r.risks, r.key_place, r.phone,
       r.door_code <> '' as has_door_code, r.lat, r.lon,
       r.ended_at as care_ended_at, d.address as device, d.room, last.name as retired_of, last.home as retired_home,
       t.kind as timer, case t.kind when 'expiry' then i.expires_at else t.due_at end as due_at
from incident i
left join resident r on r.id = i.resident_id
left join device d on d.id = i.device_id
left join lateral (  -- a retired device is nobody's, and was somebody's
    select coalesce(l.name, '') as name, coalesce(l.address, '') as home
    from device_event e left join resident l on l.id = (e.facts ->> 'resident')::bigint
    where i.resident_id is null and d.state = 'retired' and e.device_id = d.id and e.action = 'retire'
    order by e.id desc limit 1) last on true
left join person h on h.id = i.handler_id
left join person g on g.id = i.responder_id
left join timer t on t.incident_id = i.id
where i.id = %(incident)s;

-- name: looking
select distinct p.id, p.name from presence pr join person p on p.id = pr.person_id
where pr.incident_id = %(incident)s and pr.seen_at > hub_now() - interval '15 seconds' order by p.name;

-- name: circle
select p.name, p.phone, c.relation, c.minutes_away, p.active from care_circle c join person p on p.id = c.person_id
where c.resident_id = %(resident)s order by c.position, p.id;

-- name: devices
-- The resident's devices, or the incident's own when it belongs to nobody; battery and last words by telemetry.
select d.id, d.address, d.model, d.room, d.state, d.test_until > hub_now() as testing, d.test_until,
       v.received_at as seen_at, b.battery_pct, w.worn, hr.heart_rate_bpm, hr.received_at as heart_rate_at
from device d
left join lateral (select received_at from telemetry_heard where device_id = d.id
                   order by received_at desc limit 1) v on true
left join lateral (select battery_pct from telemetry where device_id = d.id and battery_pct is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) b on true
left join lateral (select worn from telemetry where device_id = d.id and worn is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) w on true
left join lateral (select heart_rate_bpm, received_at from telemetry where device_id = d.id and heart_rate_bpm is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) hr on true
where (d.resident_id = %(resident)s or d.id = %(device)s) and d.state <> 'retired'
order by d.id = %(device)s desc, v.received_at desc nulls last limit 12;

-- name: past
-- How earlier cases of the same resident ended.
select i.id, i.kind, i.severity, i.opened_at, i.disposition, i.state, i.presses from incident i
where i.resident_id = %(resident)s and i.id <> %(incident)s and i.closed_at is not null
order by i.opened_at desc limit 5;

-- name: accidental
-- How often the last month's cases were pressed by accident: never a reason to be slow, but the caller should know.
select count(*) from incident where resident_id = %(resident)s and disposition = 'accidental'
  and opened_at > hub_now() - interval '30 days' and id <> %(incident)s;

-- name: alerts
select a.alert_id, a.kind, a.severity, a.rule, a.raised_at, a.measured_at, a.evidence, d.model, d.room, d.address
from alert a left join device d on d.id = a.device_id
where a.incident_id = %(incident)s order by a.raised_at desc, a.alert_id limit 50;

-- name: pages
select pg.id, pg.round, pg.step, pg.role, pg.channel, pg.purpose, pg.state, pg.created_at, pg.due_at, pg.sent_at,
       pg.delivered_at, pg.read_at, pg.attempts, pg.receipt, p.id as person_id, p.name
from page pg join person p on p.id = pg.person_id where pg.incident_id = %(incident)s
order by pg.created_at desc, pg.id desc limit 200;

-- name: events
select seq, at, actor, what, body from incident_event where incident_id = %(incident)s order by seq desc limit 400;

-- name: notes
select n.at, n.text, p.name from note n left join person p on p.id = n.person_id
where n.incident_id = %(incident)s order by n.at desc limit 200;

-- name: names
-- Event bodies hold numbers; people read names.
select id, name, role from person where id = any(%(people)s);

-- name: candidates
-- Who could be sent: the care circle first, then those who serve the area, nearest first.
select p.id, p.name, p.role, p.phone, c.relation, c.minutes_away,
       exists (select from contact k where k.person_id = p.id) as reachable,
       (p.role = 'family' or exists (select from duties(p.id, hub_now()) d where d.on_duty)
        or p.role = 'neighbour' and c.person_id is not null
           and not exists (select from shift s where s.person_id = p.id)) as on_duty
from incident i
join person p on p.active and p.role not in ('operator', 'ambulance') and not office_only(p.role)
left join care_circle c on c.person_id = p.id and c.resident_id = i.resident_id
left join resident r on r.id = i.resident_id
where i.id = %(incident)s and (c.person_id is not null or (p.role <> 'family' and p.area in ('', i.area, coalesce(r.area, ''))
      and (p.role <> 'neighbour' or p.area <> '')))
order by on_duty desc, c.minutes_away nulls last, c.position nulls last, p.role, p.id limit 24;

-- name: door_code
-- Sensitive: call only together with log_access, in one transaction.
select r.id, r.door_code from incident i join resident r on r.id = i.resident_id where i.id = %(incident)s;

-- name: log_access
insert into access_log (at, person_id, resident_id, what, incident_id)
values (hub_now(), %(person)s, %(resident)s, %(what)s, %(incident)s);

-- name: vitals
-- The last half hour of the incident's resident, or of its own device: one point a message.
select extract(epoch from t.received_at)::float8 as at, t.heart_rate_bpm::float8, t.spo2_pct::float8, t.device_id
from telemetry t join device d on d.id = t.device_id
join incident i on i.id = %(incident)s and (d.resident_id = i.resident_id or d.id = i.device_id)
where t.received_at > hub_now() - make_interval(mins => %(minutes)s)
  and (t.heart_rate_bpm is not null or t.spo2_pct is not null)
order by t.received_at desc limit %(limit)s;

-- name: findings
-- What the auditor found and what is not over yet; before all of it, that nobody looks any more.
with t as materialized (select hub_now() as now)
select * from (
    select 'auditor_silent' as rule, 'audit' as subject, h.at as found_at, null::timestamptz as acknowledged_at
    from t, heartbeat h where h.role = 'audit' and h.at < t.now - interval '10 seconds'
    union all
    (select rule, subject, found_at, acknowledged_at from audit_finding where cleared_at is null
      order by acknowledged_at nulls first, found_at desc limit 5)
) found order by rule <> 'auditor_silent', acknowledged_at nulls first, found_at desc;

-- name: seen_before
-- Whether this person's look at something sensitive is in the log for this case already: a phone asks again and again.
select exists (select from access_log where person_id = %(person)s and incident_id = %(incident)s and what = %(what)s) as there;
