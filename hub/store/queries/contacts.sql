-- name: consent
-- The last word about her data, and who heard it.
select c.id, c.given, c.said_by, p.name as read_by, c.at, 'family_health' = any(c.scope) as family_health
from consent c join person p on p.id = c.read_by
where c.resident_id = %(resident)s order by c.id desc limit 1

-- name: add_consent
insert into consent (resident_id, given, said_by, read_by, text_version, language, scope, at)
values (%(resident)s, %(given)s, %(said_by)s, %(read_by)s, %(version)s, %(language)s, %(scope)s, hub_now()) returning id

-- name: consents
-- Everything that was said about her data, the last first.
select c.id, c.given, c.said_by, p.name as read_by, c.at, 'family_health' = any(c.scope) as family_health
from consent c join person p on p.id = c.read_by
where c.resident_id = %(resident)s order by c.id desc limit %(limit)s

-- name: taken_back
-- Residents with a device in use whose last word was no: the device rings on until somebody has spoken with her.
select r.id, r.name, r.area, c.said_by, p.name as read_by, c.at
from consent c join resident r on r.id = c.resident_id and not r.canary join person p on p.id = c.read_by
where not c.given and not exists (select from consent n where n.resident_id = c.resident_id and n.id > c.id)
  and exists (select from device d where d.resident_id = r.id and d.state = 'live')
order by c.id limit %(limit)s

-- name: devices_in_hand
-- Her devices that are in use, or on their way to it.
select id, address, state from device where resident_id = %(resident)s and state in ('bound', 'tested', 'live') order by id

-- name: contacts
-- Her people, the nearest first: the way that carries a question, whether he was asked last, and his last answer.
select p.id as person_id, k.relation, p.role, p.name, coalesce(w.channel, '') as channel,
       a.asked_at, a.sent_at, coalesce(a.failed, '') as failed, y.answer as confirmed,
       coalesce(y.answered_by = 'link', false) as by_link
from care_circle k
join person p on p.id = k.person_id and p.active
left join lateral (select channel from contact where person_id = p.id and channel = any(%(writes)s)
                   order by position, channel limit 1) w on true
left join lateral (select asked_at, sent_at, failed from contact_asked
                   where resident_id = k.resident_id and person_id = p.id order by id desc limit 1) a on true
left join lateral (select answer, answered_by from contact_asked
                   where resident_id = k.resident_id and person_id = p.id and answer is not null
                   order by answered_at desc, id desc limit 1) y on true
where k.resident_id = %(resident)s order by k.position, p.id limit %(limit)s

-- name: ask
-- Once in a while: whoever taps twice asks once.
insert into contact_asked (resident_id, person_id, asked_by, asked_at, due_at)
select k.resident_id, k.person_id, %(actor)s, t.now, t.now from care_circle k
join person p on p.id = k.person_id and p.active, hub_now() as t(now)
where k.resident_id = %(resident)s and k.person_id = %(person)s
  and not exists (select from contact_asked a where a.resident_id = k.resident_id and a.person_id = k.person_id
                  and a.answer is null and a.failed = '' and a.asked_at > t.now - interval '1 minute')
returning id

-- name: vouch
insert into contact_asked (resident_id, person_id, asked_by, asked_at, answer, answered_at, answered_by)
select k.resident_id, k.person_id, %(actor)s, t.now, true, t.now, %(actor)s from care_circle k
join person p on p.id = k.person_id and p.active, hub_now() as t(now)
where k.resident_id = %(resident)s and k.person_id = %(person)s
returning id

-- name: question
-- What a link asks, while he is her contact.
select a.id, a.answer, k.relation, p.role, p.language, r.name as resident from contact_asked a
join care_circle k on k.resident_id = a.resident_id and k.person_id = a.person_id
join person p on p.id = a.person_id and p.active
join resident r on r.id = a.resident_id
where a.id = %(id)s

-- name: answer
update contact_asked set answer = %(yes)s, answered_at = hub_now(), answered_by = 'link', due_at = null where id = %(id)s

-- name: next_question
-- One that is due, put off until its sender would have come back.
with t as materialized (select hub_now() as now),
due as (
    select id from contact_asked, t where due_at <= t.now order by due_at limit 1 for update skip locked
), taken as (
    update contact_asked a set due_at = t.now + make_interval(secs => %(again_s)s), tries = tries + 1
    from due, t where a.id = due.id returning a.*, t.now as now
)
select a.id, a.person_id, p.role, r.name, k.relation, p.language, a.tries, a.now,
       (select jsonb_agg(jsonb_build_array(c.channel, c.address) order by c.position, c.channel) from contact c
        where c.person_id = a.person_id and c.channel = any(%(writes)s)) as ways
from taken a join person p on p.id = a.person_id join resident r on r.id = a.resident_id
left join care_circle k on k.resident_id = a.resident_id and k.person_id = a.person_id

-- name: sent
update contact_asked set due_at = null, channel = %(channel)s, sent_at = hub_now(), failed = '' where id = %(id)s

-- name: given_up
update contact_asked set due_at = null, failed = %(why)s where id = %(id)s and sent_at is null

-- name: doubtful
-- Left by an installer lately, in use, and fewer of her people have confirmed than is enough.
select * from (
    select r.id, r.name, r.area, max(e.at) as at,
           (select count(*) from care_circle k join person p on p.id = k.person_id and p.active
            where k.resident_id = r.id) as people,
           (select count(*) from care_circle k join person p on p.id = k.person_id and p.active
            where k.resident_id = r.id and (
                select a.answer from contact_asked a where a.resident_id = k.resident_id and a.person_id = k.person_id
                  and a.answer is not null order by a.answered_at desc, a.id desc limit 1)) as confirmed
    from device_event e join device d on d.id = e.device_id and d.state = 'live'
    join resident r on r.id = d.resident_id and served(r.canary, r.ended_at)
    where e.action = 'live' and e.facts ? 'doubts' and e.at > hub_now() - make_interval(days => %(days)s)
    group by r.id
) left_with
where confirmed < %(enough)s order by confirmed, at desc limit %(limit)s

-- name: declined
-- Who stands in a circle and said last that he is no contact: he is called all the same until somebody has seen to it.
select r.id as resident_id, r.name, r.area, p.id as person_id, p.name as person, p.phone, p.role, k.relation,
       a.answered_at as at
from contact_asked a
join care_circle k on k.resident_id = a.resident_id and k.person_id = a.person_id
join person p on p.id = a.person_id and p.active
join resident r on r.id = a.resident_id and served(r.canary, r.ended_at)
where a.answer = false and not exists (
    select from contact_asked n where n.resident_id = a.resident_id and n.person_id = a.person_id
      and n.answer is not null and (n.answered_at, n.id) > (a.answered_at, a.id))
order by a.answered_at, a.id limit %(limit)s
