-- name: rosters
-- Every duty list, also those only a shift names, with how many people are on it from now on.
select n.name, coalesce(r.zone, %(zone)s), coalesce(r.role, ''), coalesce(r.needs_check_in, false),
       (select count(distinct s.person_id) from shift s where s.roster = n.name
          and coalesce(upper(s.during), 'infinity') > hub_now())
from (select name from roster union select roster from shift where coalesce(upper(during), 'infinity') > hub_now()) n
left join roster r on r.name = n.name
order by n.name = '', n.name

-- name: save_roster
-- A duty list; said again, what it is changes and its shifts stay.
insert into roster (name, zone, role, needs_check_in, created_at)
values (%(name)s, %(zone)s, %(role)s, %(needs_check_in)s, hub_now())
on conflict (name) do update set zone = excluded.zone, role = excluded.role, needs_check_in = excluded.needs_check_in

-- name: lock_roster
-- One edit of a duty list at a time.
select zone from roster where name = %(name)s for no key update

-- name: known_people
-- Which of these may be on a duty list.
select id from person where id = any(%(people)s) and active

-- name: add_rotation
insert into rotation (roster, people, first_day, hand_over, turn_days, window_from, window_to, weekdays, days, until,
                      created_by, created_at)
values (%(roster)s, %(people)s, %(first_day)s, %(hand_over)s, %(turn_days)s, %(window_from)s, %(window_to)s,
        %(weekdays)s, %(days)s, %(until)s, %(by)s, hub_now())
returning id

-- name: edit_rotation
update rotation set people = %(people)s, first_day = %(first_day)s, hand_over = %(hand_over)s,
       turn_days = %(turn_days)s, window_from = %(window_from)s, window_to = %(window_to)s, weekdays = %(weekdays)s,
       days = %(days)s, until = %(until)s
where id = %(id)s and roster = %(roster)s and ended_at is null returning id

-- name: end_rotation
update rotation set ended_at = hub_now() where id = %(id)s and ended_at is null returning roster

-- name: rotations
-- Rotations in use, of one list or of all.
select t.id, t.roster, r.zone, t.people, t.first_day, t.hand_over, t.turn_days, t.window_from, t.window_to, t.weekdays,
       t.days, t.until
from rotation t join roster r on r.name = t.roster
where t.ended_at is null and (%(roster)s::text is null or t.roster = %(roster)s) order by t.roster, t.id

-- name: of_rotation
-- What is stored of one rotation from now on.
select id, person_id, roster, lower(during), upper(during) from shift
where rotation_id = %(id)s and upper(during) > hub_now() order by id for update

-- name: new_shifts
insert into shift (person_id, roster, during, source, rotation_id)
select p, %(roster)s, tstzrange(a, b), %(source)s, %(rotation)s
from unnest(%(people)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) as x (p, a, b)

-- name: end_shifts
-- New ends. A shift that has begun is cut, so that what was stays written.
update shift set during = tstzrange(lower(during), x.until)
from unnest(%(ids)s::bigint[], %(ends)s::timestamptz[]) as x (id, until) where shift.id = x.id

-- name: drop_shifts
delete from shift where id = any(%(ids)s)

-- name: shift
-- One shift made by hand or imported; a rotation's are changed by the rotation or by an override.
select id, roster, lower(during), upper(during), source from shift where id = %(id)s for update

-- name: shifts
-- Shifts between two times, of one list or one person or all.
select id, person_id, roster, lower(during), upper(during), source, rotation_id from shift
where during && tstzrange(%(after)s, %(before)s)
  and (%(roster)s::text is null or roster = %(roster)s) and (%(person)s::bigint is null or person_id = %(person)s)
order by lower(during) nulls first, id

-- name: overrides
select id, roster, lower(during), upper(during), off_id, on_id, reason, by_id, created_at from shift_override
where during && tstzrange(%(after)s, %(before)s)
  and (%(roster)s::text is null or roster = %(roster)s)
  and (%(person)s::bigint is null or off_id = %(person)s or on_id = %(person)s)
order by id

-- name: check_ins
select person_id, roster, at, until, via from check_in
where until > %(after)s and at < %(before)s
  and (%(roster)s::text is null or roster = %(roster)s) and (%(person)s::bigint is null or person_id = %(person)s)
order by id

-- name: add_override
insert into shift_override (roster, during, off_id, on_id, reason, by_id, created_at)
values (%(roster)s, tstzrange(%(start)s, %(end)s), %(off)s, %(on)s, %(reason)s, %(by)s, hub_now())
returning id

-- name: end_check_ins
-- Whoever is told not to come is not here any more from then on, whatever his telephone said before.
update check_in set until = greatest(at, least(until, %(at)s))
where person_id = %(person)s and (%(roster)s::text is null or roster = %(roster)s) and until > %(at)s and at < %(until)s
returning roster

-- name: drop_override
-- One that has begun is cut, so that what was stays written.
with t as materialized (select hub_now() as now),
cut as (update shift_override set during = tstzrange(lower(during), t.now) from t
        where id = %(id)s and lower(during) < t.now and upper(during) > t.now returning roster),
gone as (delete from shift_override using t where id = %(id)s and lower(during) >= t.now returning roster)
select roster from cut union all select roster from gone

-- name: lock_person
select active from person where id = %(person)s for no key update

-- name: last_list
-- The list somebody was or will be on, nearest to now: where a stand-in stands in.
select roster from shift where person_id = %(person)s and roster <> '' order by abs(extract(epoch from
       case when lower(during) > hub_now() then lower(during) else upper(during) end - hub_now())), id limit 1

-- name: add_check_in
insert into check_in (person_id, roster, at, until, via) values (%(person)s, %(roster)s, %(at)s, %(until)s, %(via)s)

-- name: stay
-- Said again: the same presence, longer.
update check_in set until = greatest(until, %(until)s) where person_id = %(person)s and roster = %(roster)s
  and at <= %(at)s and until > %(at)s returning id

-- name: names
-- A supervisor has a name where duty is shown, and is put on no list; nor is an installer.
select id, name, role, coalesce(login, ''), phone, active and not office_only(role) from person where not canary order by name, id

-- name: mailboxes
select person_id, lower(address) from contact where channel = 'email'
