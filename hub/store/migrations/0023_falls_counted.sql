-- Falls as they were told and how they ended. False alarms are counted from the cases themselves: there is no second list.

create index alert_of_fall on alert (raised_at) where kind = 'fall';

-- One row a fall: what devices told within five minutes of each other in one case (alerts.witnesses.SAME_FALL).
create view fall as
select a.incident_id, i.resident_id, a.device_id, a.raised_at as began_at, coalesce(later.at, 'infinity') as next_at, i.test,
       case when i.state = 'cancelled' then case when c.actor like 'person:%' then 'cancelled_at_desk' else 'cancelled' end
            when i.state = 'confirming' then 'asking'
            when i.state <> 'closed' then 'open'
            when i.disposition in ('hospital', 'treated_home', 'lifted', 'forced_entry', 'deceased') then 'real'
            -- Somebody was called, and there was no fall.
            when i.disposition in ('accidental', 'found_well', 'device_fault', 'low_battery', 'not_at_home') then 'false'
            when i.disposition in ('test', 'duplicate') then 'no_fall_of_its_own'
            else 'unclear' end as outcome,
       case when i.state = 'cancelled' then extract(epoch from c.at - i.opened_at)::real end as cancelled_after_s,
       exists (select from incident_event e where e.incident_id = i.id and e.what = 'cancel_late' and e.at >= a.raised_at
                                              and e.at < coalesce(later.at, 'infinity')) as cancelled_late
from alert a
join incident i on i.id = a.incident_id
left join lateral (  -- the first word about the next fall in this case: for five minutes before it nobody told of any
    select min(n.raised_at) as at from alert n
    where n.incident_id = a.incident_id and n.kind = 'fall' and n.raised_at > a.raised_at + interval '5 minutes'
      and not exists (select from alert b where b.incident_id = n.incident_id and b.kind = 'fall'
                                           and b.raised_at < n.raised_at and b.raised_at >= n.raised_at - interval '5 minutes')
) later on true
left join lateral (
    select e.actor, e.at from incident_event e where e.incident_id = i.id and e.what = 'cancelled' and i.state = 'cancelled'
    order by e.seq desc limit 1
) c on true
where a.kind = 'fall'
  and not exists (select from alert b where b.incident_id = a.incident_id and b.kind = 'fall'
                                       and (b.raised_at, b.alert_id) < (a.raised_at, a.alert_id)
                                       and b.raised_at >= a.raised_at - interval '5 minutes');

create table worn_count (                             -- of table device_day, per day and model: what a rate is divided by
    day           date not null,
    model         text not null,
    area          text not null,
    days          int not null,                       -- devices that were worn on that day
    worn_min      real not null,
    primary key (day, model, area)
);
