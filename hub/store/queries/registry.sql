-- name: acting
select set_config('carehub.actor', %(actor)s, true), set_config('carehub.via', %(via)s, true)

-- name: tell
select pg_notify('carehub_config', '')

-- name: count
select count(*) as n from resident r
where not r.canary and (r.ended_at is null) = not %(ended)s
  and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
  and (%(risk_class)s::text is null or r.risk_class = %(risk_class)s)
  and (%(ability)s::text is null or r.ability = %(ability)s)
  and (%(word)s::text is null or r.name ilike %(like)s or r.address ilike %(like)s or r.id = %(number)s::bigint
       or %(digits)s <> '' and regexp_replace(r.phone, '\D', '', 'g') like '%%' || %(digits)s || '%%'
       or exists (select from device d where d.resident_id = r.id and d.address ilike %(like)s)
       or exists (select from care_circle c join person p on p.id = c.person_id
                  where c.resident_id = r.id and %(digits)s <> '' and length(%(digits)s) >= 7
                    and regexp_replace(p.phone, '\D', '', 'g') = %(digits)s))

-- name: residents
-- One page of those that `count` counts.
select r.id, r.name, r.born, r.area, r.address, r.phone, r.risk_class, r.ability, r.risks, r.home_id, r.ended_at,
       (select count(*) from device d where d.resident_id = r.id and d.state <> 'retired') as devices,
       (select count(*) from care_circle c where c.resident_id = r.id) as people
from resident r
where not r.canary and (r.ended_at is null) = not %(ended)s
  and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
  and (%(risk_class)s::text is null or r.risk_class = %(risk_class)s)
  and (%(ability)s::text is null or r.ability = %(ability)s)
  and (%(word)s::text is null or r.name ilike %(like)s or r.address ilike %(like)s or r.id = %(number)s::bigint
       or %(digits)s <> '' and regexp_replace(r.phone, '\D', '', 'g') like '%%' || %(digits)s || '%%'
       or exists (select from device d where d.resident_id = r.id and d.address ilike %(like)s)
       or exists (select from care_circle c join person p on p.id = c.person_id
                  where c.resident_id = r.id and %(digits)s <> '' and length(%(digits)s) >= 7
                    and regexp_replace(p.phone, '\D', '', 'g') = %(digits)s))
order by r.area, r.name, r.id limit %(limit)s offset %(offset)s

-- name: last_consents
-- Her last word, of each of these.
select distinct on (resident_id) resident_id, given from consent where resident_id = any(%(residents)s)
order by resident_id, id desc

-- name: resident_seen
-- What an organisation's people read of a resident of theirs: neither health notes nor the door code.
select id, name, born, area, address, entrance, language, languages, ability, risks, risk_class, hazards, key_place, phone, home_id
from resident where id = %(id)s and served(canary, ended_at)

-- name: circle_seen
select p.id, p.name, p.role, p.phone, c.relation, c.position, c.minutes_away, c.has_key
from care_circle c join person p on p.id = c.person_id
where c.resident_id = %(id)s and p.active order by c.position, p.id limit 50

-- name: resident
select r.*, m.name as merged_name from resident r left join resident m on m.id = r.merged_into
where r.id = %(id)s and not r.canary

-- name: hold
select * from resident where id = %(id)s and not canary for update

-- name: circle
select p.id, p.name, p.role, p.phone, p.active, c.relation, c.position, c.minutes_away, c.has_key,
       coalesce((select array_agg(k.channel order by k.position, k.channel) from contact k where k.person_id = p.id),
                '{}') as ways
from care_circle c join person p on p.id = c.person_id
where c.resident_id = %(id)s order by c.position, p.id limit 50

-- name: consents
select c.id, c.given, c.said_by, p.name as read_by, c.text_version, c.language, c.scope, c.at
from consent c join person p on p.id = c.read_by where c.resident_id = %(id)s order by c.id desc limit 20

-- name: devices
-- Hers, and those of whoever shares her flat.
select d.id, d.address, d.model, d.room, d.state, d.resident_id, o.name as owner,
       (select max(received_at) from telemetry_heard t where t.device_id = d.id
          and t.received_at > hub_now() - interval '31 days') as seen_at
from device d join resident o on o.id = d.resident_id join resident r on r.id = %(id)s
where d.state <> 'retired' and (d.resident_id = r.id or o.home_id = r.home_id) order by d.resident_id <> r.id, d.room, d.id
limit 50

-- name: housemates
select o.id, o.name, o.born from resident o join resident r on r.id = %(id)s and o.home_id = r.home_id
where o.id <> r.id and o.ended_at is null order by o.id

-- name: cases
select id, kind, severity, state, opened_at, closed_at, disposition, test from incident
where resident_id = %(id)s order by opened_at desc limit 20

-- name: visits
select due, done_at, reason, status, note from visit where resident_id = %(id)s order by due desc limit 20

-- name: changes
select h.id, h.at, h.actor, h.via, h.what, h.kind, h.fields, h.facts, p.name as who
from registry_change h left join person p on h.actor = 'person:' || p.id
where h.kind = %(kind)s and h.subject = %(subject)s or h.kind = %(other)s and h.subject = %(subject)s
order by h.id desc limit %(limit)s

-- name: write_change
insert into registry_change (kind, subject, at, actor, via, what, facts)
values (%(kind)s, %(subject)s, hub_now(), current_setting('carehub.actor', true), current_setting('carehub.via', true),
        %(what)s, %(facts)s) returning id

-- name: areas
with recursive tree as (
    select name, parent, level, code, 0 as depth, array[name] as path from area where parent is null
    union all
    select a.name, a.parent, a.level, a.code, t.depth + 1, t.path || a.name
    from area a join tree t on a.parent = t.name where t.depth < 8)
select t.name, t.parent, t.level, t.code, t.depth,
       (select count(*) from resident r where r.area = t.name and served(r.canary, r.ended_at)) as residents
from tree t order by t.path

-- name: loose_areas
-- Names that residents have and nobody has entered.
select area as name, count(*) as residents from resident
where area <> '' and served(canary, ended_at) and area not in (select name from area)
group by area order by area limit 200

-- name: save_area
insert into area (name, parent, level, code) values (%(name)s, %(parent)s, %(level)s, %(code)s)
on conflict (name) do update set parent = excluded.parent, level = excluded.level, code = excluded.code

-- name: inside
select %(parent)s in (select area_within(%(name)s)) as inside

-- name: organisations
select o.id, o.name, o.uscc, o.kind, o.phone, o.active, o.version,
       coalesce((select array_agg(a.area order by a.area) from organisation_area a where a.organisation_id = o.id), '{}') as areas,
       (select count(*) from person p where p.organisation_id = o.id and p.active) as people
from organisation o where %(id)s::bigint is null or o.id = %(id)s order by o.active desc, o.name limit 500

-- name: add_organisation
insert into organisation (name, uscc, kind, phone, created_at)
values (%(name)s, %(uscc)s, %(kind)s, %(phone)s, hub_now()) returning id

-- name: save_organisation
update organisation set name = %(name)s, uscc = %(uscc)s, kind = %(kind)s, phone = %(phone)s, active = %(active)s
where id = %(id)s and version = %(version)s returning id

-- name: forget_areas
delete from organisation_area where organisation_id = %(id)s and area <> all(%(areas)s)

-- name: serves
insert into organisation_area (organisation_id, area) select %(id)s, name from area where name = any(%(areas)s)
on conflict do nothing

-- name: people_count
select count(*) as n from person p
where not p.canary and p.active = not %(gone)s
  and (%(role)s::text is null or p.role = %(role)s) and (%(organisation)s::bigint is null or p.organisation_id = %(organisation)s)
  and (%(word)s::text is null or p.name ilike %(like)s
       or %(digits)s <> '' and regexp_replace(p.phone, '\D', '', 'g') like '%%' || %(digits)s || '%%')

-- name: people
select p.id, p.name, p.role, p.area, p.phone, p.login, p.active, p.version, p.lat, p.lon, p.organisation_id, o.name as organisation,
       coalesce((select jsonb_agg(k.channel order by k.position, k.channel) from contact k where k.person_id = p.id), '[]') as ways,
       (select count(*) from care_circle c where c.person_id = p.id) as called_for
from person p left join organisation o on o.id = p.organisation_id
where not p.canary and p.active = not %(gone)s
  and (%(role)s::text is null or p.role = %(role)s) and (%(organisation)s::bigint is null or p.organisation_id = %(organisation)s)
  and (%(word)s::text is null or p.name ilike %(like)s
       or %(digits)s <> '' and regexp_replace(p.phone, '\D', '', 'g') like '%%' || %(digits)s || '%%')
order by p.role, p.name, p.id limit %(limit)s offset %(offset)s

-- name: person
select p.id, p.name, p.role, p.area, p.phone, p.login, p.active, p.version, p.organisation_id, o.name as organisation, p.lat, p.lon
from person p left join organisation o on o.id = p.organisation_id where p.id = %(id)s and not p.canary

-- name: ways
select channel, address from contact where person_id = %(id)s order by position, channel

-- name: called_for
select r.id, r.name, r.area, c.relation, c.minutes_away from care_circle c join resident r on r.id = c.resident_id
where c.person_id = %(id)s and served(r.canary, r.ended_at) order by r.id limit 50

-- name: save_person
update person set name = %(name)s, role = %(role)s, area = %(area)s, phone = %(phone)s, organisation_id = %(organisation_id)s,
                  active = %(active)s
where id = %(id)s and version = %(version)s returning id

-- name: of_organisation
update person set organisation_id = %(organisation)s where id = %(person)s and organisation_id is distinct from %(organisation)s

-- name: drop_way
delete from contact where person_id = %(person)s and channel = %(channel)s

-- name: tie
insert into care_circle (resident_id, person_id, relation, position, minutes_away, has_key)
values (%(resident)s, %(person)s, %(relation)s, %(position)s, %(minutes)s, %(has_key)s)
on conflict (resident_id, person_id) do update set relation = excluded.relation, position = excluded.position,
    minutes_away = excluded.minutes_away, has_key = excluded.has_key

-- name: consent
insert into consent (resident_id, given, said_by, read_by, text_version, language, scope, at)
values (%(resident)s, %(given)s, %(said_by)s, %(read_by)s, %(version)s, %(language)s, %(scope)s, hub_now()) returning id

-- name: homes
select h.id, h.note, jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'address', r.address, 'area', r.area)
                               order by r.id) as residents
from home h join resident r on r.home_id = h.id and r.ended_at is null group by h.id order by h.id limit 500

-- name: same_address
-- Residents of one address who share no home yet.
select area, address, jsonb_agg(jsonb_build_object('id', id, 'name', name, 'home', home_id) order by id) as residents
from resident where served(canary, ended_at) and address <> ''
group by area, address having count(*) > 1 and (count(distinct home_id) <> 1 or bool_or(home_id is null))
order by area, address limit 100

-- name: add_home
insert into home (created_at) values (hub_now()) returning id

-- name: into_home
update resident set home_id = %(home)s where id = any(%(residents)s)

-- name: leave_homes
update resident set home_id = null where home_id in (
    select home_id from resident where home_id is not null and ended_at is null group by home_id having count(*) < 2)
   or home_id is not null and ended_at is not null

-- name: end
update resident set ended_at = hub_now(), ended_why = %(why)s where id = %(id)s and ended_at is null returning id

-- name: visited_no_more
-- The ledger of the months before keeps her.
update visiting set until = greatest(since, hub_now()::date) where resident_id = %(id)s and until is null

-- name: nobody_goes
update visit set status = 'done', done_at = hub_now(), done_by = 'hub', note = 'ended' where resident_id = %(id)s and status = 'open'

-- name: unend
update resident set ended_at = null, ended_why = '' where id = %(id)s and erased_at is null and merged_into is null
returning id

-- name: tied_up
-- Why somebody cannot leave the register yet.
select (select count(*) from device where resident_id = %(id)s and state <> 'retired') as devices,
       (select count(*) from incident where resident_id = %(id)s and closed_at is null) as cases

-- name: drop_homes
delete from home h where not exists (select from resident r where r.home_id = h.id)
