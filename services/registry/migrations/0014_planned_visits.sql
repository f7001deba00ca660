-- A visit that somebody is to make: its id is the visit's own from the first word on, so that several phones write one.
-- Who a ``crew_id`` is stands in dispatch; what the visit is for, in words, stands in ``told``.
create table planned_visit (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    crew_ids        uuid[] not null check (cardinality(crew_ids) between 1 and 4),
    kind            text not null,
    forms           text[] not null default '{}',
    due_on          date not null,
    planned_at      timestamptz not null,
    planned_by      text not null,
    done_at         timestamptz,
    cancelled_at    timestamptz,
    check (done_at is null or cancelled_at is null)
);
create index planned_visit_person on planned_visit (person_id, due_on);
create index planned_visit_day on planned_visit (due_on, id);
create index planned_visit_of on planned_visit using gin (crew_ids);
