-- A later visit of a series that was another organisation's from the start: people were told with the first one.
alter table call add column follows boolean not null default false;
