-- Before a device is relied on: she has agreed to what is kept of her, and her people have said that they are hers.

create table consent (                                -- the text was read aloud to her; the last row counts
    id            bigint generated always as identity primary key,
    resident_id   bigint not null references resident,
    given         boolean not null,                   -- false: she said no, or took it back
    said_by       text not null check (said_by in ('herself', 'relative', 'guardian')),   -- whose word, never a name
    read_by       bigint not null references person,  -- who read it aloud
    text_version  text not null,                      -- which text, and in which language
    language      text not null,
    at            timestamptz not null
);
create index on consent (resident_id, id desc);

create table contact_asked (                          -- "are you her contact?", and what was answered
    id            bigint generated always as identity primary key,
    resident_id   bigint not null references resident,
    person_id     bigint not null references person,
    asked_by      text not null,                      -- person:3
    asked_at      timestamptz not null,
    due_at        timestamptz,                        -- to be sent then; null: sent, given up, or asked face to face
    tries         int not null default 0,
    channel       text not null default '',           -- which of his ways took it
    sent_at       timestamptz,
    failed        text not null default '',           -- why none did
    answer        boolean,                            -- yes or no; null: none yet
    answered_at   timestamptz,
    answered_by   text not null default ''            -- link: himself; person:3: whose word it is that he agrees
);
create index on contact_asked (resident_id, person_id, id desc);
create index contact_to_ask on contact_asked (due_at) where due_at is not null;
