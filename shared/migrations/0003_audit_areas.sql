-- Whose people acted, and whose record it was: an auditor sees what concerns their own municipalities. Rows without any
-- (older ones, and searches of the whole province that found nothing) are for those who audit all of them.
alter table audit add column areas text[] not null default '{}';
