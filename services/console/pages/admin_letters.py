"""Dead letters: how many wait in which service; an administrator looks at them and sends them again, or closes them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client.parser import text_string_to_metric_families

from services.console.backend import BackendAway, BackendRefused
from services.console.navigation import roles_of
from services.console.pages.admin import SERVICES, raw
from services.console.people import Person
from services.console.web import backend, go, page, signed_in
from shared.auth import Role

router = APIRouter(prefix="/admin/letters", include_in_schema=False)

Reader = Annotated[Person, Depends(signed_in(*roles_of("admin")))]
Admin = Annotated[Person, Depends(signed_in(Role.ADMIN))]
Of = Literal["intake", "dispatch", "registry", "notify"]
WAITING = "karuna_dead_letters_waiting"


@router.get("")
async def letters(request: Request, person: Reader) -> Response:
    """How many messages wait for a person; to administrators which, with the reason."""
    texts = await asyncio.gather(*(raw(request, service, "/metrics") for service in SERVICES))
    lists = await asyncio.gather(*(_list(request, person, service) for service in SERVICES))
    waiting = {service: _gauge(text) for service, text in zip(SERVICES, texts, strict=True)}
    return page(request, "admin/letters.html", waiting=waiting, lists=dict(zip(SERVICES, lists, strict=True)))


async def _list(request: Request, person: Person, service: str) -> list[dict[str, Any]] | None:
    """None: the service does not answer, or the role may only know how many."""
    if person.role is not Role.ADMIN:
        return None
    try:
        found = await backend(request).get(person, service, "/v1/dead-letters")
    except (BackendAway, BackendRefused):
        return None
    items: list[dict[str, Any]] = found["items"]
    return items


def _gauge(text: str | None) -> int | None:
    """The gauge of waiting dead letters in a page of metrics; None where it is not told."""
    try:
        samples = [each for family in text_string_to_metric_families(text or "") for each in family.samples]
    except ValueError:  # not a page of metrics
        return None
    return next((int(sample.value) for sample in samples if sample.name == WAITING), None)


@router.get("/{service}/{letter_id}")
async def letter(request: Request, person: Admin, service: Of, letter_id: UUID) -> Response:
    """One of them: its envelope, without anybody's data."""
    found = await backend(request).get(person, service, f"/v1/dead-letters/{letter_id}")
    return page(request, "admin/letter.html", letter=found, service=service)


@router.post("/{service}/requeue")
async def requeue_all(request: Request, person: Admin, service: Of) -> Response:
    """Everything of this service goes back to it, after the cause was mended."""
    await backend(request).post(person, service, "/v1/dead-letters/requeue")
    return go("/admin/letters")


@router.post("/{service}/{letter_id}/requeue")
async def requeue(request: Request, person: Admin, service: Of, letter_id: UUID) -> Response:
    await backend(request).post(person, service, f"/v1/dead-letters/{letter_id}/requeue")
    return go("/admin/letters")


@router.post("/{service}/{letter_id}/close")
async def close(request: Request, person: Admin, service: Of, letter_id: UUID) -> Response:
    """Nobody can read it: somebody has looked, and it waits no longer."""
    await backend(request).post(person, service, f"/v1/dead-letters/{letter_id}/close")
    return go("/admin/letters")
