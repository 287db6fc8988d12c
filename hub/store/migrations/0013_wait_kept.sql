-- A case may be written without its wait being set anew: a press that joins it counts up the round and the timer keeps its
-- time. Such a wait is as old as it was. Counted as new, one that was set before the clock went back, and touched in the
-- moment before anybody noticed, stayed late by the whole jump.
create or replace function number_timer() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.due_at = old.due_at then
        new.set_no := old.set_no;
        new.set_at := old.set_at;
        return new;
    end if;
    new.set_no := nextval('wait_number');
    if tg_op = 'INSERT' then new.set_at := coalesce(new.set_at, hub_now());
    elsif new.set_at is not distinct from old.set_at then new.set_at := hub_now();  -- a writer who does not say
    end if;
    return new;
end $$;
