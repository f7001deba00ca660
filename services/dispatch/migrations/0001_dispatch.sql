-- Dispatch: resources, trips, runs, assignments. What must never happen is forbidden here, whatever the program
-- believes: no unit in two open runs, no two units that hold one trip, no overlapping bookings, no crew on two units.

create extension if not exists btree_gist;

-- --- resources -----------------------------------------------------------------------------------------------

create table station (
    id              uuid primary key,
    area            text not null,
    name            text not null,
    name_en         text,
    lon             double precision not null check (lon between -180 and 180),
    lat             double precision not null check (lat between -90 and 90),
    phone           text,
    active          boolean not null,
    changed_at      timestamptz not null
);

create table facility (
    id              uuid primary key,
    area            text not null,
    kind            text not null,
    name            text not null,
    name_en         text,
    lon             double precision not null check (lon between -180 and 180),
    lat             double precision not null check (lat between -90 and 90),
    phone           text,
    active          boolean not null,
    changed_at      timestamptz not null
);

create table vehicle (
    id              uuid primary key,
    area            text not null,
    kind            text not null,
    name            text not null,
    plate           text,
    station_id      uuid references station,
    seats           integer not null check (seats >= 0),
    wheelchairs     integer not null check (wheelchairs >= 0),
    stretchers      integer not null check (stretchers >= 0),
    equipment       text[] not null,
    active          boolean not null,
    exercise        boolean not null,
    changed_at      timestamptz not null
);

-- A root with personal data; erasure blanks it and keeps the row, for what it did stays on record.
-- skills: {"<skill>": "<last day of the certificate>" | null}.
create table crew (
    id              uuid primary key,
    area            text not null,
    kind            text not null check (kind in ('staff', 'volunteer', 'partner')),
    name            text not null,
    phone           text,
    line_user_id    text,
    language        text not null,
    quiet_from      text,
    quiet_until     text,
    organisation    text,
    skills          jsonb not null,
    station_id      uuid references station,
    active          boolean not null,
    exercise        boolean not null,
    changed_at      timestamptz not null,
    erased_at       timestamptz,
    check (erased_at is null or (phone is null and line_user_id is null and not active))
);

-- facts: what the unit can do with this crew in this vehicle, computed whenever one of them changes.
create table unit (
    id              uuid primary key,
    area            text not null,
    call_sign       text not null,
    station_id      uuid references station,
    level           text not null check (level in ('transport', 'fr', 'bls', 'ils', 'als')),
    volunteer       boolean not null,
    exercise        boolean not null,
    active          boolean not null,
    usual_vehicle_id uuid references vehicle,
    usual_crew_ids  uuid[] not null,
    vehicle_id      uuid references vehicle,
    crew_ids        uuid[] not null default '{}',
    duty            text not null default 'off_duty' check (duty in ('on_duty', 'off_duty', 'out_of_service')),
    duty_at         timestamptz,
    until_at        timestamptz,
    out_of_service_reason text,
    cleanliness     text not null default 'clean' check (cleanliness in ('clean', 'contaminated')),
    contaminated_at timestamptz,
    facts           jsonb not null default '{}',
    version         bigint not null default 1,
    changed_at      timestamptz not null,
    check (duty <> 'on_duty' or (vehicle_id is not null and cardinality(crew_ids) >= 1)),
    check ((duty = 'out_of_service') = (out_of_service_reason is not null)),
    check ((cleanliness = 'contaminated') = (contaminated_at is not null))
);
create unique index unit_one_per_vehicle on unit (vehicle_id) where duty = 'on_duty';
create index unit_on_duty on unit (area) where duty = 'on_duty';

-- Who is on which unit now: nobody is on two.
create table on_duty (
    crew_id         uuid primary key references crew,
    unit_id         uuid not null references unit
);
create index on_duty_unit on on_duty (unit_id);

-- --- trips ---------------------------------------------------------------------------------------------------

-- need: codes only, what a unit must bring. details: the personal half (names, addresses), blanked by erasure.
create table trip (
    id              uuid primary key,
    call_id         uuid not null,
    patient_id      uuid,
    person_id       uuid,
    leg             text not null check (leg in ('outbound', 'return')),
    outbound_id     uuid references trip,
    area            text not null,
    amphoe          text,
    protected       boolean not null,
    exercise        boolean not null,
    back_entry      boolean not null,
    kind            text not null,
    lane            text not null check (lane in ('emergency', 'booked')),
    severity        text not null check (severity in ('red', 'pink', 'yellow', 'green', 'white', 'black')),
    severity_scheme text not null check (severity_scheme in ('cbd', 'ed5')),
    status          text not null check (status in ('awaiting_ready', 'requested', 'queued', 'planned', 'unassigned',
                                                    'under_way', 'completed', 'cancelled')),
    previous_status text,
    outcome         text,
    reason          text,
    received_at     timestamptz not null,
    on_day          date not null,
    pickup_earliest_at timestamptz,
    pickup_latest_at timestamptz,
    arrive_by_at    timestamptz,
    pickup_at       timestamptz,
    ready_at        timestamptz,
    now_at          timestamptz,
    queued_at       timestamptz,
    queue_reasons   text[] not null default '{}',
    ended_at        timestamptz,
    need            jsonb not null,
    details         jsonb not null,
    pickup_lon      double precision,
    pickup_lat      double precision,
    drop_lon        double precision,
    drop_lat        double precision,
    facility_id     uuid,
    version         bigint not null default 1,
    check ((status in ('completed', 'cancelled')) = (ended_at is not null)),
    check ((status = 'queued') <= (queued_at is not null))
);
comment on column trip.now_at is 'since when a unit is needed at once; null while the trip is only booked for later';
create unique index trip_one_per_person_and_leg on trip (call_id, patient_id, leg) nulls not distinct
    where status <> 'cancelled';
create index trip_call on trip (call_id);
create index trip_person on trip (person_id) where person_id is not null;
create index trip_day on trip (area, on_day, id);
create index trip_waiting on trip (area, now_at) where now_at is not null and status in ('requested', 'queued', 'unassigned');

-- --- runs ----------------------------------------------------------------------------------------------------

create table run (
    id              uuid primary key,
    unit_id         uuid not null references unit,
    area            text not null,
    lane            text not null check (lane in ('emergency', 'booked')),
    exercise        boolean not null,
    status          text not null check (status in ('planned', 'open', 'closed', 'dropped')),
    booked          tstzrange,
    override_reason text,
    opened_at       timestamptz,
    closed_at       timestamptz,
    at_base_at      timestamptz,
    check (status not in ('open', 'closed') or opened_at is not null),
    check ((status = 'closed') = (closed_at is not null)),
    check (status <> 'planned' or booked is not null)
);
-- A unit drives one open run at a time.
create unique index run_one_open_per_unit on run (unit_id) where status = 'open';
-- Booked windows of one unit do not overlap, unless a person wrote down why they may.
alter table run add constraint run_bookings_do_not_overlap
    exclude using gist (unit_id with =, booked with &&) where (status = 'planned' and override_reason is null);
create index run_unit on run (unit_id, status);

-- --- assignments -----------------------------------------------------------------------------------------------

create table assignment (
    id              uuid primary key,
    trip_id         uuid not null references trip,
    run_id          uuid references run,
    unit_id         uuid not null references unit,
    area            text not null,
    role            text not null check (role in ('primary', 'support')),
    way             text not null check (way in ('order', 'offer')),
    status          text not null check (status in ('proposed', 'ordered', 'offered', 'accepted', 'declined', 'expired',
                        'en_route', 'at_scene', 'left_scene', 'at_destination', 'cleared', 'released')),
    previous_status text,
    crew_ids        uuid[] not null,
    attempt         integer not null check (attempt >= 1),
    asked_at        timestamptz not null,
    respond_by_at   timestamptz,
    start_at        timestamptz,
    accepted_at     timestamptz,
    en_route_at     timestamptz,
    at_scene_at     timestamptz,
    left_scene_at   timestamptz,
    at_destination_at timestamptz,
    cleared_at      timestamptz,
    at_base_at      timestamptz,
    ended_at        timestamptz,
    outcome         text,
    rc              text,
    facility_id     uuid,
    reason          text,
    unreached       uuid[] not null default '{}',
    back_entry      boolean not null,
    -- Ordered and booked assignments belong to a run; an offer gets one on acceptance.
    check (run_id is not null or status in ('proposed', 'offered', 'declined', 'expired', 'released')),
    check ((status in ('declined', 'expired', 'cleared', 'released')) = (ended_at is not null))
);
comment on column assignment.unreached is 'crew members whom no message reached: silence that need not be waited for';
comment on column assignment.start_at is 'when the crew must set out; null: at once';
-- One accepted, unfinished primary per trip: the first to accept keeps it.
create unique index assignment_one_primary_per_trip on assignment (trip_id) where role = 'primary'
    and status in ('accepted', 'en_route', 'at_scene', 'left_scene', 'at_destination');
-- A unit is asked once at a time for a trip.
create unique index assignment_once_per_unit on assignment (trip_id, unit_id)
    where status not in ('declined', 'expired', 'released', 'cleared');
create index assignment_unit_open on assignment (unit_id) where ended_at is null;
create index assignment_run on assignment (run_id);
create index assignment_trip on assignment (trip_id);
create index assignment_waiting on assignment (area, unit_id) where start_at is null
    and status in ('proposed', 'ordered', 'offered');

-- Every stamp and correction as it was reported, append-only. said_at is the reporter's own time, at the one kept.
create table step (
    id              uuid primary key,
    assignment_id   uuid not null references assignment,
    step            text not null check (step in ('accept', 'decline', 'en_route', 'at_scene', 'left_scene',
                                                  'at_destination', 'clear', 'at_base')),
    said_at         timestamptz not null,
    at              timestamptz not null,
    recorded_at     timestamptz not null,
    by              text not null check (by in ('person', 'system')),
    actor           text not null,
    crew_id         uuid,
    on_behalf       boolean not null,
    status          text not null,
    previous_status text not null,
    correction_of   uuid references step,
    previous_at     timestamptz,
    odometer_km     double precision check (odometer_km >= 0),
    rc              text,
    outcome         text,
    facility_id     uuid,
    reason          text,
    check ((correction_of is null) or (reason is not null))
);
-- The same step reported again is the same step.
create unique index step_once on step (assignment_id, step, said_at, (correction_of is not null));
create index step_assignment on step (assignment_id, recorded_at);
create function step_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'step is append-only';
end $$;
create trigger step_append_only before update or delete on step for each row execute function step_is_append_only();

-- Groups a person belongs to, as the registry tells: they ask for more of a crew. Wiped with the person.
create table person_group (
    membership_id   uuid primary key,
    person_id       uuid not null,
    group_code      text not null
);
create index person_group_person on person_group (person_id);

create table handover (
    id              uuid primary key,
    assignment_id   uuid not null references assignment,
    trip_id         uuid not null references trip,
    patient_id      uuid not null,
    said_at         timestamptz not null,
    at              timestamptz not null,
    recorded_at     timestamptz not null,
    receiver        text not null,
    facility_id     uuid,
    outcome         text,
    actor           text not null,
    crew_id         uuid,
    unique (assignment_id, said_at)
);
create index handover_trip on handover (trip_id);
