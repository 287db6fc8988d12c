-- name: alone
select pg_try_advisory_lock(%(lock)s)

-- name: done
select pg_advisory_unlock(%(lock)s)

-- name: rolled_up
-- Up to when everything is rolled up that is made of rows.
select min(hour) from (select hour from vital_mark union all select hour from measured_mark) m having count(*) = 2

-- name: strays
-- Days of rows that came when theirs was put away: they went to the default partition.
select distinct date_bin('1 day', received_at, '2000-01-01 00:00+00') from telemetry_rest where received_at < %(before)s order by 1

-- name: next_device
select min(device_id) from telemetry
where received_at >= %(day)s and received_at < %(end)s and device_id >= %(first)s

-- name: pack
-- Rows of one day and some devices become one row a device: taken and put in one statement, so that no crash loses or doubles
-- any. What came while it ran stays a row for the next time. Order and difference come from the same window, so they agree.
with gone as (
    delete from telemetry
    where received_at >= %(day)s and received_at < %(end)s and device_id >= %(first)s and device_id < %(last)s
    returning *
), fitting as (
    select *, date_trunc('milliseconds', received_at) = received_at and date_trunc('milliseconds', measured_at) = measured_at
              and measured_at > received_at - interval '700000 days' and measured_at < received_at + interval '700000 days'
              and (sequence is null or sequence between -4000000000000000000 and 4000000000000000000)
              and (steps is null or steps between -32768 and 32767)
              and {whole} as fits
    from gone
), placed as (
    select *, row_number() over w as n,
           round(date_part('epoch', received_at) * 1000)::bigint
               - coalesce(lag(round(date_part('epoch', received_at) * 1000)::bigint) over w,
                          round(date_part('epoch', %(day)s::timestamptz) * 1000)::bigint) as after,
           case when fits then round(date_part('epoch', received_at) * 1000)::bigint
                               - round(date_part('epoch', measured_at) * 1000)::bigint end as late,
           batch - coalesce(lag(batch) over w, first_value(batch) over w) as batches, first_value(batch) over w as first_batch
    from fitting window w as (partition by device_id, fits order by received_at, batch)
)
insert into telemetry_packed (received_at, device_id, messages, first_batch, after_high, after_low, late_high, late_low, batch_high,
    batch_low, sequence, heart_rate, spo2, respiration, temperature, systolic, diastolic, battery, steps, worn, implausible, odd)
select max(received_at), device_id, count(*), coalesce(min(first_batch) filter (where fits), min(batch)),
       array_agg((after >> 15)::int) filter (where fits), array_agg((after & 32767)::smallint) filter (where fits),
       array_agg((late >> 15)::int) filter (where fits), array_agg((late & 32767)::smallint) filter (where fits),
       array_agg((batches >> 15)::int) filter (where fits), array_agg((batches & 32767)::smallint) filter (where fits),
       case when count(sequence) > 0 then array_agg(sequence - n) filter (where fits) end,
       {hundredths},
       case when count(steps) > 0 then array_agg(steps::smallint) filter (where fits) end,
       case when count(worn) > 0 then array_agg(worn) filter (where fits) end,
       case when count(implausible) > 0 then array_agg(implausible) filter (where fits) end,
       jsonb_agg(to_jsonb(placed) - '{device_id,fits,n,after,late,batches,first_batch}'::text[]) filter (where not fits)
from placed group by device_id

-- name: spread
-- What an erasure leaves of a day that was hers in part: rows again. They are put away again when their time comes.
insert into telemetry (received_at, device_id, batch, measured_at, sequence, heart_rate_bpm, spo2_pct, respiration_rpm, temperature_c,
                       systolic_mmhg, diastolic_mmhg, steps, battery_pct, worn, implausible)
select received_at, device_id, batch, measured_at, sequence, heart_rate_bpm, spo2_pct, respiration_rpm, temperature_c,
       systolic_mmhg, diastolic_mmhg, steps, battery_pct, worn, implausible
from telemetry_unpacked
where device_id = %(device)s and last_at > %(begin)s and last_at < %(edge)s
  and (last_at < %(first_ends)s or last_at >= %(last_begins)s) and not (received_at > %(begin)s and received_at <= %(end)s)

-- name: forget
-- Whole days that touch a time; returns how many messages they held.
with gone as (
    delete from telemetry_packed where device_id = %(device)s and received_at > %(begin)s and received_at < %(edge)s
    returning messages
)
select coalesce(sum(messages), 0) from gone

-- name: columns
-- What a row of telemetry holds: a column this release does not know is not put away, and so nothing is.
select array_agg(attname::text order by attname) from pg_attribute
where attrelid = to_regclass('telemetry') and attnum > 0 and not attisdropped

-- name: kept
-- Device-days that are put away, and the messages in them.
select count(*), coalesce(sum(messages), 0) from telemetry_packed
