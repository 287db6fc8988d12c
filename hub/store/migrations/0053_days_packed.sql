-- Months of telemetry on plain PostgreSQL: a day that is some days over is put away as one row a device, its columns as
-- arrays that the server compresses (hub.store.packing). Readers ask `telemetry` for days that are rows and
-- `telemetry_unpacked` for those that are not. Where TimescaleDB compresses, this stays empty.

create table telemetry_packed (
    received_at      timestamptz not null,            -- of the last message: which day it is follows from it
    device_id        bigint not null,
    messages         int not null,
    first_batch      bigint not null,
    -- Milliseconds since the message before, or since the day began; what the clocks are apart; batches since the one before.
    -- Each in its upper bits, which are nearly always the same and take nothing, and its lower 15.
    after_high       int[], after_low     smallint[],
    late_high        int[], late_low      smallint[],
    batch_high       int[], batch_low     smallint[],
    sequence         bigint[],                        -- less its place in the day: the same as long as none is lost
    -- In hundredths; none of a kind is null.
    heart_rate       smallint[], spo2     smallint[], respiration smallint[], temperature smallint[],
    systolic         smallint[], diastolic smallint[], battery    smallint[],
    steps            smallint[],
    worn             boolean[], implausible boolean[],
    odd              jsonb                            -- whole rows that do not fit the above
) partition by range (received_at);
create index telemetry_packed_device on telemetry_packed (device_id, received_at desc);

do $$
declare
    one text;
begin
    for one in select attname from pg_attribute where attrelid = 'telemetry_packed'::regclass and attndims > 0 loop
        execute format('alter table telemetry_packed alter column %I set compression lz4', one);
    end loop;
exception when feature_not_supported then null;       -- built without it: the server's own takes longer and as little room
end $$;

-- The rows as they were. Ask it by device_id and by last_at, from the time you want to a day after it: then it opens no other day.
create view telemetry_unpacked as
select p.device_id, p.received_at as last_at, m.*
from telemetry_packed p cross join lateral (
    select d.begins + (((sum(u.after_high) over w) << 15) + sum(u.after_low) over w) * interval '1 millisecond' as received_at,
           p.first_batch + ((sum(u.batch_high) over w) << 15) + sum(u.batch_low) over w as batch,
           d.begins + (((sum(u.after_high) over w) << 15) + sum(u.after_low) over w
                       - (u.late_high::bigint << 15) - u.late_low) * interval '1 millisecond' as measured_at,
           u.sequence + u.n as sequence,
           (u.heart_rate::float8 / 100)::real as heart_rate_bpm, (u.spo2::float8 / 100)::real as spo2_pct,
           (u.respiration::float8 / 100)::real as respiration_rpm, (u.temperature::float8 / 100)::real as temperature_c,
           (u.systolic::float8 / 100)::real as systolic_mmhg, (u.diastolic::float8 / 100)::real as diastolic_mmhg,
           u.steps::int as steps, (u.battery::float8 / 100)::real as battery_pct, u.worn, u.implausible
    from (select date_bin('1 day', p.received_at, '2000-01-01 00:00+00') as begins) d,
         unnest(p.after_high, p.after_low, p.late_high, p.late_low, p.batch_high, p.batch_low, p.sequence, p.heart_rate, p.spo2,
                p.respiration, p.temperature, p.systolic, p.diastolic, p.steps, p.battery, p.worn, p.implausible) with ordinality
             as u (after_high, after_low, late_high, late_low, batch_high, batch_low, sequence, heart_rate, spo2, respiration,
                   temperature, systolic, diastolic, steps, battery, worn, implausible, n)
    window w as (order by u.n)
) m
union all
select p.device_id, p.received_at, o.*
from telemetry_packed p cross join lateral jsonb_to_recordset(p.odd) as o (
    received_at timestamptz, batch bigint, measured_at timestamptz, sequence bigint, heart_rate_bpm real, spo2_pct real,
    respiration_rpm real, temperature_c real, systolic_mmhg real, diastolic_mmhg real, steps int, battery_pct real,
    worn boolean, implausible boolean)
where p.odd is not null;

-- What stands on the telemetry table, which is made after the migrations: when each device spoke, and an organisation's views.
create or replace function carehub_views() returns void language plpgsql as $$
declare
    one text;
begin
    if to_regclass('public.telemetry') is not null and to_regclass('public.telemetry_heard') is null then
        create view public.telemetry_heard as
        select device_id, received_at from public.telemetry
        union all
        select device_id, received_at from public.telemetry_packed;
    end if;
    foreach one in array array['telemetry', 'observation', 'telemetry_unpacked', 'telemetry_heard'] loop
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
