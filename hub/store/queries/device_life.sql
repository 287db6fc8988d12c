-- name: hold
-- One device, held until commit, by its number or its address.
select id, address, state, resident_id, model, room, no_button, deadline_s from device
where id = %(id)s or address = %(address)s order by (id = %(id)s) desc nulls last limit 1
for no key update  -- a press that opens an incident of this device waits for nobody

-- name: claim
-- It is ours now; whose it was before its retirement is forgotten, the history remembers.
update device set state = %(state)s, model = coalesce(nullif(%(model)s, ''), model),
    model_told = model_told or %(model)s <> '', resident_id = null, bound_at = null
where id = %(id)s

-- name: bind
-- It is this resident's; what was tried elsewhere does not count any more.
update device set state = %(state)s, resident_id = %(resident_id)s, room = coalesce(nullif(%(room)s, ''), room),
    no_button = %(no_button)s, bound_at = hub_now()
where id = %(id)s

-- name: move
update device set room = %(room)s, no_button = coalesce(%(no_button)s, no_button) where id = %(id)s

-- name: put
-- Only the state changes.
update device set state = %(state)s where id = %(id)s

-- name: retire
-- It is nobody's; nobody is supervised or tested through it.
update device set state = 'retired', resident_id = null, test_until = null, bound_at = null where id = %(id)s

-- name: dismiss
-- A retired device signs in no more.
update credential set active = false where device_id = %(id)s and active

-- name: history
-- What was done to a device, the last first.
select at, action, state, actor, note, facts from device_event where device_id = %(id)s order by id desc limit %(limit)s

-- name: settle
-- Devices under installation that were pressed since they were bound, or that have nothing to press and have spoken:
-- that was their test. The press itself rang as any other does, unless test mode was on. A button is tested by a call for
-- help of the worst kind, not by what it finds by itself (a fall, a forced door); a detector, which its model or name says
-- it is, by its own alarm or by its test key.
with tried as (
    select d.id, coalesce(p.at, t.received_at) as at, p.incident_id, p.identity
    from device d
    cross join lateral (
        select array(select kind from jsonb_each_text(%(detectors)s::jsonb) as one (kind, called)
                     where d.model ~* called or d.address ~* called) as kinds
    ) finds
    left join lateral (
        select * from (
            select at, incident_id, identity from press
            where not d.no_button and device_id = d.id and at >= coalesce(d.bound_at, d.created_at)
              and (kind = any(finds.kinds) or kind = 'sos' and exists (
                  select from alert a where a.incident_id = press.incident_id and a.device_id = d.id
                      and a.kind = 'sos' and a.severity = 1 and a.raised_at = press.at))
            union all
            select received_at, null, null from observation
            where not d.no_button and cardinality(finds.kinds) > 0 and device_id = d.id
              and received_at >= coalesce(d.bound_at, d.created_at)
              and code in ('test.smoke', 'event.test') and number = 1 and quality = 'ok'
        ) pressed order by at limit 1
    ) p on true
    left join lateral (
        select received_at from telemetry
        where d.no_button and device_id = d.id and received_at >= coalesce(d.bound_at, d.created_at)
        order by received_at limit 1
    ) t on true
    where d.state = 'bound' and coalesce(p.at, t.received_at) is not null
    for no key update of d skip locked  -- somebody is at work on it: it is looked at again within the minute
), moved as (
    update device d set state = 'tested' from tried where d.id = tried.id and d.state = 'bound'
    returning d.id, tried.at, tried.incident_id, tried.identity
)
insert into device_event (device_id, at, action, state, actor, facts)
select id, at, 'press', 'tested', 'device',
       jsonb_strip_nulls(jsonb_build_object('incident', incident_id, 'press', identity))
from moved
returning device_id

-- name: known
-- All that tells whether a device is in effect.
select d.state, d.bound_at, v.received_at, d.deadline_s, p.at, d.no_button, d.test_until, b.battery_pct,
       d.address like 'carehub:%%' as needs_key,
       exists (select from credential c where c.device_id = d.id and c.active) as has_key,
       (select count(*) from care_circle c join person q on q.id = c.person_id and q.active
        where c.resident_id = d.resident_id) as circle,
       (select coalesce(jsonb_object_agg(last.check_, last.passed), '{}') from (
            select distinct on (e.facts ->> 'check') e.facts ->> 'check' as check_, (e.facts ->> 'passed')::boolean as passed
            from device_event e where e.device_id = d.id and e.action = 'check' and e.at >= d.bound_at
              and (e.facts ->> 'check' <> 'sos' or e.at > coalesce(p.at, '-infinity'))  -- it came after all
            order by e.facts ->> 'check', e.id desc) last) as checks,
       d.address, d.model
from device d
left join lateral (select received_at from telemetry_heard where device_id = d.id
                   order by received_at desc limit 1) v on true
left join lateral (select battery_pct from telemetry where device_id = d.id and battery_pct is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) b on true
left join lateral (
    select max(at) as at from (
        select at from device_event where device_id = d.id and action = 'press' and at >= coalesce(d.bound_at, d.created_at)
        union all
        select at from press where device_id = d.id and kind = 'sos' and at >= coalesce(d.bound_at, d.created_at)
            and exists (select from alert a where a.incident_id = press.incident_id and a.device_id = d.id
                            and a.kind = 'sos' and a.severity = 1 and a.raised_at = press.at)
    ) pressed) p on true
where d.id = %(id)s
