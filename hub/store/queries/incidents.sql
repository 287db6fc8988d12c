-- name: lock_by_key
-- The open incidents of some cases, held until commit. Everything else is read after this, so it is the newest. Always
-- in the same order, so that two that lock several wait for each other only one way round.
with them as materialized (
    select i.id from unnest(%(keys)s::text[]) as k (key)
    cross join lateral (select id from incident where dedup_key = k.key limit 1) i order by i.id
)
select held.id from them cross join lateral (
    select id from incident where id = them.id and dedup_key is not null limit 1 for no key update) held

-- name: lock
-- Some incidents, held until commit. Lock order everywhere: incident, then timer, then page.
select id from incident where id = any(%(ids)s::bigint[]) order by id for no key update

-- name: lock_or_skip
-- Those of some incidents that nobody else is changing at this moment.
select id from incident where id = any(%(ids)s::bigint[]) order by id for no key update skip locked

-- name: situation
-- All that a decision needs to know about some cases, by id or else key: the hub's time (read once), whether this
-- finding is known, the policy for a new case, a number for it, and the case itself with its timer and end of chain.
with t as materialized (select hub_now() as now),
p as materialized (
    select (select id from policy_version order by id desc limit 1) as active)  -- whatever the clock said then
select t.now,
       (select incident_id from alert where alert_id = c.alert) as seen_in,
       p.active as active_policy,
       case when i.id is null then nextval(pg_get_serial_sequence('incident', 'id')) end as next_id,
       (select id from incident
         where i.id is null and resident_id = c.resident and closed_at > t.now - interval '24 hours'
         order by opened_at desc limit 1) as before,
       i.id, i.dedup_key, i.kind, i.severity, i.state, i.policy_version, i.policy_name, i.opened_at, i.resident_id,
       i.device_id, i.area, i.step, i.round, i.handler_id, i.responder_id, i.responder_role, i.presses, i.paged_at, i.test,
       i.handed_to, i.expires_at, i.resolved_by, i.disposition, i.linked_to, i.services, i.proof, i.asked, i.declined, i.held_round, i.version,
       w.kind as timer_kind, w.due_at, w.step as timer_step, w.round as timer_round,
       e.seq, e.hash
from t cross join p
cross join json_to_recordset(%(cases)s::json)
    as c (nr int, id bigint, key text, alert text, device bigint, kind text, resident bigint)
-- Each by its key, however many there are: without the limits a plan for many cases would read them all.
left join lateral (
    select * from incident where id = coalesce(c.id, (select id from incident where dedup_key = c.key limit 1)) limit 1) i on true
left join lateral (select kind, due_at, step, round from timer where incident_id = i.id limit 1) w on true
left join lateral (select seq, hash from incident_event where incident_id = i.id order by seq desc limit 1) e on true
order by c.nr

-- name: open
-- New incidents with their timers, pages, events and words to devices. Where another transaction opened one of the cases
-- a moment earlier, fewer are opened than `must` be: an error that says to try again.
with new as materialized (
    select * from json_to_recordset(%(incidents)s::json) as n (
        id bigint, key text, resident bigint, device bigint, area text, kind text, severity int, state text,
        policy_version bigint, policy_name text, step int, round int, presses int, paged_at timestamptz,
        expires_at timestamptz, test bool, opened_at timestamptz, linked_to bigint, services text[], proof text,
        asked bigint[], declined bigint[], version int, urgent bool, now timestamptz, actor text, timer_kind text,
        timer_due timestamptz, timer_step int, timer_round int, alert_id text, alert_device bigint, alert_kind text,
        alert_severity int, alert_rule text, alert_identity text, alert_raised_at timestamptz,
        alert_measured_at timestamptz, alert_evidence text)
), opened as (
    insert into incident (id, dedup_key, resident_id, device_id, area, kind, severity, state, policy_version, policy_name,
                          step, round, presses, paged_at, expires_at, test, opened_at, linked_to, services, proof, asked,
                          declined, version)
    overriding system value
    select id, key, resident, device, area, kind, severity, state, policy_version, policy_name, step, round, presses,
           paged_at, expires_at, test, opened_at, linked_to, services, proof, asked, declined, version
    from new order by key
    on conflict (dedup_key) do nothing
    returning id
), ticking as (
    insert into timer (incident_id, kind, due_at, step, round, set_at)
    select id, timer_kind, timer_due, timer_step, timer_round, now from opened join new using (id)
), found as (
    insert into alert (alert_id, incident_id, device_id, kind, severity, rule, identity, raised_at, measured_at, evidence)
    select alert_id, id, alert_device, alert_kind, alert_severity, alert_rule, alert_identity, alert_raised_at,
           alert_measured_at, alert_evidence::jsonb
    from opened join new using (id)
), rung as (
    insert into page (incident_id, round, step, person_id, role, channel, address, purpose, due_at, urgent, created_at)
    select id, p.round, p.step, p.person, p.role, p.channel, p.address, p.purpose, p.due_at, urgent, now
    from opened join new using (id)
    join json_to_recordset(%(pages)s::json) as p (nr int, incident bigint, round int, step int, person bigint, role text,
             channel text, address text, purpose text, due_at timestamptz) on p.incident = id
    order by p.nr, id  -- of pages that are due together the dispatcher takes the first: everybody's first page
    on conflict (incident_id, round, step, person_id, channel, purpose) do nothing
), written as (
    insert into incident_event (incident_id, seq, at, actor, what, body, prev_hash, hash)
    select id, e.seq, now, actor, e.what, e.body::jsonb, decode(e.prev, 'hex'), decode(e.hash, 'hex')
    from opened join new using (id)
    join json_to_recordset(%(events)s::json) as e (incident bigint, seq int, what text, body text, prev text, hash text)
         on e.incident = id
), told as (
    insert into downlink (topic, payload, retain, device_id, created_at, expires_at)
    select d.topic, decode(d.payload, 'hex'), d.retain, d.device, now, now + %(told_for)s::interval
    from opened join new using (id)
    join json_to_recordset(%(words)s::json) as d (incident bigint, topic text, payload text, retain bool, device bigint)
         on d.incident = id
    returning id
)
select raced(%(must)s::bigint, (select count(pg_notify('carehub_incident', id::text)) from opened)),
       (select count(pg_notify('carehub_downlink', id::text)) from told)

-- name: change
-- One change of an incident that the caller holds. Waiting alarm pages are withdrawn before new ones are written;
-- a page that is being sent right now is marked, so that it is not sent again; whoever was told is stood down, unless
-- they go, have the case, or are called anew.
with c as materialized (
    select * from json_to_recordset(%(incidents)s::json) as c (
        id bigint, kind text, severity int, state text, policy_name text, step int, round int, presses int,
        paged_at timestamptz, expires_at timestamptz, test bool, linked_to bigint, services text[], proof text, asked bigint[],
        declined bigint[], held_round int, version int, urgent bool, now timestamptz, actor text, timer_kind text,
        timer_due timestamptz, timer_step int, timer_round int, alert_id text, alert_device bigint, alert_kind text,
        alert_severity int, alert_rule text, alert_identity text, alert_raised_at timestamptz,
        alert_measured_at timestamptz, alert_evidence text, ended bool, handler bigint, responder bigint,
        responder_role text, handed_to text, resolved_by bigint, disposition text, withdraw bool, standing_down text[],
        spoken text[])
), calling as materialized (
    select * from json_to_recordset(%(pages)s::json) as p (nr int, round int, step int, person bigint, role text,
             channel text, address text, purpose text, due_at timestamptz)
), changed as (
    update incident i set
        dedup_key = case when not c.ended then i.dedup_key end, closed_at = case when c.ended then c.now end,
        kind = c.kind, severity = c.severity, policy_name = c.policy_name, test = c.test, state = c.state, step = c.step,
        round = c.round, handler_id = c.handler, responder_id = c.responder, responder_role = c.responder_role,
        presses = c.presses, paged_at = c.paged_at, handed_to = c.handed_to, expires_at = c.expires_at,
        resolved_by = c.resolved_by, disposition = c.disposition, linked_to = c.linked_to, services = c.services,
        proof = c.proof, asked = c.asked, declined = c.declined, held_round = c.held_round, version = c.version
    from c where i.id = (select id from c)
    returning i.id
), ticking as (
    insert into timer (incident_id, kind, due_at, step, round, set_at)
    select id, timer_kind, timer_due, timer_step, timer_round, now from c where not ended
    on conflict (incident_id) do update
        set kind = excluded.kind, due_at = excluded.due_at, step = excluded.step, round = excluded.round,
            set_at = excluded.set_at
), silent as (
    delete from timer where incident_id = (select id from c where ended)
), found as (
    insert into alert (alert_id, incident_id, device_id, kind, severity, rule, identity, raised_at, measured_at, evidence)
    select alert_id, id, alert_device, alert_kind, alert_severity, alert_rule, alert_identity, alert_raised_at,
           alert_measured_at, alert_evidence::jsonb
    from c where alert_id is not null
), taken_back as (
    update page set
        state = case when state in ('ready', 'sent') then 'withdrawn' else state end, withdrawn_at = (select now from c),
        lease_until = case when state = 'sent' then null else lease_until end
    where incident_id = (select id from c where withdraw) and withdrawn_at is null
      and purpose = 'alarm' and state in ('ready', 'sending', 'sent')
    returning id, person_id, role, channel, address, state
), unsaid as (
    -- An acknowledgement holds its downlink and then wants the page that we hold: never wait for it, it has been heard.
    update downlink set expires_at = (select now from c) where id in (
        select d.id from downlink d join page p on p.id = d.page_id
        where p.incident_id = (select id from c where withdraw) and p.purpose = 'alarm' and p.state = 'sent'
          and d.delivered_at is null and d.expires_at > (select now from c)
        for no key update of d skip locked)
), superseded as (
    update page set state = 'withdrawn', withdrawn_at = (select now from c), receipt = 'called anew, after: ' || receipt
    where incident_id = (select id from c where not withdraw) and purpose = 'alarm' and state = 'ready' and attempts > 0
      and (person_id, channel) in (select person, channel from calling)
), stood_down as (
    insert into page (incident_id, round, step, person_id, role, channel, address, purpose, due_at, urgent, created_at)
    select distinct on (heard.person_id, heard.channel) c.id, c.round, c.step, heard.person_id, heard.role, heard.channel,
           heard.address, 'stand_down', c.now, c.urgent, c.now
    from c cross join (
        select p.id, p.person_id, p.role, p.channel, p.address from page p
        where p.incident_id = (select id from c) and p.purpose = 'alarm' and p.state in ('sending', 'sent', 'delivered', 'read')
        union all
        select id, person_id, role, channel, address from taken_back where state = 'sending') heard
    where heard.role = any(c.standing_down) and heard.channel = any(c.spoken)
      and heard.person_id is distinct from c.handler and heard.person_id is distinct from c.responder
      and heard.person_id not in (select person from calling)
      and not exists (select from page s where s.incident_id = c.id and s.purpose = 'stand_down'
                                           and s.person_id = heard.person_id and s.channel = heard.channel and s.id > heard.id)
    order by heard.person_id, heard.channel, heard.id desc
    on conflict (incident_id, round, step, person_id, channel, purpose) do nothing
), rung as (
    insert into page (incident_id, round, step, person_id, role, channel, address, purpose, due_at, urgent, created_at)
    select c.id, p.round, p.step, p.person, p.role, p.channel, p.address, p.purpose, p.due_at, c.urgent, c.now
    from c cross join calling p order by p.nr
    on conflict (incident_id, round, step, person_id, channel, purpose) do nothing
), written as (
    insert into incident_event (incident_id, seq, at, actor, what, body, prev_hash, hash)
    select c.id, e.seq, c.now, c.actor, e.what, e.body::jsonb, decode(e.prev, 'hex'), decode(e.hash, 'hex') from c
    cross join json_to_recordset(%(events)s::json) as e (seq int, what text, body text, prev text, hash text)
), told as (
    insert into downlink (topic, payload, retain, device_id, created_at, expires_at)
    select d.topic, decode(d.payload, 'hex'), d.retain, d.device, c.now, c.now + %(told_for)s::interval from c
    cross join json_to_recordset(%(words)s::json) as d (topic text, payload text, retain bool, device bigint)
    returning id
)
select id, pg_notify('carehub_incident', id::text), (select count(pg_notify('carehub_downlink', id::text)) from told)
from changed

-- name: append
-- One event without a change of state (a note), written by whoever holds the incident.
insert into incident_event (incident_id, seq, at, actor, what, body, prev_hash, hash)
values (%(id)s, %(seq)s, %(at)s, %(actor)s, %(what)s, %(body)s::jsonb, %(prev_hash)s, %(hash)s)
returning pg_notify('carehub_incident', incident_id::text)

-- name: ticking
-- The hub's time; when to look again, a little before the earliest timer; and those that should have fired or will in a
-- moment, the most overdue first, with the seconds until they are due; without those that failed a moment ago. A clock
-- that a simulation holds does not run ahead.
with t as materialized (
    select hub_now() as now, case when exists (select from clock) then interval '0 s' else %(ahead)s::interval end as ahead
)
select t.now, (select min(due_at) from timer where incident_id <> all(%(except)s::bigint[])) - t.ahead / 2,
       coalesce(due.ids, '{}'), coalesce(due.in_s, '{}')
from t, lateral (
    select array_agg(incident_id order by due_at) as ids,
           array_agg(extract(epoch from due_at - t.now)::float8 order by due_at) as in_s
    from (
        select incident_id, due_at from timer
        where due_at <= t.now + t.ahead and incident_id <> all(%(except)s::bigint[]) order by due_at limit %(limit)s
    ) soonest
) due

-- name: chain
-- The whole chain of one incident.
select seq, at, actor, what, body, prev_hash, hash from incident_event where incident_id = %(id)s order by seq

-- name: add_note
-- Words people write lie beside the chain, where they can be erased.
insert into note (incident_id, person_id, at, text) values (%(id)s, %(person)s, %(at)s, %(text)s) returning id

-- name: answered
-- A tap, once per nonce. No row: it was answered before.
insert into response (incident_id, person_id, nonce, verb, at)
values (%(id)s, %(person)s, %(nonce)s, %(verb)s, hub_now())
on conflict do nothing returning nonce

-- name: count_open
-- Incidents that have not ended, by severity and state. The canary is nobody's.
select severity, state, count(*) from incident i where dedup_key is not null
  and not exists (select from resident where id = i.resident_id and canary) group by severity, state
