-- name: roster
-- Everybody who might be called for one case, in one go, a row for each duty list they are on: the care circle of the
-- resident, and the people of her area by role, with whether they are on duty then. `at` null: now. Family and 120 are
-- always asked, and so is a neighbour of her circle who keeps no duty hours; volunteers of her area when on duty. Now,
-- operators also count while a console of theirs is connected.
with t as materialized (select coalesce(%(at)s::timestamptz, hub_now()) as now, %(at)s::timestamptz is null as present),
target as (
    select coalesce(i.resident_id, %(resident)s::bigint) as resident_id,
           coalesce(nullif(i.area, ''), nullif(%(area)s::text, ''), r.area, '') as area,
           coalesce(r.canary, false) as canary, r.lat, r.lon
    from (select) as one
    left join incident i on i.id = %(incident)s::bigint
    left join resident r on r.id = coalesce(i.resident_id, %(resident)s::bigint)
)
select p.id, p.role,
       p.role in ('family', 'ambulance')
           or coalesce(d.on_duty, false)
           or p.role = 'neighbour' and p.in_circle and not exists (select from shift s where s.person_id = p.id)
           or t.present and p.role = 'operator' and exists (select from presence e where e.person_id = p.id
                                                                       and e.seen_at > t.now - %(signed_in)s::interval),
       p.minutes_away, p.position, w.channels, w.addresses, coalesce(d.roster, ''),
       coalesce(d.proved, true), p.lat, p.lon, target.lat, target.lon,
       case when p.role in ('family', 'neighbour') then quiet_until(p.id, t.now) end
from t cross join target
-- Each of the few it may be by an index, circle and area apart: a press must not look through everybody there is.
cross join lateral (
    select q.id, q.role, q.lat, q.lon, q.active, q.canary, true as in_circle, c.minutes_away, c.position
    from care_circle c join person q on q.id = c.person_id where c.resident_id = target.resident_id
    union all
    select q.id, q.role, q.lat, q.lon, q.active, q.canary, false, null, 0
    from unnest(array['operator', 'community', 'property', 'village_doctor', 'third_party', 'county_centre', 'ambulance',
                      'neighbour']) as of_role
    cross join (select '' as place union select target.area) as of_area
    -- None of these is family, which nearly everybody is: the index of the others is small.
    cross join lateral (select * from person where role = of_role and role <> 'family' and area = of_area.place
                        limit 10000) q
    where (q.role <> 'neighbour' or q.area <> '')
      and not exists (select from care_circle c where c.resident_id = target.resident_id and c.person_id = q.id)
) p
left join lateral (select array_agg(channel order by position, channel) as channels,
                          array_agg(address order by position, channel) as addresses
                   from contact where person_id = p.id) w on true
left join lateral duties(p.id, t.now) d on true
where p.active and p.canary = target.canary
order by p.position, p.id

-- name: devices
-- What can speak to the resident of a case: her devices, and the one that raised it; and what her people are to her.
with target as (
    select coalesce(i.resident_id, %(resident)s::bigint) as resident_id, coalesce(i.device_id, %(device)s::bigint) as device_id
    from (select) as one left join incident i on i.id = %(incident)s::bigint
)
select d.id, d.address, d.id = any(array[%(device)s::bigint, target.device_id]), coalesce(r.language, ''),
       (select jsonb_object_agg(c.person_id, c.relation) from care_circle c
        where c.resident_id = target.resident_id and c.relation <> '')
from target
join device d on d.resident_id = target.resident_id or d.id in (target.device_id, %(device)s::bigint)
left join resident r on r.id = target.resident_id
where d.state <> 'retired'

-- name: person
-- Who answers: role and whether the account still counts.
select id, role, language, active, canary from person where id = %(id)s

-- name: add_person
-- Somebody who may be called, or who works the console.
insert into person (name, role, area, phone, login, password_hash, created_at)
values (%(name)s, %(role)s, %(area)s, %(phone)s, %(login)s, %(password_hash)s, hub_now())
returning id

-- name: set_place
update person set lat = %(lat)s, lon = %(lon)s where id = %(person)s

-- name: set_contact
-- One way to reach a person; said again, its address is replaced.
insert into contact (person_id, channel, address, position)
values (%(person)s, %(channel)s, %(address)s, %(position)s)
on conflict (person_id, channel) do update set address = excluded.address, position = excluded.position

-- name: add_resident
-- Somebody we care for.
insert into resident (name, born, area, address, entrance, language, ability, risks, key_place, door_code, phone,
                      lat, lon, spo2_scale, created_at)
values (%(name)s, %(born)s, %(area)s, %(address)s, %(entrance)s, %(language)s, %(ability)s, %(risks)s, %(key_place)s,
        %(door_code)s, %(phone)s, %(lat)s, %(lon)s, %(spo2_scale)s, hub_now())
returning id

-- name: set_door_code
-- Sealed for this resident alone.
update resident set door_code = %(code)s where id = %(resident)s

-- name: set_spo2_scale
with known as (select id, spo2_scale from resident where id = %(resident)s for update)
update resident r set spo2_scale = %(scale)s from known where r.id = known.id returning known.spo2_scale

-- name: set_circle
-- Who belongs to a resident's circle, and how near.
insert into care_circle (resident_id, person_id, relation, position, minutes_away)
values (%(resident)s, %(person)s, %(relation)s, %(position)s, %(minutes_away)s)
on conflict (resident_id, person_id) do update set relation = excluded.relation, minutes_away = excluded.minutes_away

-- name: leave_circle
delete from care_circle where resident_id = %(resident)s and person_id = %(person)s returning person_id

-- name: cover
-- On duty from now on for `days`, unless a shift already covers the next day.
with t as materialized (select hub_now() as now)
insert into shift (person_id, during)
select %(person)s, tstzrange(t.now - interval '1 hour', t.now + make_interval(days => %(days)s)) from t
where not exists (select from shift where person_id = %(person)s
                  and during @> tstzrange(t.now, t.now + interval '1 day'))
