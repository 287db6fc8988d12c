-- name: active
-- Every credential in force.
select username, secret_sha256, kind, topic_prefix, device_id, person_id from credential where active
