-- What a unit drove last: since when it is free, and whether it has said that it is back at its base.
create index run_last_of_unit on run (unit_id, closed_at desc) where status = 'closed';
