-- Accounts and sessions of people, and a projection of open facts. Nothing of callers or patients is kept here.

create table account (
    id              uuid primary key,
    login           text not null unique check (login ~ '^[a-z0-9][a-z0-9._-]{1,63}$'),
    name            text not null,
    password        text,                       -- argon2id; null: cannot sign in
    totp_secret     text,                       -- null: no second factor
    totp_step       bigint not null default 0,  -- the last time step used: a code is good once
    roles           text[] not null check (cardinality(roles) > 0),
    areas           text[] not null check (cardinality(areas) > 0),
    crew_id         uuid,
    demo            boolean not null default false,
    active          boolean not null default true,
    must_change     boolean not null default false,
    failures        int not null default 0,
    locked_until    timestamptz,
    made_at         timestamptz not null,
    changed_at      timestamptz not null
);

-- One signed-in browser. The cookie's hash is kept, never the cookie.
create table session (
    id              uuid primary key,
    account_id      uuid not null references account (id) on delete cascade,
    cookie_hash     bytea not null unique,
    csrf            text not null,
    role            text not null,
    device          text not null,              -- what the person will recognise it by
    started_at      timestamptz not null,
    seen_at         timestamptz not null,
    expires_at      timestamptz not null,
    revoked_at      timestamptz
);
create index session_of_account on session (account_id, started_at desc);
create index session_ended on session (expires_at);
create index session_revoked on session (revoked_at) where revoked_at is not null;

-- Every open fact in the order in which the board learned of it: the ids of the server-sent events.
create table fact (
    position        bigint generated always as identity primary key,
    noun            text not null,
    id              uuid not null,
    area            text not null,
    call_id         uuid not null,
    type            text not null,
    occurred_at     timestamptz not null,
    exercise        boolean not null,
    data            jsonb not null
);
create index fact_of_time on fact (occurred_at);
create index fact_of_call on fact (call_id, position);

-- What each aggregate looks like now, folded from its facts (rules/picture.py).
create table thing (
    noun            text not null,
    id              uuid not null,
    area            text not null,
    call_id         uuid not null,
    exercise        boolean not null,
    state           jsonb not null,
    begun_at        timestamptz not null,
    changed_at      timestamptz not null,
    ended_at        timestamptz,
    position        bigint not null,
    primary key (noun, id)
);
create index thing_open on thing (area, noun) where ended_at is null;
create index thing_of_call on thing (call_id);
create index thing_ended on thing (ended_at) where ended_at is not null;

-- What the municipality has promised its people: shown to everybody.
create table promise (
    id              uuid primary key,
    area            text not null,
    title_th        text not null,
    title_en        text not null,
    target_th       text not null default '',
    target_en       text not null default '',
    target          double precision,
    progress        double precision not null default 0,
    position        int not null default 0,
    updated_at      timestamptz not null
);
create index promise_of_area on promise (area, position);
