-- One press, end to end: people, devices, telemetry, incidents with their timers, pages and event chain.
-- Telemetry tables are made by hub.store.partitions, because they are hypertables or native partitions.

-- The hub's time. Every transaction asks once. `clock` has a row only in tests and simulations.
create table clock (one boolean primary key default true check (one), at timestamptz not null);
create function hub_now() returns timestamptz language sql volatile as
    $$ select coalesce((select at from clock), clock_timestamp()) $$;

create table resident (
    id            bigint generated always as identity primary key,
    name          text not null,
    born          date,
    area          text not null default '',
    address       text not null default '',
    entrance      text not null default '',           -- how to get in: floor, lift, dog
    language      text not null default 'zh-CN',      -- what she speaks
    ability       text not null default '',           -- 自理 / 半失能 / 失能
    risks         text[] not null default '{}',       -- heart_failure, falls, lives_alone …
    key_place     text not null default '',           -- where a key is kept
    door_code     text not null default '',           -- shown on demand, access is logged
    phone         text not null default '',
    lat           double precision,
    lon           double precision,
    created_at    timestamptz not null
);

create table person (
    id            bigint generated always as identity primary key,
    name          text not null,
    role          text not null check (role in
                  ('family', 'operator', 'community', 'property', 'third_party', 'ambulance', 'supervisor')),
    area          text not null default '',           -- whom an area's people serve; '' = everywhere
    phone         text not null default '',
    login         text unique,                        -- console users only
    password_hash text,                               -- argon2id
    language      text not null default 'zh-CN',
    active        boolean not null default true,
    created_at    timestamptz not null
);

create table contact (                                -- the ways to reach a person
    person_id     bigint not null references person,
    channel       text not null,
    address       text not null,                      -- URL, topic, number; secrets live in the environment
    position      int not null default 0,
    primary key (person_id, channel)
);

create table care_circle (                            -- family and neighbours of one resident
    resident_id   bigint not null references resident,
    person_id     bigint not null references person,
    relation      text not null default '',
    position      int not null default 0,
    minutes_away  real,
    primary key (resident_id, person_id)
);

create table shift (                                  -- who is on duty; family is always asked
    id            bigint generated always as identity primary key,
    person_id     bigint not null references person,
    roster        text not null default '',           -- the duty list, where a policy asks for one by name
    during        tstzrange not null
);
create index on shift (person_id);
create index on shift using gist (during);

create table device (
    id            bigint generated always as identity primary key,
    address       text not null unique,               -- scheme:native, see devices.telemetry
    adapter       text not null default '',
    model         text not null default '',
    resident_id   bigint references resident,
    room          text not null default '',
    state         text not null default 'seen' check (state in
                  ('seen', 'claimed', 'bound', 'tested', 'live', 'retired')),
    deadline_s    int,                                -- silent for longer: a technical alert; null = not supervised
    test_until    timestamptz,                        -- installer's test mode
    created_at    timestamptz not null
);
create index on device (resident_id);

create table credential (                             -- one device, one gateway with its devices, or one responder's terminal
    username      text primary key,
    secret_sha256 bytea not null,                     -- secrets are 128 random bits or more, so a plain hash is enough
    kind          text not null check (kind in ('device', 'gateway', 'responder')),
    topic_prefix  text not null unique,               -- may publish and subscribe below this and nowhere else
    device_id     bigint references device,
    person_id     bigint references person,
    active        boolean not null default true,
    created_at    timestamptz not null
);

-- What could not be read: kept with its error up to a limit of bytes, oldest first out.
create table unreadable (
    id            bigint generated always as identity primary key,
    at            timestamptz not null,
    source        text not null,                      -- listener, bridge, gateway
    topic         text not null,
    payload       bytea not null,
    error         text not null,
    device_id     bigint references device
);

create table press (                                  -- presses that were counted, once each
    device_id     bigint not null references device,
    identity      text not null,                      -- the device's own, or one made up, beginning with ~
    kind          text not null,                      -- an alarm's: sos, fall …
    incident_id   bigint not null,
    at            timestamptz not null,
    primary key (device_id, identity)
);

create table checkpoint (                             -- detector state of an ingest partition, replayed from through_batch
    partition     int not null,
    part          text not null,
    through_batch bigint not null,
    body          bytea not null,
    at            timestamptz not null,
    primary key (partition, part)
);

create table policy_version (
    id            bigint generated always as identity primary key,
    sha256        text not null unique,
    body          text not null,                      -- the TOML as published
    active_from   timestamptz not null,
    published_by  bigint references person
);

create table incident (
    id            bigint generated always as identity primary key,
    dedup_key     text unique,                        -- null once ended
    resident_id   bigint references resident,
    device_id     bigint references device,
    area          text not null default '',
    kind          text not null,
    severity      int not null check (severity between 1 and 5),
    state         text not null,
    policy_version bigint not null references policy_version,
    policy_name   text not null,                      -- which policy of that version; both frozen at opening
    step          int not null default 0,
    round         int not null default 0,
    handler_id    bigint references person,
    responder_id  bigint references person,
    responder_role text,
    presses       int not null default 0,
    paged_at      timestamptz,
    test          boolean not null default false,
    handed_to     text,
    expires_at    timestamptz,                        -- taken … on scene: silence past this goes back to open
    resolved_by   bigint references person,
    disposition   text,
    opened_at     timestamptz not null,
    closed_at     timestamptz,
    version       int not null default 0,
    check ((state in ('closed', 'cancelled')) = (dedup_key is null)),
    check ((state in ('closed', 'cancelled')) = (closed_at is not null)),
    check ((state = 'closed') = (disposition is not null))
);
create index on incident (resident_id, opened_at desc);
create index on incident (opened_at) where dedup_key is not null;

create table timer (                                  -- exactly one for every incident that has not ended
    incident_id   bigint primary key references incident,
    kind          text not null check (kind in ('confirm', 'step', 'repeat', 'expiry', 'hold', 'closing')),
    due_at        timestamptz not null,
    step          int not null,
    round         int not null
);
create index on timer (due_at);

-- The database itself refuses a silent incident: at commit, live timer if and only if not ended.
create function no_silent_incident() returns trigger language plpgsql as $$
declare
    which bigint;
    alive boolean;
begin
    if tg_table_name = 'incident' then which := new.id;
    elsif tg_op = 'DELETE' then which := old.incident_id;
    else which := new.incident_id;
    end if;
    select dedup_key is not null into alive from incident where id = which;
    if alive is distinct from exists (select from timer where incident_id = which) then
        raise exception 'incident % would be left % a timer', which, case when alive then 'without' else 'ended with' end;
    end if;
    return null;
end $$;
create constraint trigger incident_has_timer after insert or update of dedup_key on incident
    deferrable initially deferred for each row execute function no_silent_incident();
create constraint trigger timer_has_incident after insert or delete on timer
    deferrable initially deferred for each row execute function no_silent_incident();

create table page (
    id            bigint generated always as identity primary key,
    incident_id   bigint not null references incident,
    round         int not null,
    step          int not null,
    person_id     bigint not null references person,
    role          text not null,
    channel       text not null,
    address       text not null,
    purpose       text not null default 'alarm' check (purpose in ('alarm', 'stand_down', 'notice')),
    state         text not null default 'ready' check (state in
                  ('ready', 'sending', 'sent', 'delivered', 'read', 'failed', 'withdrawn')),
    urgent        boolean not null default true,      -- severity 1 or 2: its own lane, and never given up
    due_at        timestamptz not null,
    owner         int,                                -- the worker that claimed it: its advisory lock is its proof of life
    lease_until   timestamptz,                        -- sending: the worker's; sent: the receipt must be there by then
    withdrawn_at  timestamptz,                        -- also while it is being sent: it is then not sent again
    attempts      int not null default 0,
    sent_at       timestamptz,
    delivered_at  timestamptz,
    read_at       timestamptz,
    receipt       text not null default '',           -- what the provider said, or why it failed
    created_at    timestamptz not null,
    unique (incident_id, round, step, person_id, channel, purpose)
);
create index page_waiting on page (channel, urgent, due_at) where state = 'ready';
create index page_under_way on page (lease_until) where state in ('sending', 'sent');
-- No index on incident_id alone: the unique key begins with it.

create sequence worker_number as int cycle;           -- never a backend's pid: a pid comes back and would vouch for the dead

-- A page that reached somebody ends its ladder: the later channels of the same person are not needed any more.
-- Whoever brings the receipt (dispatcher, console, a terminal's PUBACK), the rule is the same, so it stands here.
-- Rows that somebody else holds are skipped, never waited for: they are being withdrawn or sent at this moment.
create function end_ladder() returns trigger language plpgsql as $$
begin
    update page set state = 'withdrawn', withdrawn_at = new.delivered_at, receipt = 'delivered by ' || new.channel
    where id in (
        select id from page
        where incident_id = new.incident_id and round = new.round and step = new.step
          and person_id = new.person_id and purpose = new.purpose and state = 'ready' and due_at > new.due_at
        for no key update skip locked);
    return null;
end $$;
create trigger page_ends_ladder after update of state on page for each row
    when (new.state in ('delivered', 'read') and old.state not in ('delivered', 'read')) execute function end_ladder();

create table incident_event (                         -- a chain per incident; bodies hold ids, never names
    incident_id   bigint not null references incident,
    seq           int not null,
    at            timestamptz not null,
    actor         text not null,                      -- device:7, person:3, timer, hub
    what          text not null,
    body          jsonb not null,
    prev_hash     bytea not null,
    hash          bytea not null,
    primary key (incident_id, seq)
);
create index on incident_event using brin (at);       -- what the auditor has not seen yet

create table note (                                   -- words people write: may be erased, so they are beside the chain
    id            bigint generated always as identity primary key,
    incident_id   bigint not null references incident,
    person_id     bigint references person,
    at            timestamptz not null,
    text          text not null
);

create table alert (
    alert_id      text primary key,                   -- the same finding made again changes nothing
    incident_id   bigint not null references incident,
    device_id     bigint references device,
    kind          text not null,
    severity      int not null,
    rule          text,
    identity      text,                               -- the press's own; null: presses within 10 s are one
    raised_at     timestamptz not null,
    measured_at   timestamptz,
    evidence      jsonb not null default '{}'
);
create index on alert (incident_id);

create table response (                               -- what responders answered; a second tap with the same nonce is harmless
    incident_id   bigint not null references incident,
    person_id     bigint not null references person,
    nonce         text not null,
    verb          text not null,
    at            timestamptz not null,
    primary key (incident_id, person_id, nonce)
);

create table downlink (                               -- what devices and responders' terminals are told over MQTT or TCP
    id            bigint generated always as identity primary key,
    topic         text not null,
    payload       bytea not null,
    retain        boolean not null default false,
    device_id     bigint references device,
    page_id       bigint references page,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    delivered_at  timestamptz                         -- the device's own acknowledgement
);
create index on downlink (topic) where delivered_at is null;
create index on downlink (page_id) where page_id is not null and delivered_at is null;
create index on downlink (topic, id) where retain;    -- the last retained words of each topic, at every start

-- The acknowledgement of a terminal or device is the page's receipt, also of one that was taken back a moment before.
create function page_received() returns trigger language plpgsql as $$
begin
    update page set delivered_at = new.delivered_at, lease_until = null, receipt = 'acknowledged',
                    state = case when state in ('ready', 'sending', 'sent') then 'delivered' else state end
    where id = new.page_id and delivered_at is null;
    perform pg_notify('carehub_page', new.page_id::text);
    return null;
end $$;
create trigger downlink_received after update of delivered_at on downlink for each row
    when (new.page_id is not null and new.delivered_at is not null and old.delivered_at is null)
    execute function page_received();

create table web_session (
    token_sha256  bytea primary key,
    person_id     bigint not null references person,
    csrf          text not null,
    created_at    timestamptz not null,
    seen_at       timestamptz not null,
    expires_at    timestamptz not null
);

create table presence (                               -- a console that is open and connected right now
    person_id     bigint not null references person,
    stream        text primary key,
    incident_id   bigint references incident,         -- the case it has open, for colleagues to see
    seen_at       timestamptz not null
);

create table access_log (                             -- who looked at what is sensitive, and why
    id            bigint generated always as identity primary key,
    at            timestamptz not null,
    person_id     bigint not null references person,
    resident_id   bigint not null references resident,
    what          text not null,
    incident_id   bigint references incident
);

create table audit_finding (                          -- what should not be: shown as a banner until it is over
    id            bigint generated always as identity primary key,
    rule          text not null,                      -- silent_incident, timer_late, page_late, broken_chain, …
    subject       text not null,                      -- incident:7, page:12, dispatch
    detail        text not null default '',
    found_at      timestamptz not null,
    cleared_at    timestamptz                         -- a broken chain is never cleared
);
create unique index on audit_finding (rule, subject) where cleared_at is null;

create table heartbeat (                              -- who was alive when
    role          text primary key,
    at            timestamptz not null
);

create table chain_anchor (                           -- all heads of a day, so that a chain cut off at its end shows
    day           date primary key,
    at            timestamptz not null,
    incidents     bigint not null,
    sha256        text not null
);
