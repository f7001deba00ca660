"""What waits for a yes or no: corrections by others, groups that assessments propose, people who are to be secret."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console.area_tree import Place, chooser, listed, there
from services.console.colleagues import owners
from services.console.labels import label
from services.console.navigation import REGISTER
from services.console.pages.people_tabs import Carer, Doc, Short, tried
from services.console.pages.people_visits import names_of
from services.console.people import Person
from services.console.texts import texts
from services.console.web import backend, go, page, signed_in
from shared.auth import Role

router = APIRouter(prefix="/people/proposals", include_in_schema=False)

Supervisor = Annotated[Person, Depends(signed_in(Role.SUPERVISOR))]
"""Who agrees that somebody be secret, or not any more: never who asked."""
Cursor = Annotated[UUID | None, Query()]
PURPOSE, REGISTRATION = "case_work", "registration"
LISTS = {"mobility": "mobility", "sex": "sex", "needs": "need"}
"""Fields of a correction whose values are codes."""


@router.get("")
async def show(
    request: Request, person: Carer, corrections: Cursor = None, groups: Cursor = None, place: Place = ""
) -> Response:
    return await _inbox(request, person, place, corrections=corrections, groups=groups)


async def _inbox(
    request: Request, person: Person, place: str, *, problem: str = "", status: int = 200,
    corrections: UUID | None = None, groups: UUID | None = None,
) -> Response:  # fmt: skip
    """``corrections``, ``groups``: after which of them the page begins; who is to be secret is asked for as a whole."""
    proposed, unknown = await listed(request, person, "/v1/corrections", _after(corrections), place, PURPOSE)
    joining, _ = await listed(request, person, "/v1/group-proposals", _after(groups), place, PURPOSE)
    secret: list[Doc] = []
    if person.role in REGISTER:
        secret = (await backend(request).get(person, "registry", "/v1/disclosures", purpose=REGISTRATION))["items"]
    ids = [each["person_id"] for each in (*proposed["items"], *joining["items"], *secret)]
    return page(
        request, "people/proposals.html", status=status, problem=problem or unknown, corrections=proposed,
        owners=await owners(request, person, proposed["items"]),
        groups=joining, disclosures=secret, names=await names_of(request, person, ids),
        agrees=person.role is Role.SUPERVISOR, keeps=person.role in REGISTER, purpose=PURPOSE,
        change_said=lambda change: said_change(change, person.lang), **await chooser(request, person, place),
    )  # fmt: skip


def _after(cursor: UUID | None) -> dict[str, str | int]:
    return {"cursor": str(cursor)} if cursor else {}


def said_change(change: Doc, lang: str) -> list[tuple[str, str]]:
    """``(field, value)`` of a correction as people read them."""
    return [(texts()[f"person.field_{name}"].of(lang), _said(name, value, lang)) for name, value in change.items()]


def _said(name: str, value: Any, lang: str) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, bool):
        return texts()["person.yes" if value else "person.no"].of(lang)
    if name == "addresses":
        return " · ".join(
            " ".join((texts()[f"person.address_{kind}"].of(lang), *(str(one) for one in (each or {}).values() if one)))
            for kind, each in value.items()
        )
    if name in LISTS:
        codes = value if isinstance(value, list) else [value]
        return ", ".join(label(LISTS[name], code, lang) for code in codes)
    return str(value)


@router.post("/corrections/{correction_id}")
async def decide_correction(
    request: Request, person: Carer, correction_id: UUID, decision: Short, place: Place = ""
) -> Response:
    path, body = f"/v1/corrections/{correction_id}/decide", {"decision": decision}
    return await _decided(request, person, path, body, PURPOSE, place)


@router.post("/groups/{proposal_id}")
async def decide_group(
    request: Request, person: Carer, proposal_id: UUID, decision: Short, place: Place = ""
) -> Response:
    path, body = f"/v1/group-proposals/{proposal_id}/decide", {"decision": decision}
    return await _decided(request, person, path, body, PURPOSE, place)


@router.post("/disclosures/{request_id}")
async def decide_disclosure(
    request: Request, person: Supervisor, request_id: UUID, decision: Short, place: Place = ""
) -> Response:
    path, body = f"/v1/disclosures/{request_id}/decide", {"approve": decision == "accepted"}
    return await _decided(request, person, path, body, REGISTRATION, place)


async def _decided(request: Request, person: Person, path: str, body: Doc, purpose: str, place: str) -> Response:
    problem, status = await tried(person, backend(request).post(person, "registry", path, body, purpose=purpose))
    if problem:
        return await _inbox(request, person, place, problem=problem, status=status)
    return go(there("/people/proposals", place))
