-- name: by_model
-- Falls since a moment by the models that told of them, and on how many days these were worn. A fall two models told of
-- counts for both.
with alike as (  -- few, of however many falls
    select models, outcome, late, count(*) as n from fall_told
    where began_at >= %(since)s and (%(model)s::text is null or %(model)s::text = any(models))
      and (%(area)s::text is null or resident_id in (select id from resident where area = %(area)s))
    group by models, outcome, late
), counted as (
    select model, sum(n)::int as suspected, coalesce(sum(n) filter (where outcome = 'cancelled'), 0)::int as cancelled,
           coalesce(sum(n) filter (where outcome = 'cancelled_at_desk'), 0)::int as at_desk,
           coalesce(sum(n) filter (where outcome = 'real'), 0)::int as real,
           coalesce(sum(n) filter (where outcome = 'false'), 0)::int as false,
           coalesce(sum(n) filter (where outcome = 'unclear'), 0)::int as unclear,
           coalesce(sum(n) filter (where outcome = 'open'), 0)::int as under_way,
           coalesce(sum(n) filter (where late), 0)::int as late
    from alike cross join unnest(models) as told (model)
    where %(model)s::text is null or model = %(model)s
    group by model
)
select c.*, coalesce(w.days, 0)::int as worn_days, coalesce(w.hours, 0)::float8 as worn_hours
from counted c
left join lateral (select sum(days) as days, sum(worn_min) / 60 as hours from worn_count
                   where model = c.model and day >= %(day)s and (%(area)s::text is null or area = %(area)s)) w on true
order by c.cancelled + c.at_desk + c.false desc, c.suspected desc, c.model limit %(limit)s

-- name: by_wearer
-- The same by wearer, the most false alarms first. Everybody is ranked; the rest is worked out of the few who are shown.
with ranked as (
    select resident_id from fall_told
    where began_at >= %(since)s and resident_id is not null
      and (%(area)s::text is null or resident_id in (select id from resident where area = %(area)s))
      and (%(model)s::text is null
           or incident_id in (select incident_id from fall_told where %(model)s::text = any(models)))
    group by resident_id order by count(*) filter (where none) desc, count(*) desc, resident_id limit %(limit)s
), counted as (
    select resident_id, count(*) as suspected, count(*) filter (where outcome = 'cancelled') as cancelled,
           count(*) filter (where outcome = 'cancelled_at_desk') as at_desk,
           count(*) filter (where outcome = 'real') as real, count(*) filter (where outcome = 'false') as false,
           count(*) filter (where outcome = 'unclear') as unclear,
           count(*) filter (where outcome = 'open') as under_way,
           count(*) filter (where late) as late, max(began_at) as last_at,
           percentile_disc(0.5) within group (order by after_s) as after_s
    from ranked join fall_told using (resident_id)
    where began_at >= %(since)s
      and (%(model)s::text is null
           or incident_id in (select incident_id from fall_told where %(model)s::text = any(models)))
    group by resident_id
)
select c.*, r.name as resident, r.area, w.days as worn_days, w.hours as worn_hours
from counted c join resident r on r.id = c.resident_id
cross join lateral (  -- two devices worn on one day are one day
    select count(distinct day)::int as days, coalesce(sum(worn_min) / 60, 0)::float8 as hours
    from device d join device_day y on y.device_id = d.id
    where d.resident_id = c.resident_id and y.day >= %(day)s and y.worn_min > 0) w
order by c.cancelled + c.at_desk + c.false desc, c.suspected desc, c.resident_id

-- name: read_through
-- Up to when cases were read for table fall_told; empty at first.
select through from fall_mark

-- name: changed
-- Cases with a fall to which something happened in a time.
select array(
    select incident_id from (
        select incident_id from incident_event where at >= %(since)s and at < %(until)s
        union select incident_id from alert where kind = 'fall' and raised_at >= %(since)s and raised_at < %(until)s) as c
    where exists (select from alert a where a.incident_id = c.incident_id and a.kind = 'fall'))

-- name: forget
delete from fall_told where incident_id = any(%(cases)s::bigint[])

-- name: tell
insert into fall_told (incident_id, began_at, resident_id, models, outcome, after_s, late)
select f.incident_id, f.began_at, f.resident_id, array(
           select distinct d.model from alert a join device d on d.id = a.device_id
           where a.incident_id = f.incident_id and a.kind = 'fall' and a.raised_at >= f.began_at and a.raised_at < f.next_at),
       f.outcome, f.cancelled_after_s, f.cancelled_late
from fall f left join resident r on r.id = f.resident_id
where f.incident_id = any(%(cases)s::bigint[]) and not f.test and r.canary is not true
  and f.outcome <> 'no_fall_of_its_own'

-- name: read_until
insert into fall_mark (through) values (%(until)s) on conflict (one) do update set through = excluded.through

-- name: sweep
delete from fall_told where ctid = any(array(select ctid from fall_told where began_at < %(before)s limit %(limit)s))

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
-- Days since one that nobody has counted since they were over.
select each::date from generate_series(%(since)s::date, %(until)s::date, interval '1 day') as each
where not exists (select from worn_count w where w.day = each::date and w.model = '') order by 1 limit %(limit)s

-- name: hold_worn
-- Nobody adds to the counts while a day is counted: what is added is in the rows by then, or comes afterwards.
lock table worn_count in share row exclusive mode

-- name: forget_worn
delete from worn_count where day = %(day)s

-- name: count_worn
-- One day's wearing by model and area, from the rows; a line without a model says that the day was over by then.
insert into worn_count (day, model, area, days, worn_min)
select %(day)s, d.model, coalesce(r.area, ''), count(*), sum(y.worn_min)
from device_day y join device d on d.id = y.device_id left join resident r on r.id = d.resident_id
where y.day = %(day)s and y.worn_min > 0 and d.model <> '' and r.canary is not true
group by d.model, coalesce(r.area, '')
union all select %(day)s, '', '', 0, 0 where %(over)s
