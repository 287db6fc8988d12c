-- Duty lists: rotations that become shifts, overrides, check-ins that prove duty, and what coverage found missing.
-- `shift` stays what the press reads. Everything here is added; the release before this one goes on working.

create table roster (                                 -- a duty list; shift.roster names it, and '' is no list
    name           text primary key check (name <> ''),
    zone           text not null default 'Asia/Shanghai',   -- its wall time
    role           text,                              -- whose list it is; null: mixed
    needs_check_in boolean not null default false,    -- duty is proved by a word from the person's phone
    created_at     timestamptz not null
);
insert into roster (name, created_at) select distinct roster, hub_now() from shift where roster <> '';

create table rotation (                               -- people take turns; expanded into shifts by alerts.duty
    id            bigint generated always as identity primary key,
    roster        text not null references roster,
    people        bigint[] not null check (cardinality(people) between 1 and 100),
    first_day     date not null,                      -- the first turn begins on this day …
    hand_over     time not null default '08:00',      -- … at this time, in the list's wall time
    turn_days     int not null default 7 check (turn_days between 1 and 366),
    window_from   time not null default '00:00',      -- hours of the day; from = to: 24 hours
    window_to     time not null default '00:00',
    weekdays      smallint[] not null default '{1,2,3,4,5,6,7}' check (weekdays <@ '{1,2,3,4,5,6,7}' and cardinality(weekdays) > 0),
    days          text not null default 'any' check (days in ('any', 'workday', 'holiday')),
    until         date,                               -- the last day, if there is one
    created_by    bigint references person,
    created_at    timestamptz not null,
    ended_at      timestamptz                         -- taken out of use; its past shifts stay
);
create index on rotation (roster);

alter table shift add source text not null default 'manual' check (source in ('manual', 'rotation', 'import'));
alter table shift add rotation_id bigint references rotation;
create index on shift (rotation_id) where rotation_id is not null;
create index on shift (roster) where roster <> '';
create index shift_to_come on shift (person_id, coalesce(upper(during), 'infinity'::timestamptz));  -- years of past shifts cost a press nothing

create table shift_override (                         -- the latest word that names a person counts
    id            bigint generated always as identity primary key,
    roster        text not null,
    during        tstzrange not null check (not isempty(during) and not lower_inf(during) and not upper_inf(during)),
    off_id        bigint references person,           -- who does not come …
    on_id         bigint references person,           -- … and who comes instead
    reason        text not null default '',
    by_id         bigint references person,
    created_at    timestamptz not null,
    check (off_id is not null or on_id is not null),
    check (off_id is distinct from on_id)
);
create index on shift_override (off_id);
create index on shift_override (on_id);
create index on shift_override using gist (during);

create table check_in (                               -- "I am here", by telephone, message or page
    id            bigint generated always as identity primary key,
    person_id     bigint not null references person,
    roster        text not null default '',
    at            timestamptz not null,
    until         timestamptz not null,               -- the end of the shift, or of a stand-in; earlier when he leaves
    via           text not null,                      -- phone, sms, voice, console
    check (until >= at)
);
create index on check_in (person_id, until);

-- What duty lists say of one person at a time: a row for every list he is on then or later. A live check-in puts him on
-- duty with or without a shift; else the latest override that names him; else the shifts. alerts.duty has the same rule.
create function duties(who bigint, at_time timestamptz) returns table (roster text, on_duty boolean, proved boolean)
language sql stable as $$
    select l.roster,
           h.here or coalesce(o.comes, s.now, false),
           h.here or not coalesce(r.needs_check_in, false)
    from (select s.roster from shift s where s.person_id = who and coalesce(upper(s.during), 'infinity') > at_time
          union select v.roster from shift_override v where v.on_id = who and upper(v.during) > at_time
          union select c.roster from check_in c where c.person_id = who and c.at <= at_time and c.until > at_time) l
    left join roster r on r.name = l.roster
    cross join lateral (select exists (select from check_in c where c.person_id = who and c.roster = l.roster
                                         and c.at <= at_time and c.until > at_time) as here) h
    left join lateral (select v.on_id is not distinct from who as comes from shift_override v
                       where v.roster = l.roster and (v.on_id = who or v.off_id = who) and v.during @> at_time
                       order by v.id desc limit 1) o on true
    left join lateral (select bool_or(s.during @> at_time) as now from shift s
                       where s.person_id = who and s.roster = l.roster
                         and coalesce(upper(s.during), 'infinity') > at_time) s on true
$$;

create table coverage_hole (                          -- where nobody could come in time: work to do, before anything happens
    id            bigint generated always as identity primary key,
    kind          text not null,
    area          text not null default '',
    roster        text not null default '',
    residents     bigint[] not null default '{}',
    people        bigint[] not null default '{}',
    first_hour    timestamptz not null,
    last_hour     timestamptz not null,               -- the last hour that is part of it
    minutes       real                                -- how far the nearest is, where somebody is
);
create index on coverage_hole (first_hour);

create table coverage_run (                           -- what the holes were computed from
    one           boolean primary key default true check (one),
    at            timestamptz not null,
    residents     int not null,
    hours         int not null,
    covered       real not null,                      -- share of residents × hours with somebody within the radius
    took_s        real not null,
    radius_min    real not null
);

-- Coverage is worked out again when anything it stands on changes, whoever changes it.
create function coverage_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('carehub_coverage', tg_table_name);
    return null;
end $$;
create trigger coverage_of_shift after insert or update or delete on shift for each statement execute function coverage_changed();
create trigger coverage_of_override after insert or update or delete on shift_override for each statement execute function coverage_changed();
create trigger coverage_of_check_in after insert or update or delete on check_in for each statement execute function coverage_changed();
create trigger coverage_of_person after insert or update or delete on person for each statement execute function coverage_changed();
create trigger coverage_of_contact after insert or update or delete on contact for each statement execute function coverage_changed();
create trigger coverage_of_circle after insert or update or delete on care_circle for each statement execute function coverage_changed();
create trigger coverage_of_resident after insert or update or delete on resident for each statement execute function coverage_changed();
create trigger coverage_of_policy after insert or update or delete on policy_version for each statement execute function coverage_changed();
create trigger coverage_of_roster after insert or update or delete on roster for each statement execute function coverage_changed();

-- The planner takes the roster of a press for a costly query and would compile it: a tenth of a second for a millisecond.
do $$ begin
    execute format('alter database %I set jit = off', current_database());
exception when insufficient_privilege then
    raise notice 'jit stays on: let the database''s owner run "alter database … set jit = off"';
end $$;
