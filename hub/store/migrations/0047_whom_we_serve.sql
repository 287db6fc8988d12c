-- One place says whom we care for: not the canary, nobody whose care has ended, which whoever was merged or erased has
-- also. Of somebody who is none of ours (a device without a resident) nothing is known, and she is not left out.
create function served(canary boolean, ended_at timestamptz) returns boolean language sql immutable parallel safe as $$
    select canary is not true and ended_at is null
$$;

-- An organisation's people read the register of their residents: what helps at the door, and whether she is still cared
-- for. Not her health notes; how a home, an import or a change came about is the centre's.
grant select (risk_class, languages, hazards, home_id, version, ended_at, ended_why, merged_into, erased_at)
    on resident to carehub_web;
