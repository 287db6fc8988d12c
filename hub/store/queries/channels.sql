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

-- name: reported
-- The page a report is about, held until the report is written.
select p.person_id, p.state, p.attempts, p.purpose, i.severity
from page p join incident i on i.id = p.incident_id
where p.id = %(page)s and p.channel = %(channel)s
for no key update of p
