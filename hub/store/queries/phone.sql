-- name: called
-- What a responder's link opens: the page, its case, how far he is, and what he has answered last.
select pg.id as page_id, pg.person_id, pg.role, pg.purpose, pg.state as page_state, p.name, p.language, p.look,
       p.lat as from_lat, p.lon as from_lon, c.minutes_away,
       i.id as incident_id, i.kind, i.severity, i.state, i.test, i.opened_at, i.presses, i.version, i.responder_id, i.handler_id,
       i.proof, exists (select from incident_event e where e.incident_id = i.id and e.what in ('not_cancelled', 'no_speech')) as no_speech,
       r.id as resident_id, r.name as resident, r.born, r.address, r.entrance, r.language as speaks, r.key_place,
       r.risks, r.phone, r.lat, r.lon, coalesce(r.door_code <> '', false) as has_door_code,
       g.name as responder, g.role as going_role, w.kind as worst_kind, w.rule as worst_rule, w.evidence as worst_evidence,
       exists (select from page s where s.incident_id = i.id and s.person_id = pg.person_id and s.purpose = 'stand_down'
                  and s.id > pg.id) as stood_down,
       (select verb from response a where a.incident_id = i.id and a.person_id = pg.person_id order by a.at desc limit 1) as answered,
       array(select relation from (select relation, min(position) as first from care_circle k join person f on f.id = k.person_id
              where k.resident_id = r.id and relation <> '' and f.active and f.role = 'family' and f.id <> p.id group by relation
              order by first limit 3) as near) as relations
from page pg
join person p on p.id = pg.person_id and p.active
join incident i on i.id = pg.incident_id
left join resident r on r.id = i.resident_id
left join care_circle c on c.resident_id = r.id and c.person_id = p.id
left join person g on g.id = i.responder_id
left join lateral (select kind, rule, evidence from alert where incident_id = i.id
                   order by severity, raised_at desc, alert_id limit 1) w on true
where pg.id = %(page)s;

-- name: add_link
-- A personal link; only its hash is kept.
insert into responder_link (person_id, token_sha256, created_at, expires_at)
select p.id, %(token)s, t.now, t.now + make_interval(days => %(days)s)
from hub_now() as t(now) join person p on p.id = %(person)s and p.active
returning expires_at;

-- name: revoke_oldest
-- A person has a few phones, not many: the oldest links end when there are more.
update responder_link set revoked_at = hub_now() where id in (
    select id from responder_link where person_id = %(person)s and revoked_at is null
    order by created_at desc, id desc offset %(most)s);

-- name: revoke_links
-- Every personal link of this person ends, and with it what those phones are told.
update responder_link set revoked_at = hub_now() where person_id = %(person)s and revoked_at is null;

-- name: owner
-- Whose phone this is. Being used is noted once an hour.
with t(now) as materialized (select hub_now()), living as (
    select l.id, l.person_id, l.seen_at from responder_link l, t
    where l.token_sha256 = %(token)s and l.revoked_at is null and l.expires_at > t.now
), seen as (
    update responder_link l set seen_at = t.now from living, t
    where l.id = living.id and coalesce(living.seen_at, '-infinity') < t.now - interval '1 hour'
)
select p.id, p.name, p.role, p.area, p.language, p.look from living join person p on p.id = living.person_id and p.active;

-- name: my_calls
-- Open cases this person was called for, latest page of each; what he may see of them is decided by the role.
select distinct on (i.severity, i.opened_at, i.id) pg.id as page_id, pg.role, pg.purpose, pg.state as page_state, i.id as incident_id,
       i.kind, i.severity, i.state, i.test, i.opened_at, i.responder_id, pg.person_id, r.name as resident, r.address,
       exists (select from incident_event e where e.incident_id = i.id and e.what in ('not_cancelled', 'no_speech')) as no_speech,
       exists (select from page s where s.incident_id = i.id and s.person_id = pg.person_id and s.purpose = 'stand_down'
                  and s.id > pg.id) as stood_down,
       (select verb from response a where a.incident_id = i.id and a.person_id = pg.person_id order by a.at desc limit 1) as answered
from page pg join incident i on i.id = pg.incident_id and i.dedup_key is not null
left join resident r on r.id = i.resident_id
where pg.person_id = %(person)s and pg.purpose = 'alarm'
  and not (pg.state = 'ready' and pg.attempts = 0 and pg.due_at > hub_now())  -- his turn may never come
order by i.severity, i.opened_at, i.id, pg.id desc
limit %(limit)s;

-- name: speak
-- The language this person is called and shown things in.
update person set language = %(language)s where id = %(person)s;

-- name: enlarge
-- Large type, or no longer, on whatever shows this person something; the rest of the look stays.
update person set look = array_to_string(array(
    select w from unnest(string_to_array(look, ' ')) w where w not in ('large', '')
    union all select 'large' where %(large)s), ' ')
where id = %(person)s;
