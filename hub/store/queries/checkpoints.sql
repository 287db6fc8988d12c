-- name: save
insert into checkpoint (partition, part, through_batch, body, at)
values (%(partition)s, %(part)s, %(through)s, %(body)b, %(at)s)
on conflict (partition, part) do update
set through_batch = excluded.through_batch, body = excluded.body, at = excluded.at

-- name: load
-- Everything of one partition, the summary ("all") first.
select part, through_batch, body, at from checkpoint where partition = %(partition)s order by part <> 'all', part

-- name: telemetry_after
-- What was stored since a checkpoint, in order. The time bound lets old partitions be left alone.
select batch, device_id, (extract(epoch from received_at) * 1000)::bigint, (extract(epoch from measured_at) * 1000)::bigint,
       coalesce(sequence, -1), heart_rate_bpm, spo2_pct, respiration_rpm, temperature_c, systolic_mmhg, diastolic_mmhg,
       coalesce(steps, -1), battery_pct, coalesce(worn::int, -1)
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
