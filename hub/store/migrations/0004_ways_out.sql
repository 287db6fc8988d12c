-- The ways out to people: the responders' app (Web Push), what providers call messages of ours, sirens that stop.

create table push_subscription (                      -- one browser of one person; a person may have several phones
    id            bigint generated always as identity primary key,
    person_id     bigint not null references person,
    endpoint      text not null unique,               -- the push service's address of that browser: who knows it may not
    p256dh        text not null,                      --   send, because we sign with our key; the browser's own keys
    auth          text not null,                      --   encrypt what it is sent
    user_agent    text not null default '',
    created_at    timestamptz not null,
    ok_at         timestamptz,                        -- the push service last took a message then
    failures      int not null default 0              -- since then
);
create index on push_subscription (person_id);

create table provider_ref (                           -- a provider's own number of one message or call
    channel       text not null,
    provider      text not null,
    ref           text not null,
    page_id       bigint not null references page,
    attempt       int not null,
    at            timestamptz not null,
    primary key (channel, provider, ref)
);
create index on provider_ref (page_id);
