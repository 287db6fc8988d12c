-- Devices are supervised: which are silent, behind which gateway, how their batteries fare, and who must go there.

-- Behind which gateway a device was heard last. Not in `device`: it may change with every message, and whoever holds
-- devices in memory would read the device again each time.
create table device_via (
    device_id     bigint primary key references device,
    gateway       text not null,                      -- its address, scheme:native
    at            timestamptz not null
);
create index on device_via (gateway);

create table gateway_word (                           -- what a gateway says of its own line
    gateway       text primary key,
    online        boolean not null,
    at            timestamptz not null
);

create table gateway_loss (                           -- one alert for all that was behind it
    id            bigint generated always as identity primary key,
    gateway       text not null,
    device_id     bigint not null references device,  -- the gateway's own number: its case is device:<number>:technical
    why           text not null check (why in ('said', 'silent')),
    began_at      timestamptz not null,               -- its last sign of life
    found_at      timestamptz not null,
    members       int not null,                       -- devices behind it that are supervised …
    silent        int not null,                       -- … and of them past their deadline when it was found
    ended_at      timestamptz
);
create unique index on gateway_loss (gateway) where ended_at is null;
create index on gateway_loss (found_at);

create table device_silence (                         -- a device past its deadline, until two messages of it have come
    id            bigint generated always as identity primary key,
    device_id     bigint not null references device,
    since         timestamptz not null,               -- when it was heard last, or from when on it should have been
    found_at      timestamptz not null,
    loss_id       bigint references gateway_loss,     -- counted there; null: it has an alert of its own
    ended_at      timestamptz
);
create unique index on device_silence (device_id) where ended_at is null;
create index on device_silence (loss_id) where loss_id is not null;
create index device_silent_now on device_silence (since) where ended_at is null and loss_id is null;

-- One row a device and day of the district: what remains when telemetry has gone.
create table device_day (
    device_id     bigint not null references device,
    day           date not null,
    battery_pct   real,                               -- the last level of the day
    charged       boolean not null default false,     -- it rose: no history before it says anything
    worn_min      real,                               -- null: it says nothing about being worn
    primary key (device_id, day)
);
create index on device_day using brin (day);

create table device_battery (
    device_id     bigint primary key references device,
    level_pct     real not null,
    at            timestamptz not null,
    forecast      text not null default '',           -- see alerts.supervision_battery: falling, charged, too_little …
    flat_on       date,
    stale         boolean not null default true       -- a new day's level came: to be forecast again
) with (fillfactor = 80);
create index device_battery_stale on device_battery (device_id) where stale;
create index on device_battery (flat_on) where flat_on is not null;
create index device_battery_low on device_battery (level_pct) where level_pct <= 30;

create table low_signal (                             -- of the last 72 hours: five of them book a visit
    device_id     bigint not null references device,
    at            timestamptz not null,
    primary key (device_id, at)
);
create index on low_signal (at);

create table visit (                                  -- somebody must go there: work, until it is done
    id            bigint generated always as identity primary key,
    device_id     bigint not null references device,
    resident_id   bigint references resident,
    reason        text not null check (reason in ('battery')),
    booked_at     timestamptz not null,
    due           date not null,
    facts         jsonb not null default '{}',        -- ids and numbers only
    status        text not null default 'open' check (status in ('open', 'done')),
    done_at       timestamptz,
    done_by       text,                               -- person:3, command:<account>, device: it was charged
    note          text not null default ''
);
create unique index visit_open on visit (device_id, reason) where status = 'open';
create index on visit (due) where status = 'open';
create index on visit (done_at) where status = 'done';

create table first_attempt (                          -- per day and model, see alerts.supervision_attempts
    day           date not null,
    model         text not null,
    area          text not null,
    presses       int not null,
    again         int not null,
    unanswered    int not null,
    trials        int not null,
    trials_failed int not null,
    trials_silent int not null,
    primary key (day, model, area)
);
create index on press (at);
create index on device_event (at) where action in ('bind', 'press', 'check');
