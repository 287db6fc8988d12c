-- The rate of false alarms read in a moment at any size: what view fall says of a case is written down when the case changes.

create table fall_told (                              -- one row a fall, as view fall tells it; cases that are no falls are left out
    incident_id   bigint not null,                    -- no foreign key: its lock on the case would stand in a press's way
    began_at      timestamptz not null,
    resident_id   bigint,
    models        text[] not null,                    -- that told of it, as they were named then
    outcome       text not null,
    after_s       real,                               -- when it was cancelled, after its case was opened
    late          boolean not null,                   -- cancelled when people had been called
    none          boolean generated always as (outcome in ('cancelled', 'cancelled_at_desk', 'false')) stored,
    primary key (incident_id, began_at)
);
create index on fall_told (began_at);
create index on fall_told (resident_id);

create table fall_mark (                              -- up to when the cases were read; what is read again changes nothing
    one           boolean primary key default true check (one),
    through       timestamptz not null
);

-- Worn days are added up while they are written, and counted from the rows once more when the day is over: what was counted
-- before that was known of days not yet over is to be counted again.
delete from worn_count where model = '' and day >= current_date - 3;
