-- name: gateways_down
-- Gateways that are lost, the longest first, with what hangs behind them.
select l.id, l.gateway, l.device_id, l.why, l.began_at, l.found_at, l.members, i.id as incident,
       (select count(*) from device_silence s where s.loss_id = l.id and s.ended_at is null) as silent_now
from gateway_loss l
left join incident i on i.dedup_key = 'device:' || l.device_id || ':technical'
where l.ended_at is null
order by l.began_at
limit %(limit)s

-- name: silent
-- Devices that are past their deadline for themselves, the longest first. Those behind a lost gateway are counted there.
select s.device_id, d.address, d.model, d.room, d.resident_id, r.name as resident, coalesce(r.area, '') as area,
       s.since, s.found_at, d.deadline_s, i.id as incident
from device_silence s
join device d on d.id = s.device_id
left join resident r on r.id = d.resident_id
left join incident i on i.dedup_key = 'device:' || d.id || ':technical'
where s.ended_at is null and s.loss_id is null and d.state <> 'retired' and served(r.canary, r.ended_at)
  and (%(model)s::text is null or d.model = %(model)s) and (%(area)s::text is null or r.area = %(area)s)
order by s.since
limit %(limit)s

-- name: batteries
-- Devices whose battery will be flat on a day that can be told, the nearest first; then those that are low and unknown.
(select b.device_id, d.address, d.model, d.room, d.resident_id, r.name as resident, coalesce(r.area, '') as area,
        b.level_pct, b.at, b.forecast, b.flat_on
 from device_battery b join device d on d.id = b.device_id left join resident r on r.id = d.resident_id
 where b.flat_on is not null and b.flat_on <= %(until)s and d.state <> 'retired'
   and (%(model)s::text is null or d.model = %(model)s) and (%(area)s::text is null or r.area = %(area)s)
 order by b.flat_on, b.device_id limit %(limit)s)
union all
(select b.device_id, d.address, d.model, d.room, d.resident_id, r.name, coalesce(r.area, ''), b.level_pct, b.at, b.forecast,
        b.flat_on
 from device_battery b join device d on d.id = b.device_id left join resident r on r.id = d.resident_id
 where b.level_pct <= 30 and b.flat_on is null and b.level_pct <= %(low)s and d.state <> 'retired'
   and (%(model)s::text is null or d.model = %(model)s) and (%(area)s::text is null or r.area = %(area)s)
 order by b.level_pct, b.device_id limit %(limit)s)
limit %(limit)s

-- name: worn
-- Hours a day of devices that say whether they are worn, of the last days, the least worn first.
select w.device_id, d.address, d.model, d.resident_id, r.name as resident, coalesce(r.area, '') as area, w.hours, w.days
from (select device_id, sum(worn_min) / 60 / %(days)s as hours, count(worn_min) as days
      from device_day where day > %(today)s::date - %(days)s::int and day <= %(today)s and worn_min is not null
        and device_id = any(%(devices)s::bigint[])
      group by device_id) w
join device d on d.id = w.device_id
left join resident r on r.id = d.resident_id
order by w.hours, w.device_id

-- name: of_kind
-- Devices in use of one model or area.
select d.id from device d left join resident r on r.id = d.resident_id
where d.state in ('bound', 'tested', 'live') and d.resident_id is not null and served(r.canary, r.ended_at)
  and (%(model)s::text is null or d.model = %(model)s) and (%(area)s::text is null or r.area = %(area)s)
order by d.id limit %(limit)s

-- name: kinds
-- Whether any device is of this model and area, and which models and areas there are.
select exists (select from device d left join resident r on r.id = d.resident_id where d.state <> 'retired'
               and (%(model)s::text is null or d.model = %(model)s) and (%(area)s::text is null or r.area = %(area)s)),
       array(select distinct model from device where state <> 'retired' and model <> '' order by 1 limit %(limit)s),
       array(select distinct r.area from device d join resident r on r.id = d.resident_id
             where d.state <> 'retired' and r.area <> '' and served(r.canary, r.ended_at) order by 1 limit %(limit)s)

-- name: visits
-- Visits to be made, the next due first, or those that were made, the last first.
select v.id, v.device_id, d.address, d.model, d.room, v.resident_id, r.name as resident, coalesce(r.area, '') as area,
       r.address as home, v.reason, v.booked_at, v.due, v.status, v.done_at, v.done_by, v.note, b.level_pct, b.flat_on,
       p.name as done_name
from visit v
join device d on d.id = v.device_id
left join resident r on r.id = v.resident_id
left join device_battery b on b.device_id = v.device_id
left join person p on v.done_by = 'person:' || p.id
where v.status = %(status)s and (v.status = 'done' or served(r.canary, r.ended_at)) and (%(since)s::timestamptz is null or v.done_at >= %(since)s)
  and (%(area)s::text is null or r.area = %(area)s)
order by case when v.status = 'open' then v.due end, v.done_at desc, v.id
limit %(limit)s

-- name: visit_done
-- Signals before it are forgotten: they are of the battery that was there.
with made as (
    update visit set status = 'done', done_at = hub_now(), done_by = %(by)s, note = %(note)s
    where id = %(id)s and status = 'open' returning device_id
), gone as (delete from low_signal using made where low_signal.device_id = made.device_id)
select device_id from made

-- name: attempts
-- Counts of first attempts per model since a day. What they count: alerts.supervision_attempts.
select model, sum(presses)::int, sum(again)::int, sum(unanswered)::int, sum(trials)::int, sum(trials_failed)::int,
       sum(trials_silent)::int
from first_attempt
where day >= %(since)s and (%(model)s::text is null or model = %(model)s) and (%(area)s::text is null or area = %(area)s)
group by model

-- name: count_attempts
-- One day's first attempts, counted again: of presses by index of their time, of trials by that of their events.
with whole as (
    select p.device_id, p.at, p.incident_id, lag(p.at) over w as before, lead(p.at) over w as next
    from press p
    where p.kind = 'sos' and p.at >= %(from)s::timestamptz - %(episode)s and p.at < %(to)s::timestamptz + %(again)s
    window w as (partition by p.device_id order by p.at)
), first as (
    select device_id, incident_id, next - at <= %(again)s as again
    from whole where at >= %(from)s and at < %(to)s and (before is null or at - before >= %(episode)s)
), presses as (
    select d.model, coalesce(r.area, '') as area, count(*) as presses, count(*) filter (where f.again) as again,
           count(*) filter (where not t.taken) as unanswered
    from first f
    join device d on d.id = f.device_id
    left join resident r on r.id = d.resident_id
    cross join lateral (select exists (select from incident_event e
                                       where e.incident_id = f.incident_id and e.what = 'taken') as taken) t
    where coalesce(not r.canary, true)
    group by 1, 2
), bound as (
    select e.device_id, e.at,
           (select o.action || coalesce(o.facts ->> 'passed', '') from device_event o
            where o.device_id = e.device_id and o.id > e.id
              and (o.action = 'press'
                   or o.action = 'check' and o.facts ->> 'check' = 'sos' and o.facts ->> 'passed' = 'false')
            order by o.id limit 1) as came,
           (select min(o.at) from device_event o
            where o.device_id = e.device_id and o.id > e.id and o.action = 'press') as press_at
    from device_event e
    where e.action = 'bind' and e.at >= %(from)s and e.at < %(to)s
), trials as (
    select d.model, coalesce(r.area, '') as area, count(*) as trials,
           count(*) filter (where b.came = 'checkfalse') as failed,
           count(*) filter (where b.came is distinct from 'checkfalse'
                            and (b.press_at is null or b.press_at - b.at > %(trial)s)) as silent
    from bound b join device d on d.id = b.device_id left join resident r on r.id = d.resident_id
    where not d.no_button and (b.came is not null or b.at < %(now)s::timestamptz - %(trial)s)
    group by 1, 2
), told as (
    select coalesce(p.model, t.model) as model, coalesce(p.area, t.area) as area, coalesce(p.presses, 0) as presses,
           coalesce(p.again, 0) as again, coalesce(p.unanswered, 0) as unanswered, coalesce(t.trials, 0) as trials,
           coalesce(t.failed, 0) as failed, coalesce(t.silent, 0) as silent
    from presses p full join trials t on t.model = p.model and t.area = p.area
)
insert into first_attempt (day, model, area, presses, again, unanswered, trials, trials_failed, trials_silent)
select %(day)s, model, area, presses, again, unanswered, trials, failed, silent from told
on conflict (day, model, area) do update set presses = excluded.presses, again = excluded.again,
    unanswered = excluded.unanswered, trials = excluded.trials, trials_failed = excluded.trials_failed,
    trials_silent = excluded.trials_silent

-- name: stale
-- Batteries whose forecast is of yesterday.
select device_id from device_battery where stale order by device_id limit %(limit)s

-- name: histories
-- The days of these devices' batteries.
select device_id, day, battery_pct, charged from device_day
where device_id = any(%(devices)s::bigint[]) and day > %(since)s and battery_pct is not null

-- name: forecast
update device_battery b set forecast = f.verdict, flat_on = f.flat_on, stale = false
from (select * from unnest(%(devices)s::bigint[], %(verdicts)s::text[], %(flat_on)s::date[])
      as t(device_id, verdict, flat_on)) f
where b.device_id = f.device_id

-- name: sweep_days
-- Some devices' days beyond what anybody looks at.
delete from device_day where ctid = any(array(select ctid from device_day where day < %(before)s limit %(limit)s))

-- name: figures
-- For Prometheus: rows of small tables and of partial indexes only.
select (select count(*) from visit where status = 'open') as visits_open,
       (select count(*) from visit where status = 'open' and due < %(today)s) as visits_late,
       (select count(*) from device_battery where level_pct <= 30 and level_pct <= %(low)s) as low,
       (select count(*) from device_battery where flat_on is not null and flat_on <= %(soon)s) as flat_soon

-- name: last_counted
select max(day) from first_attempt
