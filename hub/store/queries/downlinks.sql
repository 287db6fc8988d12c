-- name: waiting
-- What has not reached its device yet, oldest first; read at start, after a lost connection and now and then.
select id, topic, device_id from downlink
where delivered_at is null and expires_at > hub_now()
order by id limit %(most)s

-- name: announced
-- The rows a notification named, those still to be delivered.
select id, topic, device_id from downlink
where id = any(%(ids)s) and delivered_at is null and expires_at > hub_now()
order by id

-- name: load
-- One row, unless it was delivered or has expired meanwhile.
select payload, retain, page_id from downlink
where id = %(id)s and delivered_at is null and expires_at > hub_now()

-- name: retained
-- The last retained downlink of each topic, which whoever subscribes is given.
select distinct on (topic) topic, payload from downlink
where retain and expires_at > hub_now()
order by topic, id desc limit %(most)s

-- name: mark_delivered
-- The device's own acknowledgement; trigger `downlink_received` makes it the receipt of the page it carries, if any.
update downlink set delivered_at = hub_now() where id = %(id)s and delivered_at is null
