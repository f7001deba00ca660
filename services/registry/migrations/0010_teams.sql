-- Tasks in a case, its team across organisations, care groups, and corrections that another agency proposes. Who an
-- ``assignee_id`` or ``crew_id`` is stands in dispatch; agencies by their ids.
create table task (
    id              uuid primary key,
    case_id         uuid not null references case_file (id),
    kind            text not null,
    assignee_id     uuid,
    agency_id       uuid,
    due_on          date not null,
    assigned_at     timestamptz not null,
    assigned_by     text not null,
    overdue_at      timestamptz,
    done_at         timestamptz,
    done_by         text,
    outcome         text,
    check (assignee_id is not null or agency_id is not null),
    check ((done_at is null) = (outcome is null) and (done_at is null) = (done_by is null))
);
create index task_case on task (case_id, due_on);
create index task_open on task (due_on, id) where done_at is null;
create index task_of on task (assignee_id, due_on) where done_at is null and assignee_id is not null;

create table team_member (
    id              uuid primary key,
    case_id         uuid not null references case_file (id),
    crew_id         uuid not null,
    agency_id       uuid,
    role            text not null,
    answer          text not null default 'invited' check (answer in ('invited', 'accepted', 'declined')),
    invited_at      timestamptz not null,
    invited_by      text not null,
    answered_at     timestamptz,
    check ((answer = 'invited') = (answered_at is null))
);
create unique index team_member_once on team_member (case_id, crew_id);

create table care_group (
    id              uuid primary key,
    area            text not null,
    name            text not null,
    changed_at      timestamptz not null
);
create index care_group_area on care_group (area, id);
create table care_group_member (
    group_id        uuid not null references care_group (id),
    crew_id         uuid not null,
    role            text not null,
    primary key (group_id, crew_id)
);
create table care_group_patient (
    group_id        uuid not null references care_group (id),
    person_id       uuid not null references person (id),
    primary key (group_id, person_id)
);
create index care_group_patient_person on care_group_patient (person_id);

-- What another municipality holds to be otherwise: the value sealed in ``told`` until the owner has decided.
create table correction (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    area            text not null,
    fields          text[] not null check (cardinality(fields) > 0),
    proposed_by     text not null,
    proposed_in     text[] not null,
    proposed_at     timestamptz not null,
    decision        text check (decision in ('accepted', 'refused')),
    decided_by      text,
    decided_at      timestamptz,
    check ((decision is null) = (decided_at is null))
);
create index correction_open on correction (area, id) where decision is null;
create index correction_person on correction (person_id);
