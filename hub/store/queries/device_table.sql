-- name: mark
-- Everything committed before this transaction is seen by a load that starts now.
select pg_snapshot_xmin(pg_current_snapshot())::xid::text

-- name: load_some
-- Devices after a number, oldest first, as two long values: what is a number, fixed in length, and their words, four a
-- device. Rows of detector state are given in this order. A million devices are a million rows no more.
select string_agg(int8send(id) || int8send(owner) || int8send(own_s) || timestamptz_send(test_until)
                  || timestamptz_send(bound_at) || timestamptz_send(created_at) || int4send(kind) || int4send(marks), ''),
       string_agg(words, chr(31))
from (
    select d.id, coalesce(d.resident_id, -1) as owner, coalesce(d.deadline_s, -1) as own_s,
           coalesce(d.test_until, timestamptz 'epoch') as test_until,
           coalesce(d.bound_at, timestamptz 'epoch') as bound_at, d.created_at,
           case when d.state = 'retired' then 2 when d.state in ('bound', 'tested', 'live') then 1 else 0 end as kind,
           d.model_told::int + case when r.spo2_scale = 2 then 2 else 0 end as marks,
           concat_ws(chr(31), d.address, d.adapter, d.model, coalesce(r.area, '')) as words
    from device d left join resident r on r.id = d.resident_id
    where d.id > %(after)s order by d.id limit %(limit)s
) several

-- name: load_again
-- The same devices, row by row: somebody's word holds the sign that parts words.
select d.id, d.address, d.adapter, d.model, d.resident_id, coalesce(r.area, ''), d.deadline_s, d.test_until, d.state,
       d.bound_at, d.created_at, d.model_told, r.spo2_scale
from device d left join resident r on r.id = d.resident_id
where d.id > %(after)s order by d.id limit %(limit)s

-- name: changed_devices
-- Devices changed since `mark`. age() copes with the wrap-around of transaction numbers. This and the next read a million
-- lines each, once a minute: one statement that joins them to say everything would take ten times as long.
select id from device where age(xmin) <= age(%(mark)s::xid)

-- name: changed_residents
select id from resident where age(xmin) <= age(%(mark)s::xid)

-- name: load_these
-- Some devices, and those of some residents.
select d.id, d.address, d.adapter, d.model, d.resident_id, coalesce(r.area, ''), d.deadline_s, d.test_until, d.state,
       d.bound_at, d.created_at, d.model_told, r.spo2_scale
from device d left join resident r on r.id = d.resident_id
where d.id = any(%(devices)s::bigint[]) or d.resident_id = any(%(residents)s::bigint[])
order by d.id

-- name: register
-- Devices nobody has registered, heard for the first time: one statement for all of a batch.
with fresh as (
    insert into device (address, adapter, model, model_told, state, created_at)
    select a, p, m, false, 'seen', %(now)s from unnest(%(addresses)s::text[], %(adapters)s::text[], %(models)s::text[]) as t(a, p, m)
    on conflict (address) do nothing
    returning id, address, adapter, model, resident_id, ''::text as area, deadline_s, test_until, state, bound_at, created_at,
              model_told, 1::smallint as spo2_scale
)
select * from fresh
union all
select d.id, d.address, d.adapter, d.model, d.resident_id, coalesce(r.area, ''), d.deadline_s, d.test_until, d.state,
       d.bound_at, d.created_at, d.model_told, r.spo2_scale
from device d left join resident r on r.id = d.resident_id
where d.address = any(%(addresses)s::text[]) and d.address not in (select address from fresh)
