-- Events without a gap, keys of subscribers that are nobody else's, and answers that are given again.

-- Which transaction wrote an entry: a reader that keeps the snapshot of its last look finds exactly what became visible
-- since, however long a transaction was open. What was written before this stays without.
alter table incident_event add column xid xid8;
alter table incident_event alter column xid set default pg_current_xact_id();
create index incident_event_xid on incident_event (xid) where xid is not null;
alter table api_mark add column seen pg_snapshot;       -- null: nothing was read so yet, the time counts

alter table api_subscription add column secret text not null default '';      -- sealed: hub/sealed.py; '': made of its salt
alter table api_subscription add column old_secret text not null default '';  -- signs beside it for a day after a change

-- What a request with an Idempotency-Key was answered, for the day in which it may come again.
create table api_answer (
    id            bigint generated always as identity primary key,
    token_id      bigint not null references api_token on delete cascade,
    key           text not null,
    asked_sha256  bytea not null,                     -- of method, path, query and body
    status        int,                                -- null: not answered yet, or it never was
    head          jsonb not null default '{}',        -- Content-Type, ETag
    body          text not null default '',           -- sealed: it may hold a name, or a key that is shown once
    at            timestamptz not null,
    unique (token_id, key)
);
create index on api_answer (at);
