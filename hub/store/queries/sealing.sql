-- name: lock
select pg_advisory_xact_lock(%(lock)s)

-- name: keys
select id from seal_key order by made_at

-- name: add_key
insert into seal_key (id, made_at) values (%(id)s, hub_now()) on conflict do nothing

-- name: there
select to_regclass(%(table)s) is not null and exists (
    select from information_schema.columns where table_name = %(table)s and column_name = %(column)s) as there

-- name: histories
-- Changes of what is sealed: they keep it as it stood in the row. After a number, in order.
select id, kind, subject, fields from registry_change
where fields ?| %(columns)s and id > %(after)s order by id limit %(limit)s

-- name: write_history
update registry_change set fields = %(fields)s where id = %(id)s
