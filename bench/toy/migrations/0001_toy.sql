-- What the bench's two services keep.
create table state (id uuid primary key, value integer not null, body text not null);
create table effect (id uuid primary key, value integer not null);
