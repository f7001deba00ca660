-- How somebody is also called, and where whoever has no home is usually found: both sealed.
alter table person add column alias bytea, add column usual_place bytea;

-- Where somebody is registered and where they live now: the code of the smallest area that is known, and the rest sealed.
create table address (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    kind            text not null check (kind in ('registered', 'current')),
    area_code       text,
    detail          bytea,
    key_id          integer,
    since_on        date not null,
    until_on        date,
    check ((detail is null) = (key_id is null)),
    check (area_code is not null or detail is not null),
    check (until_on is null or until_on >= since_on)
);
create index address_person on address (person_id);
create unique index address_one on address (person_id, kind) where until_on is null;
create index address_area on address (area_code text_pattern_ops) where until_on is null;

-- People who live together. Whoever moves out stays in its story, with the days.
create table household (
    id              uuid primary key,
    area            text not null,
    area_code       text,
    detail          bytea,
    key_id          integer,
    exercise        boolean not null default false,
    registered_at   timestamptz not null,
    check ((detail is null) = (key_id is null))
);
create index household_area on household (area_code text_pattern_ops);

create table household_member (
    id              uuid primary key,
    household_id    uuid not null references household (id),
    person_id       uuid not null references person (id),
    role            text not null,
    head            boolean not null default false,
    from_on         date not null,
    until_on        date,
    check (until_on is null or until_on >= from_on)
);
create index household_member_person on household_member (person_id);
create index household_member_household on household_member (household_id);
create unique index household_member_once on household_member (household_id, person_id) where until_on is null;
create unique index household_one_head on household_member (household_id) where head and until_on is null;
create unique index household_of_person on household_member (person_id) where until_on is null;

create table household_group (
    id              uuid primary key,
    household_id    uuid not null references household (id),
    group_code      text not null,
    source          text not null,
    evidence        text,
    from_on         date not null,
    until_on        date,
    check (until_on is null or until_on >= from_on)
);
create unique index household_group_once on household_group (household_id, group_code) where until_on is null;
create index household_group_household on household_group (household_id);

-- Who asked that somebody be secret, or not any more; another person agrees or refuses.
create table disclosure_request (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    wanted          text not null check (wanted in ('restricted', 'secret')),
    reason          text not null,
    asked_by        text not null,
    asked_at        timestamptz not null,
    approved        boolean,
    decided_by      text,
    decided_at      timestamptz,
    check ((approved is null) = (decided_at is null) and (approved is null) = (decided_by is null)),
    check (decided_by is null or not approved or decided_by <> asked_by)
);
create index disclosure_request_person on disclosure_request (person_id);
create unique index disclosure_request_one on disclosure_request (person_id) where approved is null;
