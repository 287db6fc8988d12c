-- Policies with history: every publication is a version of its own, with who, when, why, and against which doubts.

alter table policy_version drop constraint policy_version_sha256_key;   -- an old text put back is a new version
alter table policy_version add published_at timestamptz not null default hub_now();
alter table policy_version add published_as text not null default '';   -- the publisher's name then, or the program's
alter table policy_version add comment text not null default '';
alter table policy_version add forced jsonb not null default '[]';      -- doubts it was published in spite of: [[line, zh, en]]
alter table policy_version add restored bigint references policy_version;   -- the version whose text was put back
update policy_version v set published_at = active_from,
    published_as = coalesce((select name from person where id = v.published_by), '');
