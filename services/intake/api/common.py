"""Who may do what, and the one way to a call: another municipality's does not exist for the caller."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from services.intake.desk import Desk, Taker, desk_of
from services.intake.state import Row
from services.intake.store import calls as store
from services.intake.verbs.common import held
from shared.auth import Caller, Role, may
from shared.errors import Refused, refuse
from shared.events.words import Channel
from shared.service import Runtime
from shared.work import Work

DESK = (Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR)
"""Who serves callers. An admin sets up and erases, and has no need to know who called."""
TAKES = (*DESK, Role.PARTNER)
READS = (*DESK, Role.PARTNER, Role.CASE_MANAGER)
REPORTS = (*DESK, Role.CASE_MANAGER, Role.AUDITOR, Role.ADMIN)
BARRIERS = (*DESK, Role.CASE_MANAGER)

NO_AREA = (403, "no_area", "บัญชีของท่านไม่มีพื้นที่ที่เปิดให้บริการ", "your account has no municipality that is served here")

AtDesk = Annotated[Caller, Depends(may(*DESK))]
WhoTakes = Annotated[Caller, Depends(may(*TAKES))]
WhoReads = Annotated[Caller, Depends(may(*READS))]
WhoReports = Annotated[Caller, Depends(may(*REPORTS))]
WhoMeetsBarriers = Annotated[Caller, Depends(may(*BARRIERS))]


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def desk_at(request: Request) -> Desk:
    return desk_of(runtime_of(request))


def taker_of(desk: Desk, caller: Caller) -> Taker:
    """Who takes a call over HTTP.

    Raises:
        Refused: 403, none of the caller's municipalities is served here.

    """
    areas = desk.areas_of(caller)
    if not areas:
        raise Refused(*NO_AREA)
    outside = caller.role is Role.PARTNER
    return Taker(caller.actor, areas, Channel.PARTNER if outside else Channel.PHONE, outside)


def areas_of(caller: Caller) -> list[str] | None:
    """For SQL: None stands for all."""
    return None if "*" in caller.areas else sorted(caller.areas)


def own_only(caller: Caller) -> str | None:
    """Partners see the calls they brought, nobody else's."""
    return caller.actor if caller.role is Role.PARTNER else None


def visible(call: Row | None, caller: Caller) -> Row:
    """The call.

    Raises:
        Refused: 404, there is none, or not for this caller.

    """
    if call is None or not caller.may_see(call["area"]):
        raise refuse("not_found")
    if own_only(caller) not in (None, call["taken_by"]):
        raise refuse("not_found")
    return call


async def call_to_read(runtime: Runtime, caller: Caller, call_id: UUID) -> Row:
    return visible(await store.read_call(runtime.pool, call_id), caller)


async def call_to_change(work: Work, caller: Caller, call_id: UUID) -> Row:
    """The call, locked until the work ends.

    Raises:
        Refused: 404.

    """
    return visible(await held(work, call_id), caller)
