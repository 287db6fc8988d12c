-- name: by_model
-- Falls since a moment by the models that told of them, and on how many days these were worn. A fall two models told of
-- counts for both.
with f as materialized (
    select f.* from fall f left join resident r on r.id = f.resident_id
    where f.began_at >= %(since)s and not f.test and r.canary is not true and f.outcome <> 'no_fall_of_its_own'
      and (%(area)s::text is null or r.area = %(area)s)
), told as (  -- once for each model, however often and from however many of its devices
    select distinct d.model, f.incident_id, f.began_at, f.outcome, f.cancelled_late
    from f join alert a on a.incident_id = f.incident_id and a.raised_at >= f.began_at and a.raised_at < f.next_at
    join device d on d.id = a.device_id
    where a.kind = 'fall' and a.raised_at >= %(since)s and (%(model)s::text is null or d.model = %(model)s)
), counted as (
    select model, count(*) as suspected, count(*) filter (where outcome = 'cancelled') as cancelled,
           count(*) filter (where outcome = 'cancelled_at_desk') as at_desk,
           count(*) filter (where outcome = 'real') as real, count(*) filter (where outcome = 'false') as false,
           count(*) filter (where outcome = 'unclear') as unclear,
           count(*) filter (where outcome = 'open') as under_way,
           count(*) filter (where cancelled_late) as late
    from told group by model
)
select c.*, coalesce(w.days, 0)::int as worn_days, coalesce(w.hours, 0)::float8 as worn_hours
from counted c
left join lateral (select sum(days) as days, sum(worn_min) / 60 as hours from worn_count
                   where model = c.model and day >= %(day)s and (%(area)s::text is null or area = %(area)s)) w on true
order by c.cancelled + c.at_desk + c.false desc, c.suspected desc, c.model limit %(limit)s

-- name: by_wearer
-- The same by wearer, the most false alarms first.
with counted as (
    select f.resident_id, count(*) as suspected, count(*) filter (where f.outcome = 'cancelled') as cancelled,
           count(*) filter (where f.outcome = 'cancelled_at_desk') as at_desk,
           count(*) filter (where f.outcome = 'real') as real, count(*) filter (where f.outcome = 'false') as false,
           count(*) filter (where f.outcome = 'unclear') as unclear,
           count(*) filter (where f.outcome = 'open') as under_way,
           count(*) filter (where f.cancelled_late) as late, max(f.began_at) as last_at,
           percentile_disc(0.5) within group (order by f.cancelled_after_s) as after_s
    from fall f join resident r on r.id = f.resident_id
    where f.began_at >= %(since)s and not f.test and not r.canary and f.outcome <> 'no_fall_of_its_own'
      and (%(area)s::text is null or r.area = %(area)s)
      and (%(model)s::text is null or exists (
          select from alert a join device d on d.id = a.device_id
          where a.incident_id = f.incident_id and a.kind = 'fall' and d.model = %(model)s))
    group by f.resident_id
    order by count(*) filter (where f.outcome in ('cancelled', 'cancelled_at_desk', 'false')) desc, count(*) desc, f.resident_id
    limit %(limit)s
)
select c.*, r.name as resident, r.area, w.days as worn_days, w.hours as worn_hours
from counted c join resident r on r.id = c.resident_id
cross join lateral (  -- two devices worn on one day are one day
    select count(distinct day)::int as days, coalesce(sum(worn_min) / 60, 0)::float8 as hours
    from device d join device_day y on y.device_id = d.id
    where d.resident_id = c.resident_id and y.day >= %(day)s and y.worn_min > 0) w
order by c.cancelled + c.at_desk + c.false desc, c.suspected desc, c.resident_id

-- name: of_resident
-- Her falls since some days ago, as the operator should know them: never a reason to be slow.
select count(*) as suspected, count(*) filter (where outcome in ('cancelled', 'cancelled_at_desk')) as cancelled,
       count(*) filter (where outcome = 'false') as false, count(*) filter (where outcome = 'real') as real
from fall
where resident_id = %(resident)s and incident_id <> %(incident)s and not test and outcome <> 'no_fall_of_its_own'
  and began_at > hub_now() - make_interval(days => %(days)s)

-- name: taken_back
-- Cancels of one case: who, when, how long after the alarm, in the device's own words.
select e.seq, e.at, e.what, e.actor, e.body, d.model, d.room, d.address, p.name
from incident_event e left join device d on e.actor = 'device:' || d.id left join person p on e.actor = 'person:' || p.id
where e.incident_id = %(incident)s and e.what in ('cancelled', 'cancel_noted', 'cancel_late') order by e.seq

-- name: days_to_count
-- Days since one that nobody has counted.
select day::date from generate_series(%(since)s::date, %(until)s::date, interval '1 day') as day
where not exists (select from worn_count w where w.day = day::date) order by 1

-- name: count_worn
-- One day's wearing by model and area, counted again; a line without a model says that the day was counted.
insert into worn_count (day, model, area, days, worn_min)
select %(day)s, d.model, coalesce(r.area, ''), count(*), sum(y.worn_min)
from device_day y join device d on d.id = y.device_id left join resident r on r.id = d.resident_id
where y.day = %(day)s and y.worn_min > 0 and d.model <> '' and r.canary is not true
group by d.model, coalesce(r.area, '')
union all select %(day)s, '', '', 0, 0
on conflict (day, model, area) do update set days = excluded.days, worn_min = excluded.worn_min
