-- Calls that are over, for the time of keeping.
create index call_over on call (ended_at) where erased_at is null and status <> 'open';
