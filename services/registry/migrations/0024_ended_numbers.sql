-- A number or a telephone that is theirs no more keeps its days, and why it ended. One that was entered in error is
-- withdrawn: that there was one stays, what it held is gone, here and from every version that was known. An ended
-- telephone keeps its mark, so that no call and no file brings it back; whoever adds it again takes the mark along.
alter table identifier
    add column end_reason text,
    add column withdrawn_at timestamptz,
    drop constraint identifier_check,
    add constraint identifier_valued check ((kind = 'none' or withdrawn_at is not null) = (value is null)),
    add constraint identifier_ended check (
        until_on is not null or end_reason is null and withdrawn_at is null);
alter table contact
    alter column value drop not null,
    alter column blind drop not null,
    alter column key_id drop not null,
    add column until_on date,
    add column end_reason text,
    add column withdrawn_at timestamptz,
    add constraint contact_valued check ((withdrawn_at is null) = (value is not null)),
    add constraint contact_sealed check ((value is null) = (key_id is null)),
    add constraint contact_withdrawn check (withdrawn_at is null or name is null and blind is null),
    add constraint contact_ended check (
        until_on is not null or end_reason is null and withdrawn_at is null and blind is not null),
    add constraint contact_days check (until_on >= (since_at at time zone 'Asia/Bangkok')::date);

create or replace function note_known() returns trigger language plpgsql as $$
declare
    fresh jsonb;
    stood jsonb;
    person uuid;
begin
    if tg_op = 'DELETE' then
        delete from known where kind = tg_table_name and row_id = old.id;
        return null;
    end if;
    fresh := to_jsonb(new) - '{blind,key_id,changed_at}'::text[];
    person := (fresh ->> tg_argv[0])::uuid;
    if tg_table_name = 'person' and fresh ->> 'erased_at' is not null then
        delete from known where person_id = person;
        return null;
    end if;
    if tg_op = 'UPDATE' then
        stood := to_jsonb(old) - '{blind,key_id,changed_at}'::text[];
        -- The same, sealed under another key, is nothing new.
        if fresh = stood or current_setting('karuna.sealing', true) = 'on' then
            return null;
        end if;
    end if;
    -- Entered in error, it may be somebody else's: no version holds it any more.
    if fresh ->> 'withdrawn_at' is not null then
        update known set key_id = null,
            doc = doc || (select jsonb_object_agg(c, null) from unnest(tg_argv[1:]) as c)
        where kind = tg_table_name and row_id = new.id and key_id is not null;
    end if;
    insert into known (person_id, kind, row_id, known_from, key_id, doc)
    values (person, tg_table_name, new.id, now(), sealed_under(fresh, tg_argv[1:]), fresh)
    on conflict (person_id, kind, row_id, known_from) do update set doc = excluded.doc, key_id = excluded.key_id;
    return null;
end
$$;
