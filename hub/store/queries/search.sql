-- name: residents
-- By name, telephone or address, or by number where names were matched by their initials before. Digits of a telephone
-- are compared without what people write between them.
select r.id, r.name, r.born, r.area, r.address, r.phone, coalesce(r.risks, '{}') as risks,
       (select i.id from incident i where i.resident_id = r.id and i.dedup_key is not null order by i.severity, i.opened_at limit 1) as open_case,
       array(select row_to_json(x) from (
           select i.id, i.kind, i.state, i.disposition, i.opened_at from incident i where i.resident_id = r.id
           order by i.opened_at desc limit 3) x) as cases,
       array(select d.address from device d where d.resident_id = r.id and d.state <> 'retired' order by d.id limit 6) as devices
from resident r
where served(r.canary, r.ended_at) and (r.id = any(%(ids)s::bigint[])
   or %(like)s::text is not null and (r.name ilike %(like)s or r.address ilike %(like)s)
   or %(digits)s::text is not null and regexp_replace(r.phone, '\D', '', 'g') like '%%' || %(digits)s || '%%')
order by r.id = any(%(ids)s::bigint[]) desc, r.name, r.id limit %(limit)s

-- name: callers
-- Whose contact has this telephone: a son who calls is looked up by his own number.
select p.name, c.relation, p.phone, r.id as resident_id, r.name as resident, r.address,
       (select i.id from incident i where i.resident_id = r.id order by i.dedup_key is null, i.opened_at desc limit 1) as case_id
from person p join care_circle c on c.person_id = p.id join resident r on r.id = c.resident_id and served(r.canary, r.ended_at)
where p.active and (%(like)s::text is not null and p.name ilike %(like)s
   or %(digits)s::text is not null and regexp_replace(p.phone, '\D', '', 'g') like '%%' || %(digits)s || '%%')
order by p.name, r.id limit %(limit)s

-- name: devices
select d.id, d.address, d.model, d.room, d.state, d.resident_id, r.name as resident, r.address as home,
       (select i.id from incident i where i.device_id = d.id order by i.dedup_key is null, i.opened_at desc limit 1) as case_id
from device d left join resident r on r.id = d.resident_id
where not coalesce(r.canary, false) and (d.address ilike %(like)s or d.model ilike %(like)s)
order by d.state = 'retired', d.address limit %(limit)s

-- name: incident
select i.id, i.kind, i.state, i.disposition, i.opened_at, i.resident_id, r.name as resident, r.address
from incident i left join resident r on r.id = i.resident_id
where i.id = %(id)s and not coalesce(r.canary, false)

-- name: names
-- For matching by initials: Chinese names have none in the database.
select id, name from resident where served(canary, ended_at) order by id limit %(limit)s
