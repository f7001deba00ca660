-- What lies below the official tambon and across it: villages, the municipality, its quarters and communities. Official
-- codes (2, 4, 6 digits) are not rows: they come with the program.
create table area_node (
    code            text primary key check (code ~ '^[0-9]{8}$' or code ~ '^[a-z][a-z0-9-]{1,30}(:[a-z0-9][a-z0-9_-]{0,39})?$'),
    area            text not null,
    kind            text not null check (kind in ('municipality', 'quarter', 'community', 'village')),
    th              text not null,
    en              text not null,
    boundary        jsonb,
    changed_at      timestamptz not null,
    check ((kind = 'village') = (code ~ '^[0-9]{8}$')),
    check ((kind = 'municipality') = (code = area))
);
create index area_node_area on area_node (area);

-- A community may lie in several tambons, and in the municipality beside them.
create table area_parent (
    code            text not null references area_node (code) on delete cascade,
    parent          text not null,
    primary key (code, parent)
);
create index area_parent_parent on area_parent (parent text_pattern_ops);

-- The code itself and every row below it. Below an official code lies what begins with it.
create function areas_below(top text) returns setof text language sql stable rows 50 as $$
    with recursive down (code) as (
        select top
        union
        select p.code from down join area_parent p
        on p.parent = down.code or (down.code ~ '^[0-9]+$' and p.parent like down.code || '%')
    )
    select code from down
$$;

create function lies_in(place text, tops text[]) returns boolean language sql immutable as $$
    select coalesce(place = any(tops) or exists (
        select from unnest(tops) as t (code) where t.code ~ '^[0-9]{2,6}$' and place like t.code || '%'), false)
$$;

-- Where somebody lives: the current address, else their household's, else where they are registered.
create function lives_in(person uuid) returns text language sql stable as $$
    with record as materialized (select records_of(person) as id)
    select code from (
        select 1 as rank, a.area_code as code from address a
        where a.person_id = any(array(select id from record)) and a.kind = 'current' and a.until_on is null
        union all
        select 2, h.area_code from household_member m join household h on h.id = m.household_id
        where m.person_id = any(array(select id from record)) and m.until_on is null
        union all
        select 3, a.area_code from address a
        where a.person_id = any(array(select id from record)) and a.kind = 'registered' and a.until_on is null
    ) as found where code is not null order by rank limit 1
$$;
