-- name: followed
-- Everybody one of whose devices gives signs of life, or who has a fence. Of too many those who were registered first.
select string_agg(int8send(id), '' order by id)
from (
    select r.id
    from (select d.resident_id from home_sensor s join device d on d.id = s.device_id and d.state in ('bound', 'tested', 'live')
          where s.sign <> 6 and d.resident_id is not null
          union select id from resident where fence_m > 0 and lat is not null and lon is not null) f (id)
    join resident r on r.id = f.id and served(r.canary, r.ended_at)
    order by r.id limit %(limit)s
) f

-- name: sensors
-- Every device of some residents, as often as it gives a sign: whose, since when, what its address and model hash to.
select string_agg(int8send(d.resident_id) || int8send(d.id) || timestamptz_send(coalesce(d.bound_at, d.created_at))
                  || int8send(case when s.sign = 1 then hashtextextended(d.address || ' ' || d.model, 0) else 0 end)
                  || int4send(coalesce(d.deadline_s, -1)) || int4send(coalesce(s.sign, 0)), '')
from device d left join home_sensor s on s.device_id = d.id
where d.resident_id between %(low)s and %(high)s and d.resident_id = any(%(residents)s)
  and d.state in ('bound', 'tested', 'live')

-- name: names
select id, address, model from device where id = any(%(devices)s)

-- name: fences
select string_agg(int8send(id) || float8send(lat) || float8send(lon) || int8send(fence_m), '')
from resident where fence_m > 0 and lat is not null and lon is not null

-- name: areas
select id, area from resident where id = any(%(residents)s::bigint[])

-- name: quiet
-- For each resident the known time of silence that holds now, else the next, and when the last one ended: absences and
-- visits as they were written; times in which every motion sensor of the home was lost, by itself or with its gateway;
-- times in which the hub heard nobody. Those are everybody's: who has no other stands under the number 0.
with t as (select %(now)s::timestamptz as now, %(now)s::timestamptz - %(back)s::interval as since),
lost as (
    select l.device_id, range_agg(l.during) as during
    from (
        select s.device_id, tstzrange(s.since, coalesce(s.ended_at, 'infinity')) as during from device_silence s, t
        where (s.ended_at is null or s.ended_at > t.since) and coalesce(s.ended_at, 'infinity') > s.since
        union all
        select v.device_id, tstzrange(g.began_at, coalesce(g.ended_at, 'infinity')) from gateway_loss g, device_via v, t
        where v.gateway = g.gateway and (g.ended_at is null or g.ended_at > t.since)
          and coalesce(g.ended_at, 'infinity') > g.began_at
    ) l
    group by l.device_id
), hit as (
    select distinct d.resident_id
    from lost l join home_sensor s on s.device_id = l.device_id and s.sign = 1
    join device d on d.id = l.device_id and d.state in ('bound', 'tested', 'live')
    where d.resident_id is not null
), motion as (
    select d.resident_id, d.id as device_id
    from hit join device d on d.resident_id = hit.resident_id and d.state in ('bound', 'tested', 'live')
    join home_sensor s on s.device_id = d.id and s.sign = 1
), own as (
    select m.resident_id, unnest(range_intersect_agg(coalesce(l.during, '{}'))) as during
    from motion m left join lost l using (device_id)
    group by m.resident_id
    union all
    select a.resident_id, tstzrange(a.begins_at, coalesce(a.ended_at, a.ends_at)) from absence a, t
    where coalesce(a.ended_at, a.ends_at) > greatest(t.since, a.begins_at)
), merged as (
    select w.resident_id, unnest(range_agg(w.during)) as during
    from (
        select resident_id, during from own
        union all
        select r.resident_id, tstzrange(h.began_at, h.ended_at)
        from home_deaf h cross join t cross join (select resident_id from own union select 0) as r
        where h.ended_at > t.since
    ) w
    group by w.resident_id
), told as (
    select m.resident_id,
           (extract(epoch from min(lower(m.during)) filter (where upper(m.during) > t.now)) * 1000)::bigint as from_ms,
           -- the one that holds or comes first; an open end is far away
           (extract(epoch from least((array_agg(upper(m.during) order by lower(m.during))
                                          filter (where upper(m.during) > t.now))[1],
                                     t.now + interval '10 years')) * 1000)::bigint as until_ms,
           (extract(epoch from max(upper(m.during)) filter (where upper(m.during) <= t.now)) * 1000)::bigint as ended_ms
    from merged m cross join t group by m.resident_id, t.now
)
select string_agg(int8send(resident_id) || int8send(coalesce(from_ms, 0))
                  || int8send(case when from_ms is null then 0 else until_ms end) || int8send(coalesce(ended_ms, 0)), '')
from told

-- name: usual
-- How the last days of each resident went: median and latest but one of first movements, of how many days; the longest
-- time out of bed of 99 nights of 100; whether the meter often stands still for half a day. Days away are no days.
select string_agg(int8send(resident_id) || int4send(coalesce(up_min, -1)) || int4send(coalesce(latest_min, -1))
                  || int4send(ups::int) || int4send(coalesce(bed_out_min, -1)) || int4send(noisy), '')
from (
    select h.resident_id,
           percentile_disc(0.5) within group (order by h.up_min) as up_min,
           (array_agg(h.up_min order by h.up_min desc) filter (where h.up_min is not null))[2] as latest_min,
           count(h.up_min) as ups,
           percentile_disc(0.99) within group (order by h.bed_out_min) as bed_out_min,
           (count(*) filter (where h.dry_min >= %(dry)s) >= %(dry_days)s)::int as noisy
    from home_day h
    where h.day >= %(first)s and h.day < %(today)s
      and not exists (select from absence a where a.resident_id = h.resident_id
                      and a.begins_at < (h.day + 1)::timestamp at time zone %(zone)s
                      and coalesce(a.ended_at, a.ends_at) > h.day::timestamp at time zone %(zone)s)
    group by h.resident_id
) told

-- name: steps
-- When each of some watches counted its last step since a moment. Where all of them are old and of the same age, it is the
-- watch's clock that is behind: what was kept comes faster than it was measured.
select string_agg(int8send(d.id) || timestamptz_send(w.at + case when w.times >= 3 and w.least > interval '16 minutes'
                                                                      and w.most - w.least <= interval '90 seconds'
                                                                 then w.least else interval '0' end), '')
from unnest(%(devices)s) as d(id)
cross join lateral (
    select max(measured_at) as at, count(*) as times, min(received_at - measured_at) as least,
           max(received_at - measured_at) as most
    from telemetry where device_id = d.id and received_at > %(since)s and steps > 0
) w
where w.at is not null

-- name: steps_past
-- The last step of each five minutes since a moment.
select string_agg(int8send(device_id) || timestamptz_send(at), '')
from (
    select device_id, max(measured_at) as at from telemetry
    where device_id = any(%(devices)s) and received_at > %(since)s and steps > 0
    group by device_id, date_bin('5 min', measured_at, '2020-01-01')
) stepped

-- name: heard
-- When each of some devices was last heard since a moment, whatever it said.
select string_agg(int8send(d.id) || timestamptz_send(w.received_at), '')
from unnest(%(devices)s) as d(id)
cross join lateral (
    select received_at from telemetry where device_id = d.id and received_at > %(since)s
    order by received_at desc limit 1
) w

-- name: heard_past
-- In which ten minutes each of some devices was heard since a moment.
select string_agg(int8send(device_id) || timestamptz_send(at), '')
from (
    select distinct device_id, date_bin('10 min', received_at, '2020-01-01') as at
    from telemetry where device_id = any(%(devices)s) and received_at > %(since)s
) heard

-- name: online
-- Those of some devices that hang behind a bridge whose loss its broker would tell, and that is not lost.
select string_agg(int8send(v.device_id), '') from device_via v
where v.device_id = any(%(devices)s) and v.gateway like 'z2m:%%/bridge'
  and not exists (select from gateway_word w where w.gateway = v.gateway and not w.online)
  and not exists (select from gateway_loss l where l.gateway = v.gateway and l.ended_at is null)
  and not exists (select from device_silence s where s.device_id = v.device_id and s.ended_at is null)
