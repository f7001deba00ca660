"""Gaps: of a group, how many lack what, by where they live; and, for those who care for them, who."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console.area_tree import area_choices
from services.console.backend import BackendRefused
from services.console.labels import options
from services.console.navigation import CARERS, COUNTERS
from services.console.pages.people_visits import PAGE, PURPOSE, names_of
from services.console.people import Person
from services.console.towns import area_options
from services.console.web import backend, page, signed_in
from shared.codes.codes import code_list

router = APIRouter(prefix="/people/gaps", include_in_schema=False)

Counter = Annotated[Person, Depends(signed_in(*COUNTERS))]
Code = Annotated[str, Query(max_length=60)]
SPANS = (30, 60, 90, 180, 365)
DEFAULT_GROUP, DEFAULT_DAYS = "bedridden", 90
NOT_FOUND, WRONG = 404, 422


@dataclass(frozen=True, slots=True)
class Sought:
    """What is counted; codes and numbers alone, so that it may stand in the address."""

    town: str
    group: str
    place: str
    days: int
    gap: str = ""
    skip: int = 0

    def params(self) -> dict[str, str | int]:
        told: dict[str, str | int] = {
            "area": self.town,
            "group": self.group,
            "area_code": self.place,
            "days": self.days,
        }
        return {name: value for name, value in told.items() if value}

    def address(self, **changes: Any) -> str:
        now = replace(self, **changes)
        told = {
            "town": now.town,
            "group": now.group,
            "place": now.place,
            "days": now.days,
            "gap": now.gap,
            "skip": now.skip,
        }
        return "/people/gaps?" + urlencode({name: value for name, value in told.items() if value})


@router.get("")
async def show(
    request: Request, person: Counter, town: Code = "", group: Code = DEFAULT_GROUP, place: Code = "",
    days: Annotated[int, Query(ge=1, le=3650)] = DEFAULT_DAYS, gap: Code = "",
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:  # fmt: skip
    """Counts by place; the people behind one count where ``gap`` is named."""
    towns, cares = area_options(request, person), person.role in CARERS
    known = group if group in code_list("group").codes else DEFAULT_GROUP
    listed = gap if gap in code_list("gap").codes and cares else ""
    town = town or (towns[0][0] if towns else "")
    sought = Sought(town, known, place if cares else "", days if cares else DEFAULT_DAYS, listed, skip)
    counted, found, problem = None, None, ""
    try:
        counted = await backend(request).get(person, "registry", "/v1/gaps", params=sought.params())
        if listed:
            params = {**sought.params(), "gap": listed, "limit": PAGE, "skip": skip}
            found = await backend(request).get(person, "registry", "/v1/gaps/people", params=params, purpose=PURPOSE)
    except BackendRefused as refused:
        if refused.status not in {NOT_FOUND, WRONG}:
            raise
        problem = refused.sentence(person.lang)
    return page(
        request, "people/gaps.html", status=WRONG if problem else 200, counted=counted, found=found, problem=problem,
        sought=sought, towns=towns, groups=options("group", person.lang), areas=await area_choices(request, person),
        spans=sorted({*SPANS, days}) if cares else (DEFAULT_DAYS,), lists=cares, purpose=PURPOSE, page_size=PAGE,
        names=await names_of(request, person, [each["person_id"] for each in found["items"]]) if found else {},
        gap_name=dict(options("gap", person.lang)).get(listed, ""),
    )  # fmt: skip
