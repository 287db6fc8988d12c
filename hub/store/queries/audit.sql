-- name: wrong
-- Everything that should not be at this moment: rule, subject, detail. One snapshot, one reading of the hub's time.
with t as materialized (select hub_now() as now)
select t.now, null::text as rule, null::text as subject, ''::text as detail from t
union all
select t.now, 'silent_incident', 'incident:' || i.id, 'open and without a timer'
from t, incident i where i.dedup_key is not null and not exists (select from timer where incident_id = i.id)
union all
select t.now, 'timer_late', 'incident:' || w.incident_id, w.kind || ' timer'
from t, timer w where w.due_at < t.now - %(late)s::interval
union all
select t.now, 'page_late', 'incident:' || p.incident_id, min(p.channel) || ': nobody sends it'
from t, page p where p.state = 'ready' and p.due_at < t.now - %(late)s::interval group by t.now, p.incident_id
union all
select t.now, 'dispatch_gone', 'dispatch', 'no dispatcher is alive'
from t where not exists (select from pg_locks where locktype = 'advisory' and classid = %(workers)s::int and objsubid = 2
    and granted and database = (select oid from pg_database where datname = current_database()))
  -- Everybody starts at once, and the first to look is early. What was found before stays found.
  and (coalesce(t.now - %(since)s::timestamptz > %(starting)s::interval, true)
       or exists (select from audit_finding where rule = 'dispatch_gone' and cleared_at is null))
union all
select t.now, 'nobody_reachable', 'incident:' || i.id, 'nobody of its policy can be called now'
from t, incident i cross join lateral (
    select what from incident_event where incident_id = i.id and what in ('rung', 'nobody_reachable') order by seq desc limit 1) e
where i.dedup_key is not null and not i.test and e.what = 'nobody_reachable'
  -- The canary's own operator may be gone with his console: that is canary_lost, and nobody is in danger.
  and not exists (select from resident where id = i.resident_id and canary)
union all
select t.now, 'nobody_heard', 'incident:' || i.id, 'people are called and no page has arrived'
from t, incident i
where i.dedup_key is not null and i.state = 'open' and i.severity <= 2 and not i.test and i.opened_at < t.now - %(unheard)s::interval
  and not exists (select from page where incident_id = i.id and state in ('delivered', 'read'))
  and not exists (select from resident where id = i.resident_id and canary)
union all
select t.now, 'page_impossible', 'incident:' || p.incident_id, min(p.channel) || ': under way, and nobody has it'
from t, page p where p.state = 'sending' and (p.owner is null or p.lease_until is null) group by t.now, p.incident_id
union all
select t.now, 'page_impossible', 'incident:' || p.incident_id, min(p.channel) || ': waits to call for an incident that has ended'
from t, page p join incident i on i.id = p.incident_id
where p.state = 'ready' and p.purpose = 'alarm' and i.closed_at < t.now - %(late)s::interval group by t.now, p.incident_id
union all
select t.now, 'page_stuck', 'incident:' || p.incident_id, min(p.channel) || ': its sender is overdue and nobody takes it back'
from t, page p where p.state in ('sending', 'sent') and p.lease_until < t.now - %(stuck)s::interval group by t.now, p.incident_id
union all
select t.now, 'outbox_grows', 'outbox', 'more than ' || %(outbox_most)s::int || ' pages are due and not claimed'
from t where %(outbox_most)s::int < (
    select count(*) from (select from page where state = 'ready' and due_at <= t.now limit %(outbox_most)s::int + 1) waiting)
union all
select t.now, 'coverage_stalled', 'coverage', 'last worked out at ' || c.at
from t, coverage_run c where c.at < t.now - %(coverage_old)s::interval
union all
select t.now, 'homes_stalled', 'homes', 'last read at ' || h.at
from t, home_mark h where h.at < t.now - %(homes_old)s::interval
  and coalesce(%(since)s::timestamptz < t.now - %(homes_old)s::interval, true)
union all
select t.now, 'subscription_disabled', 'subscription:' || s.id, coalesce(s.disabled_why, '')
from t, api_subscription s where not s.active
union all
select t.now, 'exchange_failing', 'platform:' || p.id, p.why
from t, exchange_platform p where p.active and p.failing_since < t.now - interval '1 day'

-- name: remember
-- New findings become rows; those that are over are cleared. A broken chain stays until somebody has looked.
with found as (
    select * from unnest(%(rules)s::text[], %(subjects)s::text[], %(details)s::text[]) as f (rule, subject, detail)
), fresh as (
    insert into audit_finding (rule, subject, detail, found_at) select rule, subject, detail, %(now)s from found
    on conflict (rule, subject) where cleared_at is null do nothing
    returning rule, subject, detail
), over as (
    update audit_finding a set cleared_at = %(now)s
    where cleared_at is null and rule <> 'broken_chain'
      and not exists (select from found f where f.rule = a.rule and f.subject = a.subject)
    returning rule, subject, detail
), alive as (
    insert into heartbeat (role, at) values ('audit', %(now)s) on conflict (role) do update set at = excluded.at
), changed as (
    select true as fresh, rule, subject, detail from fresh union all select false, rule, subject, detail from over
)
select fresh, rule, subject, detail, pg_notify('carehub_audit', rule) from changed

-- name: standing
-- What is not over: for how long, and how long ago somebody acknowledged it.
select rule, subject, detail, extract(epoch from %(now)s - found_at)::float8,
       extract(epoch from %(now)s - acknowledged_at)::float8
from audit_finding where cleared_at is null order by id limit 1000

-- name: beat
-- One part of the watch is alive, and what it says.
insert into heartbeat (role, at, says) values (%(role)s, hub_now(), %(says)s)
on conflict (role) do update set at = excluded.at, says = excluded.says

-- name: call
-- To oneself: whether notifications come through.
select pg_notify('carehub_echo', '')

-- name: grown
-- Chains that grew lately, with the state their incident is in.
select e.incident_id, max(e.seq) from incident_event e where e.at >= %(since)s group by e.incident_id order by 1

-- name: some
-- A few incidents more of all there ever were, to be looked through from the beginning.
select id from incident where id > %(after)s order by id limit %(limit)s

-- name: links
-- The ends of some chains, each from an entry that is known to be good.
select e.incident_id, e.seq, e.at, e.actor, e.what, e.body, e.prev_hash, e.hash
from unnest(%(ids)s::bigint[], %(seqs)s::int[]) as good (id, seq)
join incident_event e on e.incident_id = good.id and e.seq > good.seq
order by e.incident_id, e.seq

-- name: as_is
-- What the tables say of some incidents and their timers, to be held against the chains. Same snapshot as nothing else:
-- ask inside a repeatable read.
select i.id, i.state, i.version, i.step, i.round, t.kind, t.due_at
from incident i left join timer t on t.incident_id = i.id where i.id = any(%(ids)s::bigint[])

-- name: anchor
-- The heads of all chains as they were at the end of a day, in one hash.
-- Without the canary's, which are let go after some days. A chain that is made the canary's to be let go is missed here.
select count(*), encode(sha256(coalesce(string_agg(head, ''::bytea order by incident_id), ''::bytea)), 'hex')
from (select distinct on (e.incident_id) e.incident_id, e.hash as head
      from incident_event e join incident i on i.id = e.incident_id left join resident r on r.id = i.resident_id
      where e.at < %(until)s and r.canary is not true
      order by e.incident_id, e.seq desc) heads

-- name: anchored
-- What was written down for a day.
select incidents, sha256 from chain_anchor where day = %(day)s

-- name: anchored_days
-- The last days that were written down.
select day from chain_anchor order by day desc limit %(limit)s

-- name: drop_anchor
insert into chain_anchor (day, at, incidents, sha256) values (%(day)s, %(now)s, %(incidents)s, %(sha256)s)
on conflict (day) do nothing
