-- Where people live, as somebody saw it: points sealed (AES-256-GCM), never changed, never in an event. ``cell`` is
-- the blind index of a square of about 500 m, by which people near somewhere are looked for.

create table location (
    id              uuid primary key,
    person_id       uuid not null references person (id),
    use             text not null check (use in ('home', 'usual')),
    point           bytea not null,
    accuracy_m      integer check (accuracy_m between 0 and 100000),
    method          text not null check (method in ('visit', 'gps', 'map', 'address')),
    source          text not null,
    seen_by         text not null,
    photo           bytea,
    -- Blind index of source, point and day: a file that is read twice adds nothing.
    once            bytea not null,
    key_id          integer not null,
    observed_at     timestamptz not null,
    recorded_at     timestamptz not null,
    check (observed_at <= recorded_at)
);
create unique index location_once on location (once);
create index location_person on location (person_id, observed_at desc);

create function location_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('karuna.forgetting', true) = 'on' then
        return old;
    end if;
    -- A change of keys seals the same facts again.
    if tg_op = 'UPDATE' and (new.id, new.person_id, new.use, new.accuracy_m, new.method, new.source, new.seen_by,
                             new.observed_at, new.recorded_at, new.photo is null)
       is not distinct from (old.id, old.person_id, old.use, old.accuracy_m, old.method, old.source, old.seen_by,
                             old.observed_at, old.recorded_at, old.photo is null)
       and new.key_id <> old.key_id then
        return new;
    end if;
    raise exception 'locations are append-only';
end $$;
create trigger location_append_only before update or delete on location
    for each row execute function location_is_append_only();

-- Where somebody is held to live now: one row a person and use, pointing at the observation that counts.
create table whereabouts (
    person_id       uuid not null references person (id),
    use             text not null check (use in ('home', 'usual')),
    location_id     uuid not null references location (id),
    -- A copy of the observation's, sealed for its place: who is near is then one look-up a person.
    point           bytea not null,
    cell            bytea not null,
    key_id          integer not null,
    method          text check (method in ('two_sources', 'officer_visit')),
    with_location_id uuid references location (id),
    verified_at     timestamptz,
    primary key (person_id, use),
    check ((method is null) = (verified_at is null)),
    check (method is distinct from 'two_sources' or with_location_id is not null)
);
create index whereabouts_cell on whereabouts (cell);
create index whereabouts_location on whereabouts (location_id);
create index whereabouts_with on whereabouts (with_location_id) where with_location_id is not null;
-- Who is bedridden now: the questions of a flood begin with a group.
create index membership_group on membership (group_code) where until_on is null;
create index location_key on location (key_id);
create index whereabouts_key on whereabouts (key_id);
