-- Whose a need is and who proposed a correction, where an agency did: none is the municipality itself. Each owner has its
-- own open need of a kind, so that nobody writes over another's.
alter table life_need add column agency_id uuid;
create unique index life_need_open_of on life_need (
    person_id, need, coalesce(agency_id, '00000000-0000-0000-0000-000000000000'::uuid)) where met_at is null;
drop index life_need_open;
alter table correction add column agency_id uuid;
create index correction_agency on correction (agency_id, id) where agency_id is not null;
