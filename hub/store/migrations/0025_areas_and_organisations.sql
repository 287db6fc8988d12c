-- Places contain each other, and the people who come belong to organisations. Both are what a page may be filtered by, and
-- what decides who sees whom.

create table area (                                   -- resident.area and person.area name one; not every name stands here
    name          text primary key,
    parent        text references area on update cascade,
    level         text not null default 'community' check (level in ('city', 'county', 'township', 'community')),
    code          text not null default '',           -- of the statistical authority, 12 digits, where it is known
    check (name <> '' and name <> parent)
);
create index on area (parent);

create table organisation (
    id            bigint generated always as identity primary key,
    name          text not null unique check (name <> ''),
    uscc          text unique,                        -- 统一社会信用代码, GB 32100-2015; null: not known yet
    kind          text not null check (kind in
                  ('community', 'property', 'third_party', 'county_centre', 'medical', 'civil_affairs')),
    phone         text not null default '',
    active        boolean not null default true,
    created_at    timestamptz not null
);

create table organisation_area (                      -- whom it serves, with everything inside
    organisation_id bigint not null references organisation,
    area          text not null references area on update cascade,
    primary key (organisation_id, area)
);
create index on organisation_area (area);

alter table person add column organisation_id bigint references organisation;   -- null: the centre's own, or family
create index on person (organisation_id) where organisation_id is not null;

alter table person drop constraint person_role_check;
alter table person add constraint person_role_check check (role in (
    'family', 'neighbour', 'operator', 'community', 'property', 'village_doctor', 'third_party', 'county_centre',
    'ambulance', 'supervisor', 'installer', 'dispatcher', 'administrator', 'auditor'));

-- An area with everything inside it; a name that nobody has entered is itself alone.
create function area_within(wanted text) returns setof text language sql stable as $$
    with recursive inside (name, depth) as (
        select wanted, 0
        union
        select a.name, i.depth + 1 from area a join inside i on a.parent = i.name where i.depth < 8)
    select distinct name from inside
$$;
