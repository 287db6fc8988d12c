-- name: hold_mark
-- What was last seen from this machine, held until commit; made when it is the first time.
insert into clock_mark (machine, monotonic_s, at, set_no) values (%(machine)s, 'infinity', 'epoch', 0)
on conflict (machine) do update set machine = excluded.machine
returning monotonic_s, at, set_no

-- name: look
-- The hub's time, whether it stands still (tests), and the last wait that was set.
select hub_now(), exists (select from clock where at is not null), (select last_value from wait_number)

-- name: mark
-- What is seen now.
update clock_mark set monotonic_s = %(monotonic_s)s, at = %(now)s, set_no = %(set_no)s where machine = %(machine)s

-- name: jumped
-- The clock was set. Nothing has been put right yet where it went back; where it went forward, nothing has to be.
insert into clock_jump (noticed_at, back, before_no, after_no, done_at)
values (%(now)s, %(back)s, %(before_no)s, %(after_no)s, case when %(back)s <= interval '0' then %(now)s end)
returning id

-- name: unfinished
-- Jumps whose waits are not all put right, the first one first.
select id, noticed_at, back, before_no, after_no from clock_jump where done_at is null order by id

-- name: waiting
-- Incidents whose timer was set before a jump, the next to fire first. Between the two marks the order alone does not
-- tell: what was set at a time that is still to come was set before.
select incident_id from timer
where coalesce(set_no, 0) <= %(before_no)s or set_no <= %(after_no)s and set_at > %(noticed_at)s
order by due_at limit %(limit)s

-- name: still_waiting
-- Whether this one's timer is still the one that was set before.
select 1 from timer
where incident_id = %(id)s and (coalesce(set_no, 0) <= %(before_no)s or set_no <= %(after_no)s and set_at > %(noticed_at)s)

-- name: from_the_future
-- Timers that say they were set later than now: the clock went back and nobody saw it. `wait` is all they had to wait.
select incident_id from timer where set_at > %(now)s + %(drift)s::interval order by set_at desc limit %(limit)s

-- name: ahead
-- By how much one timer was set in the future.
select set_at - hub_now() from timer where incident_id = %(id)s and set_at > hub_now() + %(drift)s::interval

-- name: shift_pages
-- Pages that wait since before the jump. Those somebody holds at this moment are skipped and come next time.
update page set due_at = due_at - %(back)s::interval
where id in (
    select id from page
    where state = 'ready'
      and (coalesce(set_no, 0) <= %(before_no)s or set_no <= %(after_no)s and created_at > %(noticed_at)s)
    order by due_at limit %(limit)s
    for no key update skip locked)

-- name: left_pages
-- How many of them are left.
select count(*) from page
where state = 'ready' and (coalesce(set_no, 0) <= %(before_no)s or set_no <= %(after_no)s and created_at > %(noticed_at)s)

-- name: shift_leases
-- A lease ends as long after now as it would have, and never at once: a page under way is not sent twice for a clock's sake.
update page set lease_until = least(lease_until, greatest(lease_until - %(back)s::interval, hub_now() + %(spare)s::interval))
where id in (
    select id from page where state in ('sending', 'sent') and lease_until > hub_now() + %(spare)s::interval
    for no key update skip locked)

-- name: shift_presence
-- A console heard of in the future would keep its operator signed in until then.
update presence set seen_at = least(seen_at, hub_now()) where seen_at > hub_now()

-- name: shifted
-- Count what was put right.
update clock_jump set shifted = shifted + %(timers)s where id = %(id)s

-- name: done
-- All of it was.
update clock_jump set done_at = hub_now() where id = %(id)s and done_at is null
