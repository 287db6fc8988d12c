-- Cases that belong together, disaster mode, and taps that were made before they came in.

-- Why two cases belong together: duplicate, person (somebody saw it), resident, address, gateway, building. One row a
-- pair, the older case first. It is a remark beside the chains, not a part of them.
create table incident_link (
    a             bigint not null references incident,
    b             bigint not null references incident,
    why           text not null check (why in ('duplicate', 'person', 'resident', 'address', 'gateway', 'building')),
    at            timestamptz not null,
    by            bigint references person,           -- null: the hub found it
    primary key (a, b),
    check (a < b)
);
create index on incident_link (b);

-- Disaster mode, declared and ended: the row is the record of both ends and is never deleted or made longer.
create table surge (
    id            bigint generated always as identity primary key,
    area          text not null,                      -- '' = everywhere
    reason        text not null check (reason <> ''),
    declared_by   bigint not null references person,
    began_at      timestamptz not null,
    ends_at       timestamptz not null check (ends_at > began_at),   -- by itself: nothing has to run
    ended_at      timestamptz,                        -- earlier, by a person
    ended_by      bigint references person,
    check ((ended_at is null) = (ended_by is null))
);
create index on surge (ends_at) where ended_at is null;

-- When a finger was on the glass, by the phone's own clock, where that is earlier than `at`: a phone without a line
-- keeps its taps and sends them later, in order.
alter table response add tapped_at timestamptz;
