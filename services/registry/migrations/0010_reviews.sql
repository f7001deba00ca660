-- Reviews (5 Why, 5 Gen) of a case or a call. Their texts stand sealed in ``told``; a lesson is written anew for
-- everybody when the review is approved, and holds nothing personal.
create table review (
    id              uuid primary key,
    area            text not null,
    case_id         uuid references case_file (id),
    call_id         uuid references call (id),
    person_id       uuid references person (id),
    reason          text not null check (reason in ('case', 'incident', 'complaint')),
    -- Of a complaint: the event that told of it, so that it opens one review.
    told_by         uuid,
    protected       boolean not null,
    exercise        boolean not null,
    version         integer not null default 1,
    root_cause      text,
    lesson          text,
    call_kinds      text[] not null default '{}',
    opened_at       timestamptz not null,
    opened_by       text not null,
    approved_at     timestamptz,
    approved_by     text,
    closed_at       timestamptz,
    check (case_id is not null or call_id is not null),
    check ((approved_at is null) = (lesson is null)),
    check (approved_at is null or root_cause is not null),
    check (closed_at is null or approved_at is not null)
);
create unique index review_told_by on review (told_by) where told_by is not null;
create index review_open on review (area, id) where closed_at is null;
create index review_case on review (case_id) where case_id is not null;
create index review_call on review (call_id) where call_id is not null;
create index review_person on review (person_id) where person_id is not null;
create index review_cause on review (area, approved_at) where approved_at is not null;

-- What is done about it: nothing is done without evidence.
create table review_action (
    id              uuid primary key,
    review_id       uuid not null references review (id),
    owner           text not null,
    due_on          date not null,
    made_at         timestamptz not null,
    done_at         timestamptz,
    done_by         text,
    check ((done_at is null) = (done_by is null))
);
create index review_action_review on review_action (review_id);
