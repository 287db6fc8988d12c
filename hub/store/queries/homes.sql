-- name: alone
-- One at a time follows the homes, as long as its session lives.
select pg_try_advisory_lock(%(lock)s)

-- name: begin
-- How far the homes were read before, and when; and the block of batch numbers that is being used.
with made as (insert into home_mark (at) values (%(now)s) on conflict do nothing)
select coalesce(m.batch, 0), coalesce(m.days_batch, 0), m.at,
       (select (last_value - 1 + is_called::int) * %(block)s from batch_number)
from (select) as one left join home_mark m on true

-- name: roomy
-- Days of thousands of homes are sorted in memory, one session's.
set work_mem = '64MB'

-- name: block
-- Every batch number below this was taken before now: the block that is being used begins with it.
select (last_value - 1 + is_called::int) * %(block)s from batch_number

-- name: mark
update home_mark set batch = %(batch)s, days_batch = %(days_batch)s, at = %(now)s

-- name: heard_meanwhile
-- Whether the hub took anything in between, at all.
select exists (select from raw_batch where received_at > %(since)s and received_at < %(until)s)

-- name: ingest_there
-- Whether somebody owns the devices, and so hears them.
select exists (select from pg_locks where locktype = 'advisory' and classid = (%(class)s::bigint)::oid and objsubid = 2
               and granted and database = (select oid from pg_database where datname = current_database()))

-- name: deaf
insert into home_deaf (began_at, ended_at) values (%(began)s, %(ended)s)
on conflict (began_at) do update set ended_at = greatest(home_deaf.ended_at, excluded.ended_at)

-- name: forget
with days as (delete from home_day where day < %(day)s), deaf as (delete from home_deaf where ended_at < %(day)s::date)
delete from absence where ends_at < %(day)s::date - interval '1 year'

-- name: followable
-- Of devices that nobody follows yet: those whose resident can be.
select d.id from device d join resident r on r.id = d.resident_id and not coalesce(r.canary, false)
where d.id = any(%(devices)s::bigint[]) and d.state in ('bound', 'tested', 'live')

-- name: learn
insert into home_sensor (device_id, sign, first_at)
select d, s, %(now)s from unnest(%(devices)s::bigint[], %(signs)s::smallint[]) as t(d, s) on conflict do nothing

-- name: signs
-- What was stored after a batch and not yet seen, whole batches in their order. Positions only of who has a fence. All
-- rows as the bytes of one value: neither COPY nor a cursor hands over a hundred thousand small ones in less than seconds.
select string_agg(int8send(batch) || int8send(device_id) || timestamptz_send(measured_at)
                  || int8send(sign) || float8send(value) || float8send(other), '')
from (
    select batch, device_id, measured_at,
           case when code = 'contact.open' then 2
                when code = 'bed.occupied' then case when number > 0 then 3 else 4 end
                when code = 'water.total' then 5 when code = 'location' then 6 else 1 end::bigint as sign,
           case when code = 'location' then lat else number end as value, coalesce(lon, 0) as other
    from observation
    where received_at > %(since)s and batch > %(after)s and batch <> all(%(seen)s::bigint[])
      and quality = 'ok' and number is not null
      and (code in ('presence.motion', 'presence.occupied', 'contact.open') and number > 0
           or code in ('bed.occupied', 'water.total')
           or code = 'location' and number = 1 and lat is not null and device_id = any(%(fenced)s::bigint[]))
    order by batch fetch first %(limit)s rows with ties
) said

-- name: past
-- What some devices said since a moment, no more of it than matters: of motion and doors the first and the last of five
-- minutes, of beds and meters what changed, of meters the last of five minutes as well, and every position.
select string_agg(int8send(0) || int8send(device_id) || timestamptz_send(at)
                  || int8send(sign::bigint) || float8send(value) || float8send(other), '')
from (
    select device_id, case when code = 'contact.open' then 2 else 1 end as sign, 0::float8 as value, 0::float8 as other,
           unnest(case when min(measured_at) = max(measured_at) then array[min(measured_at)]
                       else array[min(measured_at), max(measured_at)] end) as at
    from observation
    where device_id = any(%(devices)s::bigint[]) and received_at > %(since)s and quality = 'ok' and number > 0
      and code in ('presence.motion', 'presence.occupied', 'contact.open')
    group by device_id, code = 'contact.open', code, date_bin('5 min', measured_at, '2020-01-01')
    union all
    select device_id, sign, value, 0, at
    from (
        select device_id, code, measured_at as at, number as value,
               case when code = 'water.total' then 5 when number > 0 then 3 else 4 end as sign,
               lag(number) over (partition by device_id, code order by measured_at, number) as before,
               date_bin('5 min', measured_at, '2020-01-01') is distinct from
                   date_bin('5 min', lead(measured_at) over (partition by device_id, code order by measured_at, number),
                            '2020-01-01') as last
        from observation
        where device_id = any(%(devices)s::bigint[]) and received_at > %(since)s and quality = 'ok'
          and number is not null and code in ('bed.occupied', 'water.total')
    ) said
    where value is distinct from before or sign = 5 and last
    union all
    select device_id, 6, lat, lon, measured_at from observation
    where device_id = any(%(fenced)s::bigint[]) and received_at > %(since)s and quality = 'ok' and number = 1
      and code = 'location' and lat is not null and lon is not null
) kept

-- name: touched
-- Which days of which residents got something after a batch; a day's first movement is that of a day that begins later.
select distinct d.resident_id, ((o.measured_at - %(begins)s::interval) at time zone %(zone)s)::date,
       (o.measured_at at time zone %(zone)s)::date
from observation o join home_sensor s on s.device_id = o.device_id and s.sign <> 6
join device d on d.id = o.device_id and d.resident_id is not null
where o.received_at > %(since)s and o.batch > %(after)s and o.quality = 'ok'
  and (%(devices)s::bigint[] is null or o.device_id = any(%(devices)s::bigint[]))
  and o.code in ('presence.motion', 'presence.occupied', 'contact.open', 'bed.occupied', 'water.total')

-- name: write_days
-- Some days of some residents, made anew of what their devices said while they were theirs: late and repeated messages
-- make the same rows. A night belongs to the day on which it ends; a first movement is one after the day's beginning.
with pair as (
    select p.resident_id, p.day, p.day::timestamp at time zone %(zone)s as low,
           (p.day + 1)::timestamp at time zone %(zone)s as high
    from unnest(%(residents)s::bigint[], %(days)s::date[]) as p(resident_id, day)
), hers as (
    select p.*, o.device_id, o.since, o.until,
           exists (select from home_sensor s where s.device_id = o.device_id and s.sign <> 6) as sensor,
           case when exists (select from home_sensor s where s.device_id = o.device_id and s.sign = 5)
                then interval '1 day' else interval '2 hours' end as back
    from pair p
    cross join lateral (
        select d.id as device_id, coalesce(d.bound_at, d.created_at) as since, 'infinity'::timestamptz as until
        from device d where d.resident_id = p.resident_id
        union all
        select e.device_id, e.at, e.next_at
        from (
            select f.device_id, f.at, f.action, f.facts ->> 'resident' as whose,
                   lead(f.at) over (partition by f.device_id order by f.id) as next_at
            from device_event f
            where f.device_id in (select device_id from device_event
                                  where facts ? 'resident' and facts ->> 'resident' = p.resident_id::text)
              and (f.action in ('bind', 'retire', 'claim') or f.action = 'registered' and f.facts ? 'resident')
        ) e
        where e.whose = p.resident_id::text and e.action in ('bind', 'registered') and e.next_at is not null
    ) o
), said as (
    select h.resident_id, h.day, h.low, h.high, h.device_id, o.measured_at as at, o.code, o.number,
           lag(o.number) over one as before,
           min(o.number) over (partition by h.resident_id, h.day, h.device_id, o.code, o.channel, o.sub) > 0 as only_on
    from hers h
    cross join lateral (
        select measured_at, received_at, code, number, channel, sub from observation
        where device_id = h.device_id and quality = 'ok' and number is not null
          and received_at >= h.low - h.back - interval '10 min'
          and measured_at >= greatest(h.since, h.low - h.back)
          and measured_at < least(h.until, h.high + %(begins)s::interval)
          and code in ('presence.motion', 'presence.occupied', 'contact.open', 'bed.occupied', 'water.total')
    ) o
    where h.sensor
    window one as (partition by h.resident_id, h.day, h.device_id, o.code, o.channel, o.sub
                   order by o.measured_at, o.received_at, o.number)
), read as (
    -- A total that rises by more than 150 m3 is another meter's: no pipe of a home gives so much in a day.
    select *, code = 'water.total' and number > before and number - before <= 150 as drawn from said
), used as (
    select resident_id, day, low, at, at - lag(at) over (partition by resident_id, day order by at) as dry
    from read where drawn and at < high
), bed as (
    select resident_id, day, low, at, number, before,
           lead(at) over (partition by resident_id, day, device_id order by at) as next_at
    from said where code = 'bed.occupied' and (number > 0) is distinct from (before > 0)
), out_of_bed as (
    select resident_id, day,
           max(extract(epoch from least(next_at, low + interval '6 hours') - greatest(at, low - interval '2 hours')) / 60)
               as longest
    from bed
    where number = 0 and before is not null and next_at > low - interval '2 hours' and at < low + interval '6 hours'
    group by resident_id, day
), dry as (
    select resident_id, day, max(extract(epoch from dry) / 60) as longest from used where at >= low group by resident_id, day
), told as (
    select s.resident_id, s.day,
           min(s.at) filter (where (s.code like 'presence.%%' or s.code = 'contact.open') and s.number > 0
                                   and s.at >= s.low + %(begins)s::interval) as up_at,
           count(distinct date_trunc('minute', s.at)) filter (where s.code like 'presence.%%' and s.number > 0
                                                                    and s.at >= s.low and s.at < s.high) as movements,
           count(distinct (s.device_id, date_trunc('minute', s.at)))
               filter (where s.code = 'contact.open' and s.number > 0 and (coalesce(s.before, 0) = 0 or s.only_on)
                             and s.at >= s.low and s.at < s.high) as openings,  -- some contacts never say that it is shut
           count(*) filter (where s.code = 'water.total' and s.at >= s.low and s.at < s.high) as meter_spoke,
           sum(s.number - s.before) filter (where s.drawn and s.at >= s.low and s.at < s.high) as water_m3,
           count(distinct date_bin('30 min', s.at, s.low)) filter (where s.drawn and s.at >= s.low and s.at < s.high)
               as halves,
           bool_or(s.code = 'bed.occupied') as has_bed
    from read s group by s.resident_id, s.day
), stepped as (
    select h.resident_id, h.day, min(w.at) as up_at
    from hers h
    cross join lateral (  -- as in `steps`: where all are old and of the same age, it is the watch's clock that is behind
        select array_agg(measured_at) as measured,
               case when count(*) filter (where today) >= 3
                         and min(received_at - measured_at) filter (where today) > interval '16 minutes'
                         and max(received_at - measured_at) filter (where today)
                             - min(received_at - measured_at) filter (where today) <= interval '90 seconds'
                    then min(received_at - measured_at) filter (where today) else interval '0' end as behind
        from (
            select received_at, measured_at, received_at < h.high as today from telemetry
            where device_id = h.device_id and steps > 0 and received_at >= h.low + %(begins)s::interval
              and received_at < h.high + interval '1 day'
            union all
            select received_at, measured_at, received_at < h.high from telemetry_unpacked
            where device_id = h.device_id and steps > 0 and received_at >= h.low + %(begins)s::interval
              and received_at < h.high + interval '1 day' and last_at >= h.low and last_at < h.high + interval '2 days'
        ) walked
    ) c
    cross join lateral (
        select min(measured + c.behind) as at from unnest(c.measured) as walked (measured)
        where measured + c.behind >= greatest(h.since, h.low + %(begins)s::interval)
          and measured + c.behind < least(h.until, h.high + %(begins)s::interval)
    ) w
    where not h.sensor group by h.resident_id, h.day
)
insert into home_day (resident_id, day, up_min, movements, openings, water_m3, water_halves, dry_min, bed_out_min)
select p.resident_id, p.day,
       (extract(epoch from least(t.up_at, w.up_at) - p.low) / 60)::int,
       coalesce(t.movements, 0), coalesce(t.openings, 0),
       case when t.meter_spoke > 0 then coalesce(t.water_m3, 0) end, case when t.meter_spoke > 0 then t.halves end,
       least(d.longest, 1440)::int, case when t.has_bed then coalesce(b.longest, 0)::int end
from pair p
left join told t using (resident_id, day) left join stepped w using (resident_id, day)
left join dry d using (resident_id, day) left join out_of_bed b using (resident_id, day)
on conflict (resident_id, day) do update set
    up_min = excluded.up_min, movements = excluded.movements, openings = excluded.openings, water_m3 = excluded.water_m3,
    water_halves = excluded.water_halves, dry_min = excluded.dry_min, bed_out_min = excluded.bed_out_min

-- name: leaks
-- Whose water ran too much until yesterday, and from which day on: numbers of days since 1970.
select resident_id, min(day) - date '1970-01-01', max(day) - date '1970-01-01'
from (
    select resident_id, day, day - (row_number() over (partition by resident_id order by day))::int as island
    from home_day where day >= %(first)s and day < %(today)s and (water_m3 > %(most)s or water_halves >= 48)
) ran
group by resident_id, island having max(day) = %(today)s::date - 1

-- name: moved_since
-- Whether anything moved in this resident's home since a moment, other than the device that says nothing does.
select exists (
    select from home_sensor s join device d on d.id = s.device_id and d.resident_id = %(resident)s
    cross join lateral (
        select 1 from observation where device_id = d.id and received_at > %(since)s and measured_at > %(since)s
          and code in ('presence.motion', 'presence.occupied') and number > 0 and quality = 'ok' limit 1
    ) o
    where s.sign = 1 and d.id <> %(device)s)

-- name: add_absence
insert into absence (resident_id, kind, begins_at, ends_at, reason, written_by, written_at)
values (%(resident)s, %(kind)s, coalesce(%(begins)s, hub_now()), %(ends)s, %(reason)s, %(by)s, hub_now())
returning id, begins_at, ends_at

-- name: back
-- She is back: what is over is not touched, what has not begun is taken back.
update absence set ended_at = greatest(begins_at, hub_now()), ended_by = %(by)s
where resident_id = %(resident)s and ended_at is null and ends_at > hub_now() and (begins_at <= hub_now() or %(all)s)
returning id

-- name: absences
-- What was written of one resident or of all, the last first: who, when, and how it ended.
select a.id, a.resident_id, r.name, a.kind, a.begins_at, a.ends_at, a.reason, a.written_by, a.written_at, a.ended_at,
       a.ended_by
from absence a join resident r on r.id = a.resident_id
where (a.resident_id = %(resident)s or %(resident)s::bigint is null)
  and (%(past)s or coalesce(a.ended_at, a.ends_at) > hub_now())
order by a.id desc limit %(limit)s

-- name: away_now
-- Until when this resident is known to be away or to have visitors, rows that follow each other taken together.
select lower(w.during), upper(w.during),
       (select string_agg(distinct nullif(a.reason, ''), ', ') from absence a where a.resident_id = %(resident)s
        and tstzrange(a.begins_at, coalesce(a.ended_at, a.ends_at)) && w.during),
       (select bool_or(a.kind = 'away') from absence a where a.resident_id = %(resident)s
        and tstzrange(a.begins_at, coalesce(a.ended_at, a.ends_at)) && w.during)
from (select unnest(range_agg(tstzrange(begins_at, coalesce(ended_at, ends_at)))) as during from absence
      where resident_id = %(resident)s and coalesce(ended_at, ends_at) > begins_at
        and coalesce(ended_at, ends_at) > hub_now()) w
where w.during @> hub_now()

-- name: away_through
-- Until when, now at most, this resident was last known to be away or to have visitors, if that was after a moment.
select max(least(coalesce(ended_at, ends_at), hub_now())) from absence
where resident_id = %(resident)s and begins_at <= hub_now() and coalesce(ended_at, ends_at) > greatest(begins_at, %(since)s)

-- name: fence
-- Where she lives, and how far from there is told.
update resident set lat = coalesce(%(lat)s, lat), lon = coalesce(%(lon)s, lon), fence_m = coalesce(%(fence)s, fence_m)
where id = %(resident)s returning lat, lon, fence_m
