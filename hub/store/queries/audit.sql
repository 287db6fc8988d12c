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
union all
select t.now, 'nobody_heard', 'incident:' || i.id, 'people are called and no page has arrived'
from t, incident i
where i.dedup_key is not null and i.state = 'open' and i.severity <= 2 and not i.test and i.opened_at < t.now - %(unheard)s::interval
  and not exists (select from page where incident_id = i.id and state in ('delivered', 'read'))

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

-- name: grown
-- Chains that grew lately, with the state their incident is in.
select e.incident_id, max(e.seq) from incident_event e where e.at >= %(since)s group by e.incident_id order by 1

-- name: some
-- A few incidents more of all there ever were, to be looked through from the beginning.
select id from incident where id > %(after)s order by id limit %(limit)s

-- name: links
-- The end of one chain, from an entry that is known to be good.
select seq, at, actor, what, body, prev_hash, hash from incident_event
where incident_id = %(id)s and seq > %(seq)s order by seq

-- name: as_is
-- What the tables say of an incident and its timer, to be held against the chain. Same snapshot as nothing else: ask
-- inside a repeatable read.
select i.state, i.version, i.step, i.round, t.kind, t.due_at, (select max(seq) from incident_event where incident_id = i.id)
from incident i left join timer t on t.incident_id = i.id where i.id = %(id)s

-- name: anchor
-- The heads of all chains as they were at the end of a day, in one hash.
select count(*), encode(sha256(coalesce(string_agg(head, ''::bytea order by incident_id), ''::bytea)), 'hex')
from (select distinct on (incident_id) incident_id, hash as head from incident_event where at < %(until)s
      order by incident_id, seq desc) heads

-- name: anchored
-- What was written down for a day.
select incidents, sha256 from chain_anchor where day = %(day)s

-- name: drop_anchor
insert into chain_anchor (day, at, incidents, sha256) values (%(day)s, %(now)s, %(incidents)s, %(sha256)s)
on conflict (day) do nothing
