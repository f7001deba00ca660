-- The open tasks of one agency are found by themselves, not by walking those of every municipality it works with.
create index task_agency on task (agency_id, id) where done_at is null and agency_id is not null;
