-- The tambon of a call, so that a crew that is asked knows where it would go: as coarse as that, never a home.
alter table call add column tambon_code text;
