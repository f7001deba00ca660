-- Statements that found their rows only by walking a whole table.
create index membership_person on membership (person_id, from_on desc);
create index contact_source on contact (source_call_id) where source_call_id is not null;
