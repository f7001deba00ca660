-- Erasure's second half: rows of event_log whose internal message still lies in the stream and must be overwritten.
create table shred (
    position        bigint primary key references event_log (position)
);

-- How often something was tried from one place: public routes count guesses here. key is a hash, never the thing.
create table throttle (
    bucket          text not null,
    key             bytea not null,
    opened_at       timestamptz not null,
    tries           integer not null check (tries >= 1),
    primary key (bucket, key)
);
create index throttle_opened on throttle (opened_at);
