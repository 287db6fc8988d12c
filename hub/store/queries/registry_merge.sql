-- name: proposals
-- Who may be one and the same: the same telephone and a like name, the same name and birth date, the same name and address.
-- The smaller number first; those that somebody said are two are left out.
with living as (
    select id, name, born, area, address, nullif(regexp_replace(phone, '\D', '', 'g'), '') as phone,
           regexp_replace(lower(name), '\s', '', 'g') as called, regexp_replace(lower(address), '\s', '', 'g') as lives
    from resident where served(canary, ended_at)),
pairs as (
    select a.id as one, b.id as other, 'phone' as why from living a join living b on a.phone = b.phone and a.id < b.id
    where a.called = b.called or left(a.called, 1) = left(b.called, 1) and a.born = b.born
    union all
    select a.id, b.id, 'born' from living a join living b on a.called = b.called and a.born = b.born and a.id < b.id
    union all
    select a.id, b.id, 'address' from living a join living b on a.called = b.called and a.lives = b.lives and a.lives <> ''
                                                                and a.id < b.id)
select p.one, p.other, array_agg(distinct p.why order by p.why) as why, a.name, b.name as other_name, a.area, a.address,
       b.address as other_address
from pairs p join resident a on a.id = p.one join resident b on b.id = p.other
where not exists (select from registry_apart x where x.one_id = p.one and x.other_id = p.other)
group by p.one, p.other, a.name, b.name, a.area, a.address, b.address order by p.one, p.other limit 200

-- name: apart
insert into registry_apart (one_id, other_id, at, by_id)
values (least(%(one)s, %(other)s), greatest(%(one)s, %(other)s), hub_now(), %(by)s) on conflict do nothing

-- name: held
select (select count(*) from device where resident_id = %(id)s and state <> 'retired') as devices,
       (select count(*) from care_circle where resident_id = %(id)s) as people,
       (select count(*) from incident where resident_id = %(id)s) as cases,
       (select count(*) from incident where resident_id = %(id)s and closed_at is null) as open

-- name: references
-- Every column that names a resident, and the columns that tell the rows of its table apart. Those that may not hold a lock
-- on her have no foreign key, and are called resident_id.
select c.conrelid::regclass::text as table, a.attname as column,
       coalesce((select array_agg(k.attname order by array_position(p.conkey, k.attnum)) from pg_constraint p
                 join pg_attribute k on k.attrelid = p.conrelid and k.attnum = any(p.conkey)
                 where p.conrelid = c.conrelid and p.contype = 'p'), '{}') as keys
from (select conrelid, conkey[1] as key from pg_constraint
      where contype = 'f' and confrelid = 'resident'::regclass and array_length(conkey, 1) = 1 and conparentid = 0
      union select a.attrelid, a.attnum from pg_attribute a join pg_class k on k.oid = a.attrelid
      where a.attname = 'resident_id' and not a.attisdropped and k.relkind in ('r', 'p') and not k.relispartition
        and k.relnamespace = 'public'::regnamespace) c
join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.key
where c.conrelid not in ('resident'::regclass, 'registry_apart'::regclass)
order by 1, 2

-- name: both_visited
-- Each of them stands in the ledger of monthly visits: the one that is merged is taken off it, her past goes over.
update visiting set until = greatest(since, hub_now()::date)
where resident_id = %(other)s and until is null
  and exists (select from visiting k where k.resident_id = %(keep)s and k.until is null) returning id

-- name: visited_again
update visiting v set until = null where id = any(%(ids)s)
  and not exists (select from visiting o where o.resident_id = v.resident_id and o.until is null and o.id <> v.id)

-- name: filled_by
-- What the merge just wrote into the one that is kept, with what stood there before.
select id from registry_change where kind = 'resident' and subject = %(id)s::text and what = 'changed' order by id desc limit 1

-- name: filled_before
-- What stood in these fields before, as a row has it, and which of them nobody has changed since.
select to_jsonb(p) as was, array(
    select f.key from jsonb_each(h.fields) f where to_jsonb(r) -> f.key = f.value -> 1) as untouched, r.version
from registry_change h join resident r on r.id = h.subject::bigint,
     jsonb_populate_record(null::resident, (select jsonb_object_agg(f.key, f.value -> 0) from jsonb_each(h.fields) f)) p
where h.id = %(change)s

-- name: merged
update resident set merged_into = %(into)s, ended_at = coalesce(ended_at, hub_now()), ended_why = 'merged', home_id = null
where id = %(id)s

-- name: unmerged
update resident set merged_into = null, ended_at = null, ended_why = '' where id = %(id)s

-- name: merges
select h.id, h.at, h.facts, p.name as who, r.id as kept, r.name as kept_name, o.id as other, o.name as other_name,
       exists (select from registry_change u where u.what = 'unmerged' and u.facts ->> 'merge' = h.id::text) as undone
from registry_change h join resident r on r.id = h.subject::bigint
join resident o on o.id = (h.facts ->> 'from')::bigint left join person p on h.actor = 'person:' || p.id
where h.kind = 'resident' and h.what = 'merged' and (%(id)s::bigint is null or h.id = %(id)s)
order by h.id desc limit 20
