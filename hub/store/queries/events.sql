-- name: add
insert into api_subscription (name, url, kinds, areas, organisation_id, health, salt, salt_at, created_at, created_by)
values (%(name)s, %(url)s, %(kinds)s, %(areas)s, %(organisation)s, %(health)s, '', hub_now(), hub_now(), %(by)s)
returning id

-- name: keep_secret
-- Its key, sealed for this row; another one is the one before it for a day.
update api_subscription set secret = %(secret)s, old_secret = %(old)s, old_salt = null, salt_at = hub_now()
where id = %(id)s

-- name: secret
select name, secret, salt from api_subscription where id = %(id)s
  and (%(organisation)s::bigint is null or organisation_id = %(organisation)s) for update

-- name: subscriptions
-- Who is told of what, and how it goes.
select s.id, s.name, s.url, s.kinds, s.areas, s.organisation_id, s.health, s.active, s.created_at, s.created_by,
       s.failing_since, s.disabled_at, s.disabled_why, s.ok_at, s.salt,
       (select count(*) from api_delivery d where d.subscription_id = s.id and d.state = 'waiting') as waiting
from api_subscription s
where (%(id)s::bigint is null or s.id = %(id)s) and s.id > %(after)s
  and (%(organisation)s::bigint is null or s.organisation_id = %(organisation)s)
order by s.id limit %(limit)s

-- name: count
select count(*) from api_subscription

-- name: remove
delete from api_subscription where id = %(id)s
  and (%(organisation)s::bigint is null or organisation_id = %(organisation)s) returning name

-- name: enable
-- Told again, from where it stopped.
update api_subscription set active = true, failing_since = null, disabled_at = null, disabled_why = null where id = %(id)s
returning name

-- name: gather_lock
select pg_try_advisory_xact_lock(%(lock)s)

-- name: gather
-- What became visible in the chains since the last look becomes events in one order: of one case in the order of its
-- chain. The snapshot of that look is kept, so that an entry is found when its transaction commits, however long that was
-- open. Where there is none of this server's yet (a release before, a database brought back elsewhere), the time counts.
-- Nobody is told of the canary's cases.
with t as materialized (select hub_now() as now, pg_current_snapshot() as snap),
mark as materialized (
    select coalesce(m.through, t.now) as through,
           case when pg_snapshot_xmax(m.seen) <= pg_snapshot_xmax(t.snap) then m.seen end as seen
    from t left join api_mark m on true
), candidate as materialized (
    select e.incident_id, e.seq, e.at, e.what, e.xid from mark, t, incident_event e
    where e.xid >= pg_snapshot_xmin(mark.seen) and not pg_visible_in_snapshot(e.xid, mark.seen)
      and e.at > t.now - make_interval(days => %(days)s)
      and not exists (select from api_event k where k.incident_id = e.incident_id and k.seq = e.seq)
    union all
    select e.incident_id, e.seq, e.at, e.what, e.xid from mark, t, incident_event e
    where mark.seen is null and e.at > mark.through - %(overlap)s::interval
      and e.at > t.now - make_interval(days => %(days)s)
      and not exists (select from api_event k where k.incident_id = e.incident_id and k.seq = e.seq)
), batch as materialized (
    select incident_id, max(seq) as seq, max(xid) as xid from (
        select incident_id, seq, xid from candidate order by xid nulls first fetch first %(at_once)s rows with ties) c
    group by incident_id
), fresh as (
    insert into api_event (incident_id, seq, at, what, area)
    select c.incident_id, c.seq, c.at, c.what, coalesce(nullif(i.area, ''), r.area, '')
    from candidate c join batch s on s.incident_id = c.incident_id and c.seq <= s.seq
    join incident i on i.id = c.incident_id left join resident r on r.id = i.resident_id
    where not coalesce(r.canary, false)
    order by c.at, c.incident_id, c.seq
    on conflict (incident_id, seq) do nothing
    returning number, incident_id, seq, what, area
), told as (
    insert into api_delivery (subscription_id, number, incident_id, seq, due_at)
    select s.id, f.number, f.incident_id, f.seq, t.now
    from t, fresh f join api_subscription s on s.active
      and (('incident.' || f.what) = any(s.kinds) or 'incident.*' = any(s.kinds) or '*' = any(s.kinds))
      and (s.areas = '{}' or f.area in (select area_within(x) from unnest(s.areas) x))
      and (s.organisation_id is null or f.area in (
            select area_within(a.area) from organisation_area a where a.organisation_id = s.organisation_id))
    returning 1
), cut as materialized (  -- the last transaction of a look that was not the whole
    select case when (select count(*) from candidate) > %(at_once)s then (select max(xid)::text::numeric from batch) end as upto
), moved as (
    insert into api_mark (through, seen)
    select t.now, case when cut.upto is null or mark.seen is null then t.snap else (
        least(pg_snapshot_xmin(t.snap)::text::numeric, cut.upto + 1) || ':' || (cut.upto + 1) || ':' || coalesce((
            select string_agg(x::text, ',' order by x) from pg_snapshot_xip(t.snap) x where x::text::numeric <= cut.upto), '')
        )::pg_snapshot end
    from t, mark, cut on conflict (one) do update set through = excluded.through, seen = excluded.seen
    returning 1
)
select (select count(*) from fresh) as fresh, (select count(*) from told) as told, (select count(*) from moved) as moved,
       (select upto is not null and seen is not null from cut, mark) as more

-- name: claim
-- Some that are due, of each case the earliest only: what happened to her is told in its order. A claim that nobody answers
-- for comes back by itself.
with t as materialized (select hub_now() as now), due as (
    select d.subscription_id, d.number from t, api_delivery d join api_subscription s on s.id = d.subscription_id and s.active
    where d.state = 'waiting' and d.due_at <= t.now
      and not exists (select from api_delivery b where b.subscription_id = d.subscription_id
                      and b.incident_id = d.incident_id and b.seq < d.seq and b.state = 'waiting')
    order by d.due_at, d.number limit %(limit)s for update of d skip locked
)
update api_delivery d set due_at = t.now + %(lease)s::interval, attempts = d.attempts + 1
from t, due, api_event v, api_subscription s, incident i
where d.subscription_id = due.subscription_id and d.number = due.number and v.number = d.number
  and s.id = d.subscription_id and i.id = d.incident_id
returning d.subscription_id, d.number, d.incident_id, d.seq, d.attempts, v.at, v.what, v.area, t.now, s.url, s.health,
          s.secret, s.salt, case when s.salt_at > t.now - interval '1 day' then s.old_secret else '' end as old_secret,
          case when s.salt_at > t.now - interval '1 day' then s.old_salt end as old_salt,
          (select e.actor from incident_event e where e.incident_id = d.incident_id and e.seq = d.seq) as actor,
          (select e.body -> 'after' from incident_event e where e.incident_id = d.incident_id and e.seq = d.seq) as after,
          i.resident_id, i.device_id, i.severity, i.kind, i.test, i.disposition

-- name: delivered
with done as (
    update api_delivery set state = 'delivered', delivered_at = hub_now(), answer = %(answer)s
    where subscription_id = %(subscription)s and number = %(number)s and state = 'waiting' returning subscription_id
)
update api_subscription s set ok_at = hub_now(), failing_since = null from done where s.id = done.subscription_id

-- name: missed
-- Not taken: again later. From the first that fails until one succeeds, the subscription is failing.
with done as (
    update api_delivery set due_at = hub_now() + %(again)s::interval, answer = %(answer)s
    where subscription_id = %(subscription)s and number = %(number)s and state = 'waiting' returning subscription_id
)
update api_subscription s set failing_since = coalesce(s.failing_since, hub_now()) from done
where s.id = done.subscription_id
returning s.failing_since < hub_now() - %(patience)s::interval as over

-- name: disable
-- Nobody is there any more: told no longer, and the auditor says so until it is enabled or removed.
update api_subscription set active = false, disabled_at = hub_now(), disabled_why = %(why)s
where id = %(subscription)s and active returning name

-- name: replay
-- From an event on, everything again that is still kept and that the subscription is for.
with chosen as (
    select v.number, v.incident_id, v.seq from api_event v, api_subscription s
    where s.id = %(id)s and (%(number)s::bigint is null or v.number >= %(number)s)
      and (%(since)s::timestamptz is null or v.at >= %(since)s)
      and (('incident.' || v.what) = any(s.kinds) or 'incident.*' = any(s.kinds) or '*' = any(s.kinds))
      and (s.areas = '{}' or v.area in (select area_within(x) from unnest(s.areas) x))
      and (s.organisation_id is null or v.area in (
            select area_within(a.area) from organisation_area a where a.organisation_id = s.organisation_id))
), again as (
    insert into api_delivery (subscription_id, number, incident_id, seq, due_at)
    select %(id)s, number, incident_id, seq, hub_now() from chosen
    on conflict (subscription_id, number) do update
        set state = 'waiting', due_at = excluded.due_at, attempts = 0, answer = 'replayed'
    returning 1
)
select count(*) from again

-- name: sweep
-- What is too old to be asked for again, with its deliveries; a little at a time.
delete from api_event where number in (
    select number from api_event where at < hub_now() - make_interval(days => %(days)s) order by number limit %(limit)s)

-- name: waiting
select count(*) from api_delivery where state = 'waiting'
