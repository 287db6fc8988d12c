-- name: ledger
-- Everybody who is visited in a month, with what counted and what was tried.
select g.resident_id, r.name, r.area, r.address, r.born, r.ability, g.reason, g.since as in_since, g.until as in_until,
       c.counted, c.tried, c.last_counted, c.last_how, c.last_by, c.last_evidence, o.id as order_id, o.state as order_state, o.due as order_due
from visiting g join resident r on r.id = g.resident_id
left join lateral (
    select count(*) filter (where t.counts)::int as counted, count(*) filter (where not t.counts)::int as tried,
           max(t.at) filter (where t.counts) as last_counted,
           (array_agg(t.how order by t.at desc) filter (where t.counts))[1] as last_how,
           (array_agg(t.name order by t.at desc) filter (where t.counts))[1] as last_by,
           (array_agg(t.proof order by t.at desc) filter (where t.counts))[1] as last_evidence
    from (select c.at, c.how, p.name,
                 case when c.incident_id is not null then '#' || c.incident_id
                      when c.order_id is not null then 'WO-' || c.order_id else c.evidence end as proof,
                 c.how || ':' || c.outcome = any(%(counts)s::text[])
                   and (c.how <> all(%(need)s::text[]) or c.evidence <> '' or c.order_id is not null or c.incident_id is not null) as counts
          from contact_made c left join person p on p.id = c.person_id
          where c.resident_id = g.resident_id and c.at >= %(since)s and c.at < %(until)s) t) c on true
left join lateral (
    select w.id, w.state, w.due from work_order w
    where w.resident_id = g.resident_id and w.kind in ('visit', 'silence') and w.ended_at is null order by w.due limit 1) o on true
where g.since <= %(last_day)s and (g.until is null or g.until >= %(first_day)s)
  and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
order by c.counted is distinct from 0, r.area, r.name, g.resident_id limit %(limit)s

-- name: by_area
-- How many of those who are visited were, community by community.
with of as (
    select distinct g.resident_id, r.area from visiting g join resident r on r.id = g.resident_id
    where g.since <= %(last_day)s and (g.until is null or g.until >= %(first_day)s)
      and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
)
select area, count(*)::int as residents, count(*) filter (where done)::int as visited
from (select of.area, exists (
        select from contact_made c where c.resident_id = of.resident_id and c.at >= %(since)s and c.at < %(until)s
          and c.how || ':' || c.outcome = any(%(counts)s::text[])
          and (c.how <> all(%(need)s::text[]) or c.evidence <> '' or c.order_id is not null or c.incident_id is not null)) as done
      from of) x
group by area order by count(*) filter (where done)::float8 / count(*), area

-- name: enter
insert into visiting (resident_id, since, reason, entered_by, entered_at)
select r.id, %(since)s, %(reason)s, %(by)s, hub_now() from resident r where r.id = %(resident)s and served(r.canary, r.ended_at)
on conflict (resident_id) where until is null do nothing returning id

-- name: leave
update visiting set until = greatest(%(until)s::date, since) where resident_id = %(resident)s and until is null returning id

-- name: made
insert into contact_made (resident_id, at, how, outcome, person_id, order_id, evidence, note, entered_by, entered_at)
select r.id, %(at)s, %(how)s, %(outcome)s, %(person)s, %(order)s, %(evidence)s, %(note)s, %(by)s, hub_now()
from resident r where r.id = %(resident)s and served(r.canary, r.ended_at) returning id

-- name: contacts
select c.*, p.name as person from contact_made c left join person p on p.id = c.person_id
where c.resident_id = %(resident)s order by c.at desc limit %(limit)s

-- name: tell
-- Cases that prove a contact: whoever came stood before her, or an operator spoke with her. Each case once.
insert into contact_made (resident_id, at, how, outcome, person_id, incident_id, entered_by, entered_at)
select c.resident_id, coalesce(c.arrived_at, c.answered_at), case when c.arrived_at is not null then 'visit' else 'phone' end,
       case when c.arrived_at is not null then 'met' else 'spoke' end,
       case when c.arrived_at is not null then c.went_id else c.answered_by end, c.incident_id, 'hub', hub_now()
from service_case c join visiting g on g.resident_id = c.resident_id and g.until is null
where c.closed_at >= %(since)s and (c.arrived_at is not null and c.disposition = any(%(met)s::text[])
       or c.arrived_at is null and c.answered_at is not null and c.disposition = any(%(spoke)s::text[]))
  and not exists (select from contact_made m where m.incident_id = c.incident_id)
limit 500

-- name: find
-- Residents by part of a name or by number, for a form.
select id, name, area, address from resident
where served(canary, ended_at) and (id = %(number)s::bigint or name like '%%' || %(word)s || '%%') order by name, id limit 20
