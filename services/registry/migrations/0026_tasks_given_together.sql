-- What one act gave to several stands together: the id of the act, of tasks given alone none.
alter table task add column together_id uuid;
