-- name: mark
-- Everything committed before this transaction is seen by a load that starts now.
select pg_snapshot_xmin(pg_current_snapshot())::xid::text

-- name: load
-- Every device, oldest number first: rows of detector state are given in this order.
select d.id, d.address, d.adapter, d.model, d.resident_id, coalesce(r.area, ''), d.deadline_s, d.test_until, d.state,
       d.bound_at, d.created_at, d.model_told, r.spo2_scale
from device d left join resident r on r.id = d.resident_id
order by d.id

-- name: load_changed
-- Devices changed since `mark`, or whose resident was. age() copes with the wrap-around of transaction numbers.
select d.id, d.address, d.adapter, d.model, d.resident_id, coalesce(r.area, ''), d.deadline_s, d.test_until, d.state,
       d.bound_at, d.created_at, d.model_told, r.spo2_scale
from device d left join resident r on r.id = d.resident_id
where age(d.xmin) <= age(%(mark)s::xid) or age(r.xmin) <= age(%(mark)s::xid)
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
