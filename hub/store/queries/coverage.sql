-- name: households
-- Everybody we care for, with those of her circle who are still with us.
select r.id, r.area, r.lat, r.lon,
       coalesce(array_agg(c.person_id order by c.position, c.person_id) filter (where p.active), '{}') as people,
       coalesce(array_agg(c.minutes_away order by c.position, c.person_id) filter (where p.active), '{}') as minutes
from resident r left join care_circle c on c.resident_id = r.id left join person p on p.id = c.person_id and not p.canary
where served(r.canary, r.ended_at) and (%(areas)s::text[] is null or r.area = any(%(areas)s)) and (%(resident)s::bigint is null or r.id = %(resident)s)
group by r.id order by r.id

-- name: sizes
-- How many we care for in each area.
select area, count(*) from resident where served(canary, ended_at) group by area order by area

-- name: helpers
-- Everybody who could come; of families, where it is about some areas, those of their residents alone.
select p.id, p.role, p.area, p.lat, p.lon,
       coalesce((select array_agg(channel) from contact k where k.person_id = p.id), '{}'),
       exists (select from shift s where s.person_id = p.id)
from (select q.id from person q where %(areas)s::text[] is null
      union select q.id from person q where q.role <> 'family'
      union select c.person_id from resident r join care_circle c on c.resident_id = r.id where r.area = any(%(areas)s)) who
join person p on p.id = who.id
where p.active and not p.canary and not office_only(p.role)
order by p.id

-- name: names_of
select id, name from person where id = any(%(people)s)

-- name: residents_of
select id, name, area, address from resident where id = any(%(residents)s) order by area, id

-- name: forget
delete from coverage_hole

-- name: remember
copy coverage_hole (kind, area, roster, residents, people, first_hour, last_hour, minutes) from stdin

-- name: ran
insert into coverage_run (at, residents, hours, covered, took_s, radius_min)
values (%(at)s, %(residents)s, %(hours)s, %(covered)s, %(took_s)s, %(radius_min)s)
on conflict (one) do update set at = excluded.at, residents = excluded.residents, hours = excluded.hours,
       covered = excluded.covered, took_s = excluded.took_s, radius_min = excluded.radius_min

-- name: last_run
select at, residents, hours, covered, took_s, radius_min from coverage_run

-- name: work
-- Holes as work to do: one line for each kind, area and list, worst and soonest first, with how much of it there is.
select h.kind, h.area, h.roster, count(*) as gaps, min(h.first_hour) as first_hour, max(h.last_hour) as last_hour,
       (select h2.last_hour from coverage_hole h2 where h2.kind = h.kind and h2.area = h.area and h2.roster = h.roster
        order by h2.first_hour, h2.id limit 1) as first_ends,
       max(h.minutes) as minutes,
       sum((extract(epoch from h.last_hour - h.first_hour) / 3600 + 1) * cardinality(h.residents))::bigint as hours,
       (select array(select distinct x from coverage_hole h3, unnest(h3.residents) x
         where h3.kind = h.kind and h3.area = h.area and h3.roster = h.roster order by x limit 1000)) as residents,
       (select array(select distinct x from coverage_hole h3, unnest(h3.people) x
         where h3.kind = h.kind and h3.area = h.area and h3.roster = h.roster order by x limit 1000)) as people
from coverage_hole h
where (%(area)s::text is null or h.area = %(area)s)
  and (%(resident)s::bigint is null or %(resident)s = any(h.residents))
group by h.kind, h.area, h.roster
order by array_position(array['nobody', 'unproved', 'unreachable', 'last_resort', 'only_family_far', 'far', 'calendar', 'unknown'], h.kind),
         min(h.first_hour), count(*) desc, h.area, h.roster
limit %(limit)s

-- name: lists_of_areas
-- The duty lists of those who serve some areas, those who serve all included: where a shift more fills a hole.
select distinct a.area, s.roster from unnest(%(areas)s::text[]) as a (area)
join person p on p.area in (a.area, '') and p.active and not p.canary
join shift s on s.person_id = p.id and s.roster <> '' and coalesce(upper(s.during), 'infinity') > hub_now() - interval '30 days'
order by 1, 2

-- name: gaps
-- The single holes of one line of work.
select id, kind, area, roster, residents, people, first_hour, last_hour, minutes from coverage_hole
where kind = %(kind)s and area = %(area)s and roster = %(roster)s order by first_hour, id limit %(limit)s

-- name: areas
select distinct area from resident where served(canary, ended_at) order by area
