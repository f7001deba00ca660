-- Calls: what somebody asked. Open facts first, then what is personal. PostgreSQL holds the laws of a call's life.

-- The running number of an area and month of the Buddhist era (series KLS-6911), raised in the call's own
-- transaction: so no gaps.
create table number_series (
    area            text not null,
    series          text not null check (series ~ '^[A-Z]{2,5}-[0-9]{4}$'),
    last            integer not null check (last >= 1),
    primary key (area, series)
);

create table call (
    id                  uuid primary key,
    area                text not null,
    number              text not null,
    version             integer not null check (version >= 1),
    status              text not null check (status in ('open', 'handed_over', 'withdrawn', 'closed')),
    stage               text not null check (stage in ('received', 'queued', 'assigned', 'on_the_way', 'at_scene',
                                                       'to_destination', 'at_destination', 'done', 'handed_over',
                                                       'withdrawn', 'closed')),
    kind                text not null check (kind in ('medical', 'transfer', 'welfare', 'device', 'hazard', 'other')),
    lane                text not null check (lane in ('emergency', 'booked')),
    channel             text not null check (channel in ('phone', 'line', 'web', 'partner', 'walk_in', 'topic', 'file',
                                                         'centre_1669')),
    severity            text not null check (severity in ('red', 'pink', 'yellow', 'green', 'white', 'black')),
    severity_scheme     text not null check (severity_scheme in ('cbd', 'ed5')),
    rc                  text check (rc in ('red', 'pink', 'yellow', 'green', 'white', 'black')),
    criteria_group      integer check (criteria_group between 1 and 25),
    idc                 text,
    hazard              text,
    requirements        text[] not null,
    served              boolean not null,
    back_entry          boolean not null,
    exercise            boolean not null,
    protected           boolean not null,
    amphoe              text check (amphoe ~ '^[0-9]{4}$'),
    patient_count       integer not null check (patient_count >= 0),
    received_at         timestamptz not null,
    taken_at            timestamptz not null,
    taken_by            text not null,
    answered_at         timestamptz,
    ended_at            timestamptz,
    outcome             text,
    reason              text,
    reason_text         text,
    updated_at          timestamptz not null,
    erased_at           timestamptz,
    series_of           uuid references call (id),
    occurrence          integer check (occurrence >= 1),

    caller_name         text,
    caller_name_key     text,
    caller_phone        text,
    caller_phone_typed  text,
    caller_relation     text,
    caller_line_user_id text,
    caller_language     text,
    lat                 double precision check (lat between -90 and 90),
    lon                 double precision check (lon between -180 and 180),
    point_typed         text,
    address             text,
    landmark            text,
    tambon_code         text,
    community           text,
    destination         jsonb,
    complaint           text,
    answers             jsonb,
    appointment         jsonb,
    appointment_at      timestamptz,
    companions          integer not null check (companions between 0 and 50),
    external_refs       jsonb not null,
    notes               text,
    tracking_code       text,

    constraint call_number_once unique (area, number),
    constraint call_tracking_code_once unique (tracking_code),
    constraint call_occurrence_once unique (series_of, occurrence),
    constraint call_not_from_the_future check (received_at <= taken_at),
    constraint call_colour_of_its_scheme check (not (severity = 'pink' and severity_scheme = 'cbd')
                                                and not (severity = 'black' and severity_scheme = 'ed5')),
    constraint call_point_is_whole check ((lat is null) = (lon is null)),
    constraint call_ended_when_over check ((status = 'open') = (ended_at is null)),
    constraint call_erased_is_empty check (erased_at is null or (tracking_code is null and series_of is null))
);
create index call_board on call (area, received_at desc, id desc);
create index call_open on call (area, status) where status = 'open';
create index call_phone on call (caller_phone) where caller_phone is not null;
create index call_name on call (caller_name_key text_pattern_ops) where caller_name_key is not null;
create index call_recent on call (area, received_at) where status in ('open', 'handed_over');
create index call_series on call (series_of, occurrence) where series_of is not null;
create index call_line_user on call (caller_line_user_id) where caller_line_user_id is not null;

create table patient (
    id              uuid primary key,
    call_id         uuid not null references call (id),
    position        integer not null check (position >= 1),
    person_id       uuid,
    name            text,
    name_key        text,
    national_id     text,
    birth_on        date,
    birth_year      integer,
    age             integer check (age between 0 and 130),
    sex             text,
    mobility        text,
    needs           text[] not null,
    groups          text[] not null,
    constraint patient_position_once unique (call_id, position) deferrable initially deferred
);
create index patient_person on patient (person_id) where person_id is not null;
create index patient_name on patient (name_key text_pattern_ops) where name_key is not null;

-- Two calls that belong together. Of duplicates the leading call's trips serve both.
create table call_link (
    id              uuid primary key,
    call_id         uuid not null references call (id),
    other_call_id   uuid not null references call (id),
    link            text not null check (link in ('duplicate', 'occurrence', 'carry_over', 'related')),
    linked_at       timestamptz not null,
    linked_by       text not null,
    unlinked_at     timestamptz,
    unlinked_by     text,
    constraint link_joins_two check (call_id <> other_call_id)
);
create unique index link_one_leader on call_link (call_id) where link = 'duplicate' and unlinked_at is null;
create unique index link_once on call_link (call_id, other_call_id, link) where unlinked_at is null;
create index link_other on call_link (other_call_id) where unlinked_at is null;

-- Given to somebody else: when, to whom, why. ends_call false: they come as well.
create table hand_over (
    id              uuid primary key,
    call_id         uuid not null references call (id),
    receiver        text not null,
    receiver_name   text,
    reason          text not null,
    reason_text     text,
    ends_call       boolean not null,
    at              timestamptz not null,
    by_actor        text not null
);
create index hand_over_call on hand_over (call_id);

-- One of the six barriers of a call, with the action that meets it.
create table barrier (
    id              uuid primary key,
    call_id         uuid not null references call (id),
    area            text not null,
    patient_id      uuid,
    barrier         text not null check (barrier in ('money', 'people', 'time', 'knowledge', 'vehicle', 'equipment')),
    action          text not null,
    owner           text not null,
    state           text not null check (state in ('asked', 'met', 'unmet')),
    outcome         text,
    reason          text,
    exercise        boolean not null,
    opened_at       timestamptz not null,
    ended_at        timestamptz,
    carried_from    uuid references barrier (id),
    constraint barrier_once_per_call unique (call_id, barrier),
    constraint barrier_carried_once unique (carried_from),
    constraint barrier_ended_when_over check ((state = 'asked') = (ended_at is null)),
    constraint barrier_unmet_says_why check (state <> 'unmet' or reason is not null)
);
create index barrier_area on barrier (area, opened_at);

-- What the desk must not overlook. Stays until somebody acknowledges it.
create table alarm (
    id              uuid primary key,
    kind            text not null check (kind in ('unanswered', 'hand_over')),
    call_id         uuid not null references call (id),
    area            text not null,
    raised_at       timestamptz not null,
    answered_at     timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    constraint alarm_once_per_call unique (kind, call_id)
);
create index alarm_standing on alarm (area, raised_at) where acknowledged_at is null;

-- What dispatch and notify say of our calls: as much as is needed to tell how far a call is.
create table trip_seen (
    id              uuid primary key,
    call_id         uuid not null,
    state           text not null check (state in ('waiting', 'queued', 'planned', 'completed', 'cancelled')),
    leg             text,
    outcome         text,
    seen_at         timestamptz not null
);
create index trip_seen_call on trip_seen (call_id);

create table assignment_seen (
    id              uuid primary key,
    call_id         uuid not null,
    trip_id         uuid,
    state           text not null,
    rc              text,
    seen_at         timestamptz not null
);
create index assignment_seen_call on assignment_seen (call_id);

create table rating_seen (
    id              uuid primary key,
    call_id         uuid not null,
    score           integer,
    complaint       boolean not null,
    given_at        timestamptz not null
);
create index rating_seen_call on rating_seen (call_id);

-- Whom the registry keeps secret: what grows from their calls shows only id and time.
create table person_seen (
    id              uuid primary key,
    secret          boolean not null
);

-- A telephone exchange says who rings; forgotten after an hour.
create table ringing (
    id              uuid primary key,
    area            text not null,
    phone           text not null,
    rang_at         timestamptz not null
);
create index ringing_recent on ringing (area, rang_at);
