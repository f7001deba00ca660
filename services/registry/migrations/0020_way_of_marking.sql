-- By which way of marking names somebody is found (services/registry/records.py); null: before there was a number for it.
-- Whoever is marked by another than the current one is marked anew by the job that changes keys.
alter table person_mark add column way smallint;
