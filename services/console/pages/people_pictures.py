"""Pictures of visits and homes, shown with the viewer's rights: the registry decides each time, and writes it down."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from services.console.pages.people_tabs import Asker, Carer, Purpose, Short, ask_purpose, asked_for, back, purpose_sent
from services.console.web import backend

router = APIRouter(prefix="/people/pictures", include_in_schema=False)

ALONE = {"cache-control": "no-store", "content-disposition": "inline"}


@router.get("/{picture_id}")
async def show(request: Request, person: Asker, picture_id: UUID, purpose: Purpose = "") -> Response:
    why = asked_for(person, purpose)
    if not why:
        return ask_purpose(request, person)
    content = await backend(request).file(person, "registry", f"/v1/pictures/{picture_id}", params={}, purpose=why)
    return Response(content, media_type="image/jpeg", headers=ALONE)


@router.post("/{picture_id}/drop")
async def drop(
    request: Request, person: Carer, picture_id: UUID, person_id: Annotated[UUID, Form()],
    tab: Annotated[Literal["care", "home"], Form()] = "care", purpose: Short = "",
) -> Response:  # fmt: skip
    """A picture that should not have been taken goes for good."""
    why = purpose_sent(person, purpose)
    await backend(request).delete(person, "registry", f"/v1/pictures/{picture_id}", purpose=why)
    return back(person_id, f"/{tab}", why)
