-- What the sensors of a home tell together: which it has, how its days usually go, and when nobody is to be expected there.

alter table resident add fence_m int not null default 0 check (fence_m >= 0);   -- told when she is further away; 0: no fence
create index resident_fenced on resident (id) where fence_m > 0;

-- Known to be away, or to have visitors, for a time. A row is what somebody wrote, and stays; rows of one time are one time.
create table absence (
    id            bigint generated always as identity primary key,
    resident_id   bigint not null references resident,
    kind          text not null check (kind in ('away', 'visit')),
    begins_at     timestamptz not null,
    ends_at       timestamptz not null,
    reason        text not null default '',
    written_by    text not null,                      -- person:3, command:<who was signed in there>
    written_at    timestamptz not null,
    ended_at      timestamptz,                        -- sooner than was said
    ended_by      text,
    check (ends_at > begins_at),
    check ((ended_at is null) = (ended_by is null))
);
create index on absence (resident_id, id desc);
create index on absence (ends_at);

-- Which signs of life a device gives, learnt from what it said: 1 motion, 2 door, 3 bed, 5 water, 6 place.
create table home_sensor (
    device_id     bigint not null references device,
    sign          smallint not null,
    first_at      timestamptz not null,
    primary key (device_id, sign)
);

-- How far the homes have been read. One row: the batch up to which everything was seen, and the batch up to which days are
-- written. What is read again changes nothing.
create table home_mark (
    one           boolean primary key default true check (one),
    batch         bigint not null default 0,
    days_batch    bigint not null default 0,
    at            timestamptz not null
);

-- When the hub itself heard nobody: then nobody was still either.
create table home_deaf (
    began_at      timestamptz primary key,
    ended_at      timestamptz not null
);

-- One row a resident and local day, made of `observation` anew whenever something of that day came: late and repeated
-- messages make the same row.
create table home_day (
    resident_id   bigint not null references resident,
    day           date not null,
    up_min        smallint,                           -- first movement after 04:00, local minutes; null: none
    movements     int not null,                       -- minutes in which something moved
    openings      int not null,
    water_m3      real,                               -- null: no meter spoke
    water_halves  smallint,                           -- half-hours in which water ran
    dry_min       smallint,                           -- longest time without water that ended this day, a day at most
    bed_out_min   smallint,                           -- longest time out of bed of the night that ends this day; null: no bed
    primary key (resident_id, day)
);
create index on home_day using brin (day);
