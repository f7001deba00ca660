"""What a crew member's phone shows of the roster: own shifts, swaps to answer, colleagues to ask, certificates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.dispatch.api.common import NIL, Id, Member, RunsUnit, crew_of, runtime_of, seen
from services.dispatch.store import own_duty, resources, served
from services.dispatch.verbs import crews
from services.dispatch.verbs.lives import missing
from shared.audit import audit
from shared.http import Body
from shared.openapi import problems
from shared.work import now_utc

router = APIRouter(tags=["rosters"])

AHEAD = timedelta(days=28)


class OwnShift(BaseModel):
    """``mates``: names of who comes with the member."""

    id: UUID
    call_sign: str
    kind: str
    from_at: datetime
    until_at: datetime
    note: str | None
    mates: list[str]


class OwnSwap(BaseModel):
    """``gives``: the member gives the shift to the other, else is asked to take it; ``back_…``: what comes in return.

    ``status`` is ``asked`` or ``agreed``.
    """

    id: UUID
    status: str
    shift_id: UUID
    gives: bool
    other_name: str
    call_sign: str
    kind: str
    from_at: datetime
    until_at: datetime
    back_from_at: datetime | None
    back_until_at: datetime | None


class Colleague(BaseModel):
    id: UUID
    name: str


class OwnCertificate(BaseModel):
    """``last_on`` None: it does not end."""

    skill: str
    last_on: date | None


class LeavingBody(Body):
    """Minutes from being asked until on the road."""

    leaves_after_min: Annotated[int, Field(ge=0, le=120)]


class LeavingOut(BaseModel):
    leaves_after_min: int


class OwnDuty(BaseModel):
    """``shifts``: from now on for four weeks. ``crew_id``: the member; ``leaves_after_min``: see ``…/leaving``."""

    crew_id: UUID
    leaves_after_min: int

    shifts: list[OwnShift]
    swaps: list[OwnSwap]
    colleagues: list[Colleague]
    certificates: list[OwnCertificate]


@router.put("/v1/crew/{crew_id}/leaving", response_model=LeavingOut, responses=problems(400, 401, 403, 404, 413))
async def set_leaving(request: Request, caller: RunsUnit, crew_id: Id, body: LeavingBody) -> LeavingOut:
    """ออกรถได้หลังรับแจ้งกี่นาที | Members say for themselves how soon they are on the road; a dispatcher for anybody.

    It counts as if the drive were longer by so much, whoever is asked.
    """
    runtime, own = runtime_of(request), crew_of(caller)
    if own is not None and own != crew_id:
        raise missing("crew")
    row = await resources.leaving(runtime.pool, crew_id)
    seen(row["area"] if row else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await crews.leaves_after(work, crew_id, body.leaves_after_min)
        await audit(work, caller, "change", "crew", crew_id, area=row["area"] if row else None)
    return LeavingOut(leaves_after_min=body.leaves_after_min)


@router.get("/v1/own/duty", response_model=OwnDuty, responses=problems(401, 403))
async def own(request: Request, caller: Member) -> OwnDuty:
    """เวรของฉัน | The member's own shifts of the next four weeks, swaps that wait, and what they need to ask for one."""
    pool, now, me = runtime_of(request).pool, now_utc(), crew_of(caller) or NIL
    found = await served.skills_of(pool, [me])
    held = {skill: last_on for row in found for skill, last_on in row["skills"].items()}
    leaving = await resources.leaving(pool, me)
    await audit(pool, caller, "read_own_duty", "crew", me, area=leaving["area"] if leaving else None)
    return OwnDuty(
        crew_id=me,
        leaves_after_min=leaving["leaves_after_min"] if leaving else 0,
        shifts=[OwnShift(**row) for row in await own_duty.shifts(pool, me, now, now + AHEAD)],
        swaps=[OwnSwap(**row) for row in await own_duty.swaps(pool, me, now)],
        colleagues=[Colleague(**row) for row in await own_duty.colleagues(pool, me)],
        certificates=[OwnCertificate(skill=skill, last_on=held[skill]) for skill in sorted(held)],
    )
