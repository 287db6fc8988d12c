-- The life of a device, with who and when: what an installer did to it, and what it did itself.
create table device_event (
    id            bigint generated always as identity primary key,
    device_id     bigint not null references device,
    at            timestamptz not null,
    action        text not null,                      -- registered, claim, bind, check, live, retire, credential …
    state         text not null,                      -- of the device afterwards
    actor         text not null,                      -- person:3, device, command:<who was signed in there>
    note          text not null default '',
    facts         jsonb not null default '{}'         -- ids only, never names: {"resident": 3, "room": "bath"}
);
create index on device_event (device_id, id desc);

alter table device add bound_at timestamptz;          -- since when it is this resident's: a press from then on is its test
alter table device add no_button boolean not null default false;   -- nothing to press: its first message is its test
update device set bound_at = created_at where state in ('bound', 'tested', 'live');
create index device_untested on device (id) where state = 'bound';
