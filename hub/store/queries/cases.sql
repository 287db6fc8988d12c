-- name: link
-- Two cases belong together. No row: one of them does not exist. False: it was known, and what a person says replaces
-- what the hub found.
with pair as (
    select a.id as a, b.id as b from incident a, incident b where a.id = %(a)s and b.id = %(b)s
), made as (
    insert into incident_link (a, b, why, at, by) select a, b, %(why)s, hub_now(), %(person)s from pair
    on conflict (a, b) do update set why = excluded.why, at = excluded.at, by = excluded.by
        where incident_link.by is null or excluded.why = 'duplicate' and incident_link.why <> 'duplicate'
    returning a, b
)
select exists (select from made), pg_notify('carehub_incident', pair.a::text), pg_notify('carehub_incident', pair.b::text)
from pair

-- name: ambulance_is_called
-- An operator has 120 on the line: what would have called it by itself is taken back.
update page set state = 'withdrawn', withdrawn_at = hub_now()
where incident_id = %(incident)s and role = 'ambulance' and purpose = 'alarm' and state = 'ready'

-- name: tapped
-- When a late tap was made, beside when it came in.
update response set tapped_at = %(tapped_at)s
where incident_id = %(incident)s and person_id = %(person)s and nonce = %(nonce)s

-- name: overtaken
-- Whether the case has gone past an intention: he has said something later, he was sent anew, or it was put back into
-- the queue without him.
select 1 where exists (
    select from response where incident_id = %(incident)s and person_id = %(person)s and nonce <> %(nonce)s
       and verb in ('accept', 'cannot_go', 'en_route', 'arrived', 'handed_over') and coalesce(tapped_at, at) > %(tapped_at)s
) or exists (
    select from incident_event where incident_id = %(incident)s and at > %(tapped_at)s
       and (what in ('dispatched', 'expired', 'released') and body ->> 'person' = %(person)s::bigint::text
            or what = 'expired' and body ->> 'responder' = %(person)s::bigint::text)
)

-- name: at_the_door
-- Where she lives, when this person said that he goes, and the real presses of her own button in the last minutes.
select r.lat, r.lon,
       (select max(at) from response where incident_id = i.id and person_id = %(person)s and verb in ('accept', 'en_route')),
       array(select raised_at from alert where incident_id = i.id and kind = 'sos' order by raised_at desc limit 10)
from incident i left join resident r on r.id = i.resident_id where i.id = %(incident)s
