-- notify owns what people are told: whom it knows, what is to be told, every try, every receipt, every answer.
-- Texts and addresses stand in this database alone; events carry ids and codes.

-- Whom we can tell, as their owners last said. crew: id of the crew member. caller: the call's id.
-- patient: the patient's id in the call.
create table recipient (
    kind            text not null check (kind in ('crew', 'caller', 'patient')),
    id              uuid not null,
    area            text not null,
    call_id         uuid,
    person_id       uuid,
    name            text,
    phone           text,
    line_user_id    text,                   -- as the owner said
    linked_user_id  text,                   -- by a one-time code here; counts before the other
    language        text not null default 'th' check (language in ('th', 'en')),
    quiet_from      time,
    quiet_until     time,
    wants_routine   boolean not null default true,
    on_duty_unit    uuid,                   -- the unit on duty they belong to
    active          boolean not null default true,
    exercise        boolean not null default false,
    changed_at      timestamptz not null,
    primary key (kind, id),
    check ((kind = 'crew') = (call_id is null))
);
create index recipient_call on recipient (call_id) where call_id is not null;
create index recipient_person on recipient (person_id) where person_id is not null;
create index recipient_duty on recipient (on_duty_unit) where on_duty_unit is not null;
create index recipient_line on recipient (area, coalesce(linked_user_id, line_user_id));

-- What the registry says of a person: how and whether they may be told.
create table person (
    id              uuid primary key,
    phone           text,
    line_user_id    text,
    language        text,
    quiet_from      time,
    quiet_until     time,
    may_be_texted   boolean not null default true,
    secret          boolean not null default false
);

-- Addresses whose owner wants no routine messages. A LINE user id or a phone number.
create table opt_out (
    area            text not null,
    address         text not null,
    stopped_at      timestamptz not null,
    primary key (area, address)
);

-- What we must know of a call to speak of it: its reference, never what it is about.
create table call (
    id              uuid primary key,
    area            text not null,
    number          text not null,
    lane            text not null,
    severity        text not null,
    status          text not null,
    tracking_code   text,
    appointment_at  timestamptz,
    protected       boolean not null,
    exercise        boolean not null,
    back_entry      boolean not null,
    erased_at       timestamptz
);

create table trip (
    id              uuid primary key,
    call_id         uuid not null,
    patient_id      uuid,
    leg             text not null,
    lane            text not null,
    pickup_at       timestamptz,
    waits_for_ready boolean not null,
    status          text not null check (status in ('open', 'completed', 'cancelled')),
    assignment_id   uuid                    -- the one that carries it, once planned or accepted
);
create index trip_call on trip (call_id);

create table assignment (
    id              uuid primary key,
    trip_id         uuid not null,
    call_id         uuid not null,
    unit_id         uuid not null,
    crew_ids        uuid[] not null,
    lane            text not null,
    status          text not null,
    responder_id    uuid                    -- the crew member who answers by LINE, and gets the next button
);
create index assignment_call on assignment (call_id);

-- One intent for one recipient. The unique constraint is what makes a second message for one intent impossible.
create table message (
    id              uuid primary key,
    area            text not null,
    rule            text not null,
    intent_id       uuid not null,          -- the event, or the call, trip or assignment where told once per it
    recipient_kind  text not null,
    recipient_id    uuid not null,
    class           text not null check (class in ('emergency', 'routine')),
    urgency         smallint not null,
    template        text not null,
    language        text not null,
    event_id        uuid,
    event_type      text,
    call_id         uuid,
    trip_id         uuid,
    assignment_id   uuid,
    correlation_id  uuid not null,
    protected       boolean not null,
    exercise        boolean not null,
    wants_answer    boolean not null,
    status          text not null,
    reason          text,
    answer          text,
    planned_at      timestamptz not null,
    expires_at      timestamptz not null,
    accepted_at     timestamptz,
    delivered_at    timestamptz,
    acknowledged_at timestamptz,
    ended_at        timestamptz,
    resent_from     uuid,
    traceparent     text,
    constraint message_one_per_intent unique (rule, intent_id, recipient_kind, recipient_id),
    check (status in ('planned', 'accepted', 'delivered', 'acknowledged', 'unknown', 'failed', 'expired',
                      'cancelled', 'suppressed'))
);
create index message_call on message (call_id, planned_at);
create index message_assignment on message (assignment_id);
create index message_event on message (event_id);
create index message_planned on message (area, planned_at);
-- What must happen later stands in the row itself: when, and the status for which it is meant.
create index message_expiry on message (expires_at) where status in ('planned', 'accepted', 'delivered');
create index message_recipient on message (recipient_kind, recipient_id);

-- The life of a message. The same table stands in rules/life.py; a test compares them.
create table message_step (
    status          text not null,
    next            text not null,
    primary key (status, next)
);
insert into message_step (status, next) values
    ('planned', 'accepted'), ('planned', 'delivered'), ('planned', 'acknowledged'), ('planned', 'unknown'),
    ('planned', 'failed'), ('planned', 'expired'), ('planned', 'cancelled'),
    ('accepted', 'delivered'), ('accepted', 'acknowledged'), ('accepted', 'failed'), ('accepted', 'expired'),
    ('accepted', 'cancelled'),
    ('delivered', 'acknowledged'), ('delivered', 'expired'), ('delivered', 'cancelled'),
    ('unknown', 'accepted'), ('unknown', 'delivered'), ('unknown', 'acknowledged'), ('unknown', 'failed'),
    ('unknown', 'cancelled'),
    ('failed', 'accepted'), ('failed', 'delivered'), ('failed', 'acknowledged'),
    ('expired', 'acknowledged');

create function message_lives_by_the_table() returns trigger language plpgsql as $$
begin
    if not exists (select from message_step s where s.status = old.status and s.next = new.status) then
        raise exception 'a message cannot go from % to %', old.status, new.status using errcode = '23514';
    end if;
    return new;
end $$;
create trigger message_life before update of status on message
    for each row when (old.status is distinct from new.status) execute function message_lives_by_the_table();

-- One way to tell it: LINE now, SMS if LINE is not seen in time. id is the key by which the provider knows a
-- repetition, stored here before the first call. waiting: its turn comes when the one before fails.
create table attempt (
    id              uuid primary key,
    message_id      uuid not null references message (id),
    number          smallint not null check (number >= 1),
    channel         text not null check (channel in ('line', 'sms')),
    area            text not null,
    class           text not null,
    urgency         smallint not null,
    exercise        boolean not null,
    address         text not null,
    text            text not null,
    buttons         jsonb not null default '{}',
    state           text not null check (state in ('waiting', 'ready', 'sending', 'accepted', 'delivered',
                                                   'undelivered', 'unknown', 'failed', 'cancelled')),
    due_at          timestamptz,
    expires_at      timestamptz not null,
    lease_until     timestamptz,
    tries           integer not null default 0,
    first_try_at    timestamptz,
    accepted_at     timestamptz,
    reason          text,
    code            text,
    part_count      smallint,
    doubt           boolean not null default false,   -- a try whose outcome is not known may have been taken
    unique (message_id, number),
    check ((state = 'ready') <= (due_at is not null)),
    check ((state = 'sending') = (lease_until is not null))
);
create index attempt_ready on attempt (channel, urgency, due_at) where state = 'ready';
create index attempt_lease on attempt (lease_until) where state = 'sending';

-- Pieces the provider took, and what became of each.
create table part (
    attempt_id      uuid not null references attempt (id),
    number          smallint not null,
    of_parts        smallint not null,
    provider        text not null,
    provider_id     text not null,
    state           text not null check (state in ('accepted', 'underway', 'delivered', 'undelivered', 'unknown')),
    code            text,
    said_at         timestamptz,
    primary key (attempt_id, number)
);
create index part_provider on part (provider, provider_id);

-- Receipts that came before the answer to the submission: matched as soon as the part is known.
create table receipt (
    id              uuid primary key,
    provider        text not null,
    provider_id     text not null,
    state           text not null check (state in ('underway', 'delivered', 'undelivered', 'unknown')),
    code            text,
    said_at         timestamptz,
    came_at         timestamptz not null
);
create index receipt_provider on receipt (provider, provider_id);
create index receipt_came on receipt (came_at);

-- The inbox of LINE: every webhook event is handled once.
create table line_event (
    area            text not null,
    event_id        text not null,
    came_at         timestamptz not null,
    primary key (area, event_id)
);
create index line_event_came on line_event (came_at);

-- What somebody answered. The text and the point stay here, for the desk.
create table reply (
    id              uuid primary key,
    area            text not null,
    channel         text not null,
    line_user_id    text,
    recipient_kind  text,
    recipient_id    uuid,
    call_id         uuid,
    trip_id         uuid,
    assignment_id   uuid,
    message_id      uuid,
    answer          text not null,
    score           smallint check (score between 1 and 5),
    text            text,
    lon             double precision,
    lat             double precision,
    said_at         timestamptz not null,
    came_at         timestamptz not null
);
create index reply_call on reply (call_id, said_at);
create index reply_area on reply (area, came_at);

-- The last reply token of a chat: it answers once, free of quota, while fresh.
create table reply_token (
    area            text not null,
    line_user_id    text not null,
    token           text not null,
    good_until      timestamptz not null,
    primary key (area, line_user_id)
);

-- One-time codes that bind a LINE account to a crew member or a caller. Only the hash is kept.
create table link_code (
    code_hash       bytea primary key,
    area            text not null,
    recipient_kind  text not null check (recipient_kind in ('crew', 'caller', 'patient')),
    recipient_id    uuid not null,
    made_at         timestamptz not null,
    expires_at      timestamptz not null,
    used_at         timestamptz
);
