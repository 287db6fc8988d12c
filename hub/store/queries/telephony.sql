-- name: desk
-- Where the provider rings an operator.
select extension, phone from person where id = %(person)s and active

-- name: by_extension
select id from person where extension = %(extension)s and extension <> '' and active
  and role in ('operator', 'supervisor') order by id limit 1

-- name: callable
-- Whom an operator may have on the line for a case: her, what she wears, her people, those who were called.
select 'resident' as party, r.id, r.name, '' as relation, false as is_role, r.phone as number, 0 as place
from incident i join resident r on r.id = i.resident_id where i.id = %(incident)s and r.phone <> ''
union all
select 'device', d.id, coalesce(nullif(d.model, ''), d.address), d.room, false, d.sim_number, 1
from incident i join device d on (d.resident_id = i.resident_id or d.id = i.device_id) and d.state <> 'retired'
where i.id = %(incident)s and d.sim_number <> ''
union all
select 'contact', p.id, p.name, coalesce(nullif(c.relation, ''), p.role), coalesce(c.relation, '') = '',
       coalesce(nullif(p.phone, ''), v.address), 2 + coalesce(c.position, 100)
from incident i join person p on p.active
left join care_circle c on c.person_id = p.id and c.resident_id = i.resident_id
left join lateral (select address from contact where person_id = p.id and channel in ('voice', 'sms')
                   order by channel desc limit 1) v on true
where i.id = %(incident)s and coalesce(nullif(p.phone, ''), v.address) is not null
  and p.role <> 'operator' and not office_only(p.role)
  and (c.person_id is not null or exists (select from page g where g.incident_id = i.id and g.person_id = p.id))
order by place, id limit %(limit)s

-- name: pressed
-- A call of this very press.
select id from telephone_call where operator_id = %(person)s and nonce = %(nonce)s

-- name: lately
-- How many calls an operator asked for in the last minute.
select count(*) from telephone_call where operator_id = %(person)s and direction = 'out'
  and asked_at > hub_now() - interval '1 minute'

-- name: case_of
select incident_id from telephone_call where id = %(call)s

-- name: area_of
select area from resident where id = %(resident)s and not canary

-- name: place
insert into telephone_call (incident_id, direction, state, provider, ours, number, party, resident_id, person_id, device_id,
                            operator_id, nonce, asked_at, look_at)
values (%(incident)s, 'out', 'asked', %(provider)s, %(ours)s, %(number)s, %(party)s, %(resident)s, %(contact)s, %(device)s,
        %(operator)s, %(nonce)s, %(now)s::timestamptz, %(now)s::timestamptz + make_interval(secs => %(patience_s)s))
returning id

-- name: arrive
insert into telephone_call (incident_id, direction, state, provider, reference, ours, number, party, resident_id, person_id,
                            device_id, asked_at, ringing_at, look_at)
values (%(incident)s, 'in', 'ringing', %(provider)s, %(reference)s, %(ours)s, %(number)s, %(party)s, %(resident)s,
        %(contact)s, %(device)s, %(now)s, %(at)s, %(now)s::timestamptz + make_interval(secs => %(patience_s)s))
on conflict (provider, reference) where reference is not null do nothing
returning id

-- name: heard_before
-- A report, once. No row: it came before.
insert into telephone_heard (provider, nonce, at) values (%(provider)s, %(nonce)s, hub_now())
on conflict do nothing returning nonce

-- name: forget_heard
-- Nothing older than the signature's window comes again; what is not signed, an hour later at most.
delete from telephone_heard where at < hub_now() - interval '2 hours'

-- name: meant
-- Which call a report is about: by our number of it, else by the provider's.
select id, incident_id from telephone_call
where ours = %(ours)s or provider = %(provider)s and reference = %(reference)s
order by ours = %(ours)s desc limit 1

-- name: hold
select id, incident_id, direction, state, provider, reference, ours, number, party, resident_id, person_id, device_id,
       operator_id, asked_at, ringing_at, answered_at, ended_at, seconds, why, recording, looks, seen_by
from telephone_call where id = %(call)s for no key update

-- name: update
update telephone_call set
    state = %(state)s, reference = coalesce(%(reference)s, reference), ringing_at = %(ringing_at)s,
    answered_at = %(answered_at)s, ended_at = %(ended_at)s, seconds = %(seconds)s, why = %(why)s, recording = %(recording)s,
    operator_id = %(operator)s, incident_id = %(incident)s, resident_id = %(resident)s, seen_by = %(seen_by)s,
    seen_at = case when %(seen_by)s::bigint is null then null else coalesce(seen_at, hub_now()) end,
    look_at = case when %(state)s in ('ended', 'failed', 'lost') then null
                   else hub_now() + make_interval(secs => %(patience_s)s) end
where id = %(call)s

-- name: due
-- Calls of which nothing was heard for too long, put off: whoever dies with one leaves it to the next.
with t as materialized (select hub_now() as now),
late as (
    select id from telephone_call, t where look_at <= t.now order by look_at limit %(limit)s for update skip locked
)
update telephone_call c set looks = looks + 1, look_at = t.now + make_interval(secs => %(again_s)s)
from late, t where c.id = late.id
returning c.id, c.provider, c.reference, c.ours, c.state, c.asked_at, c.answered_at, c.looks, t.now as now

-- name: callers
-- Whose number this is: hers, her device's, one of her people's; with what is open of hers.
with k as materialized (select phone_key(%(number)s) as key),
whose as (
    select 'resident' as party, r.id as resident_id, null::bigint as person_id, null::bigint as device_id, '' as relation
    from k join resident r on phone_key(r.phone) = k.key and r.phone <> ''
    union all
    select 'device', d.resident_id, null, d.id, ''
    from k join device d on phone_key(d.sim_number) = k.key and d.sim_number <> '' and d.state <> 'retired'
    union all
    select 'contact', c.resident_id, p.id, null, c.relation
    from k join (
        select id from person, k where phone_key(phone) = k.key and phone <> ''
        union select person_id from contact, k where phone_key(address) = k.key and channel in ('voice', 'sms')
    ) n on true
    join person p on p.id = n.id and p.active join care_circle c on c.person_id = p.id
)
select w.party, w.resident_id, w.person_id, w.device_id, w.relation, r.name as resident, r.area, p.name as person,
       d.model, i.id as incident_id
from whose w left join resident r on r.id = w.resident_id
left join person p on p.id = w.person_id left join device d on d.id = w.device_id
left join incident i on i.dedup_key = 'resident:' || w.resident_id
where (select key from k) <> '' and (served(r.canary, r.ended_at) or w.party = 'device' and r.canary is not true)
order by i.severity nulls last, w.party = 'contact', w.party, w.resident_id limit %(limit)s

-- name: waiting
-- Calls that came in and that somebody has to see to: they ring, this operator has them, or nobody answered.
select c.id, c.state, c.number, c.party, c.resident_id, c.person_id, c.device_id, c.operator_id, c.incident_id, c.asked_at,
       c.answered_at, c.ended_at, o.name as operator
from telephone_call c left join person o on o.id = c.operator_id
where c.direction = 'in' and c.seen_at is null and c.asked_at > hub_now() - interval '24 hours'
  and (c.state = 'ringing'
       or c.state = 'answered' and c.operator_id is null
       or c.operator_id = %(person)s and c.incident_id is null
       or c.state in ('failed', 'lost') and c.operator_id is null)
order by c.state = 'ringing' desc, c.asked_at limit %(limit)s

-- name: card
-- The resident behind a number, for an operator who has not opened a case.
select r.id, r.name, r.born, r.area, r.address, r.entrance, r.language, r.ability, r.risks, r.key_place, r.phone,
       r.locked,
       (select count(*) from incident i where i.resident_id = r.id and i.opened_at > hub_now() - interval '30 days'
          and not i.test) as month_cases,
       l.kind as last_kind, l.disposition as last_disposition, l.opened_at as last_at
from resident r
left join lateral (select kind, disposition, opened_at from incident where resident_id = r.id and closed_at is not null
                     and not test order by opened_at desc limit 1) l on true
where r.id = any(%(residents)s) order by r.id

-- name: card_circle
select c.resident_id, p.name, c.relation, c.minutes_away, p.phone
from care_circle c join person p on p.id = c.person_id and p.active
where c.resident_id = any(%(residents)s) order by c.resident_id, c.position, p.id limit %(limit)s

-- name: card_devices
select d.resident_id, coalesce(nullif(d.model, ''), d.address) as name, d.room, b.battery_pct, w.worn, v.received_at as seen_at
from device d
left join lateral (select received_at from telemetry_heard where device_id = d.id
                     and received_at > hub_now() - interval '30 days' order by received_at desc limit 1) v on true
left join lateral (select battery_pct from telemetry where device_id = d.id and battery_pct is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) b on true
left join lateral (select worn from telemetry where device_id = d.id and worn is not null
                     and received_at > hub_now() - interval '3 days' order by received_at desc limit 1) w on true
where d.resident_id = any(%(residents)s) and d.state <> 'retired' order by d.resident_id, d.id limit %(limit)s

-- name: of_case
-- Calls of one case, the last first.
select c.id, c.direction, c.state, c.number, c.party, c.asked_at, c.answered_at, c.ended_at, c.seconds, c.why,
       c.recording <> '' as recorded, o.name as operator,
       coalesce(p.name, d.model, case when c.party = 'resident' then r.name end) as who
from telephone_call c left join person o on o.id = c.operator_id left join person p on p.id = c.person_id
left join resident r on r.id = c.resident_id left join device d on d.id = c.device_id
where c.incident_id = %(incident)s order by c.asked_at desc, c.id desc limit %(limit)s

-- name: recording
select recording, resident_id, incident_id from telephone_call where id = %(call)s and recording <> ''

-- name: set_extension
update person set extension = %(extension)s where id = %(person)s

-- name: sim
select sim_number from device where id = %(device)s

-- name: set_sim
update device set sim_number = %(number)s where id = %(device)s returning id

-- name: stir
-- The desks look again.
select pg_notify('carehub_page', '')

-- name: put_off
update telephone_call set look_at = hub_now() + make_interval(secs => %(again_s)s) where id = %(call)s and look_at is not null
