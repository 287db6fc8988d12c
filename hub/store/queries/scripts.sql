-- name: first
-- The scripts that came with the hub, unless somebody published some a moment ago.
insert into script_version (sha256, body, published_at)
select %(sha256)s, %(body)s, hub_now() where not exists (select from script_version)

-- name: alone
-- Versions are published one after the other; who reads the active one meanwhile does not wait.
lock table script_version in share row exclusive mode

-- name: publish
-- A new version for cases that open from now on; the text that is active already stays the version it is.
with active as (select id, sha256 from script_version order by id desc limit 1)
insert into script_version (sha256, body, published_at, published_by, comment)
select %(sha256)s, %(body)s, hub_now(), %(by)s, %(comment)s
where not exists (select from active where sha256 = %(sha256)s)
returning id, pg_notify('carehub_config', '')

-- name: body
-- The text of one version. It never changes.
select body from script_version where id = %(id)s

-- name: active
select id, body from script_version order by id desc limit 1

-- name: of_case
-- By which version a case runs: the one its first tick names, else the one that was active when it opened.
select coalesce(
    (select (e.body ->> 'version')::bigint from incident_event e where e.incident_id = %(incident)s and e.what = 'script_step'
      order by e.seq limit 1),
    (select max(v.id) from script_version v join incident i on i.id = %(incident)s and v.published_at <= i.opened_at),
    (select min(id) from script_version)) as version

-- name: ticks
-- What was ticked in a case, the last word of each step.
select distinct on (e.body ->> 'step') e.body ->> 'step' as step, e.body ->> 'said' as said, e.actor, e.at
from incident_event e where e.incident_id = %(incident)s and e.what = 'script_step'
order by e.body ->> 'step', e.seq desc

-- name: history
select v.id, v.published_at, v.comment, p.name, v.id = (select max(id) from script_version) as active
from script_version v left join person p on p.id = v.published_by order by v.id desc limit %(limit)s
