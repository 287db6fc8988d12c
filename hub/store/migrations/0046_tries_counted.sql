-- How often a password or a code was tried in vain is counted here and no longer in each console's memory: several
-- consoles count together, and a console that starts anew has forgotten nothing.

create table sign_in_try (
    key           bytea primary key,                  -- digest of an account or an address: what was typed may be a secret
    failures      int not null,
    until         timestamptz not null,               -- no try before
    at            timestamptz not null                -- of the last one; the oldest make room
);
create index on sign_in_try (at);
