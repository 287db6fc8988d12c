-- name: hours
-- What devices measured by the hour their messages came and the day they mean. A clock that is ahead, or a month behind, is not
-- believed: then the day is that of arrival. Nothing here that a continuous aggregate may not hold.
select device_id, {hour} as arrived,
       date_bin('1 day', case when received_at - measured_at < interval '31 days' and measured_at - received_at < interval '2 minutes'
                              then measured_at else received_at end, {midnight}) as day,
       count(*) as messages,
       count(case when worn then 1 end) as worn, count(case when not worn then 1 end) as off,
       sum(steps) as steps, min(battery_pct) as battery_least,
       {vitals}
from telemetry

-- name: vital
-- One of them. A watch that lies on the table measures nobody.
count(case when worn is distinct from false then {column} end) as {name}_n,
       min(case when worn is distinct from false then {column} end) as {name}_least,
       max(case when worn is distinct from false then {column} end) as {name}_most,
       sum(case when worn is distinct from false then {column}::float8 end) as {name}_sum

-- name: days
-- The same by the day of arrival, made of hours.
select device_id, {day} as arrived_on, day, sum(messages) as messages, sum(worn) as worn, sum(off) as off, sum(steps) as steps,
       min(battery_least) as battery_least,
       {vitals}
from {source}

-- name: vital_day
sum({name}_n) as {name}_n, min({name}_least) as {name}_least, max({name}_most) as {name}_most, sum({name}_sum) as {name}_sum

-- name: told
-- A line of either as its view gives it.
device_id, {arrived} as arrived, day, messages::int as messages, worn::int as worn, off::int as off, steps::bigint as steps,
battery_least::real as battery_least, {vitals}

-- name: vital_told
{name}_n::int as {name}_n, {name}_least::real as {name}_least, {name}_most::real as {name}_most, {name}_sum::float8 as {name}_sum

-- name: there
-- Whether TimescaleDB keeps them.
select to_regclass('measured_day_kept') is not null

-- name: mark
select hour, batch, midnight from measured_mark

-- name: put_mark
insert into measured_mark (hour, batch, midnight) values (%(hour)s, %(batch)s, %(midnight)s)
on conflict (one) do update set hour = excluded.hour, batch = greatest(measured_mark.batch, excluded.batch)

-- name: late
-- Hours that are rolled up and got something afterwards.
select distinct date_bin('1 hour', received_at, %(midnight)s) from telemetry
where received_at >= %(since)s and received_at < %(until)s and batch > %(batch)s

-- name: of_device
-- One device's days, or hours, that lie within a time with all that is in them; what came late added up.
select {at} as at, sum(messages)::int as messages, sum(worn)::int as worn, sum(off)::int as off, sum(steps)::bigint as steps,
       min(battery_least) as battery_least,
       {vitals}
from measured_{by}{hers}
where device_id = %(device)s and {at} >= %(since)s
  and greatest({at}, arrived) + interval '{size}' <= %(until)s
  and arrived >= %(since)s::timestamptz - interval '24 hours' and arrived < %(until)s group by 1 order by 1

-- name: vital_mean
sum({name}_n)::int as {name}_n, min({name}_least) as {name}_least, max({name}_most) as {name}_most,
       sum({name}_sum) / nullif(sum({name}_n), 0) as {name}_mean

-- name: nights
-- How long she was out of bed at the longest in the nights that ended on these days, where a bed tells it.
select day, bed_out_min::int from home_day
where resident_id = %(resident)s and day >= %(since)s and day <= %(until)s and bed_out_min is not null
