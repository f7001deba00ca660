-- Who or what came by a file says so: a group or a person of a list was shown as written by an officer. What came before
-- this release stays as it was written; of those people the rows of files tell it.
alter table person drop constraint person_source_check, add constraint person_source_check
    check (source in ('call', 'desk', 'file'));
alter table identifier drop constraint identifier_source_check, add constraint identifier_source_check
    check (source in ('call', 'desk', 'file'));
alter table membership drop constraint membership_source_check, add constraint membership_source_check
    check (source in ('call', 'desk', 'file'));
