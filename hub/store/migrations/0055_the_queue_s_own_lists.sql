-- What stands beside the queue is read with every whole queue: what ended lately, what opened lately (a wave), what an
-- operator was told. Each looked at all the cases or all the pages that there ever were; in the hour of an earthquake
-- every operator gets some thousands of pages.

create index incident_ended on incident (closed_at) where closed_at is not null;
create index page_told on page (person_id, created_at)
    where channel = 'console' and purpose <> 'alarm' and state in ('ready', 'sending', 'sent');
