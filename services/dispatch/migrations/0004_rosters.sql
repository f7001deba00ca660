-- Rosters: which unit should be on duty when, with whom; who gives a shift to whom; who was there, and how long.
-- What must never happen is forbidden here: no unit in two shifts, nobody in two places at once.

create table shift (
    id              uuid primary key,
    area            text not null,
    unit_id         uuid not null references unit,
    kind            text not null,
    during          tstzrange not null,
    note            text,
    exercise        boolean not null,
    dropped         boolean not null default false,
    changed_at      timestamptz not null,
    check (not isempty(during) and lower_inc(during) and not upper_inc(during)),
    check (lower(during) is not null and upper(during) is not null)
);
alter table shift add constraint shift_one_per_unit
    exclude using gist (unit_id with =, during with &&) where (not dropped);
create index shift_days on shift using gist (area, during) where not dropped;

-- Who is to come. Rows go when a shift is dropped, so that people are free for another one.
create table shift_crew (
    shift_id        uuid not null references shift,
    crew_id         uuid not null references crew,
    during          tstzrange not null,
    primary key (shift_id, crew_id)
);
alter table shift_crew add constraint shift_crew_in_one_place
    exclude using gist (crew_id with =, during with &&);

-- One member asks another to take a shift, perhaps for one of theirs: asked, agreed by the other, approved.
create table shift_swap (
    id              uuid primary key,
    area            text not null,
    shift_id        uuid not null references shift,
    from_crew_id    uuid not null references crew,
    to_crew_id      uuid not null references crew,
    for_shift_id    uuid references shift,
    status          text not null check (status in ('asked', 'agreed', 'approved', 'declined', 'refused', 'withdrawn')),
    asked_at        timestamptz not null,
    agreed_at       timestamptz,
    ended_at        timestamptz,
    check (from_crew_id <> to_crew_id),
    check (for_shift_id <> shift_id),
    check ((status in ('asked', 'agreed')) = (ended_at is null))
);
create unique index shift_swap_one_open on shift_swap (shift_id, from_crew_id) where ended_at is null;
create index shift_swap_open on shift_swap (area, id) where ended_at is null;

-- Time served: on duty with a unit, or checked in at a station. Written as it happens, for the roster is only a plan.
create table served (
    id              uuid primary key,
    area            text not null,
    crew_id         uuid not null references crew,
    unit_id         uuid references unit,
    station_id      uuid references station,
    began_at        timestamptz not null,
    ended_at        timestamptz,
    forgotten       boolean not null default false,
    check ((unit_id is null) <> (station_id is null)),
    check (ended_at >= began_at)
);
comment on column served.forgotten is 'nobody checked out: no time counts until somebody says when it ended';
create unique index served_now_with_unit on served (crew_id) where ended_at is null and unit_id is not null;
create unique index served_now_at_station on served (crew_id) where ended_at is null and station_id is not null;
create index served_unit on served (unit_id) where ended_at is null;
create index served_days on served using gist (area, tstzrange(began_at, ended_at));
create index served_forgotten on served (area, id) where forgotten;

insert into served (id, area, crew_id, unit_id, began_at)
select gen_random_uuid(), u.area, d.crew_id, u.id, coalesce(u.duty_at, now())
from on_duty d join unit u on u.id = d.unit_id where not u.exercise;

-- What stands on a station's wall as a QR code: whoever is there may check in. A new code makes the old one useless.
create table station_code (
    station_id      uuid primary key references station,
    code            text not null unique,
    made_at         timestamptz not null
);
create index crew_phone on crew (area, phone) where phone is not null;
