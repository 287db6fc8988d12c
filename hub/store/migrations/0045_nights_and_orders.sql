-- A quiet night leaves one page for the morning; work orders are told to those who do them, and seen by their organisation.

-- Who is not woken finds one page in the morning, not one for every ring of the night: the newest of a case and channel.

create or replace function page_waits_for_morning() returns trigger language plpgsql as $$
declare
    -- Whoever made the page may know already that it waits; the release before did not.
    morning timestamptz := coalesce(quiet_until(new.person_id, new.created_at), quiet_until(new.person_id, new.due_at));
begin
    if morning is null then
        return null;
    end if;
    -- Whom an operator sends she wakes. Later channels of the same person keep their distance.
    update page p set due_at = morning + (new.due_at - new.created_at) from incident i
    where p.id = new.id and p.state = 'ready' and new.due_at < morning
      and i.id = p.incident_id and i.severity > 1 and i.state <> 'dispatched';
    update page p set state = 'withdrawn', withdrawn_at = new.created_at, receipt = 'a newer one waits for the morning'
    from incident i
    where i.id = new.incident_id and i.severity > 1 and p.incident_id = new.incident_id and p.person_id = new.person_id
      and p.channel = new.channel and p.purpose = new.purpose and p.state = 'ready' and p.attempts = 0 and p.id < new.id
      and p.due_at >= morning;
    return null;
end $$;

create table work_order_notice (                      -- told once to whoever an order was given, through his own channels
    id            bigint generated always as identity primary key,
    order_id      bigint not null references work_order,
    person_id     bigint not null references person,
    asked_at      timestamptz not null,
    due_at        timestamptz,                        -- when it is tried (again); null: it went out, or nothing took it
    tries         int not null default 0,
    channel       text not null default '',           -- which took it
    sent_at       timestamptz,
    failed        text not null default ''
);
create index on work_order_notice (due_at) where due_at is not null;
create index on work_order_notice (order_id);

-- A dispatcher sees the orders of his organisation, and those of its areas that nobody has been given yet.
alter table work_order enable row level security;
create policy carehub_web on work_order for select to carehub_web using (
    organisation_id = (select carehub_organisation())
    or (organisation_id is null and assignee_id is null and ended_at is null
        and area = any ((select carehub_areas())::text[])));
grant select on work_order to carehub_web;
do $$
declare
    one text;
begin
    foreach one in array array['work_order_event', 'work_order_word', 'work_order_file', 'work_order_notice'] loop
        execute format('alter table %I enable row level security', one);
        execute format('create policy carehub_web on %1$I for select to carehub_web using'
                       ' (exists (select from work_order o where o.id = %1$I.order_id))', one);
        execute format('grant select on %I to carehub_web', one);
    end loop;
end $$;
