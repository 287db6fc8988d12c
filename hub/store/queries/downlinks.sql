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
-- The device's own acknowledgement; the page it carries, if any, is delivered with it.
with heard as (
    update downlink set delivered_at = hub_now() where id = %(id)s and delivered_at is null returning page_id
), told as (
    update page set state = 'delivered', delivered_at = hub_now(), receipt = %(receipt)s
    where id = (select page_id from heard) and state in ('ready', 'sending', 'sent')
    returning id
)
select pg_notify('carehub_page', id::text) from told
