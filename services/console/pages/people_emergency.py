"""Somebody of another agency, without an agreement, opens one record where there is danger; it closes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.pages.people_tabs import Asker, Short, filled
from services.console.people import Person
from services.console.web import FormKey, backend, page

router = APIRouter(prefix="/people/break-glass", include_in_schema=False)

EMERGENCY = "emergency"


def ask_to_break(
    request: Request, person: Person, *, problem: str = "", status: int = 200,
    missing: Sequence[dict[str, Any]] = (), person_id: str = "", reason: str = "",
) -> Response:  # fmt: skip
    """The form. ``missing``: what opens the record without it; ``person_id``: whose, where that is known."""
    return page(
        request, "people/break_glass.html", status=status, problem=problem, missing=missing,
        whose=person_id, reason=reason, own=person.agency_id is None,
    )  # fmt: skip


@router.get("")
async def show(request: Request, person: Asker, person_id: UUID | None = None) -> Response:
    return ask_to_break(request, person, person_id=str(person_id or ""))


@router.post("")
async def break_glass(
    request: Request, person: Asker, reason: Short = "", national_id: Short = "", person_id: Short = "",
    key: FormKey = "",
) -> Response:  # fmt: skip
    """A number from a card, or a person whose page was refused; and why. Privacy officers hear at once, and

    of one form once: the page that answers may be asked for anew.
    """
    whose = filled(person_id=person_id) or filled(national_id=national_id)
    body = {**whose, "reason": reason.strip()}
    try:
        opened = await backend(request).post(
            person, "registry", "/v1/break-glass", body, key=key or None, purpose=EMERGENCY
        )
    except BackendRefused as refused:
        return ask_to_break(
            request, person, problem=refused.sentence(person.lang), status=refused.status, person_id=person_id,
            reason=reason,
        )  # fmt: skip
    return page(request, "people/opened.html", opened=opened, purpose=EMERGENCY)
