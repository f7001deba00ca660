-- Several units for one call, units lent between municipalities, and the way a unit drove for an assignment.

-- Which of the units that were asked for beside the first this one is; null: sent by hand, or the first.
alter table assignment add column slot text;
create index trip_asks_for_more on trip (area) where ended_at is null and need ?| array['units', 'more'];

-- A unit that serves another municipality for a time. One borrower at a time; it goes home by itself.
create table unit_share (
    id              uuid primary key,
    unit_id         uuid not null references unit,
    home_area       text not null,
    with_area       text not null check (with_area <> home_area),
    begun_at        timestamptz not null,
    until_at        timestamptz not null check (until_at > begun_at),
    ended_at        timestamptz,
    shared_by       text not null
);
create unique index unit_share_one_borrower on unit_share (unit_id) where ended_at is null;
create index unit_share_lent_to on unit_share (with_area) where ended_at is null;
create index unit_share_lent_by on unit_share (home_area) where ended_at is null;

-- Thinned, written in batches, kept for reviews and then dropped: where a unit was while it was on an assignment.
create table trail (
    assignment_id   uuid not null references assignment,
    at              timestamptz not null,
    lon             double precision not null check (lon between -180 and 180),
    lat             double precision not null check (lat between -90 and 90),
    primary key (assignment_id, at)
);
create index trail_at on trail (at);
