-- name: cluster
-- Which cluster this is, and where its log stands. Asked on an ordinary connection.
select (select system_identifier from pg_control_system())::text as system,
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as timeline,
       pg_size_bytes(current_setting('wal_segment_size')) as segment_bytes,
       (pg_current_wal_lsn() - '0/0')::bigint as lsn,
       current_setting('server_version_num')::int as server,
       current_database() as database,
       clock_timestamp() as at,
       (select sum(pg_database_size(oid)) from pg_database)::bigint as bytes,
       (select count(*) from pg_tablespace where spcname not in ('pg_default', 'pg_global')) as tablespaces,
       (select rolreplication or rolsuper from pg_roles where rolname = current_user) as may,
       current_setting('wal_level') as wal_level,
       coalesce((select max(name) from schema_migration), '') as migration

-- name: make_slot
-- The log is kept from now on until it has been fetched.
select pg_create_physical_replication_slot(%(slot)s, true)
where not exists (select from pg_replication_slots where slot_name = %(slot)s)

-- name: drop_slot
select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %(slot)s and not active

-- name: slot
-- How the one who follows the log is doing; lost: what it needs is gone, and it must begin anew.
select active, coalesce(wal_status, '') as status, (pg_current_wal_lsn() - restart_lsn)::bigint as behind_bytes
from pg_replication_slots where slot_name = %(slot)s

-- name: restored_to
-- The last change that a restored cluster holds, and whether it still reads the log.
select pg_last_xact_replay_timestamp(), pg_is_in_recovery()

-- name: holdings
-- What a database holds, in numbers.
select (select count(*) from incident) as incidents,
       (select count(*) from incident where dedup_key is not null) as open_incidents,
       (select coalesce(max(id), 0) from incident) as last_incident,
       (select count(*) from press) as presses,
       (select max(at) from press) as last_press,
       (select count(*) from resident) as residents,
       (select count(*) from person) as people,
       (select count(*) from device) as devices,
       (select count(*) from page where state in ('ready', 'sending')) as pages_waiting,
       (select max(name) from schema_migration) as migration
