-- name: residents
-- Residents with what is known of them beforehand.
select r.id, r.name, r.area, r.address, r.born, r.ability from resident r
where not r.canary and r.merged_into is null and r.erased_at is null and (%(resident)s::bigint is null or r.id = %(resident)s)
  and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
order by r.area, r.name, r.id limit %(limit)s

-- name: facts
-- The last word on each fact, of papers that still hold.
select distinct on (f.resident_id, f.fact) f.resident_id, f.fact, f.value, f.document, f.valid_until, f.entered_at
from welfare_fact f where f.resident_id = any(%(residents)s::bigint[])
order by f.resident_id, f.fact, f.id desc

-- name: purchases
select b.*, d.address, d.model as device_model, d.state as device_state from purchase b left join device d on d.id = b.device_id
where b.resident_id = any(%(residents)s::bigint[]) order by b.resident_id, b.bought_on, b.id

-- name: worn
-- Days on which something of hers was worn, two devices of one day once.
select d.resident_id, count(distinct y.day)::int as days, max(y.day) as last_day
from device d join device_day y on y.device_id = d.id
where d.resident_id = any(%(residents)s::bigint[]) and y.day >= %(first_day)s and y.day <= %(last_day)s and y.worn_min >= %(worn_min)s
group by d.resident_id

-- name: used
-- Calls of hers, and how many of them were answered.
select c.resident_id, count(*)::int as calls, count(c.answered_at)::int as answered, max(c.started_at) as last_at
from service_case c
where c.resident_id = any(%(residents)s::bigint[]) and c.started_at >= %(since)s and c.started_at < %(until)s
group by c.resident_id

-- name: tested
-- Presses that were tests: of test mode, of an installation, or closed as one.
select t.resident_id, count(*)::int as presses, max(t.at) as last_at
from (select i.resident_id, i.opened_at as at from incident i
      where i.resident_id = any(%(residents)s::bigint[]) and (i.test or i.disposition = 'test')
        and i.opened_at >= %(since)s and i.opened_at < %(until)s
      union all
      select d.resident_id, e.at from device_event e join device d on d.id = e.device_id
      where d.resident_id = any(%(residents)s::bigint[]) and e.action = 'press' and e.at >= %(since)s and e.at < %(until)s) t
group by t.resident_id

-- name: devices
select resident_id, count(*)::int as n from device
where resident_id = any(%(residents)s::bigint[]) and state in ('bound', 'tested', 'live') group by resident_id

-- name: keep_fact
insert into welfare_fact (resident_id, fact, value, document, valid_until, entered_by, entered_at)
select r.id, %(fact)s, %(value)s, %(document)s, %(valid_until)s, %(by)s, hub_now()
from resident r where r.id = %(resident)s and not r.canary returning id

-- name: keep_purchase
insert into purchase (resident_id, scheme, item, model, device_id, price_fen, invoice, seller, bought_on, entered_by, entered_at)
select r.id, %(scheme)s, %(item)s, %(model)s,
       (select d.id from device d where d.id = %(device)s and d.resident_id = r.id), %(price_fen)s, %(invoice)s, %(seller)s,
       %(bought_on)s, %(by)s, hub_now()
from resident r where r.id = %(resident)s and not r.canary
on conflict (invoice, item, resident_id) where invoice <> '' and voided_at is null do nothing returning id

-- name: void
update purchase set voided_at = hub_now(), voided_by = %(by)s where id = %(purchase)s and voided_at is null returning resident_id
