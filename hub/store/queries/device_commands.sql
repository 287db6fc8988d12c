-- name: device
-- Whom a command is for, held, so that two who ask at once cannot both find room. Its presses need not wait for that.
select d.id, d.address, d.model, d.state,
       (select count(*) from device_command c where c.device_id = d.id and c.sent_at is null and c.failed is null
                                                and c.expires_at > hub_now()) as waiting,
       (select count(*) from device_command c where c.device_id = d.id
                                                and c.asked_at > hub_now() - interval '1 hour') as lately, hub_now() as now
from device d where d.id = %(id)s or d.address = %(address)s
order by (d.id = %(id)s) desc nulls last limit 1 for no key update of d

-- name: ask
-- One command; its bytes follow in the same transaction, since they carry its number.
insert into device_command (device_id, incident_id, asked_by, asked_at, what, detail, expires_at, answers, again)
values (%(device)s, %(incident)s, %(by)s, hub_now(), %(what)s, %(detail)s::jsonb,
        hub_now() + make_interval(secs => %(keep_s)s), %(answers)s, %(again)s)
returning id

-- name: tell
-- The bytes, on their way like all that a device is told.
with told as (
    insert into downlink (topic, payload, retain, device_id, created_at, expires_at)
    select %(topic)s, %(payload)b, false, device_id, hub_now(), expires_at from device_command where id = %(id)s
    returning id
), linked as (
    update device_command set downlink_id = (select id from told) where id = %(id)s
)
select pg_notify('carehub_downlink', id::text) from told

-- name: begin
-- It is being sent: what must not be done twice is noted before it goes out, so that no successor sends it again. Nothing is
-- returned if it was begun before.
update device_command set sent_at = hub_now() where id = %(id)s and sent_at is null returning id

-- name: not_begun
-- Nobody was there to send it to: it waits again.
update device_command set sent_at = null where id = %(id)s and tries = 0 and failed is null and answered_at is null

-- name: sent
-- The device's line has confirmed it; what it says may come before the confirmation, so the time is that of the sending.
update device_command set sent_at = hub_now() - make_interval(secs => %(took_s)s), tries = tries + 1,
                          failed = nullif(failed, 'perhaps sent, not confirmed')
where id = %(id)s
returning pg_notify('carehub_incident', incident_id::text)

-- name: answered
-- What the device said to it, the first time.
update device_command set answered_at = hub_now(), answer = %(words)s, refused = %(refused)s,
                          failed = nullif(failed, 'perhaps sent, not confirmed')
where id = %(id)s and answered_at is null
returning pg_notify('carehub_incident', incident_id::text)

-- name: awaited
-- Commands that a device may still answer: their number, where they went, and what was sent.
select c.id, d.topic, d.payload from device_command c join downlink d on d.id = c.downlink_id
where c.answers and c.answered_at is null and c.sent_at is not null and c.failed is null and c.expires_at > hub_now()
order by c.id limit %(most)s

-- name: measured
-- What was asked for came: the first reading, or place, after the command was sent; our clocks agree to a second.
with found as (
    select c.id, r.at, r.said, c.answered_at is null as first
    from device_command c cross join lateral (
        select t.received_at as at, jsonb_strip_nulls(jsonb_build_object(
                   'vital.heart_rate', t.heart_rate_bpm, 'vital.spo2', t.spo2_pct, 'vital.bp_systolic', t.systolic_mmhg,
                   'vital.bp_diastolic', t.diastolic_mmhg, 'vital.body_temperature', t.temperature_c)) as said
        from telemetry t
        where c.what = 'measure' and t.device_id = c.device_id and t.received_at >= c.sent_at - interval '1 second'
          and t.received_at <= c.expires_at
          and case c.detail ->> 'what' when 'heart-rate' then t.heart_rate_bpm when 'spo2' then t.spo2_pct
                   when 'blood-pressure' then t.systolic_mmhg when 'temperature' then t.temperature_c end is not null
        union all
        select o.received_at, jsonb_build_object('lat', o.lat, 'lon', o.lon)
        from observation o
        where c.what = 'locate' and o.device_id = c.device_id and o.received_at >= c.sent_at - interval '1 second'
          and o.received_at <= c.expires_at and o.code = 'location' and o.lat is not null and o.quality = 'ok'
        order by 1 limit 1
    ) r
    where c.failed is null and c.result_at is null and c.sent_at is not null and c.what in ('measure', 'locate')
      and c.expires_at > hub_now() - interval '1 hour'
)
update device_command c set result_at = f.at, result = f.said, answered_at = coalesce(c.answered_at, f.at)
from found f where f.id = c.id
returning pg_notify('carehub_incident', c.incident_id::text)

-- name: over
-- Commands whose time is up come to nothing, and why. One that was begun and not confirmed for longer than any way out waits
-- was interrupted: whether its device has it nobody knows, and it is not sent again.
update device_command set failed = case when sent_at is null then 'not reached'
                                        when tries = 0 then 'perhaps sent, not confirmed' else 'no answer' end
where failed is null and answered_at is null
  and (expires_at <= hub_now() and (sent_at is null or answers or what in ('measure', 'locate'))
       or tries = 0 and sent_at < hub_now() - interval '2 minutes')
returning pg_notify('carehub_incident', incident_id::text)

-- name: of_device
-- What a device was told, the last first.
select c.id, c.asked_at, c.asked_by, c.what, c.detail, c.expires_at, c.sent_at, c.tries, c.answered_at, c.answer, c.refused,
       c.result_at, c.result, c.failed, c.answers
from device_command c where c.device_id = %(device)s order by c.id desc limit %(limit)s

-- name: of_incident
-- What devices were told in a case, the last of each kind of each device.
select distinct on (c.device_id, c.what, c.detail) c.id, c.device_id, c.asked_at, c.what, c.detail, c.expires_at, c.sent_at,
       c.answered_at, c.answer, c.refused, c.result_at, c.result, c.failed
from device_command c where c.incident_id = %(incident)s
order by c.device_id, c.what, c.detail, c.id desc

-- name: recently
-- Whether the same was asked of a device a moment ago.
select 1 from device_command
where device_id = %(device)s and what = %(what)s and detail = %(detail)s::jsonb and failed is null and answered_at is null
  and asked_at > hub_now() - make_interval(secs => %(within_s)s) limit 1
