-- Travel times between numbered places, put once and named by previews. Little-endian doubles, row by row.
create table travel_matrix (
    area            text not null,
    id              text not null,
    places          integer not null check (places > 0),
    duration_s      bytea not null,
    distance_m      bytea,
    put_at          timestamptz not null,
    primary key (area, id),
    check (octet_length(duration_s) = places * places * 8),
    check (distance_m is null or octet_length(distance_m) = places * places * 8)
);
alter table travel_matrix alter column duration_s set storage external, alter column distance_m set storage external;
