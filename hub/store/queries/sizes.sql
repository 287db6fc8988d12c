-- name: of_partitions
-- Bytes with indexes and what lies apart, rows as counted last, and partitions that hold anything.
select sum(pg_total_relation_size(c.oid)), sum(greatest(c.reltuples, 0)), count(*) filter (where pg_relation_size(c.oid) > 0)
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass(%(table)s)

-- name: of_hypertable
-- The same of a hypertable, compressed chunks included.
select hypertable_size(%(table)s::regclass), approximate_row_count(%(table)s::regclass),
       (select count(*) from show_chunks(%(table)s::regclass))

-- name: rolled
select to_regclass('measured_day_kept') is not null

-- name: of_aggregate
select hypertable_size(%(table)s::regclass)

-- name: wearers
select count(*) from device where state = 'live' and resident_id is not null
