-- name: parts
-- What each part of the watch says, and whether it said so lately.
select role, at, says, at > hub_now() - interval '10 seconds' as fresh from heartbeat;

-- name: now
-- What is not over, with who has acknowledged it; the rest of the numbers stands beside it.
select f.id, f.rule, f.subject, f.detail, f.found_at, f.acknowledged_at, f.acknowledged_why, p.name as acknowledged_by
from audit_finding f left join person p on p.id = f.acknowledged_by
where f.cleared_at is null order by f.acknowledged_at nulls first, f.id desc limit 50;

-- name: past
-- What was wrong in the last day and is over.
select f.rule, f.subject, f.detail, f.found_at, f.cleared_at, f.acknowledged_why, p.name as acknowledged_by
from audit_finding f left join person p on p.id = f.acknowledged_by
where f.cleared_at > hub_now() - interval '1 day' order by f.cleared_at desc limit 20;

-- name: acknowledge
-- Somebody has seen it. The siren is silent about it for a while; said again, the while begins again.
update audit_finding set acknowledged_at = hub_now(), acknowledged_by = %(person)s, acknowledged_why = %(why)s
where id = %(finding)s and cleared_at is null
returning rule, subject, pg_notify('carehub_audit', rule);

-- name: rounds
-- The last canaries.
select at, lost, detail, seconds from canary_round order by id desc limit %(limit)s;

-- name: day
-- How many canaries came through in a day.
select count(*) as all_of_them, count(*) filter (where lost is null) as through from canary_round
where at > hub_now() - interval '1 day';
