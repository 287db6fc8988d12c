-- What a normalized record names besides: the message's own number and name, which measuring point, a device's time that
-- nobody believes, and the grammar that read it. The tables themselves are made by hub.store.partitions.
alter table if exists observation add column if not exists sequence bigint;
alter table if exists observation add column if not exists identity text;
alter table if exists observation add column if not exists sub text;
alter table if exists observation add column if not exists device_at timestamptz;   -- what its clock said, where measured_at is ours

-- Which grammar, in which version, addresses of a scheme are read by, and from which batch on: one row when a release
-- changes it, instead of a word in each of a million rows.
create table grammar (
    scheme        text not null,                      -- of device.address, before the colon
    since_batch   bigint not null,
    adapter       text not null,                      -- name/version
    at            timestamptz not null,
    primary key (scheme, since_batch)
);

-- Whose a device was when: records of a resident are those of the time when it was hers.
create index device_event_resident on device_event ((facts ->> 'resident')) where facts ? 'resident';

-- Who issued which key: a gateway is no device and has no history of its own.
create table credential_event (
    id            bigint generated always as identity primary key,
    username      text not null,
    at            timestamptz not null,
    actor         text not null,                      -- person:3, command:<who was signed in there>
    facts         jsonb not null default '{}'         -- never the key: {"prefix": "home7/zigbee2mqtt/"}
);
create index on credential_event (username, id desc);

create index on credential (device_id) where device_id is not null;   -- a page of two hundred thousand devices asks for their keys
