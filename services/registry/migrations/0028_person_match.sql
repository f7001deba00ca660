-- Whoever was taken for somebody whom the register knew, by a call or by a row of a file: by which rule, what of theirs
-- was written by it, and what an officer said of it. Without a number whose document was seen it is to be checked.
create table person_match (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    area            text not null,
    call_id         uuid references call (id),
    patient_id      uuid,
    run_id          uuid references import_run (id),
    row             integer,
    method          text not null,
    to_check        boolean not null,
    -- Whose the number is that was told, where a new record was made because all else speaks against it.
    owner_id        uuid references person (id),
    matched_at      timestamptz not null,
    -- The database's own time of the first and the last writing, as ``known`` has it.
    first_at        timestamptz not null default now(),
    last_at         timestamptz not null default now(),
    -- What was written: fields of ``person``, needs that were added, and rows of other tables.
    fields          text[] not null default '{}',
    needs           text[] not null default '{}',
    facts           uuid[] not null default '{}',
    decision        text check (decision in ('confirmed', 'unmatched')),
    decided_at      timestamptz,
    instead_id      uuid references person (id),
    check ((call_id is null) = (patient_id is null) and (run_id is null) = (row is null)),
    check ((call_id is null) <> (run_id is null)),
    check ((decision is null) = (decided_at is null)),
    check (instead_id is null or decision = 'unmatched')
);
create index person_match_person on person_match (person_id, id);
create index person_match_call on person_match (call_id, patient_id) where call_id is not null;
create index person_match_run on person_match (run_id, row) where run_id is not null;
create index person_match_owner on person_match (owner_id) where owner_id is not null;
create index person_match_instead on person_match (instead_id) where instead_id is not null;
create index person_match_open on person_match (area, id) where to_check and decision is null;

-- How many times it was said before who this patient is; whoever hears of two counts the later.
alter table call_person add column turn integer not null default 0;

-- What was told before: how it was decided is known, what it wrote is not.
insert into person_match (id, person_id, area, call_id, patient_id, method, to_check, matched_at, first_at, last_at)
select gen_random_uuid(), m.person_id, p.area, m.call_id, m.patient_id, m.method, m.doubt, m.matched_at, m.matched_at,
       m.matched_at
from call_person m join person p on p.id = m.person_id and p.erased_at is null where m.method <> 'new' or m.doubt;

-- A fact that goes to another person takes what was known of it along.
create function move_known() returns trigger language plpgsql as $$
begin
    update known set person_id = new.person_id, doc = jsonb_set(doc, '{person_id}', to_jsonb(new.person_id))
    where kind = tg_table_name and row_id = new.id;
    return null;
end
$$;
create trigger identifier_moved after update of person_id on identifier for each row
    when (old.person_id <> new.person_id) execute function move_known();
create trigger contact_moved after update of person_id on contact for each row
    when (old.person_id <> new.person_id) execute function move_known();
create trigger address_moved after update of person_id on address for each row
    when (old.person_id <> new.person_id) execute function move_known();
create trigger membership_moved after update of person_id on membership for each row
    when (old.person_id <> new.person_id) execute function move_known();
