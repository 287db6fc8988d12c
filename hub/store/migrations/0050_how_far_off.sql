-- How far off a position may be, in metres, as the device said; null: it said nothing. The table itself is made by
-- hub.store.partitions. Organisations read it through views, which have the columns that were there when they were made.
alter table if exists observation add column if not exists accuracy_m real;
drop view if exists carehub_web.observation;
drop view if exists carehub_web.observation_hers;
select carehub_views();
