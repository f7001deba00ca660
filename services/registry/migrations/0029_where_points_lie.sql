-- The area of the tree in whose boundary the point that counts lies; worked out, not told. Null: none holds it plainly.
alter table whereabouts add column area_code text;
create index whereabouts_area on whereabouts (area_code text_pattern_ops);

-- Where somebody lives, as they or somebody else said: the current address, else their household's, else where they are
-- registered. Where their point lies says it only if nobody did, or more exactly: in what right lies in what was said.
create or replace function lives_in(person uuid) returns text language sql stable as $$
    with record as materialized (select records_of(person) as id),
    said as materialized (
        select (select code from (
            select 1 as rank, a.area_code as code from address a
            where a.person_id = any(array(select id from record)) and a.kind = 'current' and a.until_on is null
            union all
            select 2, h.area_code from household_member m join household h on h.id = m.household_id
            where m.person_id = any(array(select id from record)) and m.until_on is null
            union all
            select 3, a.area_code from address a
            where a.person_id = any(array(select id from record)) and a.kind = 'registered' and a.until_on is null
        ) as found where code is not null order by rank limit 1) as code
    ),
    seen as materialized (
        select (select w.area_code from whereabouts w
            where w.person_id = any(array(select id from record)) and w.area_code is not null
            order by w.use, w.verified_at desc nulls last limit 1) as code
    )
    select case when said.code is null then seen.code
        when seen.code is null then said.code
        when said.code ~ '^[0-9]+$' and seen.code like said.code || '%' then seen.code
        when exists (select from area_parent p where p.code = seen.code
            and (p.parent = said.code or said.code ~ '^[0-9]+$' and p.parent like said.code || '%')) then seen.code
        else said.code end
    from said, seen
$$;

-- Boundaries that came before: what lies in them is looked up once.
insert into due (id, kind, subject_id, due_at, origin, data)
select gen_random_uuid(), 'place_points', gen_random_uuid(), now(),
    jsonb_build_object('area', area, 'correlation_id', gen_random_uuid(), 'protected', false, 'exercise', false),
    '{}'
from (select distinct area from area_node where boundary is not null) as told;
