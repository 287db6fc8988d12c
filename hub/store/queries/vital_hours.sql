-- name: measured
-- Messages with a pulse by device and hour. Of those that came late the hour is not known, of those of a clock ahead neither.
-- The bins are those of alerts.detectors.baseline. Nothing here that a continuous aggregate may not hold: sums and cases.
select device_id, {hour} as hour,
       sum(case when steps > 0 then 1 else 0 end) as walked,
       sum(case when steps = 0 then 1 else 0 end) as still,
       sum(case when steps = 0 then round(heart_rate_bpm)::int else 0 end) as still_sum,
       sum(case when steps is null then 1 else 0 end) as blind,
       sum(case when steps is null then round(heart_rate_bpm)::int else 0 end) as blind_sum,
       sum(case when steps = 0 and heart_rate_bpm < 39.5 then 1 else 0 end) as r0,
       sum(case when steps = 0 and heart_rate_bpm >= 39.5 and heart_rate_bpm < 42.5 then 1 else 0 end) as r1,
       sum(case when steps = 0 and heart_rate_bpm >= 42.5 and heart_rate_bpm < 45.5 then 1 else 0 end) as r2,
       sum(case when steps = 0 and heart_rate_bpm >= 45.5 and heart_rate_bpm < 48.5 then 1 else 0 end) as r3,
       sum(case when steps = 0 and heart_rate_bpm >= 48.5 and heart_rate_bpm < 51.5 then 1 else 0 end) as r4,
       sum(case when steps = 0 and heart_rate_bpm >= 51.5 and heart_rate_bpm < 55.5 then 1 else 0 end) as r5,
       sum(case when steps = 0 and heart_rate_bpm >= 55.5 and heart_rate_bpm < 59.5 then 1 else 0 end) as r6,
       sum(case when steps = 0 and heart_rate_bpm >= 59.5 and heart_rate_bpm < 63.5 then 1 else 0 end) as r7,
       sum(case when steps = 0 and heart_rate_bpm >= 63.5 and heart_rate_bpm < 67.5 then 1 else 0 end) as r8,
       sum(case when steps = 0 and heart_rate_bpm >= 67.5 and heart_rate_bpm < 72.5 then 1 else 0 end) as r9,
       sum(case when steps = 0 and heart_rate_bpm >= 72.5 and heart_rate_bpm < 77.5 then 1 else 0 end) as r10,
       sum(case when steps = 0 and heart_rate_bpm >= 77.5 and heart_rate_bpm < 83.5 then 1 else 0 end) as r11,
       sum(case when steps = 0 and heart_rate_bpm >= 83.5 and heart_rate_bpm < 90.5 then 1 else 0 end) as r12,
       sum(case when steps = 0 and heart_rate_bpm >= 90.5 and heart_rate_bpm < 98.5 then 1 else 0 end) as r13,
       sum(case when steps = 0 and heart_rate_bpm >= 98.5 and heart_rate_bpm < 107.5 then 1 else 0 end) as r14,
       sum(case when steps = 0 and heart_rate_bpm >= 107.5 then 1 else 0 end) as r15
from telemetry
where heart_rate_bpm is not null and worn is distinct from false
  and received_at - measured_at < interval '20 minutes' and measured_at - received_at < interval '2 minutes'

-- name: told
-- One line of `measured` as the view gives it.
device_id, hour, walked::int, still::int, still_sum::int, blind::int, blind_sum::int,
array[r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15]::smallint[]

-- name: anything
-- Whether any hour was rolled up. A hub that has just begun asks nothing more.
select exists (select from vital_hour)

-- name: there
-- Whether TimescaleDB keeps the hours.
select to_regclass('vital_hour_kept') is not null

-- name: mark
select hour, batch from vital_mark

-- name: reach
-- The block of batch numbers that is being used, and the greatest device number.
select (select (last_value - 1 + is_called::int) * %(block)s from batch_number), (select coalesce(max(id), 0) from device)

-- name: late
-- Hours that are rolled up and got something afterwards: a database that was away is written to when it is back.
select distinct date_bin('1 hour', received_at, '2000-01-03 00:00+00') from telemetry
where received_at >= %(since)s and received_at < %(until)s and batch > %(batch)s

-- name: forget
delete from vital_hour_rolled where device_id >= %(first)s and device_id < %(end)s and hour < %(before)s
  and hour >= %(before)s::timestamptz - interval '3 days'

-- name: put_mark
insert into vital_mark (hour, batch) values (%(hour)s, %(batch)s)
on conflict (one) do update set hour = excluded.hour, batch = greatest(vital_mark.batch, excluded.batch)

-- name: hers
-- Which devices were these residents', and when.
select d.resident_id, d.id as device_id, coalesce(d.bound_at, d.created_at) as since, 'infinity'::timestamptz as until
from device d where d.resident_id = any(%(residents)s::bigint[])
union all
select e.whose::bigint, e.device_id, e.at, e.next_at
from (
    select f.device_id, f.at, f.action, f.facts ->> 'resident' as whose,
           lead(f.at) over (partition by f.device_id order by f.id) as next_at
    from device_event f
    where f.device_id in (select device_id from device_event
                          where facts ? 'resident' and facts ->> 'resident' = any(%(residents)s::bigint[]::text[]))
      and (f.action in ('bind', 'retire', 'claim') or f.action = 'registered' and f.facts ? 'resident')
) e
where e.whose = any(%(residents)s::bigint[]::text[]) and e.action in ('bind', 'registered') and e.next_at is not null

-- name: resting
-- How often each pulse was measured at rest in each three hours of the day. An hour with much walking is one in which the heart
-- was still recovering in most of the still minutes; of a device that speaks every few seconds an hour is sixty minutes as well.
with hers as ({hers})
select resident_id, part, array_agg(minutes order by bin)
from (
    select h.resident_id, extract(hour from v.hour at time zone 'UTC')::int / 3 as part, b.bin,
           sum(b.messages * power(greatest(0, 1 - v.walked / 20.0), 2) * least(1, 60.0 / (v.walked + v.still)))::float8 as minutes
    from hers h join vital_hour v on v.device_id = h.device_id and v.hour >= h.since and v.hour + interval '1 hour' <= h.until
    cross join lateral unnest(v.rest) with ordinality as b(messages, bin)
    where v.hour >= %(since)s and v.hour < %(before)s and v.still > 0
    group by 1, 2, 3
) counted
group by resident_id, part

-- name: nights
-- The pulses of each night, by the local day on which it ends: of still minutes, and of devices that cannot know them.
with hers as ({hers})
select h.resident_id, h.device_id, floor((extract(epoch from v.hour) / 60 + %(offset)s) / 1440)::int as day,
       sum(v.still)::int, sum(v.still_sum)::int, sum(v.blind)::int, sum(v.blind_sum)::int
from hers h join vital_hour v on v.device_id = h.device_id and v.hour >= h.since and v.hour + interval '1 hour' <= h.until
where v.hour >= %(since)s and v.hour < %(before)s
  and mod(extract(epoch from v.hour)::bigint / 60 + %(offset)s, 1440) < 360
group by 1, 2, 3

-- name: rising
-- In which hour of each of their days, by the minute of the day at which the hour begins, these residents first counted a step.
with hers as ({hers})
select resident_id, (local / 1440)::int as day, min(mod(local, 1440))::int
from (
    select h.resident_id, extract(epoch from v.hour)::bigint / 60 + %(offset)s - %(begins)s as local
    from hers h join vital_hour v on v.device_id = h.device_id and v.hour >= h.since and v.hour + interval '1 hour' <= h.until
    where v.hour >= %(since)s and v.hour < %(before)s and v.walked > 0
) walked
group by 1, 2
