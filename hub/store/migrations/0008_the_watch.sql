-- The watch: findings that somebody has acknowledged, what each part of the watch says of itself, the canary's rounds.

-- Acknowledged: the siren is silent about it for a while. It stays on the banner until it is over.
alter table audit_finding add acknowledged_at timestamptz;
alter table audit_finding add acknowledged_by bigint references person;
alter table audit_finding add acknowledged_why text;

-- audit, siren, outside (the heartbeat to a watcher elsewhere), canary: when it last ran, and what it says.
alter table heartbeat add says text not null default '';

create table canary_round (                           -- kept for some days, see hub.store.canary
    id            bigint generated always as identity primary key,
    at            timestamptz not null,
    lost          text,                               -- the stage that did not come through; null: all did
    detail        text not null default '',
    seconds       jsonb not null                      -- how long each stage took
);
create index on canary_round (at);

-- The canary's old cases are let go, and everything that refers to them is looked up row by row.
create index on downlink (page_id) where page_id is not null;
create index on incident (linked_to) where linked_to is not null;
create index on note (incident_id);
create index on access_log (incident_id) where incident_id is not null;
