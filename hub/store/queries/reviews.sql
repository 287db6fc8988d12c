-- name: population
-- Calls that began in a time and have ended, with everybody who had a hand in them.
select c.incident_id, c.area, c.kind, coalesce(c.disposition, 'cancelled') as disposition,
       array(select distinct x.person from incident_event e
             cross join lateral (values (case when e.actor like 'person:%%' then substr(e.actor, 8)::bigint end),
                                        ((e.body ->> 'person')::bigint), ((e.body ->> 'second')::bigint)) as x (person)
             where e.incident_id = c.incident_id and x.person is not null order by 1) as hands
from service_case c
where c.closed_at is not null and c.started_at >= %(since)s and c.started_at < %(until)s
  and (%(area)s = '' or c.area in (select area_within(%(area)s)))
order by c.incident_id limit %(limit)s

-- name: reviewers
-- Who may be drawn to review. An auditor changes nothing: he reads what was found.
select id, name, role from person
where active and not canary and login is not null and role in ('supervisor', 'operator') order by role desc, name, id

-- name: keep_draw
insert into review_draw (drawn_at, drawn_by, since, until, area, strata, wanted, seed, seed_from, algorithm, population,
                         population_sha256, reviewers)
values (hub_now(), %(by)s, %(since)s, %(until)s, %(area)s, %(strata)s, %(wanted)s, %(seed)s, %(seed_from)s, %(algorithm)s,
        %(population)s, %(digest)s, %(reviewers)s)
returning id

-- name: keep_drawn
insert into review (draw_id, place, incident_id, stratum, reviewer_id)
select %(draw)s, * from unnest(%(places)s::int[], %(cases)s::bigint[], %(strata)s::text[], %(reviewers)s::bigint[])

-- name: draw
select d.*, p.name as by_name from review_draw d left join person p on p.id = d.drawn_by where d.id = %(draw)s

-- name: draws
-- Draws, the last first, and how far their reviews are.
select d.id, d.drawn_at, d.since, d.until, d.area, d.wanted, d.seed, d.algorithm, d.population_sha256,
       jsonb_array_length(d.population) as cases, p.name as by_name, r.drawn, r.reviewed, r.score, r.to_remedy
from review_draw d left join person p on p.id = d.drawn_by
cross join lateral (select count(*)::int as drawn, count(reviewed_at)::int as reviewed, avg(score)::float8 as score,
                           count(*) filter (where remedy <> '' and remedied_at is null)::int as to_remedy
                    from review where draw_id = d.id) r
where %(area)s::text is null or d.area = '' or d.area in (select area_within(%(area)s))
order by d.id desc limit %(limit)s

-- name: reviews
-- The cases of one draw.
select r.*, p.name as reviewer, b.name as reviewed_name, m.name as remedied_name, c.kind, c.severity, c.area, c.started_at,
       c.disposition
from review r
left join person p on p.id = r.reviewer_id left join person b on b.id = r.reviewed_by
left join person m on m.id = r.remedied_by left join service_case c on c.incident_id = r.incident_id
where r.draw_id = %(draw)s order by r.place

-- name: review
select r.*, p.name as reviewer, d.algorithm, c.kind, c.severity, c.area, c.started_at, c.answered_at, c.arrived_at,
       c.closed_at, c.disposition
from review r join review_draw d on d.id = r.draw_id left join person p on p.id = r.reviewer_id
left join service_case c on c.incident_id = r.incident_id
where r.id = %(review)s

-- name: mine
-- What one reviewer has still to do.
select r.id, r.draw_id, r.incident_id, r.stratum, c.started_at, c.kind, c.area from review r
left join service_case c on c.incident_id = r.incident_id
where r.reviewer_id = %(person)s and r.reviewed_at is null order by r.id limit %(limit)s

-- name: had_a_hand
select exists (select from incident_event e where e.incident_id = %(incident)s
               and (e.actor = 'person:' || %(person)s::bigint or (e.body ->> 'person')::bigint = %(person)s
                    or (e.body ->> 'second')::bigint = %(person)s))

-- name: keep_review
-- Once: a review is not written over.
update review set criteria = %(criteria)s, score = %(score)s, finding = %(finding)s, remedy = %(remedy)s,
                  remedy_due = %(due)s, reviewed_at = hub_now(), reviewed_by = %(person)s
where id = %(review)s and reviewed_at is null returning id

-- name: remedied
update review set remedied_at = hub_now(), remedied_by = %(person)s
where id = %(review)s and remedy <> '' and remedied_at is null and reviewed_by <> %(person)s returning draw_id

-- name: results
-- Reviews of calls that began in a time, criterion by criterion.
select k.key as criterion, count(*) filter (where k.value = 'met')::int as met,
       count(*) filter (where k.value = 'not_met')::int as not_met
from review r join service_case c on c.incident_id = r.incident_id
cross join lateral jsonb_each_text(r.criteria) as k
where r.reviewed_at is not null and c.started_at >= %(since)s and c.started_at < %(until)s
  and (%(area)s::text is null or c.area in (select area_within(%(area)s)))
group by k.key

-- name: totals
select count(*)::int as drawn, count(r.reviewed_at)::int as reviewed, avg(r.score)::float8 as score,
       count(*) filter (where r.remedy <> '')::int as remedies,
       count(*) filter (where r.remedy <> '' and r.remedied_at is null)::int as to_remedy
from review r join service_case c on c.incident_id = r.incident_id
where c.started_at >= %(since)s and c.started_at < %(until)s
  and (%(area)s::text is null or c.area in (select area_within(%(area)s)))
