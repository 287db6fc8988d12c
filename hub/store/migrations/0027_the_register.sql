-- The register: what is known of residents beyond who they are, who shares a home, who changed what, files that are being
-- taken, what is the same twice, and what was erased.

create table seal_key (                               -- names of the keys that sealed something; never a key
    id            text primary key,
    made_at       timestamptz not null
);

create table home (                                   -- a flat that several residents share; its fields are theirs
    id            bigint generated always as identity primary key,
    note          text not null default '',
    created_at    timestamptz not null
);

alter table resident add risk_class text not null default '' check (risk_class in ('', 'high', 'medium', 'low'));
alter table resident add languages text[] not null default '{}';     -- what she understands besides `language`
alter table resident add hazards text not null default '';           -- of the flat, for whoever goes in
alter table resident add health_notes text not null default '';      -- sealed, see hub.sealed; so is door_code
alter table resident add home_id bigint references home;              -- null: nobody else lives there
alter table resident add version int not null default 0;              -- counts changes: two people do not undo each other
alter table resident add ended_at timestamptz;                        -- no longer cared for: the time to keep begins
alter table resident add ended_why text not null default '';          -- moved, died, declined, merged, erased
alter table resident add merged_into bigint references resident check (merged_into <> id);
alter table resident add erased_at timestamptz;
create index on resident (home_id) where home_id is not null;
create index on resident (merged_into) where merged_into is not null;
create index on resident (phone) where phone <> '';
create index on resident (area);

alter table person add version int not null default 0;
alter table organisation add version int not null default 0;
alter table care_circle add has_key boolean not null default false;
alter table consent add column if not exists scope text[] not null default '{}';   -- empty: all that its text names

create table registry_change (                        -- who changed what in the register
    id            bigint generated always as identity primary key,
    kind          text not null,                      -- resident, person, organisation, area, circle, contact
    subject       text not null,                      -- its number; of an area its name, of a circle the resident's
    at            timestamptz not null,
    actor         text not null,                      -- person:3; empty: a command without a name
    via           text not null default '',           -- page, import:4, merge, erasure, retention
    what          text not null,                      -- created, changed, removed, merged, unmerged, ended, erased
    fields        jsonb not null default '{}',        -- {"phone": [old, new]}; what is sealed stays sealed
    facts         jsonb not null default '{}'         -- ids only: what was moved by a merge, what stayed after an erasure
);
create index on registry_change (kind, subject, id desc);
create index on registry_change using brin (at);

-- Whatever writes, the change is written down: the page, a file, a command. The arguments: kind, the column of the
-- subject, and the columns that are told; no other is, because others hold secrets.
create function registry_log() returns trigger language plpgsql as $$
declare
    before jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    after  jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
    one    jsonb := case when tg_op = 'DELETE' then before else after end;
    told   jsonb := '{}';
begin
    if (one ->> 'canary')::boolean then
        return null;
    end if;
    if tg_op <> 'INSERT' or tg_argv[0] in ('circle', 'contact') then
        select coalesce(jsonb_object_agg(k, jsonb_build_array(before -> k, after -> k)), '{}') into told
        from unnest(string_to_array(tg_argv[2], ' ')) as k where before -> k is distinct from after -> k;
    end if;
    if tg_op = 'UPDATE' and told = '{}' then
        return null;
    end if;
    insert into registry_change (kind, subject, at, actor, via, what, fields)
    values (tg_argv[0], one ->> tg_argv[1], hub_now(), coalesce(current_setting('carehub.actor', true), ''),
            coalesce(current_setting('carehub.via', true), ''),
            case tg_op when 'INSERT' then 'created' when 'DELETE' then 'removed' else 'changed' end, told);
    return null;
end $$;

create function registry_version() returns trigger language plpgsql as $$
begin
    new.version := old.version + 1;
    return new;
end $$;

create trigger resident_told after insert or update or delete on resident for each row execute function registry_log(
    'resident', 'id', 'name born area address entrance language languages ability risks risk_class hazards key_place door_code health_notes phone lat lon fence_m spo2_scale home_id ended_at ended_why merged_into erased_at');
create trigger person_told after insert or update or delete on person for each row execute function registry_log(
    'person', 'id', 'name role area phone login language active organisation_id lat lon');
create trigger organisation_told after insert or update or delete on organisation for each row execute function registry_log(
    'organisation', 'id', 'name uscc kind phone active');
create trigger area_told after insert or update or delete on area for each row execute function registry_log(
    'area', 'name', 'name parent level code');
create trigger circle_told after insert or update or delete on care_circle for each row execute function registry_log(
    'circle', 'resident_id', 'resident_id person_id relation position minutes_away has_key');
create trigger contact_told after insert or update or delete on contact for each row execute function registry_log(
    'contact', 'person_id', 'channel');               -- an address may hold a token
create trigger resident_counts before update on resident for each row
    when (old.* is distinct from new.*) execute function registry_version();
create trigger person_counts before update on person for each row
    when (old.* is distinct from new.*) execute function registry_version();
create trigger organisation_counts before update on organisation for each row
    when (old.* is distinct from new.*) execute function registry_version();

create table registry_import (                        -- a file that was read and not taken yet: what it would change
    id            bigint generated always as identity primary key,
    kind          text not null check (kind in ('residents', 'circle', 'organisations', 'people')),
    file_name     text not null,
    at            timestamptz not null,
    by_id         bigint references person,
    digest        text not null,                      -- of the body and of the rows it would touch, as they were
    body          text not null,                      -- sealed: what was read, row by row
    applied_at    timestamptz,                        -- then the body is emptied
    told          jsonb not null default '{}'         -- how many were new, changed, the same
);
create index on registry_import (at);

create table registry_apart (                         -- looked like one and the same, and somebody said that they are two
    one_id        bigint not null references resident,
    other_id      bigint not null references resident,
    at            timestamptz not null,
    by_id         bigint references person,
    primary key (one_id, other_id),
    check (one_id < other_id)
);

create table retention_run (                          -- when each kind was last gone through
    kind          text primary key,
    at            timestamptz not null,
    removed       bigint not null,                    -- then
    removed_ever  bigint not null
);
