"""Figures and code lists."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.notify.api.common import areas_of, runtime_of
from services.notify.store.reports import report
from shared.auth import ANYONE, Caller, Role, may
from shared.codes.codes import published
from shared.errors import refuse
from shared.openapi import Moment, problems

router = APIRouter(prefix="/v1", tags=["reports"])

LISTS = ("message_status", "message_reason", "message_channel", "answer", "step")
REPORTERS = (Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN, Role.CASE_MANAGER)


class Codes(BaseModel):
    lists: list[dict[str, Any]]


class Report(BaseModel):
    """``attempts`` by channel and state, ``messages`` by status, ``acknowledged`` within what time, ``fallback``."""

    kpi: str
    from_: Moment
    to: Moment
    rows: list[dict[str, str | int | float | None]]


@router.get("/codes", responses=problems(401))
async def codes(_: Annotated[Caller, Depends(may(*ANYONE))]) -> Codes:
    """The code lists of messages, with labels in Thai and English."""
    return Codes(lists=list(published(*LISTS)))


@router.get("/reports/{kpi}", responses=problems(401, 403, 404))
async def read_report(
    request: Request,
    caller: Annotated[Caller, Depends(may(*REPORTERS))],
    kpi: Literal["attempts", "messages", "acknowledged", "fallback"],
    from_: Annotated[Moment, Query(alias="from")],
    to: Moment,
    area: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")] = None,
) -> Report:
    """A figure over the messages planned in a time; exercises never count."""
    if area is not None and not caller.may_see(area):
        raise refuse("not_found")
    areas = [area] if area is not None else areas_of(caller)
    rows = await report(runtime_of(request).pool, kpi, areas, from_, to)
    return Report(kpi=kpi, from_=from_, to=to, rows=[dict(row) for row in rows])
