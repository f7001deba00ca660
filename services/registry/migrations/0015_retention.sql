-- Who was written of longest ago, for the time of keeping.
create index person_changed on person (changed_at, id);

-- Whether of no record of this one's person anything is younger, and nothing is open.
create function is_quiet(record uuid, since timestamptz) returns boolean language plpgsql stable as $$
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
