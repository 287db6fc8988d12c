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

-- A copy that a mail server or a chat group took, or a siren that sounds, has reached nobody: the person's next channels
-- go on. All else is as in the first migration.
create or replace function end_ladder() returns trigger language plpgsql as $$
begin
    if new.channel in ('email', 'apprise', 'siren') and new.state = 'delivered' then
        return null;
    end if;
    update page set state = 'withdrawn', withdrawn_at = new.delivered_at, receipt = 'delivered by ' || new.channel
    where id in (
        select id from page
        where incident_id = new.incident_id and round = new.round and step = new.step
          and person_id = new.person_id and purpose = new.purpose and state = 'ready' and due_at > new.due_at
        for no key update skip locked);
    return null;
end $$;

create table siren_sounding (                         -- what was told to sound, and what stops it
    page_id       bigint primary key references page,
    incident_id   bigint not null references incident,
    topic         text not null,
    stop          bytea not null,
    since         timestamptz not null
);
create index on siren_sounding (incident_id);

-- Whoever takes the case, and however, silences its sirens: in the same transaction, at its end, so that a siren told to
-- sound a moment before is among them.
create function silence_sirens() returns trigger language plpgsql as $$
declare
    told int;
begin
    with silenced as (
        delete from siren_sounding where incident_id = new.id returning topic, stop
    ), sent as (
        insert into downlink (topic, payload, created_at, expires_at)
        select distinct topic, stop, hub_now(), hub_now() + interval '10 minutes' from silenced
        returning id
    )
    select count(pg_notify('carehub_downlink', id::text)) from sent into told;
    return null;
end $$;
create constraint trigger incident_silences_sirens after update of state on incident
    deferrable initially deferred for each row
    when (new.state not in ('confirming', 'open') and old.state is distinct from new.state)
    execute function silence_sirens();
