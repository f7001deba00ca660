-- Tours: a booked run may carry several riders. When each is to be fetched and brought gives the order of its stops.

alter table assignment add column pickup_at timestamptz, add column dropoff_at timestamptz;
comment on column assignment.pickup_at is 'when its tour is at the door; what the rider was told is trip.pickup_at';

-- The tours of one unit move together: whether they overlap is asked once all have moved.
alter table run drop constraint run_bookings_do_not_overlap;
alter table run add constraint run_bookings_do_not_overlap
    exclude using gist (unit_id with =, booked with &&) where (status = 'planned' and override_reason is null)
    deferrable initially immediate;

-- Proposals for a day, as they were shown; version counts those of a day that were published.
create table plan (
    id              uuid primary key,
    area            text not null,
    on_day          date not null,
    made_at         timestamptz not null,
    version         integer check (version >= 1),
    body            jsonb not null
);
create unique index plan_version on plan (area, on_day, version) where version is not null;
create index plan_age on plan (area, made_at);
