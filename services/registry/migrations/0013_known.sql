-- What was known, version by version: every row by which a person is known, as it stood from a moment on. Written by
-- the tables themselves, so that no way of changing somebody can forget it; and what is erased there is gone here.
-- What is sealed stays sealed; blind indexes and marks are left out.
create table known (
    person_id       uuid not null references person (id),
    kind            text not null,
    row_id          uuid not null,
    known_from      timestamptz not null,
    key_id          integer,
    doc             jsonb not null,
    primary key (person_id, kind, row_id, known_from)
);
create index known_row on known (kind, row_id);
create index known_key on known (key_id) where key_id is not null;

-- The key under which these columns are sealed: bytes two and three of a blob (shared/crypto.py); 0 where several are
-- under several keys, null where nothing is sealed.
create function sealed_under(doc jsonb, columns text[]) returns integer language sql immutable as $$
    select case when min(k) < max(k) then 0 else min(k) end from (
        select ('x' || substr(doc ->> c, 5, 4))::bit(16)::integer as k from unnest(columns) as c
        where doc ->> c like '\\x%') as keys
$$;

-- Its first argument is the column that names the person, the others those that are sealed.
create function note_known() returns trigger language plpgsql as $$
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
    insert into known (person_id, kind, row_id, known_from, key_id, doc)
    values (person, tg_table_name, new.id, now(), sealed_under(fresh, tg_argv[1:]), fresh)
    on conflict (person_id, kind, row_id, known_from) do update set doc = excluded.doc, key_id = excluded.key_id;
    return null;
end
$$;

create trigger person_known after insert or update on person for each row
    execute function note_known('id', 'name', 'birth', 'line_user_id', 'alias', 'usual_place');
create trigger identifier_known after insert or update or delete on identifier for each row
    execute function note_known('person_id', 'value');
create trigger contact_known after insert or update or delete on contact for each row
    execute function note_known('person_id', 'value', 'name');
create trigger address_known after insert or update or delete on address for each row
    execute function note_known('person_id', 'detail');
create trigger membership_known after insert or update or delete on membership for each row
    execute function note_known('person_id');
create trigger household_member_known after insert or update or delete on household_member for each row
    execute function note_known('person_id');

-- The last version until a moment of each row of a kind of these records.
create function known_then(records uuid[], of_kind text, until timestamptz)
returns table (doc jsonb, known_from timestamptz) language sql stable as $$
    select distinct on (k.row_id) k.doc, k.known_from from known k
    where k.person_id = any(records) and k.kind = of_kind and k.known_from <= until
    order by k.row_id, k.known_from desc
$$;

-- What stands already is taken to be known since it was written, as far as its row tells.
insert into known
select p.id, 'person', p.id, p.changed_at, sealed_under(d.doc, '{name,birth,line_user_id,alias,usual_place}'), d.doc
from person p cross join lateral (select to_jsonb(p) - '{changed_at}'::text[] as doc) d where p.erased_at is null
union all
select r.person_id, r.kind, r.row_id, greatest(r.since, p.registered_at), sealed_under(r.doc, '{value,name,detail}'), r.doc
from (
    select person_id, 'identifier' as kind, id as row_id, since_on::timestamptz as since,
           to_jsonb(i) - '{blind,key_id}'::text[] as doc from identifier i
    union all select person_id, 'contact', id, since_at, to_jsonb(c) - '{blind,key_id}'::text[] from contact c
    union all select person_id, 'address', id, since_on::timestamptz, to_jsonb(a) - '{key_id}'::text[] from address a
    union all select person_id, 'membership', id, from_on::timestamptz, to_jsonb(m) from membership m
    union all select person_id, 'household_member', id, from_on::timestamptz, to_jsonb(h) from household_member h
) r join person p on p.id = r.person_id and p.erased_at is null;
