-- Escalation that can be trusted: more kinds of helpers, links between incidents, emergency services, proof of arrival,
-- a synthetic resident for the canary, a clock that can be set ahead in tests.

-- Tests stop the clock (`at`) or let it run ahead or behind (`ahead`). No row: the database's own clock.
alter table clock alter at drop not null;
alter table clock add ahead interval not null default '0';
create or replace function hub_now() returns timestamptz language sql volatile as
    $$ select coalesce((select coalesce(at, clock_timestamp() + ahead) from clock), clock_timestamp()) $$;

alter table person drop constraint person_role_check;
alter table person add constraint person_role_check check (role in (
    'family', 'neighbour', 'operator', 'community', 'property', 'village_doctor', 'third_party', 'county_centre',
    'ambulance', 'supervisor'));
alter table person add lat double precision;          -- where this person usually starts from
alter table person add lon double precision;

-- The canary: a resident, a device and an operator that exist to be called once a minute. Neither meets a real one.
alter table resident add canary boolean not null default false;
alter table person add canary boolean not null default false;

alter table incident add linked_to bigint references incident;        -- the resident's case before this one, not long ago
alter table incident add services text[] not null default '{}';       -- 120, 119, 110: who has been joined, in order
alter table incident add proof text;                                  -- how the responder's arrival is proved
alter table incident add asked bigint[] not null default '{}';        -- who was called by the last ring, operators apart
alter table incident add declined bigint[] not null default '{}';     -- who of them cannot go
