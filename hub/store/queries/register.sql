-- name: find_person
-- Whoever is called so: by number, name, account or telephone.
select id, name, role, area from person
where active and not canary
  and (id = %(number)s::bigint or lower(name) = lower(%(word)s) or lower(login) = lower(%(word)s)
       or phone <> '' and replace(phone, ' ', '') = replace(%(word)s, ' ', ''))
order by id = %(number)s::bigint desc nulls last, id limit %(limit)s

-- name: residents
-- Everybody we care for, of one area or all, with who is called for her.
select r.id, r.name, r.area, r.address,
       coalesce((select jsonb_agg(jsonb_build_object('person', p.id, 'name', p.name, 'relation', c.relation,
                                                     'minutes', c.minutes_away) order by c.position, p.id)
                 from care_circle c join person p on p.id = c.person_id
                 where c.resident_id = r.id and p.active and not p.canary), '[]') as circle
from resident r
where served(r.canary, r.ended_at) and (%(area)s::text is null or r.area = %(area)s)
order by r.id

-- name: people
-- Everybody who may be called or works the console, with how to reach them, for whom, and when they are on duty.
with t as materialized (select hub_now() as now)
select p.id, p.name, p.role, p.area, p.phone, coalesce(p.login, '') as login,
       coalesce((select jsonb_agg(jsonb_build_object('channel', k.channel, 'address', k.address)
                                  order by k.position, k.channel)
                 from contact k where k.person_id = p.id), '[]') as contacts,
       coalesce((select jsonb_agg(jsonb_build_object('resident', r.id, 'name', r.name, 'relation', c.relation,
                                                     'minutes', c.minutes_away) order by r.id)
                 from care_circle c join resident r on r.id = c.resident_id
                 where c.person_id = p.id and served(r.canary, r.ended_at)), '[]') as called_for,
       exists (select from duties(p.id, t.now) d where d.on_duty) as on_duty,
       coalesce((select jsonb_agg(d.roster order by d.roster) from duties(p.id, t.now) d where d.on_duty), '[]') as lists,
       (select max(upper(s.during)) from shift s where s.person_id = p.id and s.during @> t.now) as until,
       (select min(lower(s.during)) from shift s where s.person_id = p.id and lower(s.during) > t.now) as next_shift,
       exists (select from shift s where s.person_id = p.id) as keeps_hours
from person p cross join t
where p.active and not p.canary
  and (%(area)s::text is null or p.area = %(area)s or p.area = '' and p.role not in ('family', 'neighbour')
       or exists (select from care_circle c join resident r on r.id = c.resident_id
                  where c.person_id = p.id and r.area = %(area)s and served(r.canary, r.ended_at)))
order by p.id
