-- What the toy services keep: who was told what, in the order in which it took effect. No unique index on
-- purpose: a doubled effect must be seen, not swallowed.
create table effect (
    id           bigint generated always as identity primary key,
    aggregate_id uuid not null,
    seq          bigint not null,
    value        integer not null
);
create table known (id uuid primary key);
