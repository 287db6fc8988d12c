-- Erasure: each statement says how many rows it touched. `r`: the resident's numbers, hers and those merged into her.
-- `p`: people who belonged to nobody but her.

-- name: numbers
-- Hers and those merged into her, and into them.
with recursive hers as (
    select id from resident where id = %(id)s and not canary
    union select r.id from resident r join hers h on r.merged_into = h.id)
select id from resident where id in (select id from hers) order by id for update

-- name: called
-- What she and her people are called, by which a text that holds nothing else of her is known.
select name, phone from resident where id = any(%(r)s) union select name, phone from person where id = any(%(p)s)

-- name: belongings
-- People of her circle, and whether they belong to anybody else or to the centre.
select p.id, p.role in ('family', 'neighbour') and p.login is null and p.organisation_id is null
             and not exists (select from care_circle o where o.person_id = p.id and o.resident_id <> all(%(r)s))
             and not exists (select from shift s where s.person_id = p.id) as hers_alone
from care_circle c join person p on p.id = c.person_id where c.resident_id = any(%(r)s) group by p.id

-- name: spans
-- Which devices were hers, and from when to when, by their own history.
with named as (
    select device_id, at, (facts ->> 'resident')::bigint = any(%(r)s) as hers from device_event where facts ? 'resident'
    union all
    select id, coalesce(bound_at, created_at), true from device where resident_id = any(%(r)s)),
mine as (select device_id, min(at) as first, max(at) as last from named where hers group by device_id)
select m.device_id,
       coalesce((select max(n.at) from named n where n.device_id = m.device_id and not n.hers and n.at < m.first),
                timestamptz 'epoch') as begins, m.last as ends
from mine m

-- name: hours
delete from vital_hour_rolled t using unnest(%(devices)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (id, b, e)
where t.device_id = d.id and t.hour > d.b - interval '1 hour' and t.hour <= d.e

-- name: measured_hours
-- Hours that came while it was hers, and those that mean a day that was hers in part: the whole line.
delete from measured_hour_rolled t using unnest(%(devices)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (id, b, e)
where t.device_id = d.id and (t.arrived > d.b - interval '1 hour' and t.arrived <= d.e or t.day > d.b - interval '24 hours' and t.day <= d.e)

-- name: measured_days
delete from measured_day_rolled t using unnest(%(devices)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (id, b, e)
where t.device_id = d.id and (t.arrived > d.b - interval '24 hours' and t.arrived <= d.e or t.day > d.b - interval '24 hours' and t.day <= d.e)

-- name: notes
delete from note where incident_id in (select id from incident where resident_id = any(%(r)s))

-- name: alert_evidence
update alert set evidence = '{}' where evidence <> '{}' and incident_id in (select id from incident where resident_id = any(%(r)s))

-- name: device_notes
update device_event t set note = '' from unnest(%(devices)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (id, b, e)
where t.device_id = d.id and t.at > d.b and t.at <= d.e and t.note <> ''

-- name: told_devices
-- What her devices were told: the numbers they call, words that were spoken.
update device_command t set detail = '{}', answer = '', result = null
from unnest(%(devices)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (id, b, e)
where t.device_id = d.id and t.asked_at > d.b and t.asked_at <= d.e

-- name: told_bytes
update downlink t set payload = '', expires_at = least(t.expires_at, hub_now())
from unnest(%(devices)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (id, b, e)
where t.device_id = d.id and t.created_at > d.b and t.created_at <= d.e

-- name: unreadable
delete from unreadable t using unnest(%(devices)s::bigint[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (id, b, e)
where t.device_id = d.id and t.at > d.b and t.at <= d.e

-- name: handed_over
update handover_case set note = '' where note <> '' and incident_id in (select id from incident where resident_id = any(%(r)s))

-- name: shift_words
-- A word about a whole shift, where it names her.
update handover h set note = '' where exists (select from unnest(%(names)s::text[]) as n where strpos(h.note, n) > 0)

-- name: reviewed
update review set finding = '', remedy = '' where incident_id in (select id from incident where resident_id = any(%(r)s))

-- name: order_words
delete from work_order_word where order_id in (select id from work_order where resident_id = any(%(r)s))

-- name: order_files
delete from work_order_file where order_id in (select id from work_order where resident_id = any(%(r)s))

-- name: orders
update work_order set scope = '', quality = '', place = '' where resident_id = any(%(r)s)

-- name: contacts_made
update contact_made set note = '', evidence = '' where resident_id = any(%(r)s)

-- name: welfare
delete from welfare_fact where resident_id = any(%(r)s)

-- name: visiting
delete from visiting where resident_id = any(%(r)s)

-- name: platforms
-- What platforms answered to records of hers. What a record says is read from here when it is sent, and is gone.
update exchange_record set answer = '' where answer <> '' and (
    kind = 'resident' and subject = any(%(r)s)
    or kind = 'incident' and subject in (select id from incident where resident_id = any(%(r)s))
    or kind = 'visit' and subject in (select id from visit where resident_id = any(%(r)s))
    or kind = 'work_order' and subject in (select id from work_order where resident_id = any(%(r)s)))

-- name: subscribers
update api_delivery set answer = '' where answer <> '' and incident_id in (select id from incident where resident_id = any(%(r)s))

-- name: nights
delete from quiet_night where person_id = any(%(p)s)

-- name: terminals
update credential set active = false where person_id = any(%(p)s) and active

-- name: absence
delete from absence where resident_id = any(%(r)s)

-- name: home_day
delete from home_day where resident_id = any(%(r)s)

-- name: asked
delete from contact_asked where resident_id = any(%(r)s)

-- name: circle
delete from care_circle where resident_id = any(%(r)s)

-- name: visits
update visit set note = '', facts = '{}' where resident_id = any(%(r)s)

-- name: calls
update telephone_call set number = '', recording = '' where (resident_id = any(%(r)s) or person_id = any(%(p)s) or incident_id in (select id from incident where resident_id = any(%(r)s)))
  and (number <> '' or recording <> '')

-- name: links
delete from responder_link where person_id = any(%(p)s)

-- name: push
delete from push_subscription where person_id = any(%(p)s)

-- name: ways
delete from contact where person_id = any(%(p)s)

-- name: pages
update page set address = '', receipt = '' where person_id = any(%(p)s)

-- name: people
update person set name = '#' || id, phone = '', extension = '', lat = null, lon = null, active = false where id = any(%(p)s)

-- name: resident
update resident set name = '#' || id, born = null, address = '', entrance = '', language = '', languages = '{}', ability = '',
    risks = '{}', risk_class = '', hazards = '', key_place = '', door_code = '', health_notes = '', phone = '', lat = null,
    lon = null, fence_m = 0, spo2_scale = 1, home_id = null, ended_at = coalesce(ended_at, hub_now()),
    ended_why = case when ended_why in ('', 'other') then 'erased' else ended_why end, erased_at = hub_now()
where id = any(%(r)s)

-- name: history
update registry_change set fields = '{}'
where fields <> '{}' and (kind in ('resident', 'circle') and subject = any(%(subjects)s)
                          or kind in ('person', 'contact') and subject = any(%(people)s))

-- name: stays
select (select count(*) from incident where resident_id = any(%(r)s)) as incidents,
       (select count(*) from consent where resident_id = any(%(r)s)) as consent,
       (select count(*) from purchase where resident_id = any(%(r)s)) as purchases,
       (select count(*) from access_log where resident_id = any(%(r)s)) as access_log,
       (select count(*) from care_circle c where c.resident_id = any(%(r)s) and c.person_id <> all(%(p)s)) as people

-- name: previews
select id, body from registry_import where body <> '' and applied_at is null order by id

-- name: drop_preview
update registry_import set body = '' where id = %(id)s

-- name: answers
select id, body from api_answer where body <> '' order by id

-- name: empty_answer
update api_answer set body = '' where id = %(id)s

-- name: last
select h.at, h.facts, p.name as who, s.name as second from registry_change h left join person p on h.actor = 'person:' || p.id
left join person s on s.id = (h.facts ->> 'second')::bigint
where h.kind = 'resident' and h.subject = %(id)s::text and h.what = 'erased' order by h.id desc limit 1
