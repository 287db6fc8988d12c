-- name: register
-- A device is made known, or bound anew; its number stays.
insert into device (address, adapter, model, resident_id, room, state, deadline_s, created_at, bound_at)
values (%(address)s, %(adapter)s, %(model)s, %(resident_id)s, %(room)s,
        case when %(live)s then 'live' when %(resident_id)s::bigint is null then 'claimed' else 'bound' end, %(deadline_s)s,
        hub_now(), case when %(resident_id)s::bigint is not null then hub_now() end)
on conflict (address) do update set
    model = coalesce(nullif(excluded.model, ''), device.model),
    model_told = device.model_told or excluded.model <> '',
    resident_id = coalesce(excluded.resident_id, device.resident_id),
    room = coalesce(nullif(excluded.room, ''), device.room),
    deadline_s = coalesce(excluded.deadline_s, device.deadline_s),
    bound_at = case when excluded.resident_id is distinct from device.resident_id
                    then coalesce(excluded.bound_at, device.bound_at) else device.bound_at end,
    state = case when %(live)s then 'live'
                 when excluded.resident_id is not null and excluded.resident_id is distinct from device.resident_id then 'bound'
                 when device.state in ('bound', 'tested', 'live') then device.state else excluded.state end
returning id

-- name: set_credential
-- One secret per user name; registering again replaces it, so the old one stops working at once. Nothing comes back
-- where the name is that of another kind: a gateway called like a watch would shut the watch out.
insert into credential (username, secret_sha256, kind, topic_prefix, device_id, person_id, active, created_at)
values (%(username)s, %(digest)s, %(kind)s, %(prefix)s, %(device_id)s, %(person_id)s, true, hub_now())
on conflict (username) do update set
    secret_sha256 = excluded.secret_sha256, kind = excluded.kind, topic_prefix = excluded.topic_prefix,
    device_id = excluded.device_id, person_id = excluded.person_id, active = true
where credential.kind = excluded.kind
returning username

-- name: known
-- Which of these are registered.
select address from device where address = any(%(addresses)s)

-- name: export
-- Every device in use, as `carehub devices import` reads it.
select address, model, resident_id, room, deadline_s from device where state <> 'retired' order by id

-- name: names
-- Everybody a device may be given to.
select id, name from resident where served(canary, ended_at)

-- name: rights
-- Every key and where it may publish and subscribe.
select username, topic_prefix, active from credential order by username

-- name: said
-- The raw batches that the last messages of a device stand in: the device's number is in what was decoded of them.
select distinct b.received_at, b.batch, b.body
from (
    select received_at, batch from (select received_at, batch from telemetry where device_id = %(id)s
                                    order by received_at desc limit %(limit)s) wide
    union
    select received_at, batch from (select received_at, batch from observation where device_id = %(id)s
                                    order by received_at desc limit %(limit)s) narrow
) s
join raw_batch b on b.batch = s.batch
order by b.received_at desc limit %(limit)s

-- name: test
-- An installer's test mode, which ends by the clock. Zero minutes: it ends now.
update device set test_until = hub_now() + make_interval(mins => %(minutes)s)
where id = %(id)s and state <> 'retired'
returning address, test_until

-- name: resident_exists
select 1 from resident where id = %(resident_id)s and ended_at is null

-- name: changed
-- Tell the processes that hold devices or credentials in memory.
select pg_notify('carehub_config', '')

-- name: dismiss
-- These sign in no more.
update credential set active = false where username = any(%(usernames)s)
