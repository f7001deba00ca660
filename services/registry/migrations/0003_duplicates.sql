-- Marks by which people are found although their names are spelt otherwise, and by which records are compared that may
-- be one person's: the first eight bytes of a blind index (HMAC-SHA256), all of a person in one row.
create table person_mark (
    person_id       uuid primary key references person (id),
    marks           bigint[] not null,
    key_id          integer not null
);
-- A search reads what waits to be sorted in, too, so little of it may wait.
create index person_mark_marks on person_mark using gin (marks) with (gin_pending_list_limit = 512);

-- Two records that may be one person's, found when either was written down. A reviewed pair does not come back.
create table duplicate (
    id              uuid primary key,
    area            text not null,
    one_id          uuid not null references person (id),
    other_id        uuid not null references person (id),
    score           real not null,
    reasons         text[] not null,
    found_at        timestamptz not null,
    decision        text check (decision in ('link', 'distinct')),
    decided_at      timestamptz,
    check (one_id < other_id),
    check ((decision is null) = (decided_at is null))
);
create unique index duplicate_pair on duplicate (one_id, other_id);
create index duplicate_other on duplicate (other_id);
create index duplicate_open on duplicate (area, score desc, id) where decision is null;

-- This record and its survivor's are one person's. No record is ever rewritten for it: who is one with whom follows from
-- the links that stand, so that ending a link gives two people again.
create table person_link (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    survivor_id     uuid not null references person (id),
    linked_at       timestamptz not null,
    unlinked_at     timestamptz,
    check (person_id <> survivor_id),
    check (unlinked_at is null or unlinked_at >= linked_at)
);
create unique index person_link_one on person_link (person_id) where unlinked_at is null;
create index person_link_person on person_link (person_id);
create index person_link_survivor on person_link (survivor_id);

-- The record that stands for the person whose record this is: itself where it is linked to none.
create function survivor_of(record uuid) returns uuid language sql stable as $$
    with recursive up (id, step) as (
        select record, 0
        union all
        select l.survivor_id, up.step + 1 from up join person_link l on l.person_id = up.id and l.unlinked_at is null
    )
    select id from up order by step desc limit 1
$$;

-- Every record of the person whose record this is, the survivor's among them.
create function records_of(record uuid) returns setof uuid language sql stable rows 2 as $$
    with recursive down (id) as (
        select survivor_of(record)
        union all
        select l.person_id from down join person_link l on l.survivor_id = down.id and l.unlinked_at is null
    )
    select id from down
$$;
