"""Who may do what, and the one way to a record: another municipality's does not exist for the caller."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel

from shared.auth import Caller, Role, may
from shared.errors import FieldProblem, Refused, refuse
from shared.service import Runtime

DECIDES = (Role.DISPATCHER, Role.SUPERVISOR)
DESK = (*DECIDES, Role.CALL_TAKER)
CREW = (Role.CREW, Role.VOLUNTEER)
FIELD = (*DESK, *CREW)

Decides = Annotated[Caller, Depends(may(*DECIDES))]
AtDesk = Annotated[Caller, Depends(may(*DESK))]
"""A call taker reads and assigns."""
InField = Annotated[Caller, Depends(may(*FIELD))]
Reports = Annotated[Caller, Depends(may(*DECIDES, *CREW))]
"""Who says how far an assignment is: crews for their own, the desk for what it heard by radio."""

# An admin keeps resources and duty, and sees no trips: whom they carry is for those who serve them.
Manager = Annotated[Caller, Depends(may(*DECIDES, Role.ADMIN))]
MayErase = Annotated[Caller, Depends(may(Role.SUPERVISOR, Role.ADMIN))]
SeesFleet = Annotated[Caller, Depends(may(*DESK, Role.ADMIN))]
SeesPlaces = Annotated[Caller, Depends(may(*FIELD, Role.ADMIN))]
"""Names and numbers of hospitals are on every street sign: a crew must find its own."""
SeesRisks = Annotated[
    Caller, Depends(may(*FIELD, Role.ADMIN, Role.AUDITOR, Role.CASE_MANAGER, Role.REGISTRY_OFFICER, Role.PARTNER))
]
"""Where it is dangerous; a partner sees what everybody may see."""
SeesBoard = Annotated[Caller, Depends(may(*FIELD, Role.ADMIN))]
NamesUnits = Annotated[Caller, Depends(may(*DESK, Role.ADMIN, Role.CASE_MANAGER, Role.REGISTRY_OFFICER))]
MayPreview = Annotated[Caller, Depends(may(*DESK, Role.ADMIN, Role.CASE_MANAGER, Role.PARTNER))]
"""What-if touches nothing and shows nothing that the caller did not send."""
RunsUnit = Annotated[Caller, Depends(may(*DECIDES, Role.ADMIN, *CREW))]

Member = Annotated[Caller, Depends(may(*CREW))]
"""A crew member, of whom it is asked."""

NIL = UUID(int=0)
AREA_PATTERN = r"^[a-z][a-z0-9-]{1,30}$"
CODE_PATTERN = r"^[a-z0-9][a-z0-9_.-]{0,63}$"

Limit = Annotated[int, Query(ge=1, le=500)]
After = Annotated[UUID | None, Query(description="the `next` of the page before")]
AreaQuery = Annotated[str | None, Query(pattern=AREA_PATTERN)]
Id = Annotated[UUID, Path()]

NO_CREW_ID = (403, "no_crew_id", "โทเคนนี้ไม่ได้ผูกกับเจ้าหน้าที่คนใด", "this token belongs to no crew member")


class Page(BaseModel):
    """``next`` is what to ask with as ``after``; None on the last page."""

    next: UUID | None = None


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def areas_of(caller: Caller, area: str | None = None) -> list[str] | None:
    """For SQL: the caller's areas, or the one asked for where it is theirs; None stands for all."""
    if area is not None:
        return [area] if caller.may_see(area) else []
    return None if "*" in caller.areas else sorted(caller.areas)


def one_area(caller: Caller, area: str | None) -> str:
    """The one municipality that is meant; may be left out by who has one.

    Raises:
        Refused: 404 another's; 422 it must be said.

    """
    homes = areas_of(caller, area)
    if homes is not None and len(homes) == 1:
        return homes[0]
    if homes == []:
        raise refuse("not_found")
    th, en = "ต้องระบุพื้นที่", "say which municipality"
    raise refuse("invalid", errors=(FieldProblem("area", "missing", th, en),))


def seen(area: str | None, caller: Caller) -> str:
    """The area of a record the caller may know of.

    Raises:
        Refused: 404 there is none, or it is another municipality's.

    """
    if area is None or not caller.may_see(area):
        raise refuse("not_found")
    return area


def crew_of(caller: Caller) -> UUID | None:
    """The crew member behind a crew's or volunteer's token; None for the desk.

    Raises:
        Refused: 403, the token names none.

    """
    if caller.role not in CREW:
        return None
    try:
        return UUID(caller.crew_id or "")
    except ValueError:
        raise Refused(*NO_CREW_ID) from None


def next_of(items: list[Any], limit: int) -> UUID | None:
    """The cursor after a page: the last id of a full one."""
    last: UUID | None = items[-1].id if len(items) == limit else None
    return last
