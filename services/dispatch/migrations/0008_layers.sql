-- Risk maps: layers of zones, each zone with its level and what somebody who goes there should know.
create table layer (
    id              uuid primary key,
    area            text not null,
    kind            text not null,
    name            text not null,
    name_en         text,
    source          text not null,
    public          boolean not null,
    valid_from_on   date,
    valid_until_on  date,
    version         integer not null check (version >= 1),
    changed_at      timestamptz not null,
    check (valid_from_on <= valid_until_on)
);
create index layer_area on layer (area, id);

-- The box around a zone finds it by index; whether a point lies inside is worked out on its rings.
create table layer_zone (
    layer_id        uuid not null references layer on delete cascade,
    number          integer not null,
    area            text not null,
    name            text,
    level           text not null,
    advice          text,
    advice_en       text,
    rings           jsonb not null,
    west            double precision not null,
    south           double precision not null,
    east            double precision not null,
    north           double precision not null,
    primary key (layer_id, number),
    check (west <= east and south <= north)
);
create index layer_zone_box on layer_zone (area, west);
