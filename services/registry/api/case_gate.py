"""A case, for who may see it; and what the routes around cases share."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.registry import store
from services.registry.answers import Answer
from services.registry.api.access import Access, may_look, open_person
from services.registry.api.gate import areas_of, held_for, sees_protected, whose
from services.registry.api.reach import must_reach
from services.registry.rules.access import CARE
from services.registry.rules.fields import HEALTH, SECRET
from services.registry.store.people import Row
from shared.auth import Caller
from shared.errors import refuse
from shared.service import Runtime
from shared.work import Work

Limit = Annotated[int, Query(ge=1, le=100)]


class Made(Answer):
    id: UUID


async def case_seen(runtime: Runtime, caller: Caller, case_id: UUID) -> tuple[Row, Access]:
    """The case, also for an agency as far as an agreement lets it, and what the caller may see of its person.

    Raises:
        Refused: 404; 403 an agency has no ground, saying what is missing.

    """
    await may_look(runtime, caller)
    whose_case = await store.calls.read_case(runtime.pool, case_id, areas_of(caller), protected=True)
    if whose_case is None:
        raise refuse("not_found")
    _, seen = await open_person(runtime, caller, whose_case["person_id"], HEALTH)
    row = await store.calls.read_case(runtime.pool, case_id, areas_of(caller), protected=seen.may(SECRET))
    if row is None:
        raise refuse("not_found")
    return row, seen


async def held_case(work: Work, caller: Caller, case_id: UUID) -> Row:
    """The same, held until the work ends, its person first.

    Raises:
        Refused: 404.

    """
    await held_for(work, caller, await whose(work, case_id))
    row = await store.calls.lock_case(work.db, case_id)
    if row is None or not caller.may_see(row["area"]) or (row["protected"] and not sees_protected(caller)):
        raise refuse("not_found")
    return row


async def must_reach_as_desk(work: Work, caller: Caller, person_id: UUID) -> None:
    """A desk that is held to places ends what is about its own people; whom it concerns ends it wherever they live.

    Raises:
        Refused: 404.

    """
    if caller.role in CARE:
        await must_reach(work.db, caller, [person_id])


def may_end(caller: Caller, row: Row, crew_id: UUID | None) -> bool:
    """A desk of that municipality, one of the agency to which it was given, or whom it concerns.

    ``row``: a task or an invitation with ``area, agency_id, secret``. Of who is secret an agency knows nothing.
    """
    if caller.role not in CARE:
        return crew_id is not None and caller.crew_id == str(crew_id)
    theirs = caller.agency_id is None or (caller.agency_id == row["agency_id"] and not row["secret"])
    return theirs and caller.may_see(row["area"])
