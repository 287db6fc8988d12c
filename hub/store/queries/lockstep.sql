-- name: stands
-- Where the clock stands; no row: it goes by itself.
select at from clock where at is not null

-- name: begin
-- The clock stands from now on. One that stands already stays where it is.
insert into clock (at) values (%(at)s)
on conflict (one) do update set at = greatest(coalesce(clock.at, excluded.at), excluded.at)
returning at

-- name: move
-- The clock is moved, never back; whose console is open is as present as a moment ago.
with here as (update presence set seen_at = %(at)s)
update clock set at = %(at)s where at <= %(at)s returning at

-- name: look
-- What is due at this moment, and what comes next: timers but those that failed just now, pages, pages under way, words
-- to devices that wait for their acknowledgement, and how many cases are open. Each by the first of its index: with two
-- thousand cases open it is asked several times for every press.
with t as materialized (select hub_now() as now)
select exists (select from timer, t where due_at <= t.now and incident_id <> all(%(failed)s::bigint[])),
       exists (select from page, t where state = 'ready' and due_at <= t.now)
       or exists (select from page, t where state in ('sending', 'sent') and lease_until <= t.now),
       array(select d.id from downlink d, t where d.delivered_at is null and d.expires_at > t.now
               and not exists (select from device_command c where c.downlink_id = d.id)),
       least((select due_at from timer, t where due_at > t.now and incident_id <> all(%(failed)s::bigint[])
               order by due_at limit 1),
             (select min(due_at) from page, t where state = 'ready' and due_at > t.now),
             (select lease_until from page, t where state in ('sending', 'sent') and lease_until > t.now
               order by lease_until limit 1)),
       (select count(*) from incident where dedup_key is not null)

-- name: due_timers
-- Timers that are due, in the order in which they fire.
with t as materialized (select hub_now() as now)
select incident_id, t.now - due_at from timer, t
where due_at <= t.now and incident_id <> all(%(failed)s::bigint[])
order by due_at, incident_id
