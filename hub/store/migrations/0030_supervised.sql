-- What a supervisor answers for: how soon calls were answered and doors reached, calls drawn by lot and reviewed, work
-- orders with their proof, who was visited each month, and what stands behind a subsidy.

-- One row a call, told from its events alone; made anew whenever the case has a new event, so it can be thrown away.
create table service_case (
    incident_id   bigint primary key,                 -- no foreign key: its lock on the case would stand in a press's way
    started_at    timestamptz not null,               -- when people were first called
    kind          text not null,
    severity      int not null,                       -- both as it was opened
    area          text not null,
    resident_id   bigint,
    answered_at   timestamptz,
    answered_by   bigint,
    sent_at       timestamptz,                        -- somebody was sent, or said that he goes
    arrived_at    timestamptz,
    proved        boolean not null default false,     -- the arrival: by her button or a position
    resolved_at   timestamptz,
    closed_at     timestamptz,
    disposition   text,
    went_id       bigint,                             -- who came, else who was to come
    organisation_id bigint                            -- whose he was when it was told
);
create index on service_case (started_at);
create index on service_case (area, started_at);
create index service_case_open on service_case (started_at) where closed_at is null;

create table service_mark (                           -- up to when the events were read; what is read again changes nothing
    one           boolean primary key default true check (one),
    through       timestamptz not null
);

-- Calls drawn by lot for review, and by lot given to reviewers. Seed and population make the same draw anywhere.
create table review_draw (
    id            bigint generated always as identity primary key,
    drawn_at      timestamptz not null,
    drawn_by      bigint references person,           -- null: a command
    since         timestamptz not null,
    until         timestamptz not null,
    area          text not null default '',           -- with everything inside; '' = everywhere
    strata        text[] not null,                    -- what was told apart: area, kind, disposition
    wanted        int not null check (wanted > 0),
    seed          text not null check (seed <> ''),
    seed_from     text not null default '',           -- who named the seed; '' = the hub's own chance
    algorithm     text not null,
    population    jsonb not null,                     -- [[case, stratum, [who had a hand in it]]], in order
    population_sha256 text not null,
    reviewers     bigint[] not null,
    check (until > since)
);

create table review (                                 -- one case of a draw
    id            bigint generated always as identity primary key,
    draw_id       bigint not null references review_draw,
    place         int not null,                       -- in the draw
    incident_id   bigint not null references incident,
    stratum       text not null,
    reviewer_id   bigint references person,           -- null: everybody had a hand in the case
    criteria      jsonb not null default '{}',        -- {"answered": "met" | "not_met" | "none"}
    score         int check (score between 0 and 100),
    finding       text not null default '',
    remedy        text not null default '',           -- what has to be done about it …
    remedy_due    date,
    remedied_at   timestamptz,                        -- … and that it was
    remedied_by   bigint references person,
    reviewed_at   timestamptz,
    reviewed_by   bigint references person,
    unique (draw_id, incident_id),
    unique (draw_id, place)
);
create index on review (reviewer_id) where reviewed_at is null;
create index on review (incident_id);

-- Work orders. What happened to one is a chain of hashes like a case's; who checks is never who did it.
create table work_order (
    id            bigint generated always as identity primary key,
    kind          text not null check (kind ~ '^[a-z_]{1,40}$'),
    source        text not null default '',           -- visit:7, hole:…, silence:9, resident:3:2026-10; '' = by hand
    scope         text not null,                      -- what is to be done
    quality       text not null default '',           -- how it is seen that it was done well
    area          text not null default '',
    place         text not null default '',
    resident_id   bigint references resident,
    device_id     bigint references device,
    due           date not null,
    state         text not null,
    assignee_id   bigint references person,
    organisation_id bigint references organisation,
    done_by       bigint references person,
    created_at    timestamptz not null,
    created_by    text not null,                      -- person:3, hub
    done_at       timestamptz,
    ended_at      timestamptz,                        -- checked or cancelled
    version       int not null default 0
);
create unique index work_order_of on work_order (source) where source <> '' and ended_at is null;
create index on work_order (due) where ended_at is null;
create index on work_order (created_at);
create index on work_order (resident_id) where resident_id is not null;
create index on work_order (assignee_id) where ended_at is null;

create table work_order_event (
    order_id      bigint not null references work_order,
    seq           int not null,
    at            timestamptz not null,
    actor         text not null,
    what          text not null,
    body          jsonb not null,                     -- ids, states and digests; words stand beside it
    prev_hash     bytea not null,
    hash          bytea not null,
    primary key (order_id, seq)
);

create table work_order_word (                        -- what people wrote: may be erased, the chain keeps its digest
    order_id      bigint not null references work_order,
    seq           int not null,
    text          text not null,
    primary key (order_id, seq)
);

create table work_order_file (                        -- evidence; every look at it is logged
    id            bigint generated always as identity primary key,
    order_id      bigint not null references work_order,
    at            timestamptz not null,
    person_id     bigint not null references person,
    media_type    text not null check (media_type in ('image/jpeg', 'image/png', 'image/webp', 'application/pdf')),
    bytes         int not null check (bytes between 1 and 2097152),
    sha256        text not null,
    content       bytea not null,
    unique (order_id, sha256)
);

-- Residents who are visited or spoken with every month, and when somebody did.
create table visiting (
    id            bigint generated always as identity primary key,
    resident_id   bigint not null references resident,
    since         date not null,
    until         date,                               -- the last day; null: still
    reason        text not null,                      -- alone, empty_nest, left_behind, disabled, hardship, bereaved
    entered_by    text not null,
    entered_at    timestamptz not null,
    check (until is null or until >= since)
);
create unique index visiting_now on visiting (resident_id) where until is null;
create index on visiting (resident_id);

create table contact_made (                           -- what may count as the month's visit; hub.visiting says what does
    id            bigint generated always as identity primary key,
    resident_id   bigint not null references resident,
    at            timestamptz not null,
    how           text not null check (how in ('visit', 'phone', 'video')),
    outcome       text not null,                      -- met, spoke, no_answer, not_home, declined
    person_id     bigint references person,           -- who went or rang
    order_id      bigint references work_order,
    incident_id   bigint,                             -- a case in which somebody was with her
    evidence      text not null default '',           -- number of a form, of a recording, of a photo
    note          text not null default '',
    entered_by    text not null,
    entered_at    timestamptz not null
);
create index on contact_made (resident_id, at desc);
create index on contact_made (at);

-- What schemes ask and no device tells: entered from papers, the last row of a fact counts.
create table welfare_fact (
    id            bigint generated always as identity primary key,
    resident_id   bigint not null references resident,
    fact          text not null,                      -- hardship, care_grade, disability_grade, insured, bed_agreement …
    value         text not null,
    document      text not null,                      -- which paper says so
    valid_until   date,
    entered_by    text not null,
    entered_at    timestamptz not null
);
create index on welfare_fact (resident_id, fact, id desc);

create table purchase (
    id            bigint generated always as identity primary key,
    resident_id   bigint not null references resident,
    scheme        text not null,
    item          text not null,
    model         text not null default '',
    device_id     bigint references device,           -- the thing itself, where it is one of ours
    price_fen     bigint not null check (price_fen between 1 and 100000000),
    invoice       text not null default '',           -- its number; '' = missing, and said so
    seller        text not null default '',
    bought_on     date not null,
    entered_by    text not null,
    entered_at    timestamptz not null,
    voided_at     timestamptz,                        -- entered by mistake, or given back; never deleted
    voided_by     text
);
create index on purchase (resident_id);
create unique index purchase_invoice on purchase (invoice, item, resident_id) where invoice <> '' and voided_at is null;
