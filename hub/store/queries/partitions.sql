-- name: make_telemetry
-- One wide row per message: narrow rows would be ten times the disk. No key: repeats are recognised before COPY.
create table if not exists telemetry (
    received_at      timestamptz not null,
    device_id        bigint not null,
    batch            bigint not null,
    measured_at      timestamptz not null,
    sequence         bigint,
    heart_rate_bpm   real,
    spo2_pct         real,
    respiration_rpm  real,
    temperature_c    real,
    systolic_mmhg    real,
    diastolic_mmhg   real,
    steps            int,
    battery_pct      real,
    worn             boolean,
    implausible      boolean                          -- a vital sign no living body shows was left out; null: none was
)

-- name: make_observation
-- What has no column of its own: states, alarms, places, a sensor's odd values.
create table if not exists observation (
    received_at      timestamptz not null,
    device_id        bigint not null,
    batch            bigint not null,
    measured_at      timestamptz not null,
    code             text not null,
    number           double precision,                -- numbers and booleans (1, 0)
    word             text,                            -- texts
    unit             text,
    quality          text not null,
    stage            text,
    channel          text,
    native           text,
    lat              double precision,
    lon              double precision,
    sequence         bigint,                          -- the message's own number
    identity         text,                            -- what makes a repeat of the same event recognisable
    sub              text,                            -- which measuring point
    device_at        timestamptz,                     -- what the device's clock said, where measured_at is ours
    accuracy_m       real                             -- how far off a position may be, as the device said
)

-- name: make_accel_window
-- Bursts of wrist acceleration: (n, 3) little-endian int16, 1/1000 g and 0.002 rad/s.
create table if not exists accel_window (
    received_at      timestamptz not null,
    device_id        bigint not null,
    batch            bigint not null,
    first            bigint not null,
    rate_hz          real not null,
    accel            bytea not null,
    gyro             bytea
)

-- name: make_raw_batch
-- The bytes as they came, one row a batch: see hub.store.raw for the layout. Kept for hours, up to a limit of bytes.
create table if not exists raw_batch (
    received_at      timestamptz not null,
    batch            bigint not null,
    messages         int not null,
    body             bytea not null
)

-- name: make_numbers
-- Batch numbers are taken by the thousand, so that they rise over restarts and cost nothing.
create sequence if not exists batch_number

-- name: kind
-- r: plain or hypertable, p: partitioned, no row: not there.
select c.relkind from pg_class c where c.oid = to_regclass(%(table)s)

-- name: timescale_available
-- Whether the server has the extension, and whether its library is preloaded: without that CREATE EXTENSION would end the session.
-- What is preloaded is told to superusers only; the library's own settings to everybody. One that merely stands in a file, of a
-- library that is not there, is not in this view.
select exists (select from pg_available_extensions where name = 'timescaledb'),
       exists (select from pg_settings where name = 'timescaledb.max_background_workers')

-- name: hypertables
select hypertable_name from timescaledb_information.hypertables where hypertable_schema = current_schema()

-- name: rolled_in
-- The tables behind the continuous aggregates.
select view_name::text, materialization_hypertable_schema::text, materialization_hypertable_name::text
from timescaledb_information.continuous_aggregates
where view_schema = current_schema() and view_name in ('vital_hour_kept', 'measured_hour_kept', 'measured_day_kept')

-- name: rolled
select to_regclass('measured_day_kept') is not null

-- name: chunks
-- Chunks of one hypertable that is not compressed: where each ends and its size in bytes, the oldest first.
select c.range_end, pg_total_relation_size(format('%%I.%%I', c.chunk_schema, c.chunk_name)::regclass)
from timescaledb_information.chunks c
where c.hypertable_schema = current_schema() and c.hypertable_name = %(table)s
order by c.range_start

-- name: children
-- Partitions of one table with their size in bytes, oldest name first; the default partition is not among them.
select c.relname, pg_total_relation_size(c.oid)
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass(%(table)s) and c.relname <> %(table)s || '_rest'
order by c.relname
