-- What came by a call or a row that was told of somebody else goes along: a point that was seen then is of whom it was
-- told, and nothing else of it changes. Everything else about points stays append-only.
create or replace function location_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('karuna.forgetting', true) = 'on' then
        return old;
    end if;
    -- A change of keys seals the same facts again.
    if tg_op = 'UPDATE' and (new.id, new.use, new.accuracy_m, new.method, new.source, new.seen_by, new.agency_id,
                             new.observed_at, new.recorded_at, new.photo is null)
       is not distinct from (old.id, old.use, old.accuracy_m, old.method, old.source, old.seen_by, old.agency_id,
                             old.observed_at, old.recorded_at, old.photo is null)
       and (new.person_id = old.person_id and new.key_id <> old.key_id
            or new.person_id <> old.person_id and current_setting('karuna.moving', true) = 'on'
               and (new.key_id, new.point, new.photo) is not distinct from (old.key_id, old.point, old.photo)) then
        return new;
    end if;
    raise exception 'locations are append-only';
end $$;
