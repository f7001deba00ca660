-- The release before does not know of pictures: when it erases somebody, theirs go with the visit or the place.
alter table picture
    drop constraint picture_visit_id_fkey,
    drop constraint picture_location_id_fkey,
    add constraint picture_visit_id_fkey foreign key (visit_id) references visit (id) on delete cascade,
    add constraint picture_location_id_fkey foreign key (location_id) references location (id) on delete cascade;

-- Ids of pictures that somebody removed: a phone that lost the answer sends its picture again, and it is not kept again.
create table picture_gone (
    id              uuid primary key,
    gone_at         timestamptz not null
);

-- The release before writes marks and does not say by which way: they are then by none that is known, whatever stood there.
-- Triggers fire by their names: the first one, only where the statement says a way, turns it about; the second takes what
-- was not turned about away.
create function way_is_said() returns trigger language plpgsql as $$
begin
    new.way := -new.way;
    return new;
end
$$;
create function way_or_none() returns trigger language plpgsql as $$
begin
    new.way := case when new.way < 0 then -new.way end;
    return new;
end
$$;
create trigger way_1_is_said before update of way on person_mark for each row execute function way_is_said();
create trigger way_2_or_none before update of marks, way on person_mark for each row execute function way_or_none();
