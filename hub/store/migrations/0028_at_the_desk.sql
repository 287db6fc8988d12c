-- What an operator has at hand besides the queue: what to ask and do, who takes over at the end of a shift, what stands
-- near a home, and how her screen looks at night.

-- Scripts are published like policies. The latest is the active one; a case keeps the one that was active when it opened,
-- which its own time tells, so that nothing on the way of a press has to know of scripts.
create table script_version (
    id            bigint generated always as identity primary key,
    sha256        text not null,                      -- an old text put back is a version of its own
    body          text not null,                      -- the TOML as published
    published_at  timestamptz not null,
    published_by  bigint references person,           -- null: as it came with the hub
    comment       text not null default ''
);
create index on script_version (published_at);

-- One shift hands over to the next: every open case is read and signed by both.
create table handover (
    id            bigint generated always as identity primary key,
    outgoing      bigint not null references person,
    incoming      bigint not null references person,
    note          text not null default '',
    begun_at      timestamptz not null,
    ended_at      timestamptz,                        -- signed by both, case by case, or called off
    called_off    boolean not null default false,
    check (outgoing <> incoming)
);
create unique index handover_open on handover (outgoing) where ended_at is null;
create index on handover (incoming) where ended_at is null;
create index on handover (begun_at);

create table handover_case (
    handover_id   bigint not null references handover,
    incident_id   bigint not null references incident,
    note          text not null default '',           -- what the next operator has to know
    outgoing_at   timestamptz,                        -- read and signed, and how the case stood then
    outgoing_version int,
    incoming_at   timestamptz,
    incoming_version int,
    primary key (handover_id, incident_id),
    check (incoming_at is null or outgoing_at is not null)
);
create index on handover_case (incident_id);

-- What a responder looks for on the way: a defibrillator, a keeper of keys, a gate that an ambulance fits through.
create table landmark (
    id            bigint generated always as identity primary key,
    kind          text not null check (kind in ('aed', 'key', 'gate', 'clinic')),
    name          text not null check (name <> ''),
    note          text not null default '',
    lat           double precision not null check (lat between -90 and 90),     -- WGS-84
    lon           double precision not null check (lon between -180 and 180),
    unique (kind, name)
);
create index on landmark (lat, lon);

-- A visit may be booked for other reasons than a battery: who calls again and again is visited, and her device looked at.
alter table visit drop constraint visit_reason_check;
alter table visit add constraint visit_reason_check check (reason ~ '^[a-z_]{1,40}$');

alter table person add column look text not null default '' check (look ~ '^[a-z ]{0,40}$');  -- 'dark', 'light', 'large'
