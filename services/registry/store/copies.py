"""All that the registry holds of a person, as rows of JSON: one statement, held to the whole schema by a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Row = asyncpg.Record

SEALED: Final[dict[str, tuple[str, ...]]] = {
    "person": ("name", "birth", "line_user_id", "alias", "usual_place"),
    "identifier": ("value",),
    "contact": ("value", "name"),
    "address": ("detail",),
    "household": ("detail",),
    "location": ("point", "photo"),
    "told": ("value",),
}
"""Table → sealed columns; their place is the table, the row's id (of ``told`` its ``owner_id``) and the column."""

LEFT_OUT: Final[dict[str, str]] = {
    "person_key": "marks for searching, made from the name",
    "person_mark": "marks for searching and comparing, made from name and birth",
    "entered_in_error": "marks by which a mistake that comes again is recognised; whose number it was is not known",
    "duplicate": "a guess about another person",
    "care_group_patient": "told by care_group",
}
"""Tables about people that are in no copy, and why."""

# $1: all records of the person; $2 with those of the calls and cases that follow.
COPY = """
with mine as materialized (select unnest($1::uuid[]) as id),
cases as materialized (select k.id from mine m join case_file k on k.person_id = m.id)
select 'person' as kind, to_jsonb(t) as doc from mine m join person t on t.id = m.id
union all select 'identifier', to_jsonb(t) from mine m join identifier t on t.person_id = m.id
union all select 'contact', to_jsonb(t) from mine m join contact t on t.person_id = m.id
union all select 'address', to_jsonb(t) from mine m join address t on t.person_id = m.id
union all select 'membership', to_jsonb(t) from mine m join membership t on t.person_id = m.id
union all select 'household_member', to_jsonb(t) from mine m join household_member t on t.person_id = m.id
union all select 'household', to_jsonb(t) from mine m join household_member h on h.person_id = m.id
    join household t on t.id = h.household_id
union all select 'household_group', to_jsonb(t) from mine m join household_member h on h.person_id = m.id
    join household_group t on t.household_id = h.household_id
union all select 'disclosure_request', to_jsonb(t) from mine m join disclosure_request t on t.person_id = m.id
union all select 'person_link', to_jsonb(t) from mine m join person_link t on t.person_id = m.id
union all select 'case_file', to_jsonb(t) from mine m join case_file t on t.person_id = m.id
union all select 'task', to_jsonb(t) from cases c join task t on t.case_id = c.id
union all select 'team_member', to_jsonb(t) from cases c join team_member t on t.case_id = c.id
union all select 'care_group', to_jsonb(t) from mine m join care_group_patient g on g.person_id = m.id
    join care_group t on t.id = g.group_id
union all select 'correction', to_jsonb(t) from mine m join correction t on t.person_id = m.id
union all select 'call_person', to_jsonb(t) from mine m join call_person t on t.person_id = m.id
union all select 'person_match', to_jsonb(t) - '{owner_id,instead_id}'::text[] from mine m
    join person_match t on t.person_id = m.id
union all select 'location', to_jsonb(t) from mine m join location t on t.person_id = m.id
union all select 'whereabouts', to_jsonb(t) from mine m join whereabouts t on t.person_id = m.id
union all select 'visit', to_jsonb(t) from mine m join visit t on t.person_id = m.id
union all select 'picture', to_jsonb(t) - 'image' from mine m join picture t on t.person_id = m.id
union all select 'visit_value', to_jsonb(t) from mine m join visit v on v.person_id = m.id
    join visit_value t on t.visit_id = v.id
union all select 'planned_visit', to_jsonb(t) from mine m join planned_visit t on t.person_id = m.id
union all select 'assessment', to_jsonb(t) from mine m join assessment t on t.person_id = m.id
union all select 'group_proposal', to_jsonb(t) from mine m join group_proposal t on t.person_id = m.id
union all select 'life_need', to_jsonb(t) from mine m join life_need t on t.person_id = m.id
union all select 'community_entry', to_jsonb(t) from mine m join community_entry t on t.person_id = m.id
union all select 'review', to_jsonb(t) from mine m join review t on t.person_id = m.id
union all select 'told', to_jsonb(t) from mine m join told t on t.person_id = m.id
union all select 'known', to_jsonb(t) from mine m join known t on t.person_id = m.id
union all select 'consent', to_jsonb(t) from mine m join consent t on t.person_id = m.id
union all select 'withdrawal', to_jsonb(t) from mine m join consent c on c.person_id = m.id
    join withdrawal t on t.consent_id = c.id
union all select 'break_glass', to_jsonb(t) from mine m join break_glass t on t.person_id = m.id
union all select 'import_row', to_jsonb(t) || jsonb_build_object('format', f.format, 'begun_at', f.begun_at,
    'begun_by', f.begun_by, 'agency_id', f.agency_id, 'agency', a.name_th) from mine m
    join import_row t on t.person_id = m.id cross join lateral (select * from import_run where id = t.run_id offset 0) f
    left join lateral (select * from agency where id = f.agency_id offset 0) a on true
"""
LOOKS = """
select at, caller, role, purpose, act from audit where subject_id = any($1::uuid[]) order by id
"""


async def read_copy(db: Connection | Pool, ids: Sequence[UUID]) -> list[Row]:
    """``kind`` (the table) and ``doc`` (the row) of everything about these records; what is sealed stands in hex."""
    return await db.fetch(COPY, list(ids))


async def read_looks(db: Connection | Pool, ids: Sequence[UUID]) -> list[Row]:
    """Who read or changed them, oldest first."""
    return await db.fetch(LOOKS, list(ids))
