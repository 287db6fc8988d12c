-- The phone as the responders' app: a personal link that lives longer than a call's, and can be taken back.
create table responder_link (
    id            bigint generated always as identity primary key,
    person_id     bigint not null references person,
    token_sha256  bytea not null unique,              -- tokens are 192 random bits, so a plain hash is enough
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    seen_at       timestamptz,                        -- when this phone was last heard of
    revoked_at    timestamptz
);
create index on responder_link (person_id) where revoked_at is null;
