"""Gaps: who of a group has not been visited, has no verified home, no telephone, no assessment, or lacks something."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, views
from services.registry.answers import Answer, Label
from services.registry.api.gate import AreaCode, area_for, gate, group_asked, runtime_of, sees_protected
from services.registry.api.reach import places_of
from services.registry.rules.access import CARE
from services.registry.rules.areas import whole_name
from services.registry.rules.gaps import GAPS, URGENCIES, Tally, by_tambon, publishable, summed
from services.registry.store.gaps import Sought
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.errors import Refused
from shared.openapi import problems
from shared.work import now_utc

router = APIRouter(prefix="/v1/gaps", tags=["reports"])

Counts = Annotated[Caller, Depends(gate("GET /v1/gaps"))]
Finds = Annotated[Caller, Depends(gate("GET /v1/gaps/people"))]
Area = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
Group = Annotated[str, Query(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Days = Annotated[int, Query(ge=1, le=3650)]
Gap = Literal["not_visited", "no_verified_point", "no_phone", "not_assessed", "open_need"]
ALL_OF_IT = (
    403, "all_of_it", "ผู้ที่เห็นเฉพาะจำนวนดูได้ทั้งเทศบาลเท่านั้น",
    "who sees counts alone sees the municipality as a whole, no part of it",
)  # fmt: skip
PERIOD = 90
ONE_PERIOD = (
    403, "one_period", f"ผู้ที่เห็นเฉพาะจำนวนดูได้เฉพาะช่วง {PERIOD} วัน",
    f"who sees counts alone sees those of {PERIOD} days: two periods would tell of single visits",
)  # fmt: skip


class GapCount(Answer):
    """``people`` None: kept back, for it would point at single people."""

    gap: Label
    people: int | None


class NeedCount(Answer):
    urgency: Label
    people: int | None


class GapsOf(Answer):
    """``code`` None: it is not known where they live."""

    code: str | None
    th: str | None
    en: str | None
    people: int | None
    gaps: list[GapCount]
    needs: list[NeedCount]


class Gaps(Answer):
    """``whole``: no count was kept back."""

    area: str
    group: Label
    days: int
    whole: bool
    total: GapsOf
    places: list[GapsOf]


class GapPerson(Answer):
    """Whom something is lacking; everything else of them is asked for by the id."""

    person_id: UUID
    area: str
    place: str | None
    place_th: str | None
    place_en: str | None
    visited_at: datetime | None
    assessed_at: datetime | None
    urgency: Label | None


class GapPeople(Answer):
    items: list[GapPerson]
    more: bool


async def _sought(
    request: Request, caller: Caller, group: str, days: int, area: str | None, area_code: str | None
) -> Sought:
    """Raises: Refused 422 there is no such group or area; 404 not the caller's area."""
    group_asked(group)
    places = await places_of(runtime_of(request).pool, caller, area_code)
    since = now_utc() - timedelta(days=days)
    return Sought(area_for(caller, area), group, sees_protected(caller), places, since)


@router.get("", responses=problems(401, 403, 404))
async def count(
    request: Request, caller: Counts, group: Group, days: Days = PERIOD, area: Area = None, area_code: AreaCode = None
) -> Gaps:
    """ช่องว่าง | How many of a group lack what, by where they live. Who may see counts alone sees no small ones.

    By tambon and community; below ``area_code`` by village as well, for those who see them whole: two tables side by
    side would tell what each keeps back. A visit counts whatever came of it.
    """
    pool, whole = runtime_of(request).pool, caller.role in CARE
    if area_code is not None and not whole:
        raise Refused(*ALL_OF_IT, field="area_code")
    if days != PERIOD and not whole:
        raise Refused(*ONE_PERIOD, field="days")
    sought = await _sought(request, caller, group, days, area, area_code)
    tallies = [
        Tally(
            row["place"], row["people"], {gap: row[gap] for gap in GAPS}, {level: row[level] for level in URGENCIES}
        )
        for row in await store.gaps.count(pool, sought)
    ]  # fmt: skip
    places = (
        by_tambon(tallies) if area_code is None else sorted(tallies, key=lambda one: (not one.place, one.place or ""))
    )
    total = summed(tallies)
    if not whole:
        total, places = publishable(total, places)
    named = await _named(pool, [tally.place for tally in places])
    return Gaps(
        area=sought.area, group=views.label("group", group), days=days, whole=whole,
        total=_shown(total, {}), places=[_shown(tally, named) for tally in places],
    )  # fmt: skip


async def _named(pool: Pool, codes: list[str | None]) -> dict[str, tuple[str, str]]:
    """Code → Thai and English name with what it lies in."""
    known = [code for code in codes if code]
    own = {row["code"]: (row["th"], row["en"]) for row in await store.areas.nodes(pool, known)}
    return {code: (whole_name(code, own, "th") or code, whole_name(code, own, "en") or code) for code in known}


def _shown(tally: Tally, named: dict[str, tuple[str, str]]) -> GapsOf:
    th, en = named.get(tally.place or "", (None, None))
    return GapsOf(
        code=tally.place, th=th, en=en, people=tally.people,
        gaps=[GapCount(gap=views.label("gap", gap), people=tally.gaps[gap]) for gap in GAPS],
        needs=[NeedCount(urgency=views.label("need_urgency", one), people=tally.needs[one]) for one in URGENCIES],
    )  # fmt: skip


@router.get("/people", responses=problems(401, 403, 404))
async def find(
    request: Request, caller: Finds, group: Group, gap: Gap, days: Days = PERIOD, area: Area = None,
    area_code: AreaCode = None, limit: Annotated[int, Query(ge=1, le=200)] = 50,
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> GapPeople:  # fmt: skip
    """ใครขาดอะไร | Of whom it is lacking: the most urgent need first, then who was not visited for the longest."""
    pool = runtime_of(request).pool
    sought = await _sought(request, caller, group, days, area, area_code)
    rows = await store.gaps.find(pool, sought, gap, limit + 1, skip)
    shown = rows[:limit]
    named = await _named(pool, [row["place"] for row in shown])
    detail = {"group": group, "gap": gap}
    await audit(pool, caller, "list_gaps", "person", [row["id"] for row in shown] or None, detail, area=sought.area)
    items = [
        GapPerson(
            person_id=row["id"], area=row["area"], place=row["place"],
            place_th=named.get(row["place"], (None, None))[0], place_en=named.get(row["place"], (None, None))[1],
            visited_at=row["visited_at"], assessed_at=row["assessed_at"],
            urgency=views.label("need_urgency", str(row["urgency"])) if row["urgency"] else None,
        )
        for row in shown
    ]  # fmt: skip
    return GapPeople(items=items, more=len(rows) > limit)
