-- name: save
insert into checkpoint (partition, part, through_batch, body, at)
values (%(partition)s, %(part)s, %(through)s, %(body)b, %(at)s)
on conflict (partition, part) do update
set through_batch = excluded.through_batch, body = excluded.body, at = excluded.at

-- name: parts
-- The names of everything of one partition, the summary ("all") first.
select part from checkpoint where partition = %(partition)s order by part <> 'all', part

-- name: load
select part, through_batch, body, at from checkpoint where partition = %(partition)s and part = %(part)s

-- name: save_pieces
-- Pieces of a block that have changed.
insert into checkpoint_piece (partition, part, name, slot, body)
select %(partition)s, %(part)s, n, s, b
from unnest(%(names)s::text[], %(slots)s::int[], %(bodies)b::bytea[]) as t(n, s, b)
on conflict (partition, part, name, slot) do update set body = excluded.body

-- name: forget_pieces
-- The block is another one now, or nobody knows what stands there: it is written anew.
delete from checkpoint_piece where partition = %(partition)s and part = %(part)s

-- name: load_pieces
select name, slot, body from checkpoint_piece where partition = %(partition)s and part = %(part)s

-- name: telemetry_after
-- What was stored since a checkpoint, in order, each row as the bytes of one value: two million of them are read again
-- after a minute or two at full rate. The time bound lets old partitions be left alone.
select int8send(batch) || int8send(device_id) || timestamptz_send(received_at) || timestamptz_send(measured_at)
       || int8send(coalesce(sequence, -1)) || float4send(coalesce(heart_rate_bpm, 'NaN')) || float4send(coalesce(spo2_pct, 'NaN'))
       || float4send(coalesce(respiration_rpm, 'NaN')) || float4send(coalesce(temperature_c, 'NaN'))
       || float4send(coalesce(systolic_mmhg, 'NaN')) || float4send(coalesce(diastolic_mmhg, 'NaN'))
       || float4send(coalesce(battery_pct, 'NaN')) || int4send(coalesce(steps, -1)) || int2send(coalesce(worn::int, -1)::int2)
       || int2send(coalesce(implausible::int, 0)::int2)
from telemetry
where batch > %(through)s and received_at > %(since)s
order by batch, received_at, sequence

-- name: windows_since
-- Acceleration of the last seconds, to bring fall streams back.
select batch, device_id, (extract(epoch from received_at) * 1000)::bigint, first, rate_hz, accel, gyro
from accel_window where received_at > %(since)s order by batch, received_at, first

-- name: own
-- One ingest owns a partition of devices; the lock lives as long as its connection.
select pg_advisory_lock(%(class)s, %(partition)s)

-- name: try_own
select pg_try_advisory_lock(%(class)s, %(partition)s)
