-- How long after being asked a member is on the road, as they themselves say; and in which circle a volunteer was asked.
alter table crew add column leaves_after_min smallint not null default 0 check (leaves_after_min between 0 and 120);
alter table assignment add column circle smallint check (circle >= 1);
