-- name: looked_at
-- Who looked at what is sensitive, and why.
insert into access_log (at, person_id, resident_id, what, incident_id, subject, reason)
values (hub_now(), %(person)s, %(resident)s, %(what)s, %(incident)s, %(subject)s, %(reason)s);

-- name: own_people
select id from person where id = any(%(people)s) and organisation_id = %(organisation)s and active;

-- name: log
-- Who looked at what, the latest first.
select l.id, l.at, l.person_id, p.name as person, p.role, l.resident_id, r.name as resident, l.what, l.subject, l.reason,
       l.incident_id
from access_log l join person p on p.id = l.person_id left join resident r on r.id = l.resident_id
where (%(person)s::bigint is null or l.person_id = %(person)s)
  and (%(resident)s::bigint is null or l.resident_id = %(resident)s)
  and (%(who)s::text = '' or p.name ilike '%%' || %(who)s || '%%')
  and (%(whom)s::text = '' or r.name ilike '%%' || %(whom)s || '%%')
  and (%(since)s::timestamptz is null or l.at >= %(since)s) and (%(until)s::timestamptz is null or l.at < %(until)s)
  and not p.canary
order by l.at desc, l.id desc limit %(limit)s;

-- name: break_glass
insert into break_glass (person_id, resident_id, incident_id, reason, opened_at, ends_at)
select %(person)s, %(resident)s, %(incident)s, %(reason)s, t.now, t.now + make_interval(mins => %(minutes)s)
from hub_now() as t(now) returning id, ends_at;

-- name: glass_told
-- Supervisors' screens count anew at once.
select pg_notify('carehub_config', '');

-- name: glass_of
-- The resident of a case, or the resident herself, whoever asks.
select r.id as resident_id, i.id as incident_id from resident r left join incident i on i.id = %(incident)s and i.resident_id = r.id
where not r.canary and (r.id = %(resident)s or (%(incident)s::bigint is not null and i.id is not null)) limit 1;

-- name: glass_open
-- Whether this person has this record open now, by a reason he gave.
select id from break_glass where person_id = %(person)s and resident_id = %(resident)s and ends_at > hub_now()
order by id desc limit 1;

-- name: glasses
-- Records opened without access: those that wait for a signature first.
select b.id, b.opened_at, b.ends_at, b.ends_at > hub_now() as running, b.reason, b.incident_id, b.resident_id, b.remark,
       b.seen_at, p.name as person, p.role, p.id as person_id, o.name as organisation, r.name as resident, s.name as seen_by,
       (select count(*) from access_log l where l.person_id = b.person_id and l.resident_id = b.resident_id
          and l.at >= b.opened_at and l.at <= b.ends_at) as looks
from break_glass b join person p on p.id = b.person_id join resident r on r.id = b.resident_id
left join organisation o on o.id = p.organisation_id left join person s on s.id = b.seen_by
order by b.seen_at is not null, b.id desc limit %(limit)s;

-- name: glass_seen
update break_glass set seen_by = %(person)s, seen_at = hub_now(), remark = %(remark)s
where id = %(glass)s and seen_at is null and person_id <> %(person)s returning id;

-- name: locked
-- Whether a resident's record is opened only with a reason; and whether a case of hers is open, which is reason enough.
select r.locked and not exists (select from incident i where i.resident_id = r.id and i.dedup_key is not null) as shut
from resident r where r.id = %(resident)s;

-- name: shut_to
-- Which of these records are opened only with a reason, and this person has given none. `cases`: an open case is one.
select r.id from resident r
where r.id = any(%(residents)s) and r.locked
  and not (%(cases)s and exists (select from incident i where i.resident_id = r.id and i.dedup_key is not null))
  and not exists (select from break_glass b where b.person_id = %(person)s and b.resident_id = r.id and b.ends_at > hub_now());

-- name: case
-- Whose case this is, as far as whoever asks sees it.
select id, resident_id from incident where id = %(incident)s;

-- name: lock
update resident set locked = %(locked)s where id = %(resident)s and locked <> %(locked)s returning id;

-- name: web_role
-- The role that organisations' people act as: whether it is there, may be put on, and is bound by its rows.
select r.oid is not null as there, coalesce(pg_has_role(current_user, r.oid, 'MEMBER'), false) as member,
       coalesce(r.rolbypassrls or r.rolsuper or r.rolcanlogin, false) as loose
from (select 'carehub_web'::name as name) w left join pg_roles r on r.rolname = w.name;
