-- Since when a unit is free: the end of what it did last.
create index thing_last_of_unit on thing ((state->>'unit_id'), ended_at desc)
    where noun = 'assignment' and ended_at is not null;
