-- name: server
-- The server, its promises, its clock, and whether the hub's time is the real one.
select current_setting('server_version_num')::int as version, current_setting('TimeZone') as zone,
       current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit, clock_timestamp() as at, hub_now() as hub_at,
       current_setting('max_connections')::int as most,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
       pg_database_size(current_database()) as bytes

-- name: ran
-- The migrations that ran here, with the digest of their text.
select name, sha256 from schema_migration order by name

-- name: schema_there
select to_regclass('schema_migration') is not null

-- name: owners
-- Who holds the devices, and how many send pages.
select count(*) filter (where classid = %(ingest)s::bigint::oid) as ingest,
       count(*) filter (where classid = %(workers)s::bigint::oid) as dispatch
from pg_locks where locktype = 'advisory' and objsubid = 2 and granted
  and database = (select oid from pg_database where datname = current_database())

-- name: log_kept
-- How much of the log lies on the server's disk, and who holds it back.
select coalesce((select sum(size) from pg_ls_waldir()), 0)::bigint as bytes,
       pg_size_bytes(current_setting('max_wal_size')) as limit_bytes,
       coalesce((select string_agg(slot_name, ', ') from pg_replication_slots where not active), '') as idle,
       coalesce((select max(pg_current_wal_lsn() - restart_lsn) from pg_replication_slots where not active), 0)::bigint
           as held_bytes,
       current_setting('max_slot_wal_keep_size') as slot_limit,
       current_setting('data_directory') as folder

-- name: parts
select role, extract(epoch from hub_now() - at)::float8 as age_s, says from heartbeat order by role

-- name: findings
select rule, subject, detail from audit_finding where cleared_at is null order by found_at limit 100

-- name: canary
select extract(epoch from hub_now() - at)::float8 as age_s, lost, detail from canary_round order by id desc limit 1

-- name: staff
-- Who could take a case: people with a way to sign in.
select count(*) filter (where role = 'operator') as operators, count(*) filter (where role = 'supervisor') as supervisors
from person where login is not null and password_hash is not null and active and not canary

-- name: duty
select (select count(*) from resident where served(canary, ended_at)) as residents,
       (select extract(epoch from hub_now() - at)::float8 from coverage_run limit 1) as age_s,
       (select count(*) from coverage_hole) as holes,
       (select min(first_hour) from coverage_hole) as first_hour,
       (select count(*) from resident r where served(r.canary, r.ended_at)
           and not exists (select from care_circle c where c.resident_id = r.id)) as without_circle

-- name: ownerless
-- Sign-ins that are still good and belong to nobody who is still there.
select c.username from credential c left join device d on d.id = c.device_id
where c.active and ((c.kind = 'device' and (d.id is null or d.state = 'retired'))
                    or (c.kind = 'responder' and c.person_id is null)) order by 1 limit 100
