-- Whose a visit and an observed point is, where an agency wrote it: none is the municipality itself. And what an agreement
-- entrusts its agencies with writing down.
alter table visit add column agency_id uuid;
alter table location add column agency_id uuid;
alter table agreement add column writes text[] not null default '{}';

create or replace function location_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('karuna.forgetting', true) = 'on' then
        return old;
    end if;
    -- A change of keys seals the same facts again.
    if tg_op = 'UPDATE' and (new.id, new.person_id, new.use, new.accuracy_m, new.method, new.source, new.seen_by,
                             new.agency_id, new.observed_at, new.recorded_at, new.photo is null)
       is not distinct from (old.id, old.person_id, old.use, old.accuracy_m, old.method, old.source, old.seen_by,
                             old.agency_id, old.observed_at, old.recorded_at, old.photo is null)
       and new.key_id <> old.key_id then
        return new;
    end if;
    raise exception 'locations are append-only';
end $$;
