-- name: keep_batch
-- The bytes of one batch or one urgent message, as they came.
insert into raw_batch (received_at, batch, messages, body) values (%(received_at)s, %(batch)s, %(messages)s, %(body)b)

-- name: keep_batches
-- The bytes of several urgent messages, as they came.
insert into raw_batch (received_at, batch, messages, body)
select * from unnest(%(received_at)s::timestamptz[], %(batch)s::bigint[], %(messages)s::int[], %(body)s::bytea[])

-- name: keep_unreadable
-- What could not be read, with its error.
insert into unreadable (at, source, topic, payload, error, device_id)
values (%(at)s, %(source)s, %(topic)s, %(payload)b, %(error)s, %(device_id)s)

-- name: unreadable_bytes
-- What the unreadable messages take now.
select coalesce(sum(octet_length(payload) + octet_length(topic)), 0)::bigint from unreadable

-- name: trim_unreadable
-- Oldest first out until what stays is below the limit; returns the bytes let go.
with kept as (
    select id, sum(octet_length(payload) + octet_length(topic)) over (order by id desc) as so_far from unreadable
), gone as (
    delete from unreadable u using kept k where k.id = u.id and k.so_far > %(limit)s
    returning octet_length(u.payload) + octet_length(u.topic) as bytes
)
select coalesce(sum(bytes), 0)::bigint, count(*) from gone

-- name: next_numbers
-- A thousand batch numbers from this times a thousand on.
select nextval('batch_number')

-- name: is_kept
-- Whether this batch was committed: its number is never used twice. Asked only after a lost connection.
select 1 from raw_batch where batch = %(batch)s limit 1
