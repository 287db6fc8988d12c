-- A clock that is set back makes everything wait longer by as much. So that this can be seen and put right, each timer
-- and page carries when it was set, and in which order; and those who keep the time write down what they last saw.

create sequence wait_number;                          -- the order in which waits were set, whatever the clock says

-- Both stay null in rows from before: such a row counts as set before anything that is noticed from now on.
alter table timer add set_at timestamptz;             -- the hub's time of the transaction that set it
alter table timer add set_no bigint;
alter table page add set_no bigint;

-- The order is drawn by the database itself, so that whoever writes a wait cannot forget it.
create function number_wait() returns trigger language plpgsql as
    $$ begin new.set_no := nextval('wait_number'); return new; end $$;
create function number_timer() returns trigger language plpgsql as $$
begin
    new.set_no := nextval('wait_number');
    if tg_op = 'INSERT' then new.set_at := coalesce(new.set_at, hub_now());
    elsif new.set_at is not distinct from old.set_at then new.set_at := hub_now();  -- a writer who does not say
    end if;
    return new;
end $$;
create trigger timer_is_numbered before insert or update on timer for each row execute function number_timer();
create trigger page_is_numbered before insert or update of due_at on page for each row execute function number_wait();

-- What was last seen, for each machine whose monotonic clock it was held against.
create table clock_mark (
    machine       text primary key,
    monotonic_s   double precision not null,
    at            timestamptz not null,
    set_no        bigint not null                     -- the last wait that had been set by then
);

create table clock_jump (                             -- one row each time the clock was set; the open ones are being put right
    id            bigint generated always as identity primary key,
    noticed_at    timestamptz not null,               -- by the clock as it went on
    back          interval not null,                  -- negative: it was set forward
    before_no     bigint not null,                    -- waits up to this one were set before it …
    after_no      bigint not null,                    -- … and those after this one after it
    shifted       int not null default 0,             -- timers put right
    done_at       timestamptz
);
create index on clock_jump (id) where done_at is null;
