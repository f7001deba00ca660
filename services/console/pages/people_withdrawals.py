"""Consents that were withdrawn: of an agency what it must stop, of the municipality who has not said so yet."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.navigation import CARERS
from services.console.pages.people_consent import agencies_of, agreement_titles
from services.console.pages.people_tabs import tried
from services.console.people import Person
from services.console.web import backend, go, page, signed_in

router = APIRouter(prefix="/people/withdrawals", include_in_schema=False)

Hearer = Annotated[Person, Depends(signed_in(*CARERS, agencies=True))]
PURPOSE = "case_work"
AT_ONCE = 50


@router.get("")
async def show(
    request: Request, person: Hearer, cursor: Annotated[str | None, Query(max_length=80)] = None
) -> Response:
    return await _list(request, person, cursor=cursor)


async def _list(
    request: Request, person: Person, *, problem: str = "", status: int = 200, cursor: str | None = None
) -> Response:
    params: dict[str, str | int] = {"limit": AT_ONCE, **({"cursor": cursor} if cursor else {})}
    found = await backend(request).get(person, "registry", "/v1/withdrawals", params=params, purpose=PURPOSE)
    return page(
        request, "people/withdrawals.html", status=status, problem=problem, found=found, purpose=PURPOSE,
        titles=await agreement_titles(
            request, person, (one["agreement_id"] for each in found["items"] for one in each["still"])
        ),
        named=dict(await agencies_of(request, person, PURPOSE)), theirs=person.agency_id is not None,
    )  # fmt: skip


@router.post("")
async def acknowledge(request: Request, person: Hearer, consent_id: Annotated[UUID, Form()]) -> Response:
    """We have stopped: said by somebody of the agency itself."""
    body = {"consent_ids": [str(consent_id)]}
    sent = backend(request).post(person, "registry", "/v1/withdrawals/acknowledge", body, purpose=PURPOSE)
    problem, status = await tried(person, sent)
    return await _list(request, person, problem=problem, status=status) if problem else go("/people/withdrawals")
