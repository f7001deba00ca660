-- Facilities that are told and answer, waiting beds, the chain of custody of infectious waste, hydrants, equipment.

-- A facility is told who comes; somebody there takes the person or does not.
create table facility_alert (
    id              uuid primary key,
    area            text not null,
    trip_id         uuid not null references trip,
    assignment_id   uuid not null references assignment,
    facility_id     uuid not null references facility,
    expected_at     timestamptz,
    alerted_at      timestamptz not null,
    status          text not null check (status in ('alerted', 'accepted', 'refused')),
    answered_at     timestamptz,
    reason          text,
    other_facility_id uuid references facility,
    check ((status = 'alerted') = (answered_at is null)),
    check ((status = 'refused') = (reason is not null))
);
create unique index facility_alert_once on facility_alert (assignment_id, facility_id) where status <> 'refused';
create index facility_alert_trip on facility_alert (trip_id);
create index facility_alert_recent on facility_alert (area, alerted_at);

-- A bed in which somebody may wait, and who has it: held until a moment, or used.
create table bed (
    id              uuid primary key,
    area            text not null,
    facility_id     uuid not null references facility,
    name            text not null,
    kind            text not null,
    active          boolean not null,
    changed_at      timestamptz not null
);
create index bed_facility on bed (facility_id) where active;
create table bed_hold (
    id              uuid primary key,
    area            text not null,
    bed_id          uuid not null references bed,
    trip_id         uuid references trip,
    held_at         timestamptz not null,
    expires_at      timestamptz,
    used_at         timestamptz,
    ended_at        timestamptz,
    reason          text,
    check ((ended_at is null) = (reason is null)),
    check (ended_at is not null or (used_at is null) = (expires_at is not null))
);
-- A bed is one person's at a time.
create unique index bed_hold_one on bed_hold (bed_id) where ended_at is null;
create index bed_hold_trip on bed_hold (trip_id) where trip_id is not null;

-- Infectious waste: what was packed, and every hand that took it. Append-only but for who has it now.
create table waste (
    id              uuid primary key,
    area            text not null,
    unit_id         uuid not null references unit,
    trip_id         uuid references trip,
    bags            integer not null check (bags between 1 and 1000),
    weight_g        integer check (weight_g >= 0),
    sealed          boolean not null,
    packed_at       timestamptz not null,
    recorded_at     timestamptz not null,
    actor           text not null,
    crew_id         uuid,
    exercise        boolean not null,
    disposed_at     timestamptz
);
create index waste_day on waste (area, packed_at);
create table waste_handover (
    id              uuid primary key,
    waste_id        uuid not null references waste,
    number          integer not null check (number >= 1),
    receiver        text not null,
    bags            integer not null check (bags between 1 and 1000),
    weight_g        integer check (weight_g >= 0),
    at              timestamptz not null,
    recorded_at     timestamptz not null,
    actor           text not null,
    crew_id         uuid,
    unique (waste_id, number)
);

create table hydrant (
    id              uuid primary key,
    area            text not null,
    name            text not null,
    lon             double precision not null check (lon between -180 and 180),
    lat             double precision not null check (lat between -90 and 90),
    active          boolean not null,
    status          text not null,
    checked_at      timestamptz,
    note            text,
    changed_at      timestamptz not null
);
create index hydrant_area on hydrant (area, id);
create table hydrant_check (
    id              uuid primary key,
    hydrant_id      uuid not null references hydrant,
    status          text not null,
    at              timestamptz not null,
    note            text,
    actor           text not null
);
create index hydrant_check_of on hydrant_check (hydrant_id, at);

-- What a neighbourhood keeps for an emergency, and what of it is out with a trip.
create table equipment_account (
    id              uuid primary key,
    area            text not null,
    kind            text not null,
    community       text not null,
    keeper          text,
    count           integer not null check (count between 0 and 1000),
    condition       text not null,
    maintenance_due_on date,
    active          boolean not null,
    changed_at      timestamptz not null
);
create index equipment_area on equipment_account (area, id);
create table equipment_loan (
    id              uuid primary key,
    area            text not null,
    account_id      uuid not null references equipment_account,
    trip_id         uuid not null references trip,
    count           integer not null check (count >= 1),
    lent_at         timestamptz not null,
    due_at          timestamptz,
    returned_at     timestamptz,
    condition       text,
    check ((returned_at is null) = (condition is null))
);
create index equipment_loan_out on equipment_loan (account_id) where returned_at is null;
create index equipment_loan_trip on equipment_loan (trip_id);
