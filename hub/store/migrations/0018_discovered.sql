-- What bridges tell of by Home Assistant discovery: whose state topics there are and how they are read. Without it an SOS
-- that comes right after a restart, before its bridge has said its configurations again, would be read by nobody.
create table discovery (
    topic         text primary key,                   -- of the discovery message
    place         text not null,                      -- what stands before its prefix: the house, or ''
    payload       bytea,                              -- null: taken out of use; kept a day, so that others forget it too
    at            timestamptz not null
);
create index on discovery (place, at);

-- Whether somebody said what a device is. A model that was only heard stays open: its network or gateway may name another.
alter table device add model_told boolean not null default true;
update device set model_told = false where state = 'seen';
