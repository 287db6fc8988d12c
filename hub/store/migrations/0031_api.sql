-- The programs of others: their keys, what they are told as it happens, and what platforms of the authorities are owed.

create table api_token (
    id            bigint generated always as identity primary key,
    name          text not null check (name <> ''),
    secret_sha256 bytea not null unique,              -- 256 random bits, so a plain hash is enough
    hint          text not null,                      -- its first characters: which of several keys it is
    scopes        text[] not null,
    person_id     bigint not null references person,  -- as whom it stands in the chain: a colleague, or an account of its own
    organisation_id bigint references organisation,   -- null: the centre's own, sees all
    per_minute    int not null check (per_minute > 0),
    created_at    timestamptz not null,
    created_by    text not null,                      -- person:3, command:<who was signed in there>
    expires_at    timestamptz not null,
    last_used_at  timestamptz,                        -- to the minute
    revoked_at    timestamptz,
    revoked_by    text
);
create index on api_token (person_id);

-- Events of cases in one order, so that a subscriber has a place in it. What happened stands in the chain; this is where.
create table api_event (
    number        bigint generated always as identity primary key,
    incident_id   bigint not null,                    -- no foreign key: its lock on the case would stand in a press's way
    seq           int not null,
    at            timestamptz not null,
    what          text not null,
    area          text not null,
    unique (incident_id, seq)
);
create index on api_event (at);

create table api_mark (                               -- how far the chains have been read; what is read again changes nothing
    one           boolean primary key default true check (one),
    through       timestamptz not null
);

create table api_subscription (
    id            bigint generated always as identity primary key,
    name          text not null check (name <> ''),
    url           text not null,
    kinds         text[] not null,                    -- incident.taken, incident.* …
    areas         text[] not null default '{}',       -- with everything inside; {}: everywhere
    organisation_id bigint references organisation,   -- null: the centre's own, is told of all
    health        boolean not null default false,     -- whether it is told what happened to her
    salt          text not null,                      -- its key is made of this and a key of ours: none is stored
    old_salt      text,                               -- signs beside it for a day after a change
    salt_at       timestamptz not null,
    active        boolean not null default true,
    created_at    timestamptz not null,
    created_by    text not null,
    failing_since timestamptz,
    disabled_at   timestamptz,
    disabled_why  text,
    ok_at         timestamptz
);

create table api_delivery (
    subscription_id bigint not null references api_subscription on delete cascade,
    number        bigint not null references api_event on delete cascade,
    incident_id   bigint not null,
    seq           int not null,
    state         text not null default 'waiting' check (state in ('waiting', 'delivered', 'dropped')),
    due_at        timestamptz not null,
    attempts      int not null default 0,
    answer        text not null default '',
    delivered_at  timestamptz,
    primary key (subscription_id, number)
);
create index api_delivery_due on api_delivery (due_at) where state = 'waiting';
create index api_delivery_order on api_delivery (subscription_id, incident_id, seq) where state = 'waiting';

-- Platforms of the authorities. What a record says is read from its own table when it is sent, so that nothing of a person
-- lies here twice, and what was erased there is not sent from here.
create table exchange_platform (
    id            bigint generated always as identity primary key,
    name          text not null unique check (name <> ''),
    url           text not null,
    adapter       text not null,
    mapping       text not null,                      -- TOML: our fields to theirs
    areas         text[] not null default '{}',
    salt          text not null,
    active        boolean not null default true,
    created_at    timestamptz not null,
    last_number   bigint not null default 0,          -- numbers are given without a gap
    event_mark    bigint not null default 0,          -- up to which event cases were looked through
    failing_since timestamptz,
    why           text not null default '',
    ok_at         timestamptz,
    reconciled_on date                                -- the last day that was compared
);

create table exchange_subject (                       -- what a platform was told last, and has acknowledged
    platform_id   bigint not null references exchange_platform,
    kind          text not null check (kind in ('resident', 'device', 'incident', 'visit', 'work_order')),
    subject       bigint not null,
    sha256        text not null,                      -- of the record as the platform is told it; '' : withdrawn
    number        bigint not null,
    acknowledged  text,                               -- the digest the platform has acknowledged
    seen_on       timestamptz not null,
    primary key (platform_id, kind, subject)
);

create table exchange_record (
    platform_id   bigint not null references exchange_platform,
    number        bigint not null,
    kind          text not null,
    subject       bigint not null,
    sha256        text not null,
    at            timestamptz not null,
    why           text not null default 'changed' check (why in ('changed', 'replayed', 'differs')),
    state         text not null default 'waiting' check (state in
                  ('waiting', 'acknowledged', 'refused', 'superseded')),
    attempts      int not null default 0,
    due_at        timestamptz not null,
    done_at       timestamptz,
    answer        text not null default '',
    primary key (platform_id, number)
);
create index exchange_waiting on exchange_record (platform_id, number) where state = 'waiting';
create index on exchange_record (platform_id, kind, subject, number desc);

create table exchange_reconciliation (                -- one row a day and kind: what we counted, what they did
    platform_id   bigint not null references exchange_platform,
    day           date not null,
    kind          text not null,
    at            timestamptz not null,
    ours          int not null,
    ours_sha256   text not null,
    theirs        int,
    theirs_sha256 text,
    differences   jsonb not null default '[]',        -- [{"id": 7, "what": "missing"}], the first of them
    resent        int not null default 0,
    primary key (platform_id, day, kind)
);
