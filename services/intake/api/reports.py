"""Figures and code lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from services.intake.answers import CodesOut, ReportOut
from services.intake.api.common import WhoReports, areas_of, desk_at, runtime_of
from services.intake.rules import barriers as barrier_rules
from services.intake.rules.suppression import suppress, without_telling_total
from services.intake.rules.undertriage import compare
from services.intake.store import reports as store
from services.intake.store.reports import Span
from shared.area_parts import ALL_OF_IT, PART_PATTERN, part
from shared.auth import ANYONE, Caller, Role, may
from shared.codes.codes import all_lists, published
from shared.database import Pool
from shared.errors import Refused, refuse
from shared.openapi import Moment, problems
from shared.refusal import Refusal

router = APIRouter(prefix="/v1")
Told = tuple[list[dict[str, Any]], int]
Report = Callable[[Pool, Span], Awaitable[Told]]
COUNTS_ALONE = frozenset({Role.AUDITOR, Role.ADMIN})
"""Who sees no call, and so no part of a municipality: two tables side by side tell what each keeps back."""


class Kpi(StrEnum):
    CALLS = "calls"
    BARRIERS = "barriers"
    TRIAGE = "triage"
    HANDED_OVER = "handed_over"
    UNANSWERED = "unanswered"
    RATINGS = "ratings"


async def _calls(pool: Pool, span: Span) -> Told:
    told, _ = suppress(await store.count_calls(pool, span), ("calls",))  # type: ignore[arg-type]
    rows = without_telling_total(told, "by", "calls", "all")
    return rows, sum(row["calls"] is None for row in rows)


async def _barriers(pool: Pool, span: Span) -> Told:
    """Asked, met and unmet per barrier; every barrier has a row."""
    counted = await store.count_barriers(pool, span)
    counts = {(row["barrier"], row["state"]): row["count"] for row in counted}
    rows = []
    for action in barrier_rules.table().barrier:
        still, met, unmet = (counts.get((action.code, state), 0) for state in ("asked", "met", "unmet"))
        rows.append({"barrier": action.code, "asked": still + met + unmet, "met": met, "unmet": unmet, "open": still})
    return suppress(rows, ("asked", "met", "unmet", "open"), totals=("asked",))


async def _triage(pool: Pool, span: Span) -> Told:
    """Over- and under-triage: the severity of the call against what the crew found."""
    counts = dict.fromkeys(("over", "under", "right", "uncompared"), 0)
    for row in await store.triage_pairs(pool, span):
        verdict = compare(row["severity"], row["rc"], row["severity_scheme"]) if row["rc"] else "uncompared"
        counts[verdict] += row["count"]
    counts["calls"] = sum(counts.values())
    return suppress([counts], tuple(counts), totals=("calls",))


def _plain(fetch: Callable[..., Awaitable[Sequence[Any]]], *counts: str) -> Report:
    async def report(pool: Pool, span: Span) -> Told:
        return suppress(await fetch(pool, span), counts)

    return report


REPORTS: dict[Kpi, Report] = {
    Kpi.CALLS: _calls,
    Kpi.BARRIERS: _barriers,
    Kpi.TRIAGE: _triage,
    Kpi.HANDED_OVER: _plain(store.count_hand_overs, "calls"),
    Kpi.UNANSWERED: _plain(store.count_unanswered, "emergencies", "unanswered", "answered_later"),
    Kpi.RATINGS: _plain(store.count_ratings, "ratings"),
}


@router.get("/reports/{kpi}", tags=["reports"], response_model=ReportOut, responses=problems(401, 403, 404))
async def report(
    request: Request,
    caller: WhoReports,
    kpi: Kpi,
    area: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")] = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
    area_code: Annotated[str | None, Query(pattern=PART_PATTERN)] = None,
) -> ReportOut:
    """ตัวเลข | Intake's own figures, without exercises; cells below 5 are not told.

    ``area_code``: of calls whose place lies in this tambon (or amphoe, changwat), or in a community, village or
    quarter of the settings pack.
    """
    if area is not None and not caller.may_see(area):
        raise refuse("not_found")
    if area_code is not None and caller.role in COUNTS_ALONE:
        raise Refused(*ALL_OF_IT, field="area_code")
    areas = [area] if area else areas_of(caller)
    try:
        there = None if area_code is None else part(area_code, desk_at(request).packs_of(areas))
    except Refusal as refusal:
        raise Refused(422, refusal.code, refusal.th, refusal.en, field="area_code") from None
    rows, suppressed = await REPORTS[kpi](runtime_of(request).pool, Span(areas, there, from_, to))
    return ReportOut(kpi=kpi, area=area, from_=from_, to=to, rows=rows, suppressed=suppressed)


@router.get("/codes", tags=["codes"], response_model=CodesOut, responses=problems(401, 403))
async def codes(
    _: Annotated[Caller, Depends(may(*ANYONE))],
    list_id: Annotated[str | None, Query(alias="list", max_length=40)] = None,
) -> CodesOut:
    """รหัส | Code lists with Thai and English labels, version and source; ``list`` asks for one."""
    known = [each for each in all_lists() if list_id in (None, each)]
    return CodesOut(lists=list(published(*known)) if known else [])
