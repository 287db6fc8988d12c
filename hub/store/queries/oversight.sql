-- name: state
-- How the hub itself is watched: findings that stand, the last rounds of the canary, holes, handovers, broken glass.
select (select count(*) from audit_finding where cleared_at is null)::int as findings,
       (select count(*) from audit_finding where cleared_at is null and acknowledged_at is null)::int as unacknowledged,
       (select count(*) from canary_round where at >= %(day)s)::int as rounds,
       (select count(*) from canary_round where at >= %(day)s and lost is not null)::int as lost,
       (select max(at) from canary_round) as last_round,
       (select count(*) from coverage_hole h where %(area)s::text is null or h.area in (select area_within(%(area)s)))::int as holes,
       (select count(*) from coverage_hole h where h.kind = 'nobody' and (%(area)s::text is null or h.area in (select area_within(%(area)s))))::int as nobody,
       (select covered from coverage_run)::float8 as covered,
       (select count(*) from handover where ended_at is null)::int as handovers_open,
       (select count(*) from handover_case c join handover h on h.id = c.handover_id
        where h.ended_at is not null and not h.called_off and c.incoming_at is null)::int as unsigned,
       (select count(*) from visit v left join resident r on r.id = v.resident_id
        where v.status = 'open' and (%(area)s::text is null or r.area in (select area_within(%(area)s))))::int as visits_open

-- name: glass
-- Records opened in an emergency by who had no access, the latest first.
select b.id, b.opened_at, b.reason, b.incident_id, p.name as person, p.role, r.name as resident, r.area
from break_glass b join person p on p.id = b.person_id join resident r on r.id = b.resident_id
where b.opened_at >= %(since)s and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
order by b.opened_at desc limit %(limit)s

-- name: handovers
-- Handovers that are not signed by both to the end.
select h.id, h.begun_at, o.name as outgoing, i.name as incoming,
       (select count(*) from handover_case c where c.handover_id = h.id)::int as cases,
       (select count(*) from handover_case c where c.handover_id = h.id and c.incoming_at is null)::int as unsigned
from handover h join person o on o.id = h.outgoing join person i on i.id = h.incoming
where not h.called_off and (h.ended_at is null or exists (select from handover_case c where c.handover_id = h.id and c.incoming_at is null))
  and h.begun_at >= %(since)s
order by h.begun_at desc limit %(limit)s

-- name: falls
-- Falls told of in a time, by the models that told of them.
select m.model, count(*)::int as suspected,
       count(*) filter (where f.outcome in ('cancelled', 'cancelled_at_desk'))::int as cancelled,
       count(*) filter (where f.outcome = 'real')::int as real, count(*) filter (where f.outcome = 'false')::int as false
from fall_told f cross join unnest(f.models) as m (model)
where f.began_at >= %(since)s and f.began_at < %(until)s
  and (%(area)s::text is null or f.resident_id in (select r.id from resident r where r.area in (select area_within(%(area)s))))
group by m.model order by count(*) filter (where f.none) desc, count(*) desc, m.model limit %(limit)s

-- name: attempts
-- First attempts in a time, by model: presses, and how many had to be made again or were answered by nobody.
select model, sum(presses)::int as presses, sum(again)::int as again, sum(unanswered)::int as unanswered,
       sum(trials)::int as trials, sum(trials_failed + trials_silent)::int as trials_failed
from first_attempt
where day >= %(first_day)s and day <= %(last_day)s
  and (%(area)s::text is null or area in (select area_within(%(area)s)))
group by model order by (sum(again) + sum(trials_failed + trials_silent))::float8 / greatest(1, sum(presses) + sum(trials)) desc, model limit %(limit)s

-- name: findings
-- What the auditor and the canary found in a month.
select (select count(*) from audit_finding where found_at >= %(since)s and found_at < %(until)s)::int as findings,
       (select count(*) from canary_round where at >= %(since)s and at < %(until)s)::int as rounds,
       (select count(*) from canary_round where at >= %(since)s and at < %(until)s and lost is not null)::int as lost

-- name: residents
select count(*)::int as n from resident r where served(r.canary, r.ended_at) and (%(area)s::text is null or r.area in (select area_within(%(area)s)))
