-- How many times the registry had said before who this patient is: of two that tell of it the later counts, whichever
-- is heard first.
alter table trip add column person_turn integer not null default 0;
