-- When the passenger was last told a vehicle comes: so they are told once per time, and of a new one when it is taken.
alter table trip add column told_pickup_at timestamptz;
