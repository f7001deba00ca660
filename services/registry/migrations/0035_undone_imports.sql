-- A file of people is undone: what it made and nobody has touched goes, what it filled in goes back to what was before,
-- and of every other row it is said why it stays. Begun, and done when no row is left that was not looked at.
alter table import_run add column undo_begun_at timestamptz, add column undo_by text, add column undo_reason text,
    add column undone_at timestamptz,
    add check ((undo_begun_at is null) = (undo_by is null) and (undo_begun_at is null) = (undo_reason is null)),
    add check (undone_at is null or undo_begun_at is not null);
alter table import_row add column undone text check (undone in ('erased', 'taken_back', 'partly', 'stays')),
    add column stays text[] not null default '{}',
    -- Of a part; what came of a row has the same moment. None: from before this was written down.
    add column taken_at timestamptz;
-- A file that was undone can be sent again.
drop index import_run_once;
create unique index import_run_once on import_run (area, format, file, alike, exercise) where undone_at is null;
create index import_run_file on import_run (area, format, file);

-- What somebody has done since with a person whom a file has made: codes of the list ``undo_why``. What the file wrote of
-- them has the moment of its making, or of a later row of the same file.
create function touched_since_file(record uuid, run uuid) returns text[] language plpgsql stable as $$
declare
    times timestamptz[] := array(select min(known_from) from known where person_id = record and kind = 'person')
        || array(select first_at from person_match where person_id = record and run_id = run);
    taken timestamptz[] := array(
        select coalesce(t.taken_at, f.last_at) from import_row t join import_run f on f.id = t.run_id
        where t.person_id = record and t.run_id = run);
begin
    return array_remove(array[
        case when exists (select from known where person_id = record and known_from <> all(times))
               or exists (select from entered_in_error where person_id = record)
               or exists (select from disclosure_request where person_id = record)
               or exists (select from correction where person_id = record)
             then 'changed' end,
        case when exists (select from person_link where person_id = record or survivor_id = record)
               or exists (select from duplicate where one_id = record and decision is not null)
               or exists (select from duplicate where other_id = record and decision is not null)
               or exists (select from person_match where person_id = record and run_id = run
                          and (decision is not null or method = 'desk'))
             then 'decided' end,
        case when exists (select from call_person where person_id = record)
               or exists (select from person_match where person_id = record and call_id is not null)
               or exists (select from person_match where owner_id = record)
             then 'call' end,
        case when exists (select from case_file where person_id = record)
               or exists (select from care_group_patient where person_id = record)
               or exists (select from review where person_id = record)
             then 'case' end,
        case when exists (select from visit where person_id = record)
               or exists (select from planned_visit where person_id = record)
               or exists (select from assessment where person_id = record)
               or exists (select from picture where person_id = record)
               or exists (select from break_glass where person_id = record)
               or exists (select from community_entry where person_id = record)
             then 'visit' end,
        case when exists (select from life_need where person_id = record
                          and (met_at is not null or case_id is not null or opened_at <> all(taken)))
             then 'need' end,
        case when exists (select from location where person_id = record and recorded_at <> all(taken))
             then 'location' end,
        case when exists (select from consent where person_id = record) then 'consent' end,
        case when exists (
            select from import_row t join import_run f on f.id = t.run_id
            where t.person_id = record and t.run_id <> run and t.verdict <> 'refused' and f.undo_begun_at is null)
             then 'other_file' end
    ], null);
end
$$;
