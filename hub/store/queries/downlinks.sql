-- name: waiting
-- What has not reached its device yet, oldest first; read at start, after a lost connection and now and then. A command that
-- was sent and not answered is sent again after a while, if twice is as good as once; never in a hurry after a takeover.
select * from (
    select d.id, d.topic, d.device_id, exists (select from device_command c where c.downlink_id = d.id) as asked
    from downlink d where d.delivered_at is null and d.expires_at > hub_now()
      and not exists (select from device_command c where c.downlink_id = d.id and not c.again and c.sent_at is not null)
    union all
    select d.id, d.topic, d.device_id, true
    from device_command c join downlink d on d.id = c.downlink_id
    where c.failed is null and c.answered_at is null and c.answers and c.again and c.tries < %(tries)s
      and c.sent_at < hub_now() - make_interval(secs => %(again_s)s) and c.expires_at > hub_now()
      and d.delivered_at is not null
) w
order by id limit %(most)s

-- name: announced
-- The rows a notification named, those still to be delivered.
select d.id, d.topic, d.device_id, exists (select from device_command c where c.downlink_id = d.id)
from downlink d
where d.id = any(%(ids)s) and d.delivered_at is null and d.expires_at > hub_now()
order by d.id

-- name: load
-- One row, unless it was delivered or has expired meanwhile, or was answered if it is a command sent before, or was begun if
-- it is one that must not be done twice.
select d.payload, d.retain, d.page_id, c.id, c.answers, c.again
from downlink d left join device_command c on c.downlink_id = d.id
where d.id = %(id)s and d.expires_at > hub_now()
  and (d.delivered_at is null and (c.again or c.sent_at is null) or c.answers and c.again and c.answered_at is null and c.tries < %(tries)s)

-- name: retained
-- The last retained downlink of each topic, which whoever subscribes is given.
select distinct on (topic) topic, payload from downlink
where retain and expires_at > hub_now()
order by topic, id desc limit %(most)s

-- name: mark_delivered
-- The device's own acknowledgement; trigger `downlink_received` makes it the receipt of the page it carries, if any.
update downlink set delivered_at = hub_now() where id = %(id)s and delivered_at is null
