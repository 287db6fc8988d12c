-- name: turn
-- Whether this process goes through this kind now.
select pg_try_advisory_xact_lock(%(lock)s) and not exists (
    select from retention_run where kind = %(kind)s and at > hub_now() - %(every)s) as due

-- name: gone_through
insert into retention_run (kind, at, removed, removed_ever) values (%(kind)s, hub_now(), %(removed)s, %(removed)s)
on conflict (kind) do update set at = excluded.at, removed = excluded.removed,
    removed_ever = retention_run.removed_ever + excluded.removed

-- name: runs
select kind, at, removed, removed_ever from retention_run

-- name: previews
update registry_import set body = '' where id in (
    select id from registry_import where body <> '' and at < hub_now() - %(keep)s order by id limit %(limit)s)

-- name: absences
delete from absence where id in (
    select id from absence where coalesce(ended_at, ends_at) < hub_now() - %(keep)s order by ends_at limit %(limit)s)

-- name: left_notes
update resident set health_notes = '', door_code = '' where id in (
    select id from resident where ended_at < hub_now() - %(keep)s and (health_notes <> '' or door_code <> '')
    order by id limit %(limit)s)

-- name: left_data
select id from resident where ended_at < hub_now() - %(keep)s and erased_at is null and merged_into is null
  and not exists (select from device d where d.resident_id = resident.id and d.state <> 'retired')
  and not exists (select from incident i where i.resident_id = resident.id and i.closed_at is null)
order by ended_at limit least(%(limit)s, 50)

-- name: changes
update registry_change set fields = '{}' where id in (
    select id from registry_change where fields <> '{}' and at < hub_now() - %(keep)s order by id limit %(limit)s)

-- name: access
delete from access_log where id in (select id from access_log where at < hub_now() - %(keep)s order by id limit %(limit)s)
