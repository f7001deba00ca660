-- Texts of and about people, each sealed for its place ("told", owner, field): answers, notes, photo references, names.
-- One table, so that a change of keys and an erasure reach every one of them.
create table told (
    owner_id        uuid not null,
    field           text not null,
    person_id       uuid references person (id),
    value           bytea not null,
    key_id          integer not null,
    primary key (owner_id, field)
);
create index told_person on told (person_id) where person_id is not null;
create index told_key on told (key_id);

create table visit (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    case_id         uuid references case_file (id),
    task_id         uuid,
    kind            text not null,
    visited_at      timestamptz not null,
    recorded_at     timestamptz not null,
    visitor         text not null,
    -- How far the volunteer's phone was from where the person is held to live, and whether that was verified.
    distance_m      integer check (distance_m >= 0),
    accuracy_m      integer check (accuracy_m between 0 and 100000)
);
create index visit_person on visit (person_id, visited_at desc);
create index visit_case on visit (case_id) where case_id is not null;

-- What a visit says, field by field: one value stands, what was said at the same time waits beside it.
create table visit_value (
    id              uuid primary key,
    visit_id        uuid not null references visit (id),
    field           text not null,
    version         integer not null check (version >= 1),
    state           text not null check (state in ('stands', 'replaced', 'disputed', 'refused')),
    -- Blind index of visit, field, base and value: sent again it changes nothing.
    once            bytea not null,
    said_by         text not null,
    said_at         timestamptz not null
);
create unique index visit_value_once on visit_value (once);
create unique index visit_value_stands on visit_value (visit_id, field) where state = 'stands';
create index visit_value_disputed on visit_value (visit_id) where state = 'disputed';
create index visit_value_visit on visit_value (visit_id, field);

create table assessment (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    visit_id        uuid references visit (id),
    instrument      text not null,
    version         text not null,
    score           integer not null,
    band            text not null,
    dimensions      text[] not null default '{}',
    assessed_at     timestamptz not null,
    recorded_at     timestamptz not null,
    assessor        text not null
);
create index assessment_person on assessment (person_id, instrument, assessed_at desc);
create index assessment_visit on assessment (visit_id) where visit_id is not null;

-- A changed band proposes joining or leaving a group; a person decides.
create table group_proposal (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    area            text not null,
    group_code      text not null,
    joins           boolean not null,
    assessment_id   uuid not null references assessment (id),
    proposed_at     timestamptz not null,
    decision        text check (decision in ('accepted', 'refused')),
    decided_by      text,
    decided_at      timestamptz,
    check ((decision is null) = (decided_at is null))
);
create unique index group_proposal_open on group_proposal (person_id, group_code) where decision is null;
create index group_proposal_area on group_proposal (area, proposed_at) where decision is null;
create index group_proposal_person on group_proposal (person_id);
create index group_proposal_assessment on group_proposal (assessment_id);

create table life_need (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    case_id         uuid references case_file (id),
    need            text not null,
    urgency         smallint not null check (urgency in (1, 5, 9)),
    opened_at       timestamptz not null,
    opened_by       text not null,
    met_at          timestamptz,
    outcome         text,
    check ((met_at is null) = (outcome is null)),
    check (met_at is null or met_at >= opened_at)
);
create unique index life_need_open on life_need (person_id, need) where met_at is null;
create index life_need_person on life_need (person_id, opened_at desc);

-- What a community can rely on: people, skills, keys, boats. Who it is stands sealed in ``told``.
create table community_entry (
    id              uuid primary key,
    area            text not null,
    community       text not null,
    kind            text not null,
    count           integer not null default 1 check (count >= 1),
    person_id       uuid references person (id),
    checked_at      timestamptz not null,
    ended_at        timestamptz
);
create index community_entry_area on community_entry (area, kind, community, id) where ended_at is null;
create index community_entry_person on community_entry (person_id) where person_id is not null;
