-- name: body
-- The text of one published version. It never changes.
select body from policy_version where id = %(id)s

-- name: active
-- The version new incidents get, if any was ever published: the last one, whatever the clock said then. By its time, a
-- clock that was set back would put a policy out of force that people rely on, and later an old one into force again.
select id from policy_version order by id desc limit 1

-- name: alone
-- Versions are published one after the other; who reads the active one meanwhile does not wait.
lock table policy_version in share row exclusive mode

-- name: publish
-- A new version, active from now. The text that is active already stays the version it is.
with active as (
    select id, sha256 from policy_version order by id desc limit 1
), again as (
    update policy_version set active_from = hub_now()
    where id = (select id from active where sha256 = %(sha256)s) returning id
), fresh as (
    insert into policy_version (sha256, body, active_from, published_at, published_by, published_as, comment, forced, restored)
    select %(sha256)s, %(body)s, hub_now(), hub_now(), %(by)s, %(name)s, %(comment)s, %(forced)s::jsonb, %(restored)s
    where not exists (select from again)
    returning id
)
select id, pg_notify('carehub_config', '') from (select id from again union all select id from fresh) as one

-- name: first
-- The standard policy, unless somebody published one a moment ago.
insert into policy_version (sha256, body, active_from, published_as)
select %(sha256)s, %(body)s, hub_now(), 'carehub'
where not exists (select from policy_version)

-- name: history
-- What was published, newest first, with how many incidents opened under it and how many of them are open.
select v.id, v.body, v.published_at, coalesce(nullif(v.published_as, ''), p.name, '') as published_as, v.comment, v.forced,
       v.restored, v.id = (select max(id) from policy_version) as active,
       coalesce(i.open, 0) as open
from policy_version v
left join person p on p.id = v.published_by
left join lateral (select count(*) as open from incident where policy_version = v.id and dedup_key is not null) i on true
where %(id)s::bigint is null or v.id = %(id)s
order by v.id desc limit %(limit)s

-- name: before
-- The text that was active before a version became so.
select id, body from policy_version
where id < %(id)s order by id desc limit 1

-- name: rosters
-- Duty lists there are: named ones, and those that have anybody on them, now or later.
select name from roster
union
select roster from shift where roster <> '' and coalesce(upper(during), 'infinity') > hub_now()
order by 1

-- name: people
-- Everybody who may be called, and whether there is any way to.
select p.id, p.name, p.role, p.area, exists (select from contact c where c.person_id = p.id)
from person p where p.active and not p.canary and not office_only(p.role)

-- name: areas
-- Where residents live.
select distinct area from resident where served(canary, ended_at)

-- name: residents
-- Whom a dry run may be for: by number, by name, or all of them, so many at most.
select id, name, area, address from resident
where served(canary, ended_at) and (%(id)s::bigint is null or id = %(id)s) and (%(name)s::text is null or name = %(name)s)
order by name, id limit %(limit)s

-- name: names
-- Whom a dry run calls, by name.
select id, name from person where id = any(%(people)s)

-- name: supervisor
-- Who publishes from the command line in somebody's name.
select id, name from person where login = %(login)s and role = 'supervisor' and active
