-- name: body
-- The text of one published version. It never changes.
select body from policy_version where id = %(id)s

-- name: active
-- The version new incidents get, if any was ever published.
select id from policy_version where active_from <= hub_now() order by active_from desc, id desc limit 1

-- name: publish
-- A new version, active from now. The same text again is the same version, made active again.
insert into policy_version (sha256, body, active_from, published_by)
values (%(sha256)s, %(body)s, hub_now(), %(by)s)
on conflict (sha256) do update set active_from = excluded.active_from, published_by = excluded.published_by
returning id, pg_notify('carehub_config', '')

-- name: first
-- The standard policy, unless somebody published one a moment ago.
insert into policy_version (sha256, body, active_from) select %(sha256)s, %(body)s, hub_now()
where not exists (select from policy_version where active_from <= hub_now())
on conflict (sha256) do nothing

-- name: rosters
-- Duty lists that have anybody on them, now or later.
select distinct roster from shift where roster <> '' and coalesce(upper(during), 'infinity') > hub_now() order by roster
