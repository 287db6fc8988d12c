-- What people told devices to do: who, when, and what became of it. The bytes go out as a row of `downlink`, like all that a
-- device is told; this row says what they mean and outlives them.
create table device_command (
    id            bigint generated always as identity primary key,
    device_id     bigint not null references device,
    incident_id   bigint references incident on delete set null,   -- the case it was asked for in, if any
    asked_by      text not null,                      -- person:3, command:<who was signed in there>
    asked_at      timestamptz not null,
    what          text not null,                      -- locate, find, reboot, measure, call, interval, contacts, say
    detail        jsonb not null default '{}',        -- {"what": "heart-rate"}, {"seconds": 300} …
    expires_at    timestamptz not null,               -- a device that sleeps for longer is not told any more
    answers       boolean not null,                   -- its protocol has an answer to this
    again         boolean not null,                   -- twice is as good as once: unanswered, it is sent again
    downlink_id   bigint unique references downlink on delete set null,
    sent_at       timestamptz,                        -- the device's line has confirmed the bytes, the last time
    tries         int not null default 0,
    answered_at   timestamptz,
    answer        text not null default '',           -- in the device's own words
    refused       boolean not null default false,     -- its answer was no
    result_at     timestamptz,                        -- what was asked for came as telemetry
    result        jsonb,
    failed        text                                -- why it came to nothing: not reached, no answer
);
create index on device_command (device_id, id desc);
create index on device_command (incident_id) where incident_id is not null;
create index device_command_open on device_command (expires_at) where failed is null and (answered_at is null or result_at is null);
