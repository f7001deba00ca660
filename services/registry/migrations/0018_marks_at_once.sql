-- A list of marks that wait to be sorted in is read by every search and every comparison: while a file is imported that
-- cost five times what sorting them in at once does.
alter index person_mark_marks set (fastupdate = off);
select gin_clean_pending_list('person_mark_marks');
