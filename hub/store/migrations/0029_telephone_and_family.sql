-- The telephone: calls that the desk makes and calls that come in, as the provider reports them. And a person's quiet nights.

-- How a number is compared, however it is written: no spaces, no country's prefix of ours, no leading noughts.
create function phone_key(said text) returns text language sql immutable parallel safe as $$
    select case when plain ~ '^(\+|00)86' then ltrim(regexp_replace(plain, '^(\+|00)86', ''), '0')
                when plain ~ '^861[0-9]{10}$' then substr(plain, 3)
                when plain ~ '^(\+|00)[1-9]' then '+' || regexp_replace(plain, '^(\+|00)', '')
                else ltrim(plain, '0') end
    from (select regexp_replace(said, '[^0-9+]', '', 'g')) as t (plain)
$$;

alter table person add column extension text not null default '';   -- where the provider rings an operator; empty: her phone
alter table device add column sim_number text not null default '';  -- of a device that is telephoned, or telephones itself

create index resident_by_phone on resident (phone_key(phone)) where phone <> '';
create index person_by_phone on person (phone_key(phone)) where phone <> '';
create index person_by_extension on person (extension) where extension <> '';
create index device_by_sim on device (phone_key(sim_number)) where sim_number <> '';
create index contact_by_number on contact (phone_key(address)) where channel in ('voice', 'sms');

create table telephone_call (                         -- one call; what happened stands in its case's chain as well
    id            bigint generated always as identity primary key,
    incident_id   bigint references incident,         -- null: it came in and belongs to no case (yet)
    direction     text not null check (direction in ('out', 'in')),
    state         text not null check (state in
                  ('asked', 'ringing_desk', 'ringing', 'answered', 'ended', 'failed', 'lost')),
    provider      text not null,
    reference     text,                               -- the provider's number of it; null: it has not said one yet
    ours          text not null unique,               -- our number of it, which the provider gives back
    number        text not null default '',           -- of the other side; empty: withheld
    party         text not null check (party in ('resident', 'contact', 'device', 'unknown')),
    resident_id   bigint references resident,
    person_id     bigint references person,           -- the contact
    device_id     bigint references device,
    operator_id   bigint references person,           -- who asked for it, or took it
    nonce         text not null default '',           -- of the operator's press: pressed twice it is one call
    asked_at      timestamptz not null,
    ringing_at    timestamptz,
    answered_at   timestamptz,
    ended_at      timestamptz,
    seconds       int check (seconds >= 0),           -- spoken
    why           text not null default '',           -- why it failed: busy, no_answer …
    recording     text not null default '',           -- where the provider keeps it: an address or a number, never the sound
    look_at       timestamptz,                        -- when the provider is asked what became of it; null: it is known
    looks         int not null default 0,
    seen_by       bigint references person,           -- who saw to a call that nobody answered
    seen_at       timestamptz,
    check ((state in ('ended', 'failed')) = (ended_at is not null)),
    check ((seen_by is null) = (seen_at is null))
);
create unique index telephone_reference on telephone_call (provider, reference) where reference is not null;
create unique index telephone_press on telephone_call (operator_id, nonce) where nonce <> '';
create index on telephone_call (incident_id) where incident_id is not null;
create index on telephone_call (look_at) where look_at is not null;
create index telephone_waiting on telephone_call (asked_at) where direction = 'in' and seen_at is null;
create index on telephone_call using brin (asked_at);

create table telephone_heard (                        -- reports that were heard: the same one again changes nothing
    provider      text not null,
    nonce         text not null,
    at            timestamptz not null,
    primary key (provider, nonce)
);
create index on telephone_heard (at);

-- What a yes covers; empty: all that the text named, which leaves her health to operators and medical staff.
alter table consent add column if not exists scope text[] not null default '{}';

create table quiet_night (                            -- at night only what is critical reaches this person
    person_id     bigint primary key references person,
    from_min      int not null check (from_min between 0 and 1439),     -- of the local day
    until_min     int not null check (until_min between 0 and 1439),
    zone          text not null,
    written_at    timestamptz not null,
    check (from_min <> until_min)
);

-- Until when a person is not to be woken; null: now is no night of his, or he has none.
create function quiet_until(who bigint, at_time timestamptz) returns timestamptz language sql stable as $$
    select case when (q.from_min < q.until_min and t.min >= q.from_min and t.min < q.until_min)
                  or (q.from_min > q.until_min and (t.min >= q.from_min or t.min < q.until_min))
                then (t.day + make_interval(
                        days => case when q.from_min > q.until_min and t.min >= q.from_min then 1 else 0 end,
                        mins => q.until_min)) at time zone q.zone end
    from quiet_night q
    cross join lateral (select (at_time at time zone q.zone)::date::timestamp as day,
                               extract(hour from at_time at time zone q.zone)::int * 60
                               + extract(minute from at_time at time zone q.zone)::int as min) t
    where q.person_id = who
$$;

-- What is not critical waits for the morning. The page is there and the case goes on to whoever is awake; what becomes
-- critical is rung anew, as a page of its own. Asked once for each page to a family, by the key of a small table.
create function page_waits_for_morning() returns trigger language plpgsql as $$
declare
    morning timestamptz := quiet_until(new.person_id, new.due_at);
begin
    if morning is not null then
        -- Whom an operator sends she wakes. Later channels of the same person keep their distance.
        update page p set due_at = morning + (new.due_at - new.created_at) from incident i
        where p.id = new.id and p.state = 'ready' and i.id = p.incident_id and i.severity > 1 and i.state <> 'dispatched';
    end if;
    return null;
end $$;
create trigger page_at_night after insert on page for each row
    when (new.role in ('family', 'neighbour')) execute function page_waits_for_morning();
