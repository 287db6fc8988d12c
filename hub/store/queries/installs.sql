-- name: area
-- Whose residents somebody installs for; empty: everybody's. `areas`: what his organisation serves; null: he is nobody's.
select p.area, case when p.organisation_id is not null then array(
           select distinct w from organisation_area a cross join lateral area_within(a.area) w
           where a.organisation_id = p.organisation_id) end as areas
from person p where p.id = %(person)s

-- name: candidates
-- Devices nobody has claimed, the last heard first: pressed, one comes to the top.
with strangers as (
    select id, address, model, created_at from device where state = 'seen' order by id desc limit %(looked_at)s
)
select * from (
    select s.id, s.address, s.model, p.at as pressed_at, greatest(s.created_at, t.received_at, o.received_at, p.at) as heard_at
    from strangers s
    left join lateral (select received_at from telemetry_heard where device_id = s.id and received_at > %(since)s
                       order by received_at desc limit 1) t on true
    left join lateral (select received_at from observation where device_id = s.id and received_at > %(since)s
                       order by received_at desc limit 1) o on true
    left join lateral (select max(at) as at from press where device_id = s.id and at > %(since)s) p on true
) heard
where heard_at > %(since)s order by heard_at desc limit %(limit)s

-- name: find
-- Devices of this address, IMEI, devEUI or serial number: whole, or its end; a watch's own number is part of its IMEI.
with word as (select %(word)s::text as said, translate(lower(%(word)s::text), ' :-.', '') as plain),
named as (
    select d.id, d.address, d.model, d.state, d.resident_id, substr(d.address, strpos(d.address, ':') + 1) as native from device d
), told as (
    select n.*, translate(lower(native), ' :-.', '') as whole,
           translate(lower(regexp_replace(native, '^.*/', '')), ' :-.', '') as last
    from named n
)
select id, address, model, state from (
    select t.*, case when address = w.said then 0 when w.plain in (whole, last) then 1
                     when length(last) >= 8 and last ~ '^[0-9]+$' and strpos(w.plain, last) > 0 then 2
                     when length(w.plain) >= %(shortest)s and right(last, length(w.plain)) = w.plain then 3 end as rank
    from told t, word w where w.plain <> ''
) ranked
where rank is not null and not exists (select from resident r where r.id = resident_id and r.canary)
order by rank, id desc limit %(limit)s

-- name: by_address
select id from device where address = %(address)s

-- name: residents
-- Whom a device may be given to: by number, part of the name or of the address. Nothing of health, no way in.
select id, name, area, address from resident
where served(canary, ended_at) and (%(area)s = '' or area = %(area)s) and (%(areas)s::text[] is null or area = any(%(areas)s))
  and (id = %(number)s::bigint or strpos(lower(name), lower(%(word)s)) > 0
       or strpos(lower(replace(address, ' ', '')), lower(replace(%(word)s, ' ', ''))) > 0)
order by (id = %(number)s::bigint) desc nulls last, (name = %(word)s) desc, name, id limit %(limit)s

-- name: resident
select id, name, area, address from resident
where id = %(resident)s and served(canary, ended_at) and (%(area)s = '' or area = %(area)s) and (%(areas)s::text[] is null or area = any(%(areas)s))

-- name: last_given
-- To whom somebody gave a device last, not long ago: the next one is likely hers too.
select (facts ->> 'resident')::bigint as resident from device_event
where actor = %(actor)s and action = 'bind' and at > hub_now() - make_interval(hours => %(hours)s) order by id desc limit 1

-- name: mine
-- What somebody has been at in this shift, the last first.
select d.id, d.address, d.model, d.state, d.room, d.resident_id, r.name as resident, e.at
from (select device_id, max(at) as at from device_event
      where actor = %(actor)s and at > hub_now() - make_interval(hours => %(hours)s) group by device_id) e
join device d on d.id = e.device_id and d.state <> 'retired'
left join resident r on r.id = d.resident_id
order by e.at desc limit %(limit)s

-- name: device
-- A device as the installer's page shows it. `mark`: its last line of history that is not its own; `plugged`: his word.
select d.id, d.address, d.model, d.state, d.room, d.no_button, d.bound_at, d.test_until, d.resident_id, d.created_at,
       r.name as resident, r.area, r.address as home, r.lat, r.lon, coalesce(r.language, 'zh-CN') as language,
       coalesce(r.canary, false) as canary, coalesce(m.id, 0) as mark, b.actor as bound_by, b.at as given_at,
       (select (e.facts ->> 'plugged')::boolean from device_event e
        where e.device_id = d.id and e.at >= d.bound_at and e.facts ? 'plugged' order by e.id desc limit 1) as plugged
from device d
left join resident r on r.id = d.resident_id
left join lateral (select id from device_event where device_id = d.id and actor <> 'device' order by id desc limit 1) m on true
left join lateral (select actor, at from device_event where device_id = d.id and action = 'bind' order by id desc limit 1) b on true
where d.id = %(id)s

-- name: signed
-- Who finished it last since it was bound, and when.
select p.name, e.at from device_event e join person p on e.actor = 'person:' || p.id
where e.device_id = %(id)s and e.action in ('live', 'left') and e.at >= %(since)s order by e.id desc limit 1

-- name: others
-- What somebody else did to it since this page was made.
select e.action, e.at, coalesce(p.name, '') as name from device_event e
left join person p on e.actor = 'person:' || p.id
where e.device_id = %(id)s and e.id > %(mark)s and e.actor not in ('device', %(actor)s) order by e.id desc limit 1

-- name: codes
-- What a device has told of lately.
select distinct code from (
    select code from observation where device_id = %(id)s and received_at > %(since)s order by received_at desc limit %(limit)s
) lately

-- name: begun
-- When each trial was begun last, since it was bound, and what was said to it.
select distinct on (facts ->> 'check') facts ->> 'check' as what, at, (facts ->> 'downlink')::bigint as downlink
from device_event where device_id = %(id)s and action = 'try' and at >= %(since)s order by facts ->> 'check', id desc

-- name: checked
-- What each trial showed last, since it was bound.
select distinct on (facts ->> 'check') facts ->> 'check' as what, at, actor, note, facts
from device_event where device_id = %(id)s and action = 'check' and at >= %(since)s order by facts ->> 'check', id desc

-- name: pressed
select at from press where device_id = %(id)s and kind = 'sos' and at >= %(since)s order by at limit 1

-- name: presses
-- The presses he tried for since it was bound, room after room, the last first: what arrived before the next was begun,
-- and whether he said that it does not arrive.
with tried as (
    select id, at, coalesce(facts ->> 'room', '') as room, lead(at) over (order by id) as until from device_event
    where device_id = %(id)s and action = 'try' and facts ->> 'check' = 'sos' and at >= %(since)s
)
select t.room, t.at as began_at,
       (select min(p.at) from press p where p.device_id = %(id)s and p.kind = 'sos' and p.at >= t.at
        and (t.until is null or p.at < t.until)) as at,
       exists (select from device_event e where e.device_id = %(id)s and e.action = 'check' and e.at >= t.at
               and (t.until is null or e.at < t.until)
               and e.facts ->> 'check' = 'sos' and not (e.facts ->> 'passed')::boolean) as failed
from tried t order by t.id desc limit %(limit)s

-- name: place
-- Where it says it is, since it was bound.
select received_at as at, lat, lon from observation
where device_id = %(id)s and received_at >= %(since)s and code = 'location' and lat is not null and lon is not null
  and quality in ('ok', 'unverified')
order by received_at desc limit 1

-- name: power
-- What it has said of its plug since then: not what a bridge remembers. That it does not charge tells of a plug that was
-- pulled only if it did charge before.
select o.received_at as at, o.code from observation o
where o.device_id = %(id)s and o.received_at >= %(since)s and o.quality in ('ok', 'unverified')
  and (o.code = any(%(cut)s) and o.number = 1 and coalesce(o.stage, '') not in ('ended', 'cancelled')
       or o.code = 'battery.charging' and o.number = 0
          and exists (select from observation b where b.device_id = o.device_id and b.received_at >= %(bound_at)s
                      and b.received_at < o.received_at and b.code = 'battery.charging' and b.number = 1))
order by o.received_at limit 1

-- name: say
-- Words or an order for a device that is being installed.
with told as (
    insert into downlink (topic, payload, retain, device_id, created_at, expires_at)
    values (%(topic)s, %(payload)b, %(retain)s, %(id)s, hub_now(), hub_now() + make_interval(secs => %(lasts_s)s)) returning id
)
select id, pg_notify('carehub_downlink', id::text) from told

-- name: said
select created_at, delivered_at from downlink where id = %(downlink)s

-- name: hold_quietly
-- Nobody waits for what the hub writes down by itself.
select 1 from device where id = %(id)s for no key update skip locked
