-- An organisation's people see the residents of its areas, the cases that call them, and nothing else: whatever a page
-- asks, the database answers with those rows only. Their sessions run as the role carehub_web, see hub/web/bounds.py. The
-- owner of the tables is not bound by any of this, so nothing that runs in the background is slower for it.

do $$
begin
    if not exists (select from pg_roles where rolname = 'carehub_web') then
        begin
            create role carehub_web nologin nobypassrls;
        exception
            when duplicate_object or unique_violation then null;      -- another database of this server, just now
            when insufficient_privilege then
                raise insufficient_privilege using
                    message = format('the database user %I may not create the role carehub_web', current_user),
                    hint = format('as a superuser, once for this server: create role carehub_web nologin;'
                                  ' grant carehub_web to %I; then start carehub again', current_user);
        end;
    end if;
    begin
        execute format('grant carehub_web to %I', current_user);
    exception when insufficient_privilege then
        if not pg_has_role(current_user, 'carehub_web', 'MEMBER') then
            raise insufficient_privilege using
                message = format('the database user %I may not act as the role carehub_web', current_user),
                hint = format('as a superuser: grant carehub_web to %I; then start carehub again', current_user);
        end if;
    end;
end $$;

-- Whose session this is. Set at checkout of a connection; nothing set is nobody's.
create function carehub_organisation() returns bigint language sql stable as $$
    select nullif(current_setting('carehub.organisation', true), '')::bigint
$$;
create function carehub_person() returns bigint language sql stable as $$
    select nullif(current_setting('carehub.person', true), '')::bigint
$$;

-- The areas it serves, with everything inside.
create function carehub_areas() returns text[] language sql stable security definer set search_path = public as $$
    select coalesce(array_agg(distinct w.name), '{}')
    from organisation o join organisation_area a on a.organisation_id = o.id, area_within(a.area) as w (name)
    where o.id = carehub_organisation() and o.active
$$;

-- The cases that call its people, while they are open and for a shift after.
create function carehub_called() returns bigint[] language sql stable security definer set search_path = public as $$
    select coalesce(array_agg(i.id), '{}')
    from incident i
    where (i.dedup_key is not null or i.closed_at > hub_now() - interval '12 hours')
      and exists (select from page g join person p on p.id = g.person_id
                  where g.incident_id = i.id and p.organisation_id = carehub_organisation())
$$;

-- The residents of those cases, and whose record this person has opened with a reason.
create function carehub_opened() returns bigint[] language sql stable security definer set search_path = public as $$
    select coalesce(array_agg(distinct x.id), '{}') from (
        select i.resident_id as id from incident i where i.id = any (carehub_called()) and i.resident_id is not null
        union all
        select b.resident_id from break_glass b where b.person_id = carehub_person() and b.ends_at > hub_now()
    ) x
$$;

grant usage on schema public to carehub_web;

alter table resident enable row level security;
create policy carehub_web on resident for select to carehub_web using (
    not canary and (area = any ((select carehub_areas())::text[]) or id = any ((select carehub_opened())::bigint[])));
grant select (id, name, born, area, address, entrance, language, ability, risks, key_place, door_code, phone, lat, lon,
              created_at, canary, locked, fence_m, spo2_scale) on resident to carehub_web;

alter table incident enable row level security;
create policy carehub_web on incident for select to carehub_web using (
    area = any ((select carehub_areas())::text[]) or id = any ((select carehub_called())::bigint[])
    or resident_id = any ((select carehub_opened())::bigint[]));
grant select on incident to carehub_web;

-- People: oneself, one's own, the centre's desk, and who is called for the residents one sees. Never how they sign in.
alter table person enable row level security;
create policy carehub_web on person for select to carehub_web using (
    not canary and (id = (select carehub_person()) or organisation_id = (select carehub_organisation())
                    or (role in ('operator', 'supervisor') and organisation_id is null)
                    or id in (select c.person_id from care_circle c)));
grant select (id, name, role, area, phone, language, active, created_at, lat, lon, canary, organisation_id)
    on person to carehub_web;

alter table presence enable row level security;
create policy carehub_web on presence for select to carehub_web using (true);
create policy carehub_web_own on presence for update to carehub_web
    using (person_id = (select carehub_person())) with check (person_id = (select carehub_person()));
grant select, update (incident_id) on presence to carehub_web;

alter table access_log enable row level security;
create policy carehub_web on access_log for select to carehub_web using (person_id = (select carehub_person()));
create policy carehub_web_own on access_log for insert to carehub_web with check (
    person_id = (select carehub_person())
    and (resident_id is null or exists (select from resident r where r.id = resident_id)));
grant select, insert on access_log to carehub_web;

alter table break_glass enable row level security;
create policy carehub_web on break_glass for select to carehub_web using (person_id = (select carehub_person()));
grant select on break_glass to carehub_web;

alter table coverage_hole enable row level security;
create policy carehub_web on coverage_hole for select to carehub_web using (area = any ((select carehub_areas())::text[]));
grant select on coverage_hole to carehub_web;

alter table organisation enable row level security;
create policy carehub_web on organisation for select to carehub_web using (id = (select carehub_organisation()));
grant select on organisation to carehub_web;

create function carehub_rule(what text, rule text, columns text default '') returns void language plpgsql as $$
begin
    if to_regclass(what) is not null then
        execute format('alter table %I enable row level security', what);
        execute format('create policy carehub_web on %I for select to carehub_web using (%s)', what, format(rule, what));
        execute format('grant select %s on %I to carehub_web', columns, what);
    end if;
end $$;

do $$
declare
    one text;
begin
    foreach one in array array['incident_event', 'page', 'note', 'alert', 'timer', 'response', 'handover_case',
                               'telephone_call'] loop
        perform carehub_rule(one, 'exists (select from incident i where i.id = %1$I.incident_id)');
    end loop;
    perform carehub_rule('incident_link', 'exists (select from incident i where i.id = %1$I.a)'
                                          ' and exists (select from incident i where i.id = %1$I.b)');
    foreach one in array array['care_circle', 'absence', 'home_day', 'visiting'] loop
        perform carehub_rule(one, 'exists (select from resident r where r.id = %1$I.resident_id)');
    end loop;
    perform carehub_rule('device', 'exists (select from resident r where r.id = %1$I.resident_id)'
                                   ' or exists (select from incident i where i.device_id = %1$I.id)');
    foreach one in array array['device_battery', 'device_command', 'device_silence', 'home_sensor', 'press', 'device_event'] loop
        perform carehub_rule(one, 'exists (select from device d where d.id = %1$I.device_id)');
    end loop;
    perform carehub_rule('visit', 'exists (select from resident r where r.id = %1$I.resident_id)'
                                  ' or exists (select from device d where d.id = %1$I.device_id)');
    foreach one in array array['shift', 'check_in', 'quiet_night'] loop
        perform carehub_rule(one, 'exists (select from person p where p.id = %1$I.person_id)');
    end loop;
    perform carehub_rule('contact', 'exists (select from person p where p.id = %1$I.person_id)', '(person_id, channel)');
    -- Nobody's data: what the hub goes by, and how it does.
    foreach one in array array['clock', 'area', 'organisation_area', 'policy_version', 'script_version', 'surge', 'roster',
                               'rotation', 'shift_override', 'coverage_run', 'heartbeat', 'audit_finding', 'fall_mark',
                               'landmark', 'handover'] loop
        perform carehub_rule(one, 'true');
    end loop;
    -- A view answers as whoever asks, not as its owner.
    foreach one in array array['fall'] loop
        if to_regclass(one) is not null then
            execute format('alter view %I set (security_invoker = true)', one);
            execute format('grant select on %I to carehub_web', one);
        end if;
    end loop;
end $$;
drop function carehub_rule;

-- Pages that were shown on this person's own screen are noted as such.
create policy carehub_web_own on page for update to carehub_web
    using (person_id = (select carehub_person())) with check (person_id = (select carehub_person()));
grant update (state, delivered_at, sent_at, read_at, owner, lease_until) on page to carehub_web;

-- Measurements stand in tables that TimescaleDB compresses, which it refuses under row-level security. Their readers of
-- an organisation find these views in their place: hub/web/bounds.py puts the schema before `public`.
create schema carehub_web;
grant usage on schema carehub_web to carehub_web;
create function carehub_devices() returns bigint[] language sql stable security definer set search_path = public as $$
    select coalesce(array_agg(d.id), '{}') from device d
    where exists (select from resident r where r.id = d.resident_id and not r.canary
                  and (r.area = any (carehub_areas()) or r.id = any (carehub_opened())))
       or d.id in (select i.device_id from incident i
                   where i.area = any (carehub_areas()) and i.resident_id is null and i.dedup_key is not null)
$$;
-- The tables are made after the migrations, by hub.store.partitions; this by hub.store.pool after them.
create function carehub_views() returns void language plpgsql as $$
declare
    one text;
begin
    foreach one in array array['telemetry', 'observation'] loop
        if to_regclass('carehub_web.' || one) is null and to_regclass('public.' || one) is not null then
            execute format('create view carehub_web.%1$I with (security_barrier) as select * from public.%1$I'
                           ' where device_id = any ((select carehub_devices())::bigint[])', one);
            execute format('grant select on carehub_web.%I to carehub_web', one);
        end if;
    end loop;
end $$;
