-- Agencies with their directory, agreements between them and municipalities, what people consented to, and records that
-- were opened in an emergency. Rights are dated rows: nothing here is ever changed into something else, only ended.

create table agency (
    id              uuid primary key,
    kind            text not null,
    name_th         text not null,
    name_en         text,
    areas           text[] not null check (cardinality(areas) > 0),
    municipality    text unique,
    from_on         date not null,
    until_on        date,
    changed_at      timestamptz not null,
    check ((kind = 'municipality') = (municipality is not null)),
    check (until_on is null or until_on >= from_on)
);
create index agency_areas on agency using gin (areas);

-- Whom to ring there. crew_id: the same person as the crew register knows, whom notify can write to.
create table coordinator (
    id              uuid primary key,
    agency_id       uuid not null references agency (id),
    name            text not null,
    phone           text not null,
    duty            text not null check (duty in ('coordinator', 'privacy_officer')),
    crew_id         uuid,
    from_on         date not null,
    until_on        date,
    changed_at      timestamptz not null,
    check (until_on is null or until_on >= from_on)
);
create index coordinator_agency on coordinator (agency_id);

-- Parties are agencies by id and municipalities as area:<slug>. Whoever wants other terms makes another agreement.
create table agreement (
    id              uuid primary key,
    area            text not null,
    title_th        text not null,
    title_en        text,
    parties         text[] not null check (cardinality(parties) >= 2),
    areas           text[] not null check (cardinality(areas) > 0),
    purposes        text[] not null check (cardinality(purposes) > 0),
    field_class     text not null check (field_class in ('public', 'shared', 'restricted', 'secret')),
    bases           text[] not null check (cardinality(bases) > 0),
    from_on         date not null,
    until_on        date,
    made_by         text not null,
    made_at         timestamptz not null,
    ended_on        date,
    ended_by        text,
    end_reason      text,
    check (until_on is null or until_on >= from_on),
    check ((ended_on is null) = (ended_by is null))
);
create index agreement_parties on agreement using gin (parties);

create table signature (
    agreement_id    uuid not null references agreement (id),
    party           text not null,
    signed_by       text not null,
    paper           text,
    signed_at       timestamptz not null,
    primary key (agreement_id, party)
);

create table consent (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    purpose         text not null,
    agency_id       uuid references agency (id),
    given_by        text not null check (given_by in ('self', 'guardian', 'carer')),
    paper           text,
    given_at        timestamptz not null,
    until_on        date,
    recorded_by     text not null,
    recorded_at     timestamptz not null,
    withdrawn_at    timestamptz,
    withdrawn_by    text check (withdrawn_by in ('self', 'guardian', 'carer')),
    withdrawal_paper text,
    check ((withdrawn_at is null) = (withdrawn_by is null)),
    check (withdrawn_at is null or withdrawn_at >= given_at)
);
create index consent_person on consent (person_id, id);

-- Who must hear that a consent was withdrawn, and has said so.
create table withdrawal (
    consent_id      uuid not null references consent (id),
    agency_id       uuid not null references agency (id),
    area            text not null,
    due_at          timestamptz not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    primary key (consent_id, agency_id)
);
create index withdrawal_waiting on withdrawal (due_at) where acknowledged_at is null;
create index withdrawal_agency on withdrawal (agency_id, consent_id);

create table break_glass (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    area            text not null,
    agency_id       uuid not null,
    caller          text not null,
    role            text not null,
    reason          text not null,
    from_at         timestamptz not null,
    until_at        timestamptz not null,
    reviewed_at     timestamptz,
    reviewed_by     text,
    finding         text check (finding in ('justified', 'unjustified')),
    check (until_at > from_at),
    check ((reviewed_at is null) = (finding is null))
);
create index break_glass_person on break_glass (person_id, caller);
create index break_glass_unreviewed on break_glass (id) where reviewed_at is null;
