-- Who wrote somebody down at a desk: an account that is held to places goes on seeing them, also where no place of theirs
-- is known. Not of calls and files. Whole, for every person is asked about by it or by the id.
alter table person add column registered_by text;
create index person_registered_by on person (registered_by, id);
