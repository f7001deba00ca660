"""Identifiers and telephones on the tab *change*: added, ended, or corrected where they were entered in error."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.pages.people_change import sent
from services.console.pages.people_tabs import Carer, Doc, Short, filled
from services.console.rules import days

router = APIRouter(prefix="/people/{person_id}/change", include_in_schema=False)


@router.post("/identifier")
async def add_identifier(
    request: Request, person: Carer, person_id: UUID, kind: Short, value: Short = "", issuer: Short = "",
    verified: Short = "", since_on: Short = "", until_on: Short = "", purpose: Short = "", key: Short = "",
) -> Response:  # fmt: skip
    body, wrong = _identifier(kind, value, issuer, verified, since_on, person.lang)
    last, also_wrong = days.read(until_on, "until_on", person.lang)
    body |= filled(until_on=last)
    return await sent(request, person, person_id, "/identifiers", body, purpose, wrong=wrong or also_wrong, key=key)


@router.post("/identifier/{identifier_id}/end")
async def end_identifier(
    request: Request, person: Carer, person_id: UUID, identifier_id: UUID, reason: Short, until_on: Short = "",
    purpose: Short = "",
) -> Response:  # fmt: skip
    return await _end(request, person, person_id, f"/identifiers/{identifier_id}/end", reason, until_on, purpose)


@router.post("/identifier/{identifier_id}/correct")
async def correct_identifier(
    request: Request, person: Carer, person_id: UUID, identifier_id: UUID, kind: Short = "", value: Short = "",
    issuer: Short = "", verified: Short = "", since_on: Short = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """With nothing typed in its place the wrong number only goes."""
    instead, wrong = _identifier(kind, value, issuer, verified, since_on, person.lang)
    body = {"instead": instead} if value.strip() else {}
    path = f"/identifiers/{identifier_id}/correct"
    return await sent(request, person, person_id, path, body, purpose, wrong=wrong)


@router.post("/contact/{contact_id}/end")
async def end_contact(
    request: Request, person: Carer, person_id: UUID, contact_id: UUID, reason: Short, until_on: Short = "",
    purpose: Short = "",
) -> Response:  # fmt: skip
    return await _end(request, person, person_id, f"/contacts/{contact_id}/end", reason, until_on, purpose)


@router.post("/contact/{contact_id}/correct")
async def correct_contact(
    request: Request, person: Carer, person_id: UUID, contact_id: UUID, phone: Short = "", relation: Short = "self",
    name: Short = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """With nothing typed in its place the wrong telephone only goes."""
    body = {"instead": {"phone": phone, "relation": relation, **filled(name=name)}} if phone.strip() else {}
    return await sent(request, person, person_id, f"/contacts/{contact_id}/correct", body, purpose)


def _identifier(kind: str, value: str, issuer: str, verified: str, since_on: str, lang: str) -> tuple[Doc, str]:
    """What was typed as the registry takes it, and what is wrong with its day."""
    first, wrong = days.read(since_on, "since_on", lang)
    return {"kind": kind, "verified": bool(verified), **filled(value=value, issuer=issuer, since_on=first)}, wrong


async def _end(
    request: Request, person: Carer, person_id: UUID, path: str, reason: str, until_on: str, purpose: str
) -> Response:
    last, wrong = days.read(until_on, "until_on", person.lang)
    return await sent(
        request, person, person_id, path, {"reason": reason, **filled(until_on=last)}, purpose, wrong=wrong
    )
