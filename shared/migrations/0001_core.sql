-- The event core: every service's database holds these tables. PostgreSQL is the truth; the broker carries.

-- One row per aggregate this service owns; its row lock orders the aggregate's events.
create table aggregate (
    id              uuid primary key,
    noun            text not null,
    area            text not null,
    seq             bigint not null check (seq >= 1)
);

-- The archive: append-only. Erasure alone may blank data. stream_sequence is where the internal copy lies in
-- the stream; the open copy is the next one. position gives a stable order of saying within one aggregate.
create table event_log (
    position        bigint generated always as identity primary key,
    id              uuid not null unique,
    type            text not null,
    area            text not null,
    noun            text not null,
    aggregate_id    uuid not null references aggregate (id),
    aggregateseq    bigint not null check (aggregateseq >= 1),
    occurred_at     timestamptz not null,
    correlation_id  uuid not null,
    causation_id    uuid,
    traceparent     text,
    exercise        boolean not null default false,
    protected       boolean not null default false,
    actor           text not null,
    data            jsonb not null,
    open_data       jsonb not null,
    stream_sequence bigint unique,
    unique (aggregate_id, aggregateseq)
);
create index event_log_correlation on event_log (correlation_id);

create function event_log_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'event_log is append-only';
    end if;
    if (new.data is distinct from old.data and new.data <> '{}'::jsonb)
       or (new.open_data is distinct from old.open_data and new.open_data <> '{}'::jsonb)
       or (to_jsonb(new) - 'data' - 'open_data' - 'stream_sequence')
          is distinct from (to_jsonb(old) - 'data' - 'open_data' - 'stream_sequence') then
        raise exception 'event_log is append-only: erasure may only blank data';
    end if;
    return new;
end $$;
create trigger event_log_append_only before update of id, type, area, noun, aggregate_id, aggregateseq, occurred_at,
    correlation_id, causation_id, traceparent, exercise, protected, actor, data, open_data or delete on event_log
    for each row execute function event_log_is_append_only();

-- What is still to be sent. internal_sequence is set when only the first of the two copies is known to be stored.
create table outbox (
    position          bigint primary key,
    internal_sequence bigint
);
create index outbox_half_sent on outbox (position) where internal_sequence is not null;

-- Where the stream stood after our last confirmed publish: what the next publish expects.
create table relay (
    stream            text primary key,
    last_sequence     bigint not null check (last_sequence >= 0)
);

-- The inbox: how far each heard aggregate has been applied. Never pruned.
create table cursor (
    noun            text not null,
    aggregate_id    uuid not null,
    seq             bigint not null check (seq >= 0),
    primary key (aggregate_id, noun)
);

-- Messages that came too early: a hole before them, or an aggregate they name that is not known here yet.
create table parked (
    noun            text not null,
    aggregate_id    uuid not null,
    aggregateseq    bigint not null,
    subject         text not null,
    body            bytea not null,
    waits_noun      text,
    waits_id        uuid,
    parked_at       timestamptz not null,
    primary key (aggregate_id, noun, aggregateseq)
);
create index parked_waits on parked (waits_id) where waits_id is not null;

-- Poison: looked at by a person and sent again. It holds back only its own aggregate.
create table dead_letter (
    id              uuid primary key,
    subject         text not null,
    noun            text,
    aggregate_id    uuid,
    aggregateseq    bigint,
    body            bytea not null,
    reason          text not null,
    died_at         timestamptz not null,
    requeued_at     timestamptz
);
create unique index dead_letter_once on dead_letter (aggregate_id, noun, aggregateseq) where requeued_at is null;

-- What must happen later. The fence is the version of the matter for which it was meant.
create table due (
    id              uuid primary key,
    kind            text not null,
    subject_id      uuid not null,
    fence           bigint not null default 0,
    due_at          timestamptz not null,
    origin          jsonb not null,
    data            jsonb not null default '{}',
    attempts        integer not null default 0,
    unique (kind, subject_id, fence)
);
create index due_at on due (due_at);

-- Answers already given to a request that carried an Idempotency-Key.
create table idempotency (
    caller          text not null,
    route           text not null,
    key             text not null,
    fingerprint     bytea not null,
    status          integer,
    answer          jsonb,
    made_at         timestamptz not null,
    primary key (caller, route, key)
);
create index idempotency_made on idempotency (made_at);

-- Who looked at or changed something personal, why, and what.
create table audit (
    id              bigint generated always as identity primary key,
    at              timestamptz not null,
    caller          text not null,
    role            text not null,
    purpose         text,
    act             text not null,
    noun            text not null,
    subject_id      uuid,
    detail          jsonb not null default '{}'
);
create index audit_subject on audit (subject_id, at);
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit is append-only';
end $$;
create trigger audit_append_only before update or delete on audit
    for each row execute function audit_is_append_only();

-- Erasures done, re-applied after every restore.
create table erasure (
    noun            text not null,
    subject_id      uuid not null,
    erased_at       timestamptz not null,
    primary key (noun, subject_id)
);
