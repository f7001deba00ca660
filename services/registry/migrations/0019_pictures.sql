-- Pictures of visits and of where somebody was seen to live: made anew here as JPEG without anything hidden, sealed
-- (AES-256-GCM; "picture", id, "image"), in no event.
create table picture (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    visit_id        uuid references visit (id),
    location_id     uuid references location (id),
    image           bytea not null check (octet_length(image) <= 1048576),
    width           integer not null check (width > 0),
    height          integer not null check (height > 0),
    key_id          integer not null,
    taken_by        text not null,
    kept_at         timestamptz not null,
    check ((visit_id is null) <> (location_id is null))
);
-- What is sealed cannot be pressed together.
alter table picture alter column image set storage external;
create index picture_person on picture (person_id);
create index picture_visit on picture (visit_id, kept_at) where visit_id is not null;
create index picture_location on picture (location_id, kept_at) where location_id is not null;
create index picture_key on picture (key_id);

-- As in 0015, and a picture that is younger.
-- Whether of no record of this one's person anything is younger, and nothing is open.
create or replace function is_quiet(record uuid, since timestamptz) returns boolean language plpgsql stable as $$
declare
    records uuid[] := array(select records_of(record));
begin
    return not (
        exists (select from known where person_id = any(records) and known_from >= since)
        or exists (select from membership where person_id = any(records)
                   and (until_on is null or until_on >= since::date))
        or exists (select from case_file where person_id = any(records) and (closed_at is null or closed_at >= since))
        or exists (select from call_person where person_id = any(records) and matched_at >= since)
        or exists (select from life_need where person_id = any(records) and (met_at is null or met_at >= since))
        or exists (select from planned_visit where person_id = any(records)
                   and (planned_at >= since or due_on >= since::date and cancelled_at is null))
        or exists (select from visit where person_id = any(records) and recorded_at >= since)
        or exists (select from assessment where person_id = any(records) and recorded_at >= since)
        or exists (select from location where person_id = any(records) and recorded_at >= since)
        or exists (select from picture where person_id = any(records) and kept_at >= since)
        or exists (select from consent where person_id = any(records)
                   and (recorded_at >= since or withdrawn_at >= since
                        or withdrawn_at is null and (until_on is null or until_on >= since::date)))
        or exists (select from household_member m cross join lateral (
                       select from household_group g where g.household_id = m.household_id and g.until_on is null offset 0) g
                   where m.person_id = any(records) and m.until_on is null)
        or exists (select from care_group_patient where person_id = any(records))
        or exists (select from correction where person_id = any(records) and decision is null)
        or exists (select from disclosure_request where person_id = any(records) and approved is null)
    );
end
$$;
