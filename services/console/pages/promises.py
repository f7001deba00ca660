"""Writing down what was promised, and how far it is: the supervisor's and the administrator's page."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.people import Person
from services.console.store import promises
from services.console.texts import teller
from services.console.towns import town_of
from services.console.web import go, page, runtime, signed_in
from shared.auth import Role
from shared.work import new_id, now_utc

router = APIRouter(prefix="/public/promises/edit", include_in_schema=False)

Keeper = Annotated[Person, Depends(signed_in(Role.SUPERVISOR, Role.ADMIN))]
Line = Annotated[str, Form(max_length=300)]
Amount = Annotated[str, Form(max_length=20)]


@router.get("")
async def edit(request: Request, person: Keeper) -> Response:
    return await _shown(request, person)


async def _shown(request: Request, person: Person, problem: str | None = None, *, status: int = 200) -> Response:
    rows = await promises.listed(runtime(request).pool, person.area or "")
    return page(
        request, "public/promises_edit.html", status=status, town=town_of(request, person.area), promises=rows,
        problem=teller(person.lang)(f"public.{problem}") if problem else None, base="/public",
    )  # fmt: skip


@router.post("")
async def keep(
    request: Request, person: Keeper, title_th: Line = "", title_en: Line = "", target_th: Line = "",
    target_en: Line = "", target: Amount = "", progress: Amount = "0", position: Amount = "0",
    id_: Annotated[UUID | None, Form(alias="id")] = None,
) -> Response:  # fmt: skip
    """Write one promise down. What people read needs both languages."""
    titles = title_th.strip(), title_en.strip()
    if not all(titles) or person.area is None:
        return await _shown(request, person, "promise_both", status=422)
    try:
        wanted, reached, place = float(target) if target.strip() else None, float(progress or 0), int(position or 0)
    except ValueError:
        return await _shown(request, person, "promise_number", status=422)
    if not (0 <= reached < 1e9 and 0 <= place < 10_000 and (wanted is None or 0 < wanted < 1e9)):  # noqa: PLR2004
        return await _shown(request, person, "promise_number", status=422)
    await promises.put(
        runtime(request).pool, id_ or new_id(), person.area, *titles, target_th.strip(), target_en.strip(), wanted,
        reached, place, now_utc(),
    )  # fmt: skip
    return go("/public/promises/edit")


@router.post("/drop")
async def drop(request: Request, person: Keeper, id_: Annotated[UUID, Form(alias="id")]) -> Response:
    await promises.drop(runtime(request).pool, id_, person.area or "")
    return go("/public/promises/edit")
