-- name: read_through
select through from service_mark

-- name: read_until
insert into service_mark (through) values (%(until)s) on conflict (one) do update set through = excluded.through

-- name: first_event
-- Where reading begins when nothing was read yet.
select min(at) from incident_event where at >= %(since)s

-- name: changed
-- Cases to which something happened in a time.
select array(select distinct incident_id from incident_event where at >= %(since)s and at < %(until)s)

-- name: forget
delete from service_case where incident_id = any(%(cases)s::bigint[])

-- name: tell
-- Calls as their events tell them. No row: a test, the canary, a technical finding, or what the wearer took back before
-- anybody was called.
insert into service_case (incident_id, started_at, kind, severity, area, resident_id, answered_at, answered_by, sent_at,
                          arrived_at, proved, resolved_at, closed_at, disposition, went_id, organisation_id)
select i.id, s.at, o.body ->> 'kind', (o.body ->> 'severity')::int, i.area, i.resident_id, a.at, a.by, w.sent_at,
       w.arrived_at, coalesce(w.proved, false), w.resolved_at, w.closed_at, w.disposition, g.person_id, p.organisation_id
from incident i
join incident_event o on o.incident_id = i.id and o.seq = 1
left join resident r on r.id = i.resident_id
cross join lateral (  -- the first moment at which it is no test and nobody is being asked any more
    select e.at, e.seq from incident_event e
    where e.incident_id = i.id and e.body -> 'after' ->> 'state' not in ('confirming', 'cancelled')
      and (not coalesce((o.body ->> 'test')::boolean, false)
           or e.seq >= (select min(m.seq) from incident_event m where m.incident_id = i.id and m.what = 'made_real'))
    order by e.seq limit 1) s
left join lateral (  -- an operator, by anything only operators do; below critical also who was called and goes
    select e.at, nullif(substr(e.actor, 8), '')::bigint as by from incident_event e
    where e.incident_id = i.id and e.seq >= s.seq and e.actor like 'person:%%'
      and (e.what in ('dispatched', 'held', 'called', 'no_speech', 'resolved', 'closed')
           or e.what = 'taken' and e.body ->> 'role' = 'operator'
           or (o.body ->> 'severity')::int > 1 and e.what in ('taken', 'en_route', 'arrived'))
    order by e.seq limit 1) a on true
left join lateral (
    select min(e.at) filter (where e.what in ('dispatched', 'en_route', 'also_en_route', 'arrived')
                                   or e.what = 'taken' and e.body ->> 'role' <> 'operator') as sent_at,
           min(e.at) filter (where e.what = 'arrived' and not e.void) as arrived_at,
           bool_or(not e.void and (e.what = 'proved' or e.what = 'arrived' and e.body ->> 'proof' in ('button', 'position')))
               as proved,
           -- Rung again after it was over: it was not over.
           case when (array_agg(e.body -> 'after' ->> 'state' order by e.seq desc)
                      filter (where e.body -> 'after' ->> 'state' is not null))[1] in ('resolved', 'closed')
                then max(e.at) filter (where e.what = 'resolved') end as resolved_at,
           max(e.at) filter (where e.what in ('closed', 'cancelled')) as closed_at,
           max(e.body ->> 'disposition') filter (where e.what = 'closed') as disposition
    from (select e.*, exists (select from incident_event m  -- he took back that he was there
                              where m.incident_id = e.incident_id and m.what = 'mistaken' and m.seq > e.seq
                                and (m.body ->> 'takes_back')::int <= e.seq) as void
          from incident_event e where e.incident_id = i.id and e.seq >= s.seq) e) w on true
left join lateral (  -- who came first; else the last one who said that he goes or was sent
    select coalesce((array_agg((e.body ->> 'person')::bigint order by e.seq) filter (where e.what = 'arrived'))[1],
                    (array_agg((e.body ->> 'person')::bigint order by e.seq desc) filter (where e.what <> 'arrived'))[1])
               as person_id
    from incident_event e
    where e.incident_id = i.id and e.body ->> 'person' is not null
      and not (e.what = 'arrived' and exists (select from incident_event m where m.incident_id = e.incident_id
                                                and m.what = 'mistaken' and (m.body ->> 'takes_back')::int = e.seq))
      and (e.what in ('arrived', 'en_route', 'dispatched') or e.what = 'taken' and e.body ->> 'role' <> 'operator')) g on true
left join person p on p.id = g.person_id
where i.id = any(%(cases)s::bigint[]) and (o.body ->> 'severity')::int < 5 and r.canary is not true

-- name: levels
-- How soon calls of a time were answered and doors reached, by one thing at a time. A call that nobody has answered, or a
-- door that nobody reached, counts as late as soon as it cannot be in time any more.
with recursive inside (name, top, depth) as (
    select name, name, 0 from area where %(by)s = 'area' and level = %(level)s
    union all
    select a.name, i.top, i.depth + 1 from area a join inside i on a.parent = i.name where i.depth < 8
), told as (
    select case %(by)s when 'kind' then c.kind when 'severity' then c.severity::text
                       when 'hour' then to_char(c.started_at at time zone %(zone)s, 'HH24')
                       when 'day' then to_char(c.started_at at time zone %(zone)s, 'YYYY-MM-DD')
                       when 'month' then to_char(c.started_at at time zone %(zone)s, 'YYYY-MM')
                       when 'organisation' then coalesce(c.organisation_id::text, '')
                       when 'area' then coalesce(n.top, case when %(level)s = 'community' then c.area end, '')
                       else '' end as key,
           c.severity,
           extract(epoch from c.answered_at - c.started_at)::float8 as answer_s,
           extract(epoch from %(now)s - c.started_at)::float8 as age_s, c.closed_at is not null as closed,
           extract(epoch from c.arrived_at - c.started_at)::float8 as door_s, c.proved,
           extract(epoch from c.resolved_at - c.started_at)::float8 as resolved_s, c.sent_at is not null as sent
    from service_case c
    left join inside n on n.name = c.area and %(by)s = 'area'
    where c.started_at >= %(since)s and c.started_at < %(until)s
      and (%(area)s::text is null or c.area in (select area_within(%(area)s)))
      and (%(organisation)s::bigint is null or c.organisation_id = %(organisation)s)
), judged as (
    select *, door_s is null and resolved_s is not null and resolved_s <= 2700 as called_off,
           sent or severity <= 2 and (resolved_s is null or resolved_s > 2700) as needed
    from told
)
select key, count(*)::int as calls,
       count(*) filter (where answer_s is not null or closed or age_s > 60)::int as due_60,
       count(*) filter (where answer_s <= 60)::int as in_60,
       count(*) filter (where answer_s is not null or closed or age_s > 180)::int as due_180,
       count(*) filter (where answer_s <= 180)::int as in_180,
       count(*) filter (where answer_s is null and (closed or age_s > 180))::int as unanswered,
       percentile_disc(0.5) within group (order by coalesce(answer_s, 'infinity')) filter (where answer_s is not null or closed or age_s > 60) as answer_p50,
       percentile_disc(0.9) within group (order by coalesce(answer_s, 'infinity')) filter (where answer_s is not null or closed or age_s > 60) as answer_p90,
       count(*) filter (where needed and not called_off and (door_s is not null or resolved_s is not null or closed or age_s > 2700))::int as due_45,
       count(*) filter (where needed and door_s <= 2700)::int as in_45,
       count(*) filter (where needed and not called_off and (door_s is not null or resolved_s is not null or closed or age_s > 3600))::int as due_60m,
       count(*) filter (where needed and door_s <= 3600)::int as in_60m,
       count(*) filter (where needed and not called_off and door_s is null and (resolved_s is not null or closed or age_s > 3600))::int as unreached,
       count(*) filter (where needed and called_off)::int as called_off,
       count(*) filter (where door_s is not null and proved)::int as proved,
       percentile_disc(0.5) within group (order by coalesce(door_s, 'infinity')) filter (where needed and not called_off and (door_s is not null or resolved_s is not null or closed or age_s > 2700)) as door_p50,
       percentile_disc(0.9) within group (order by coalesce(door_s, 'infinity')) filter (where needed and not called_off and (door_s is not null or resolved_s is not null or closed or age_s > 2700)) as door_p90
from judged group by key order by key limit %(limit)s

-- name: left_out
-- What is in no figure above, of the cases opened in a time: tests, technical findings, taken back by the wearer. The
-- canary is not even here.
select count(*) filter (where o.severity < 5 and o.test and not o.told)::int as tests,
       count(*) filter (where o.severity = 5)::int as technical,
       count(*) filter (where o.severity < 5 and not o.test and not o.told)::int as taken_back
from (select (e.body ->> 'severity')::int as severity, coalesce((e.body ->> 'test')::boolean, false) as test,
             exists (select from service_case c where c.incident_id = i.id) as told
      from incident i
      join incident_event e on e.incident_id = i.id and e.seq = 1
      left join resident r on r.id = i.resident_id
      where i.opened_at >= %(since)s and i.opened_at < %(until)s and r.canary is not true
        and (%(area)s::text is null or i.area in (select area_within(%(area)s)))) o

-- name: breaches
-- Calls that were late, the latest first: critical beyond 60 s, others beyond 180 s, doors beyond 60 min.
select c.incident_id, c.started_at, c.kind, c.severity, c.area, c.resident_id, c.organisation_id,
       extract(epoch from c.answered_at - c.started_at)::float8 as answer_s,
       extract(epoch from c.arrived_at - c.started_at)::float8 as door_s,
       c.closed_at is null as open,
       coalesce(c.answered_at, %(now)s) - c.started_at > make_interval(secs => case when c.severity = 1 then 60 else 180 end)
           as late_answer,
       (c.sent_at is not null or c.severity <= 2)
         and coalesce(c.arrived_at, c.resolved_at, %(now)s) - c.started_at > interval '60 minutes' as late_door
from service_case c
where c.started_at >= %(since)s and c.started_at < %(until)s
  and (%(area)s::text is null or c.area in (select area_within(%(area)s)))
  and (coalesce(c.answered_at, %(now)s) - c.started_at > make_interval(secs => case when c.severity = 1 then 60 else 180 end)
       or (c.sent_at is not null or c.severity <= 2)
          and coalesce(c.arrived_at, c.resolved_at, %(now)s) - c.started_at > interval '60 minutes')
order by c.started_at desc limit %(limit)s

-- name: cases
-- Every call of a time with its own seconds, for whoever adds them up again.
select c.incident_id, c.started_at, c.kind, c.severity, c.area, coalesce(o.name, '') as organisation, c.answered_at,
       c.sent_at, c.arrived_at, c.proved, c.resolved_at, c.closed_at, c.disposition
from service_case c left join organisation o on o.id = c.organisation_id
where c.started_at >= %(since)s and c.started_at < %(until)s
  and (%(area)s::text is null or c.area in (select area_within(%(area)s)))
order by c.started_at, c.incident_id limit %(limit)s

-- name: areas
-- Every area that has a resident or stands in the tree, with its level and what it lies in.
select a.name, a.level, a.parent from area a
union all
select distinct r.area, 'community', null from resident r
where r.area <> '' and not r.canary and not exists (select from area a where a.name = r.area)
order by 2, 1

-- name: organisations
select id, name, kind from organisation order by name

-- name: sweep
delete from service_case where ctid = any(array(select ctid from service_case where started_at < %(before)s limit %(limit)s))
