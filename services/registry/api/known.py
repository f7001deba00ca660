"""What was known of a person at a moment, about a day: for whoever must say later why something was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import records, store, views
from services.registry.answers import (
    AddressShown,
    Age,
    Answer,
    ContactShown,
    HouseholdOf,
    IdentifierShown,
    MembershipShown,
)
from services.registry.api.gate import areas_of, gate, person_for, runtime_of, sees_protected
from services.registry.keys import ring
from services.registry.rules.access import SEES_WHOLE_NUMBERS
from services.registry.store import known
from services.registry.verbs.visits import EARLY
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.errors import Refused
from shared.openapi import Day, Moment, problems
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1/persons", tags=["persons"])

Reads = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/as-known"))]
NOT_THEN = (404, "not_known_then", "เวลานั้นยังไม่มีข้อมูลของบุคคลนี้", "nothing was known of this person at that moment")
LATER = (422, "in_the_future", "เวลาต้องไม่อยู่ในอนาคต", "the time must not lie in the future")


class PersonAsKnown(Answer):
    """``known_at``: what had been written by then; ``about_on``: of the day about which it is asked.

    Addresses, numbers, groups and household have days of their own; a name, mobility and the like have not, and are as
    they were last written by ``known_at``.
    """

    id: UUID
    known_at: datetime
    about_on: date
    records: list[UUID]
    area: str
    name: str | None
    alias: str | None
    usual_place: str | None
    birth_on: date | None
    birth_year: int | None
    birth_estimated: bool | None
    age: Age | None
    sex: str | None
    language: str | None
    mobility: str | None
    needs: list[str]
    may_be_texted: bool
    disclosure: str
    exercise: bool
    registered_at: datetime
    addresses: list[AddressShown]
    identifiers: list[IdentifierShown]
    contacts: list[ContactShown]
    groups: list[MembershipShown]
    households: list[HouseholdOf]


async def _is_there(pool: Pool, caller: Caller, record_id: UUID) -> bool:
    """Whoever was taken for this person then is shown only where the caller may see them today."""
    return await store.people.read_person(pool, record_id, areas_of(caller)) is not None


@router.get("/{person_id}/as-known", responses=problems(401, 403, 404))
async def read_as_known(
    request: Request,
    caller: Reads,
    person_id: UUID,
    at: Annotated[Moment, Query(description="known until then")],
    about: Annotated[Day | None, Query(description="about this day; left out: the day of `at`")] = None,
) -> PersonAsKnown:
    """ข้อมูลเท่าที่รู้ในวันนั้น | What did we know at that moment, about that day? Who may ask is decided by today's rules."""
    runtime = runtime_of(request)
    person = await person_for(runtime, caller, person_id)
    if at > now_utc() + EARLY:
        raise Refused(*LATER, field="at")
    about_on = about or local_day(at)
    detail = {"at": at.isoformat(), "about": about_on.isoformat()}
    pool, protected = runtime.pool, sees_protected(caller)
    ids = [one for one in await known.records_then(pool, person.id, at) if await _is_there(pool, caller, one)]
    await audit(pool, caller, "read_as_known", "person", ids, detail, area=person.area)
    rows = await known.persons_then(pool, ids, at)
    if not rows:
        raise Refused(*NOT_THEN)
    rows.sort(key=lambda row: row["id"] != person.id)
    then = records.merged([records.opened(row, ring()) for row in rows])
    homes = await known.rows_then(pool, known.HOMES_THEN, ids, at, about_on)
    numbers = await known.rows_then(pool, known.IDENTIFIERS_THEN, ids, at, about_on)
    groups = await known.rows_then(pool, known.MEMBERSHIPS_THEN, ids, at, about_on)
    whole = caller.role in SEES_WHOLE_NUMBERS
    return PersonAsKnown.model_validate({
        **views.open_person(replace(then, id=person.id), about_on),
        "known_at": at,
        "about_on": about_on,
        "records": ids,
        "addresses": [
            views.address(row) for row in await known.rows_then(pool, known.ADDRESSES_THEN, ids, at, about_on)
        ],
        "identifiers": [views.identifier(row, whole=whole) for row in numbers],
        "contacts": [views.contact(row) for row in await known.rows_then(pool, known.CONTACTS_THEN, ids, at, about_on)],
        "groups": [views.membership(row) for row in groups if protected or not row["protected"]],
        "households": [
            HouseholdOf(id=row["household_id"], role=views.label("household_role", row["role"]), head=row["head"])
            for row in homes
        ],
    })  # fmt: skip
