"""The gate before every route: role and purpose by the one table, area by the record; what is not for the caller

does not exist for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from services.registry import records, store
from services.registry.api.reach import must_reach, places_of
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.rules.access import CARE, GOES, ROUTES, SEES_PROTECTED, purpose_fault
from services.registry.rules.decide import OWN, own_basis
from services.registry.values import AREA_CODE, known_group
from services.registry.verbs.belongings import meant
from shared.auth import NOT_FOR_AGENCIES, Caller, Role, may
from shared.database import Connection, Pool
from shared.errors import Refused, TwoTongued, refuse
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.work import Work, now_utc

FAULTS = {
    "purpose_missing": (
        "ต้องระบุวัตถุประสงค์ในส่วนหัว Karuna-Purpose ดูรายการที่ /v1/codes",
        "say for which purpose in the header Karuna-Purpose; see /v1/codes",
    ),
    "purpose_unknown": ("ไม่รู้จักวัตถุประสงค์นี้ ดูรายการที่ /v1/codes", "no such purpose; see /v1/codes"),
    "purpose_not_yours": ("บทบาทของท่านใช้วัตถุประสงค์นี้ไม่ได้", "your role may not have this purpose"),
}
NOT_OWN = (
    409,
    "others_facts",
    "ข้อมูลนี้เป็นของพื้นที่อื่น ให้เสนอแก้ไขแทน",
    "these are another municipality's facts: propose a correction instead",
)
NO_AREA = (422, "area_needed", "ต้องระบุพื้นที่", "say which municipality")
NOT_BY_PLACE = (
    403,
    "not_by_place",
    "บทบาทของท่านกรองรายการนี้ตามที่อยู่ของบุคคลไม่ได้",
    "your role does not narrow this list by where people live",
)
STILL_WRITES = timedelta(days=7)
"""How long what was written without signal may come after the visit was made, called off or the case closed."""
AreaCode = Annotated[str | None, Query(pattern=AREA_CODE, description="of who lives there or below it alone")]
"""A tambon, village, community or quarter by which a list is narrowed; it opens nothing that the list had not."""


def gate(route: str) -> Callable[[Request], Awaitable[Caller]]:
    """The caller of ``route``, e.g. ``GET /v1/cases``, if their role and purpose do. Unknown routes let nobody in."""
    rule = ROUTES[route]
    everybody = rule.roles == frozenset(Role)
    desks = rule.agencies or rule.given or everybody
    of_role = may(*sorted(rule.roles), agencies=desks or rule.proposes, held=not rule.whole)
    of_agencies = desks or rule.by_task

    async def check(request: Request) -> Caller:
        caller = await of_role(request)
        # Who is sent by an agency writes nothing here: who cares for people there proposes.
        if caller.agency_id is not None and not (of_agencies or (rule.proposes and caller.role in CARE)):
            raise Refused(*NOT_FOR_AGENCIES)
        fault = purpose_fault(rule, caller.role, caller.purpose, agency=caller.agency_id is not None)
        if fault is not None:
            raise Refused(403, fault, *FAULTS[fault], field="Karuna-Purpose")
        if caller.places:
            runtime = runtime_of(request)
            caller = replace(caller, places=await store.areas.below_each(runtime.pool, caller.places))
        return _on_own_basis(caller) if rule.reads and caller.agency_id is None else caller

    return check


def _on_own_basis(caller: Caller) -> Caller:
    """The municipality's own people, with the legal bases on which they read, for the audit."""
    today = local_day(now_utc())
    bases = {own_basis(caller.purpose or "", today, sensitive=sensitive) for sensitive in (False, True)}
    return replace(caller, standing=(*caller.standing, ("basis", ",".join(sorted(bases))), ("way", OWN)))


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def areas_of(caller: Caller) -> list[str] | None:
    """For SQL: None stands for all."""
    return None if "*" in caller.areas else sorted(caller.areas)


def sees_protected(caller: Caller) -> bool:
    """Of an agency nobody does by role alone: see ``access.py``."""
    return caller.role in SEES_PROTECTED and caller.agency_id is None


def area_for(caller: Caller, asked: str | None) -> str:
    """The area in which something is written: the one asked for, else the caller's only one.

    Raises:
        Refused: 404 not the caller's; 422 there are several to choose from.

    """
    if asked is not None:
        if not caller.may_see(asked):
            raise refuse("not_found", field="area")
        return asked
    if len(caller.areas) != 1 or "*" in caller.areas:
        raise Refused(*NO_AREA, field="area")
    return next(iter(caller.areas))


def group_asked(code: str) -> None:
    """Raises: Refused 422 there is no such group: nobody in it would be no answer."""
    try:
        known_group(code)
    except TwoTongued as wrong:
        raise Refused(422, "unknown_code", wrong.th, wrong.en, field="group") from None


async def places_for(runtime: Runtime, caller: Caller, area_code: str | None) -> list[str] | None:
    """The codes by which a list of people's matters is narrowed; None: it is not.

    Whoever sees of somebody only what they are to do there would learn by asking place after place where they live.

    Raises:
        Refused: 403 the caller is no such role; 422 there is no such area.

    """
    if area_code is not None and not sees_protected(caller):
        raise Refused(*NOT_BY_PLACE, field="area_code")
    return await places_of(runtime.pool, caller, area_code)


def narrowed(area_code: str | None) -> dict[str, str]:
    """For the audit: by which place a list was asked for."""
    return {} if area_code is None else {"area_code": area_code}


async def person_for(runtime: Runtime, caller: Caller, person_id: UUID) -> Person:
    """The person, if there is one for this caller.

    Raises:
        Refused: 404 none, erased, of another municipality or place, or secret.

    """
    return await _seen(runtime.pool, caller, person_id)


async def _seen(db: Connection | Pool, caller: Caller, person_id: UUID) -> Person:
    row = await store.people.read_person(db, person_id, areas_of(caller))
    if row is None or row["erased_at"] is not None or (row["disclosure"] == "secret" and not sees_protected(caller)):
        raise refuse("not_found")
    await must_reach(db, caller, [row["id"]])
    return records.opened(row, ring())


async def own_person_for(runtime: Runtime, caller: Caller, person_id: UUID) -> Person:
    """The same, for who decides about the municipality's own facts: whoever only shares a call proposes.

    Raises:
        Refused: 404 as :func:`person_for`; 409 another municipality owns the facts.

    """
    return _own(caller, await person_for(runtime, caller, person_id))


def _own(caller: Caller, person: Person) -> Person:
    if not caller.may_see(person.area):
        raise Refused(*NOT_OWN)
    return person


async def held_for(work: Work, caller: Caller, person_id: UUID) -> Person:
    """The person, if there is one for this caller, held until the work ends.

    For everything that is written of somebody: nobody erases or hides them between the look and the writing. Held
    before any row of theirs, as an erasure does, so that the two never wait for each other.

    Raises:
        Refused: 404 as :func:`person_for`.

    """
    await store.links.hold(work.db, [person_id])
    return await _seen(work.db, caller, person_id)


async def sent_for(work: Work, caller: Caller, person_id: UUID, *matters: UUID | None) -> Person:
    """The same, for who writes down what was found at somebody's home: volunteers and crews are sent there.

    ``matters``: the visit, plan or case they name. What has gone to whom a call was truly told of since they wrote it
    down, without signal, is written of that person.

    Raises:
        Refused: 404 as :func:`person_for`, or nobody sends them.

    """
    if caller.agency_id is None:  # an agency may write of whom it was decided, and of nobody else
        person_id = await meant(work.db, person_id, matters)
    person = await held_for(work, caller, person_id)
    await must_be_sent(work.db, caller, person.id)
    return person


async def must_be_sent(db: Connection | Pool, caller: Caller, person_id: UUID) -> None:
    """A volunteer or a crew goes to this person; of a desk nothing is asked.

    Raises:
        Refused: 404.

    """
    if caller.role not in GOES:
        return
    crew_id = UUID(caller.crew_id) if caller.crew_id else None
    if crew_id is None or not await store.plans.is_sent(db, crew_id, person_id, now_utc() - STILL_WRITES):
        raise refuse("not_found")


async def own_held_for(work: Work, caller: Caller, person_id: UUID) -> Person:
    """The same, for who decides about the municipality's own facts.

    Raises:
        Refused: 404, 409 as :func:`own_person_for`.

    """
    return _own(caller, await held_for(work, caller, person_id))


async def whose(work: Work, matter_id: UUID) -> UUID:
    """The person whom a need, a visit, a consent, a proposal or an opened record is about.

    Raises:
        Refused: 404 there is none of this id.

    """
    person_id = await store.people.whose(work.db, matter_id)
    if person_id is None:
        raise refuse("not_found")
    return person_id
