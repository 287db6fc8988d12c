-- name: note_grammars
-- From the next batch on addresses of these schemes are read by these grammars. Asked by whoever owns the devices: nobody
-- takes a batch number meanwhile.
insert into grammar (scheme, since_batch, adapter, at)
select t.scheme, (s.last_value + s.is_called::int) * %(at_once)s, t.adapter, hub_now()
from unnest(%(schemes)s::text[], %(adapters)s::text[]) as t(scheme, adapter), batch_number s
where t.adapter is distinct from (select g.adapter from grammar g where g.scheme = t.scheme
                                  order by g.since_batch desc limit 1)
on conflict (scheme, since_batch) do update set adapter = excluded.adapter, at = excluded.at

-- name: grammars
-- What addresses of one scheme were read by, and from which batch on.
select since_batch, adapter from grammar where scheme = %(scheme)s order by since_batch

-- name: device
-- One device by its number or its address.
select id, address, model, room, resident_id, coalesce(bound_at, created_at) from device
where id = %(id)s or address = %(address)s order by (id = %(id)s) desc nulls last limit 1

-- name: devices_of
-- Every device that is this resident's, or was.
select id, address, model, room, resident_id, coalesce(bound_at, created_at) from device
where resident_id = %(resident)s
   or id in (select device_id from device_event where facts ? 'resident' and facts ->> 'resident' = %(resident)s::text)
order by id

-- name: speakers
-- The same within an organisation's bounds: of her whom this session names.
select id, address, room from carehub_speakers() order by id

-- name: hers
-- When a device was hers, within an organisation's bounds; without an end it still is.
select since, nullif(until, 'infinity') as until from carehub_turns() where device_id = %(id)s order by since

-- name: turns
-- When a device was given to whom, and when it was nobody's again.
select at, case when action in ('bind', 'registered') then (facts ->> 'resident')::bigint end
from device_event
where device_id = %(id)s and (action in ('bind', 'retire', 'claim') or (action = 'registered' and facts ? 'resident'))
order by id

-- name: said
-- Everything one device said in a time, in order: wide rows and single statements merged by the index of each; days that are
-- put away are opened and sorted.
select received_at, batch, measured_at, null::timestamptz as device_at, sequence, heart_rate_bpm, spo2_pct,
       respiration_rpm, temperature_c, systolic_mmhg, diastolic_mmhg, steps, battery_pct, worn, null::text as code,
       null::double precision as number, null::text as word, null::text as unit, null::text as quality,
       null::text as stage, null::text as channel, null::text as native, null::double precision as lat,
       null::double precision as lon, null::text as identity, null::text as sub, null::real as accuracy_m
from telemetry{hers} where device_id = %(id)s and received_at >= %(since)s and received_at < %(until)s
union all
select received_at, batch, measured_at, null::timestamptz, sequence, heart_rate_bpm, spo2_pct, respiration_rpm, temperature_c,
       systolic_mmhg, diastolic_mmhg, steps, battery_pct, worn, null::text, null::double precision, null::text, null::text,
       null::text, null::text, null::text, null::text, null::double precision, null::double precision, null::text, null::text,
       null::real
from telemetry_unpacked{hers} where device_id = %(id)s and received_at >= %(since)s and received_at < %(until)s
 and last_at >= %(since)s and last_at < %(until)s::timestamptz + interval '24 hours'
union all
select received_at, batch, measured_at, device_at, sequence, null::real, null::real, null::real, null::real, null::real,
       null::real, null::int, null::real, null::boolean, code, number, word, unit, quality, stage, channel, native, lat,
       lon, identity, sub, accuracy_m
from observation{hers} where device_id = %(id)s and received_at >= %(since)s and received_at < %(until)s
order by received_at

-- name: bodies
-- The bytes of one batch. Its first message came no later than the one that is asked for.
select body from raw_batch
where batch = %(batch)s and received_at between %(at)s::timestamptz - interval '1 hour' and %(at)s::timestamptz
