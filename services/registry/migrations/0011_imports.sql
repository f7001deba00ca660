-- Files of people that were imported, part by part: how far each came, and what became of each row. No cell of a file is
-- kept; ``file`` is its SHA-256, by which the same file goes on where it stopped and a second time does nothing.
create table import_run (
    id              uuid primary key,
    area            text not null,
    format          text not null,
    file            bytea not null check (length(file) = 32),
    alike           text not null check (alike in ('queue', 'leave')),
    exercise        boolean not null default false,
    agency_id       uuid,
    rows            integer not null check (rows > 0),
    next_row        integer not null default 2 check (next_row between 2 and rows + 2),
    counts          jsonb not null default '{}',
    begun_at        timestamptz not null,
    begun_by        text not null,
    last_at         timestamptz not null
);
create unique index import_run_once on import_run (area, format, file, alike, exercise);
create index import_run_area on import_run (area, id desc);

-- ``field`` is the file's column, ``code``, ``th`` and ``en`` what was wrong with it, never what stood there.
create table import_row (
    run_id          uuid not null references import_run (id),
    row             integer not null,
    verdict         text not null check (verdict in ('created', 'matched', 'possible_duplicate', 'unchanged', 'refused')),
    person_id       uuid references person (id),
    field           text,
    code            text,
    th              text,
    en              text,
    primary key (run_id, row),
    check ((code is null) = (th is null) and (code is null) = (en is null))
);
create index import_row_person on import_row (person_id) where person_id is not null;
