-- What is usual for a wearer is rolled up where the telemetry lies, so that it outlives the detectors' own memory of it.

-- One row a device and hour of arrival: of the messages with a pulse. On plain PostgreSQL hub.store.vital_hours fills it;
-- where TimescaleDB is loaded it stays empty and a continuous aggregate takes its place under the view (hub.store.partitions).
create table vital_hour_rolled (
    device_id     bigint not null,                    -- no foreign key: millions of rows a day, of telemetry that has none
    hour          timestamptz not null,
    walked        int not null,                       -- messages that counted a step,
    still         int not null,                       -- … that counted none,
    still_sum     int not null,                       -- … and the sum of their pulses
    blind         int not null,                       -- the same of devices that count no steps
    blind_sum     int not null,
    rest          smallint[] not null,                -- still, by pulse: the bins of alerts.detectors.baseline
    primary key (device_id, hour)
);

create view vital_hour as
select device_id, hour, walked, still, still_sum, blind, blind_sum, rest from vital_hour_rolled;

-- How far that is: every hour before this one, of every batch up to that one. What is rolled up again changes nothing.
create table vital_mark (
    one           boolean primary key default true check (one),
    hour          timestamptz not null,
    batch         bigint not null
);

-- A reading no living body shows is no telemetry, but rule T4 counts them, also after a restart.
alter table if exists telemetry add column if not exists implausible boolean;
