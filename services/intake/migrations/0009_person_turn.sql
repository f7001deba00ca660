-- How many times the registry had said before who this patient is: of two that tell of it the later counts, whichever
-- is heard first. None: it has not spoken yet.
alter table patient add column person_turn integer;
-- Whether that is presumed: nobody has said so yet.
alter table patient add column person_presumed boolean;
