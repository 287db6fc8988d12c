-- name: claim
-- A key is a token's own. Whoever brings it at the same moment waits here until the first is done.
insert into api_answer (token_id, key, asked_sha256, at) values (%(token)s, %(key)s, %(asked)s, hub_now())
on conflict (token_id, key) do nothing returning id

-- name: before
select id, asked_sha256 = %(asked)s as same, status, head, body from api_answer where token_id = %(token)s and key = %(key)s

-- name: keep
update api_answer set status = %(status)s, head = %(head)s, body = %(body)s where id = %(id)s

-- name: sweep
delete from api_answer where id in (
    select id from api_answer where at < hub_now() - %(kept)s::interval order by at limit %(limit)s)
