-- What was measured, by hour for months and by day for years. A row is a device, the hour (or day) in which its messages came, and
-- the day they mean: what a device kept while it was out of reach counts for the day it was measured on. A day begins at the
-- district's midnight. On plain PostgreSQL hub.store.measured fills these; where TimescaleDB is loaded they stay empty and
-- continuous aggregates, the one by day upon the one by hour, take their place under the views.

create table measured_hour_rolled (
    device_id     bigint not null,                    -- no foreign key: as in vital_hour_rolled
    arrived       timestamptz not null,
    day           timestamptz not null,
    messages      int not null,
    worn          int not null,                       -- messages that said so
    off           int not null,
    steps         bigint,                             -- null: it counts none
    battery_least real,
    -- How often, least, most, sum: of messages of a device that is worn, or cannot know.
    heart_rate_n  int not null, heart_rate_least  real, heart_rate_most  real, heart_rate_sum  float8,
    spo2_n        int not null, spo2_least        real, spo2_most        real, spo2_sum        float8,
    respiration_n int not null, respiration_least real, respiration_most real, respiration_sum float8,
    temperature_n int not null, temperature_least real, temperature_most real, temperature_sum float8,
    systolic_n    int not null, systolic_least    real, systolic_most    real, systolic_sum    float8,
    diastolic_n   int not null, diastolic_least   real, diastolic_most   real, diastolic_sum   float8,
    primary key (device_id, arrived, day)
) partition by range (arrived);
create table measured_day_rolled (like measured_hour_rolled including defaults, primary key (device_id, arrived, day))
    partition by range (arrived);

-- How far: every hour of arrival before this one, of every batch up to that one; and where days begin, once and for all.
create table measured_mark (
    one           boolean primary key default true check (one),
    hour          timestamptz not null,
    batch         bigint not null,
    midnight      timestamptz not null
);

create view measured_hour as select * from measured_hour_rolled;
create view measured_day as select * from measured_day_rolled;

-- Within an organisation's bounds: hours and days that were hers whole, of her whom the session names (migration 0051).
create view carehub_web.measured_hour_hers with (security_barrier) as
select m.* from public.measured_hour m where exists (
    select from carehub_turns() t where t.device_id = m.device_id
       and m.arrived >= t.since and m.arrived + interval '1 hour' <= t.until);
create view carehub_web.measured_day_hers with (security_barrier) as
select m.* from public.measured_day m where exists (
    select from carehub_turns() t where t.device_id = m.device_id
       and m.day >= t.since and greatest(m.day, m.arrived) + interval '24 hours' <= t.until);
grant select on carehub_web.measured_hour_hers, carehub_web.measured_day_hers to carehub_web;
