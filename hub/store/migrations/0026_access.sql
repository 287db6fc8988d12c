-- Who looked at whom and why, how accounts are guarded, and how somebody without access gets it in an emergency.

-- A look may be at no single resident (an export), and has a reason where one was asked for.
alter table access_log alter column resident_id drop not null;
alter table access_log add column subject text not null default '';    -- what, where it is no resident: 'export:visits'
alter table access_log add column reason text not null default '';
create index on access_log (at desc);
create index on access_log (person_id, at desc);
create index on access_log (resident_id, at desc);

-- Sessions are listed and ended one by one: by a number that is no secret.
alter table web_session add column id bigint generated always as identity;
alter table web_session add column address text not null default '';
alter table web_session add column browser text not null default '';   -- as the browser calls itself, cut
alter table web_session add column second_factor boolean not null default false;  -- a code was given when it began
create unique index on web_session (id);
create index on web_session (person_id);

create table second_factor (                          -- an authenticator app of a person
    person_id     bigint primary key references person,
    secret        text not null,                      -- sealed: hub/sealed.py
    confirmed_at  timestamptz,                        -- null: shown once, no code of it given yet, and it counts for nothing
    last_step     bigint not null default 0,          -- of 30 s, of the code that was used last: none counts twice
    created_at    timestamptz not null
);

create table recovery_code (                          -- ten, each for once, when the app is gone
    person_id     bigint not null references person,
    code_sha256   bytea not null,                     -- of 80 random bits
    used_at       timestamptz,
    primary key (person_id, code_sha256)
);

create table half_sign_in (                           -- the password was right, the code is still to come
    token_sha256  bytea primary key,
    person_id     bigint not null references person,
    tries         int not null default 0,
    expires_at    timestamptz not null
);

create table account_event (                          -- what happened to an account, and by whom; nobody deletes from it
    id            bigint generated always as identity primary key,
    at            timestamptz not null,
    person_id     bigint not null references person,
    actor_id      bigint references person,           -- null: the hub itself, or the command line
    what          text not null,
    detail        text not null default ''
);
create index on account_event (person_id, id desc);

-- A record that only the supervisor opens without a reason: a colleague's mother, somebody under protection.
alter table resident add column locked boolean not null default false;

create table break_glass (                            -- somebody without access opened a record, with a reason, for a while
    id            bigint generated always as identity primary key,
    person_id     bigint not null references person,
    resident_id   bigint not null references resident,
    incident_id   bigint references incident,
    reason        text not null check (length(reason) >= 10),
    opened_at     timestamptz not null,
    ends_at       timestamptz not null,
    seen_by       bigint references person,           -- the supervisor who signs that she has seen it
    seen_at       timestamptz,
    remark        text not null default '',
    check ((seen_by is null) = (seen_at is null)),
    check (seen_by <> person_id)
);
create index on break_glass (person_id, ends_at);
create index on break_glass (id) where seen_at is null;
