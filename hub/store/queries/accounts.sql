-- name: noted
-- What happened to an account. Kept for good.
insert into account_event (at, person_id, actor_id, what, detail)
values (hub_now(), %(person)s, %(actor)s, %(what)s, %(detail)s);

-- name: history
select e.at, e.what, e.detail, p.id as person_id, p.name, a.name as actor from account_event e
join person p on p.id = e.person_id left join person a on a.id = e.actor_id
where %(person)s::bigint is null or e.person_id = %(person)s order by e.id desc limit %(limit)s;

-- name: sessions
-- Where somebody is signed in, the latest used first.
select id, token_sha256, created_at, seen_at, expires_at, address, browser, second_factor from web_session
where person_id = %(person)s and expires_at > hub_now()
  and seen_at > hub_now() - make_interval(mins => %(idle_minutes)s) order by seen_at desc;

-- name: end_one
delete from web_session where id = %(number)s and person_id = %(person)s returning token_sha256;

-- name: end_all
delete from web_session where person_id = %(person)s and token_sha256 <> %(but)s returning token_sha256;

-- name: accounts
-- Everybody who signs in, or may.
select p.id, p.name, p.role, p.login, p.active, p.phone, p.organisation_id, o.name as organisation,
       p.password_hash is not null as has_password,
       exists (select from second_factor f where f.person_id = p.id and f.confirmed_at is not null) as enrolled,
       (select count(*) from web_session s where s.person_id = p.id and s.expires_at > t.now
          and s.seen_at > t.now - make_interval(mins => %(idle_minutes)s)) as sessions,
       (select max(s.seen_at) from web_session s where s.person_id = p.id) as seen_at
from hub_now() as t(now), person p left join organisation o on o.id = p.organisation_id
where not p.canary and (p.role = any(%(roles)s) or p.login is not null)
  and (%(person)s::bigint is null or p.id = %(person)s)
order by p.active desc, array_position(%(roles)s::text[], p.role), p.name limit %(limit)s;

-- name: add
insert into person (name, role, phone, login, password_hash, organisation_id, language, created_at)
values (%(name)s, %(role)s, %(phone)s, %(login)s, %(hash)s, %(organisation)s, %(language)s, hub_now()) returning id;

-- name: at_the_console
-- Whoever works the desk is told at the desk.
insert into contact (person_id, channel, address) values (%(person)s, 'console', '') on conflict do nothing;

-- name: set_role
update person set role = %(role)s, organisation_id = %(organisation)s where id = %(person)s
returning role;

-- name: set_active
update person set active = %(active)s where id = %(person)s;

-- name: set_password
update person set password_hash = %(hash)s where id = %(person)s;

-- name: password
select password_hash from person where id = %(person)s;

-- name: organisations
select id, name, kind from organisation where active order by name;

-- name: begin_half
-- The password was right, a code is still to come.
insert into half_sign_in (token_sha256, person_id, expires_at)
values (%(token)s, %(person)s, hub_now() + make_interval(secs => %(seconds)s));

-- name: forget_halves
delete from half_sign_in where expires_at < hub_now();

-- name: half
-- Each look is a try; after the last one it is over.
update half_sign_in h set tries = tries + 1 from person p
where h.token_sha256 = %(token)s and h.expires_at > hub_now() and h.tries < %(tries)s and p.id = h.person_id and p.active
returning h.person_id;

-- name: end_half
delete from half_sign_in where token_sha256 = %(token)s;

-- name: factor
select secret, confirmed_at, last_step from second_factor where person_id = %(person)s;

-- name: offer_factor
-- A new secret replaces one that nobody has confirmed; one that counts stays.
insert into second_factor (person_id, secret, created_at) values (%(person)s, %(secret)s, hub_now())
on conflict (person_id) do update set secret = excluded.secret, created_at = excluded.created_at
where second_factor.confirmed_at is null;

-- name: use_step
-- A code counts once: no row where its time, or a later one, was used already.
update second_factor set last_step = %(step)s where person_id = %(person)s and last_step < %(step)s returning person_id;

-- name: confirm_factor
update second_factor set confirmed_at = hub_now() where person_id = %(person)s and confirmed_at is null returning person_id;

-- name: drop_factor
delete from second_factor where person_id = %(person)s returning person_id;

-- name: drop_codes
delete from recovery_code where person_id = %(person)s;

-- name: add_code
insert into recovery_code (person_id, code_sha256) values (%(person)s, %(code)s);

-- name: use_code
update recovery_code set used_at = hub_now() where person_id = %(person)s and code_sha256 = %(code)s and used_at is null
returning person_id;

-- name: codes_left
select count(*) from recovery_code where person_id = %(person)s and used_at is null;

-- name: join
-- Somebody belongs to an organisation, by its name.
update person set organisation_id = o.id from organisation o where person.id = %(person)s and o.name = %(name)s and o.active
returning person.id;

-- name: take_try
-- Count one more failure, unless it is too early for a try: then no row.
insert into sign_in_try as t (key, failures, until, at)
values (%(key)s, 1, hub_now(), hub_now())
on conflict (key) do update set failures = t.failures + 1, at = hub_now(),
    until = hub_now() + make_interval(secs => case when t.failures + 1 < %(free)s then 0
        else least(%(longest_s)s, 2.0 ^ least(t.failures + 1 - %(free)s, 20))::float8 end)
where t.until <= hub_now() returning failures;

-- name: try_wait
select extract(epoch from max(until) - hub_now())::float8 as wait_s from sign_in_try where key = any(%(keys)s);

-- name: right_account
delete from sign_in_try where key = %(account)s;

-- name: right_address
update sign_in_try set failures = failures - 1, until = hub_now() where key = %(address)s and failures > 0;

-- name: forget_tries
-- The oldest go, some at a time.
delete from sign_in_try where key in (select key from sign_in_try order by at desc offset %(kept)s limit 100);

-- name: drop_halves
-- Whoever had the old password has no way on.
delete from half_sign_in where person_id = %(person)s;
