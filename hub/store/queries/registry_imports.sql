-- name: lock
select pg_advisory_xact_lock(%(lock)s)

-- name: residents
select id, version, name, born, area, address, phone, risk_class, ability, risks, language, languages, entrance, hazards,
       key_place, door_code, health_notes, lat, lon
from resident where served(canary, ended_at) order by id

-- name: people
select p.id, p.version, p.name, p.role, p.area, p.phone, p.lat, p.lon, coalesce(o.name, '') as organisation,
       coalesce((select array_agg(k.channel order by k.channel) from contact k
                 where k.person_id = p.id and k.channel in ('voice', 'sms', 'app')), '{}') as ways
from person p left join organisation o on o.id = p.organisation_id where p.active and not p.canary order by p.id

-- name: organisations
select o.id, o.version, o.name, o.uscc, o.kind, o.phone,
       coalesce((select array_agg(a.area order by a.area) from organisation_area a where a.organisation_id = o.id), '{}') as areas
from organisation o order by o.id

-- name: circle
select resident_id, person_id, relation, position as "order", minutes_away as minutes, has_key from care_circle

-- name: areas
select name from area
union select area from resident where area <> '' and served(canary, ended_at) and exists (select from area)

-- name: keep
insert into registry_import (kind, file_name, at, by_id, digest, body, told)
values (%(kind)s, %(file)s, hub_now(), %(by)s, %(digest)s, '', %(told)s) returning id

-- name: fill
update registry_import set body = %(body)s where id = %(id)s

-- name: kept
select i.*, p.name as by_name, hub_now() - i.at > %(lasts)s as stale
from registry_import i left join person p on p.id = i.by_id where i.id = %(id)s

-- name: kept_for_me
select i.*, p.name as by_name, hub_now() - i.at > %(lasts)s as stale
from registry_import i left join person p on p.id = i.by_id where i.id = %(id)s for update of i

-- name: applied
update registry_import set applied_at = hub_now(), body = '' where id = %(id)s

-- name: recent
select i.id, i.kind, i.file_name, i.at, i.applied_at, i.told, p.name as by_name
from registry_import i left join person p on p.id = i.by_id order by i.id desc limit 20

-- name: person_changed
update person set name = coalesce(%(name)s, name), role = coalesce(%(role)s, role), area = coalesce(%(area)s, area),
                  phone = coalesce(%(phone)s, phone), lat = coalesce(%(lat)s, lat), lon = coalesce(%(lon)s, lon)
where id = %(id)s and version = %(version)s returning id

-- name: organisation_changed
update organisation set name = %(name)s, uscc = coalesce(%(uscc)s, uscc), kind = coalesce(%(kind)s, kind),
                        phone = coalesce(%(phone)s, phone)
where id = %(id)s and version = %(version)s returning id

-- name: organisation_called
select id from organisation where name = %(name)s

-- name: circle_of
select relation, position, minutes_away, has_key from care_circle where resident_id = %(resident)s and person_id = %(person)s
