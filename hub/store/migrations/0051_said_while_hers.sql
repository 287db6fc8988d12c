-- What a resident's devices said, read by an organisation's programs under their own bounds. A device goes from one resident
-- to the next: of what it said an organisation reads what it said while it was hers, and where it stands only while it is.
-- One resident at a time, named by the setting `carehub.resident`; whom the session does not see is nobody.

create function carehub_resident() returns bigint language sql stable security definer set search_path = public as $$
    select r.id from resident r
    where r.id = nullif(current_setting('carehub.resident', true), '')::bigint and not r.canary
      and (r.area = any (carehub_areas()) or r.id = any (carehub_opened()))
$$;

-- Her devices' turns: from when to when each was hers. As hub/store/records.py reads a device's history.
create function carehub_turns() returns table (device_id bigint, since timestamptz, until timestamptz)
    language sql stable security definer set search_path = public rows 5 as $$
    with w as materialized (select carehub_resident() as id),
    hers as (
        select d.id, d.resident_id, coalesce(d.bound_at, d.created_at) as bound_at from device d, w
        where d.resident_id = w.id
           or d.id in (select e.device_id from device_event e
                       where e.facts ? 'resident' and e.facts ->> 'resident' = w.id::text)
    ), told as (
        select e.device_id, e.id, e.at,
               case when e.action in ('bind', 'registered') then (e.facts ->> 'resident')::bigint end as whose
        from device_event e join hers on hers.id = e.device_id
        where e.action in ('bind', 'retire', 'claim') or (e.action = 'registered' and e.facts ? 'resident')
    ), ended as (
        select distinct on (device_id) device_id, whose from told order by device_id, id desc
    ), unwritten as (                                 -- given to whoever has it without a line of its history
        select h.id as device_id, h.resident_id as whose, h.bound_at as at from hers h left join ended e on e.device_id = h.id
        where h.resident_id is not null and (e.device_id is null or e.whose is distinct from h.resident_id)
    ), turns as (
        select t.device_id, t.at, t.whose, t.id from told t left join unwritten u on u.device_id = t.device_id
        where u.at is null or t.at < u.at
        union all
        select device_id, at, whose, 9223372036854775807 from unwritten
    )
    select device_id, at, until from (
        select device_id, at, whose, coalesce(lead(at) over (partition by device_id order by at, id), 'infinity') as until
        from turns
    ) each, w
    where whose = w.id and until > at
$$;

create function carehub_speakers() returns table (id bigint, address text, room text)
    language sql stable security definer set search_path = public rows 5 as $$
    select d.id, d.address, case when d.resident_id = carehub_resident() then d.room else '' end from device d
    where d.id in (select t.device_id from carehub_turns() t)
$$;

-- What reads addresses of a kind, in which version: nobody's data.
alter table grammar enable row level security;
create policy carehub_web on grammar for select to carehub_web using (true);
grant select on grammar to carehub_web;

-- Measurements take no row-level security (TimescaleDB compresses them): views with a barrier, as before.
create or replace function carehub_views() returns void language plpgsql as $$
declare
    one text;
begin
    foreach one in array array['telemetry', 'observation'] loop
        if to_regclass('public.' || one) is null then
            continue;
        end if;
        if to_regclass('carehub_web.' || one) is null then
            execute format('create view carehub_web.%1$I with (security_barrier) as select * from public.%1$I'
                           ' where device_id = any ((select carehub_devices())::bigint[])', one);
            execute format('grant select on carehub_web.%I to carehub_web', one);
        end if;
        if to_regclass('carehub_web.' || one || '_hers') is null then
            execute format('create view carehub_web.%2$I with (security_barrier) as select m.* from public.%1$I m'
                           ' where exists (select from carehub_turns() t where t.device_id = m.device_id'
                           ' and m.received_at >= t.since and m.received_at < t.until)', one, one || '_hers');
            execute format('grant select on carehub_web.%I to carehub_web', one || '_hers');
        end if;
    end loop;
end $$;
