-- name: sound
-- Have a siren sound, and remember what stops it. The page is held meanwhile: whoever takes the case at this very moment
-- either comes first, and it stays silent, or comes after, and stops it.
with t as materialized (select hub_now() as now),
held as (select id, incident_id from page where id = %(page)s and withdrawn_at is null for share),
sounding as (
    insert into siren_sounding (page_id, incident_id, topic, stop, since)
    select held.id, held.incident_id, %(topic)s, %(stop)s, t.now from held, t
    on conflict (page_id) do update set since = excluded.since
)
insert into downlink (topic, payload, retain, device_id, page_id, created_at, expires_at)
select %(topic)s, %(payload)s, false, null, held.id, t.now, t.now + make_interval(secs => %(keep_s)s) from held, t
returning id, pg_notify('carehub_downlink', id::text)

-- name: trial
-- A message that belongs to no page: `carehub channels test`.
with t as materialized (select hub_now() as now)
insert into downlink (topic, payload, retain, created_at, expires_at)
select %(topic)s, %(payload)s, %(retain)s, t.now, t.now + make_interval(secs => %(keep_s)s) from t
returning id, pg_notify('carehub_downlink', id::text)

-- name: remember
-- What a provider calls this attempt. A number that is known already keeps its page.
insert into provider_ref (channel, provider, ref, page_id, attempt, at)
values (%(channel)s, %(provider)s, %(ref)s, %(page)s, %(attempt)s, hub_now())
on conflict do nothing

-- name: recall
-- Which attempt a provider speaks of.
select page_id, attempt from provider_ref where channel = %(channel)s and provider = %(provider)s and ref = %(ref)s

-- name: called
-- The page a report is about, held until the report is written.
select p.person_id, p.state, p.attempts, p.purpose, i.severity
from page p join incident i on i.id = p.incident_id
where p.id = %(page)s and p.channel = %(channel)s
for no key update of p

-- name: not_received
-- The provider says that it never arrived: again after a pause, or never, and the person's next channel at once. Only
-- while nobody has said otherwise, and only for the attempt that it speaks of.
with t as materialized (select hub_now() as now),
missed as (
    update page p set
        state = case when p.withdrawn_at is not null or i.dedup_key is null and p.purpose = 'alarm' then 'withdrawn'
                     when %(again_s)s::float8 is null then 'failed' else 'ready' end,
        due_at = case when %(again_s)s::float8 is null then p.due_at else t.now + make_interval(secs => %(again_s)s) end,
        owner = null, lease_until = null, receipt = %(receipt)s
    from t, incident i
    where p.id = %(page)s and p.state = 'sent' and p.attempts = %(attempt)s and i.id = p.incident_id
    returning p.id, p.incident_id, p.round, p.step, p.person_id, p.purpose, p.state, t.now
), next_channel as (
    update page set due_at = n.now
    from (select p.id, m.now from missed m join page p using (incident_id, round, step, person_id, purpose)
          where p.id <> m.id and p.state = 'ready' and p.attempts = 0 and p.due_at > m.now and m.state <> 'withdrawn'
          order by p.due_at limit 1
          for no key update of p skip locked) n
    where page.id = n.id
)
select state, pg_notify('carehub_page', id::text) from missed
