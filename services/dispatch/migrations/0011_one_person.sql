-- Records that the registry has found to be one person's: what one of them asks of a crew, all do.
create table person_link (
    person_id       uuid primary key,
    survivor_id     uuid not null
);
create index person_link_survivor on person_link (survivor_id);
