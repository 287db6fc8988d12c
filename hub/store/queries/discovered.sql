-- name: mark
-- Everything committed before this transaction is seen by a load that starts now.
select pg_snapshot_xmin(pg_current_snapshot())::xid::text

-- name: load
-- What is in use, the oldest first.
select topic, payload from discovery where payload is not null order by at, topic

-- name: changed
-- What changed since `mark`. age() copes with the wrap-around of transaction numbers.
select topic, payload from discovery where age(xmin) <= age(%(mark)s::xid) order by at, topic

-- name: keep
-- Discovery messages, each the last word about its topic.
insert into discovery (topic, place, payload, at)
select topic, place, payload, %(now)s from unnest(%(topics)s::text[], %(places)s::text[], %(payloads)s::bytea[])
    as told (topic, place, payload)
order by topic
on conflict (topic) do update set place = excluded.place, payload = excluded.payload, at = excluded.at

-- name: trim
-- No place keeps more than so many, nor more bytes; the oldest go. What was taken out of use goes after a day.
delete from discovery d using (
    select topic, payload is null and at < %(now)s::timestamptz - interval '1 day' as gone,
           row_number() over newest as number,
           sum(octet_length(topic) + coalesce(octet_length(payload), 0)) over newest as bytes
    from discovery where place = any(%(places)s::text[])
    window newest as (partition by place order by at desc, topic rows unbounded preceding)
) ranked
where ranked.topic = d.topic and (gone or number > %(most)s or bytes > %(most_bytes)s)

-- name: trim_all
-- All places together keep no more than so many, nor more bytes. Of each root (what one key can name) the newest stays, then
-- the second newest of each, and so on: the root with the most loses its oldest, however many places it invents.
delete from discovery d using (
    select topic, row_number() over (order by turn, at desc, topic) as number,
           sum(size) over (order by its_bytes, at desc, topic rows unbounded preceding) as bytes
    from (select topic, at, size, row_number() over newest as turn, sum(size) over newest as its_bytes
          from (select *, octet_length(topic) + coalesce(octet_length(payload), 0) as size from discovery) sized
          window newest as (partition by split_part(place, '/', 1) order by at desc, topic rows unbounded preceding)) one
) ranked
where ranked.topic = d.topic and (number > %(most)s or bytes > %(most_bytes)s)
  and (select count(*) > %(most)s or sum(octet_length(topic) + coalesce(octet_length(payload), 0)) > %(most_bytes)s
       from discovery)

-- name: tell
select pg_notify('carehub_config', '')
