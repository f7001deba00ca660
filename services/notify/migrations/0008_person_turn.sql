-- How many times the registry had said before who this patient is: of two that tell of it the later counts, whichever
-- is heard first, and what the call itself says no more.
alter table recipient add column person_turn integer not null default 0;
