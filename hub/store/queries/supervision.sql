-- name: vias
-- Behind which gateway each device was heard last.
select device_id, gateway from device_via

-- name: words
-- Gateways that said they are offline, and since when.
select gateway, at from gateway_word where not online

-- name: losses
-- Gateways that are lost now.
select id, gateway, why, began_at from gateway_loss where ended_at is null

-- name: silences
-- Devices that are silent now.
select device_id, found_at from device_silence where ended_at is null

-- name: keep_vias
insert into device_via (device_id, gateway, at)
select d, g, %(now)s from unnest(%(devices)s::bigint[], %(gateways)s::text[]) as t(d, g)
on conflict (device_id) do update set gateway = excluded.gateway, at = excluded.at

-- name: keep_words
insert into gateway_word (gateway, online, at)
select g, o, a from unnest(%(gateways)s::text[], %(online)s::boolean[], %(at)s::timestamptz[]) as t(g, o, a)
on conflict (gateway) do update set online = excluded.online, at = excluded.at

-- name: lose
-- One row while it is lost, also when the same finding is made again after a crash.
insert into gateway_loss (gateway, device_id, why, began_at, found_at, members, silent)
values (%(gateway)s, %(device)s, %(why)s, %(began)s, hub_now(), %(members)s, %(silent)s)
on conflict (gateway) where ended_at is null do update set members = excluded.members, silent = excluded.silent
returning id

-- name: case_of
-- The open case of a device's technical findings.
select id from incident where dedup_key = %(key)s

-- name: found_again
update gateway_loss set ended_at = hub_now() where gateway = %(gateway)s and ended_at is null

-- name: silent_begin
insert into device_silence (device_id, since, found_at, loss_id)
select d, s, f, l from unnest(%(devices)s::bigint[], %(since)s::timestamptz[], %(found)s::timestamptz[],
                              %(losses)s::bigint[]) as t(d, s, f, l)
on conflict (device_id) where ended_at is null do update set loss_id = excluded.loss_id

-- name: silent_end
update device_silence set ended_at = %(now)s where device_id = any(%(devices)s::bigint[]) and ended_at is null

-- name: keep_days
-- Levels replace, worn time is added: what is written here was counted since the last writing. What a model was worn is
-- added up on the way (table worn_count): nobody has to read all devices for it.
with fresh as (
    select * from unnest(%(devices)s::bigint[], %(days)s::date[], %(levels)s::real[], %(charged)s::boolean[],
                         %(worn)s::real[]) as t(device_id, day, battery_pct, charged, worn_min)
), first as (  -- this statement's snapshot: the days before it
    select f.day, f.worn_min, d.model, coalesce(r.area, '') as area, coalesce(y.worn_min, 0) = 0 as new
    from fresh f join device d on d.id = f.device_id left join resident r on r.id = d.resident_id
    left join device_day y on y.device_id = f.device_id and y.day = f.day
    where f.worn_min > 0 and d.model <> '' and r.canary is not true
), added as (
    insert into worn_count (day, model, area, days, worn_min)
    select day, model, area, count(*) filter (where new), sum(worn_min) from first group by day, model, area
    order by day, model, area
    on conflict (day, model, area) do update set
        days = worn_count.days + excluded.days, worn_min = worn_count.worn_min + excluded.worn_min
)
insert into device_day (device_id, day, battery_pct, charged, worn_min)
select * from fresh
on conflict (device_id, day) do update set
    battery_pct = coalesce(excluded.battery_pct, device_day.battery_pct),
    charged = device_day.charged or excluded.charged,
    worn_min = case when excluded.worn_min is null then device_day.worn_min
                    else coalesce(device_day.worn_min, 0) + excluded.worn_min end

-- name: keep_levels
-- The newest level of each device. A new day's is forecast again; a level that is the same writes nothing.
insert into device_battery (device_id, level_pct, at)
select d, l, %(now)s from unnest(%(devices)s::bigint[], %(levels)s::real[]) as t(d, l)
on conflict (device_id) do update set level_pct = excluded.level_pct, at = excluded.at,
    stale = device_battery.stale or device_battery.at < %(midnight)s or excluded.level_pct > device_battery.level_pct
where round(device_battery.level_pct) <> round(excluded.level_pct) or device_battery.at < %(midnight)s

-- name: keep_signals
insert into low_signal (device_id, at)
select d, a from unnest(%(devices)s::bigint[], %(at)s::timestamptz[]) as t(d, a)
on conflict do nothing

-- name: many_signals
-- Of these devices, those that gave so many low-battery signals in the time, with whose they are.
select d.id, d.resident_id, count(*), max(s.at)
from low_signal s join device d on d.id = s.device_id
where s.device_id = any(%(devices)s::bigint[]) and s.at > %(since)s and d.state in ('bound', 'tested', 'live')
group by d.id, d.resident_id
having count(*) >= %(signals)s

-- name: book
-- Nobody is sent twice for one battery: while a visit is open there is no other, and the signals that led to the last
-- visit book no new one.
insert into visit (device_id, resident_id, reason, booked_at, due, facts)
select %(device)s, %(resident)s, 'battery', hub_now(), %(due)s, %(facts)s::jsonb
where not exists (select from visit v where v.device_id = %(device)s and v.status = 'done' and v.done_at >= %(last)s)
on conflict (device_id, reason) where status = 'open' do nothing
returning id

-- name: charged
-- Whoever wears it has charged it, or somebody put another battery in: nobody need go.
update visit v set status = 'done', done_at = hub_now(), done_by = 'device', note = 'charged'
where v.device_id = any(%(devices)s::bigint[]) and v.reason = 'battery' and v.status = 'open'
returning v.device_id

-- name: forget_signals
delete from low_signal where device_id = any(%(devices)s::bigint[])

-- name: sweep_signals
-- Only the time in which they count is kept.
delete from low_signal where at < %(before)s

-- name: low_now
-- Devices that gave a low-battery signal lately or are to be visited for one.
select device_id from low_signal union select device_id from visit where status = 'open' and reason = 'battery'

-- name: set_deadline
update device set deadline_s = %(deadline)s where id = %(id)s
