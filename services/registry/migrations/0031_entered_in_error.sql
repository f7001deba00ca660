-- What was entered in error of somebody, as a mark of person and value together: a file or call that still has the mistake
-- is recognised, and neither the value nor whose it truly is can be looked for by it.
create table entered_in_error (
    person_id       uuid not null references person (id),
    mark            bytea not null,
    primary key (person_id, mark)
);
