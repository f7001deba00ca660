-- People, what recognises them, the calls made for them, their cases; and three projections of what others say.
-- Every bytea called name, birth, value or line_user_id is sealed (AES-256-GCM, shared/crypto.py); blind is a blind
-- index (HMAC-SHA256). No column but id, area and source is needed for a person to exist.

create table person (
    id              uuid primary key,
    area            text not null,
    source          text not null check (source in ('call', 'desk')),
    source_call_id  uuid,
    name            bytea,
    birth           bytea,
    line_user_id    bytea,
    sex             text check (sex in ('male', 'female', 'other')),
    language        text not null default 'th' check (language in ('th', 'en')),
    mobility        text check (mobility in ('walking', 'assisted', 'wheelchair', 'stretcher')),
    needs           text[] not null default '{}',
    may_be_texted   boolean not null default true,
    quiet_from      text,
    quiet_until     text,
    disclosure      text not null default 'restricted' check (disclosure in ('shared', 'restricted', 'secret')),
    exercise        boolean not null default false,
    registered_at   timestamptz not null,
    changed_at      timestamptz not null,
    erased_at       timestamptz,
    check ((source = 'call') = (source_call_id is not null)),
    check (erased_at is null or (name is null and birth is null and line_user_id is null and sex is null
                                 and mobility is null and needs = '{}'))
);
create index person_of_call on person (source_call_id) where source_call_id is not null;
create index person_registered on person (area, registered_at);

-- Marks by which a name is looked for: each word of it, and the whole.
create table person_key (
    person_id       uuid not null references person (id),
    kind            text not null check (kind in ('name', 'word')),
    blind           bytea not null,
    key_id          integer not null,
    primary key (person_id, kind, blind)
);
create index person_key_blind on person_key (blind);

-- Numbers that were given out to a person, with the days from and until which they are hers.
create table identifier (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    kind            text not null check (kind in ('cid', 'cid-0', 'g-code', 'passport', 'hospital-no', 'none')),
    issuer          text not null default '',
    value           bytea,
    blind           bytea,
    key_id          integer,
    verified        boolean not null default false,
    source          text not null check (source in ('call', 'desk')),
    source_call_id  uuid,
    since_on        date not null,
    until_on        date,
    check ((kind = 'none') = (value is null)),
    check ((value is null) = (blind is null) and (value is null) = (key_id is null)),
    check (until_on is null or until_on >= since_on)
);
create index identifier_person on identifier (person_id);
-- One number has one owner at a time, whatever the program believes.
create unique index identifier_one_owner on identifier (blind) where until_on is null and blind is not null;

-- Telephone numbers by which a person is reached: their own (relation self), or of whoever called for them.
create table contact (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    relation        text not null,
    value           bytea not null,
    name            bytea,
    blind           bytea not null,
    key_id          integer not null,
    source_call_id  uuid,
    since_at        timestamptz not null
);
create unique index contact_once on contact (person_id, blind);
create index contact_blind on contact (blind);

-- Which groups somebody belongs to, from when until when, and who says so.
create table membership (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    group_code      text not null,
    source          text not null check (source in ('call', 'desk')),
    source_call_id  uuid,
    evidence        text,
    protected       boolean not null,
    from_on         date not null,
    until_on        date,
    check (until_on is null or until_on >= from_on)
);
create unique index membership_once on membership (person_id, group_code) where until_on is null;

-- What stays open for a person until back to normal. At most one at a time; protected matters are kept apart.
create table case_file (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    area            text not null,
    protected       boolean not null,
    exercise        boolean not null,
    opened_at       timestamptz not null,
    opened_call_id  uuid,
    closed_at       timestamptz,
    outcome         text,
    check ((closed_at is null) = (outcome is null)),
    check (closed_at is null or closed_at >= opened_at)
);
create unique index case_one_open on case_file (person_id, protected) where closed_at is null;
create index case_person on case_file (person_id, id);

-- Calls as heard: codes and times alone. facts_seq is the last event whose patients were taken over; with it a
-- replay changes nothing.
create table call (
    id              uuid primary key,
    area            text not null,
    status          text not null,
    kind            text not null,
    lane            text not null,
    severity        text not null,
    severity_scheme text not null,
    channel         text not null,
    received_at     timestamptz not null,
    protected       boolean not null,
    exercise        boolean not null,
    facts_seq       bigint not null default 0,
    erased_at       timestamptz
);
create index call_received on call (area, received_at);

-- Which person a call's patient is. The row outlives an erased person, so that nobody comes back by a late message.
create table call_person (
    call_id         uuid not null references call (id),
    patient_id      uuid not null,
    person_id       uuid not null references person (id),
    case_id         uuid references case_file (id),
    method          text not null,
    doubt           boolean not null,
    matched_at      timestamptz not null,
    primary key (call_id, patient_id, person_id)
);
create index call_person_person on call_person (person_id);
create index call_person_case on call_person (case_id);

-- Projections: emptied and filled again by a replay of everything (services/registry/projection.py).

create table trip (
    id              uuid primary key,
    call_id         uuid not null,
    patient_id      uuid,
    leg             text not null,
    lane            text not null,
    status          text not null check (status in ('requested', 'completed', 'cancelled')),
    outcome         text,
    ended_at        timestamptz
);
create index trip_call on trip (call_id);

create table barrier (
    id              uuid primary key,
    call_id         uuid not null,
    patient_id      uuid,
    barrier         text not null,
    action          text,
    owner           text,
    state           text not null check (state in ('asked', 'met', 'unmet')),
    outcome         text,
    from_at         timestamptz not null,
    until_at        timestamptz,
    check ((state = 'asked') = (until_at is null))
);
create index barrier_call on barrier (call_id);

-- One row per event heard, kept by its call: whose history it is follows from call_person, so that a person who is
-- recognised late has the whole story.
create table history (
    event_id        uuid primary key,
    call_id         uuid not null,
    patient_id      uuid,
    trip_id         uuid,
    type            text not null,
    subject_id      uuid not null,
    occurred_at     timestamptz not null,
    protected       boolean not null,
    codes           jsonb not null
);
create index history_call on history (call_id, occurred_at);

create function history_is_append_only() returns trigger language plpgsql as $$
begin
    -- Erasure and a rebuild say what they do; nothing else removes a line.
    if tg_op = 'DELETE' and current_setting('karuna.forgetting', true) = 'on' then
        return old;
    end if;
    raise exception 'history is append-only';
end $$;
create trigger history_append_only before update or delete on history
    for each row execute function history_is_append_only();
