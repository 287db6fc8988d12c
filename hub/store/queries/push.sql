-- name: most
-- How many phones a person has already, this one apart.
select count(*) from push_subscription where person_id = %(person)s and endpoint <> %(endpoint)s

-- name: subscribe
-- A browser that will take pages of this person. Said again, or by another person on the same phone, it is replaced.
insert into push_subscription (person_id, endpoint, p256dh, auth, user_agent, created_at)
values (%(person)s, %(endpoint)s, %(p256dh)s, %(auth)s, %(user_agent)s, hub_now())
on conflict (endpoint) do update set person_id = excluded.person_id, p256dh = excluded.p256dh, auth = excluded.auth,
    user_agent = excluded.user_agent, created_at = excluded.created_at, ok_at = null, failures = 0
returning id

-- name: reachable
-- The person can now be called through the app.
insert into contact (person_id, channel, address, position) values (%(person)s, 'app', '', 0)
on conflict (person_id, channel) do nothing

-- name: unsubscribe
-- This browser takes nothing any more.
delete from push_subscription where endpoint = %(endpoint)s and (%(person)s::bigint is null or person_id = %(person)s)
returning person_id

-- name: unreachable
-- Whoever has no browser left is not reached through the app, and nobody shall count on it.
delete from contact c where c.person_id = any(%(people)s) and c.channel = 'app'
    and not exists (select from push_subscription s where s.person_id = c.person_id)

-- name: phones
-- The browsers of a person, the one that was last reached first.
select id, endpoint, p256dh, auth, user_agent, created_at, ok_at, failures from push_subscription
where person_id = %(person)s order by ok_at desc nulls last, id limit %(most)s

-- name: taken
-- The push service took a message for these browsers.
update push_subscription set ok_at = hub_now(), failures = 0 where id = any(%(ids)s)

-- name: not_taken
-- The push service did not.
update push_subscription set failures = failures + 1 where id = any(%(ids)s)
