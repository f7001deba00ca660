-- Who was written of longest ago, for the time of keeping.
create index person_untouched on person (changed_at) where erased_at is null;
