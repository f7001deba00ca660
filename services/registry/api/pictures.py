"""Pictures of visits and of places: who may read the visit or the place may see them, and nobody else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.registry import store
from services.registry.api.access import classes, not_protected, open_person
from services.registry.api.gate import gate, must_be_sent, own_held_for, person_for, runtime_of, sent_for
from services.registry.api.pictures_models import PictureShown, shown
from services.registry.keys import ring
from services.registry.pictures import Drawn, drawn_anew
from services.registry.rules.access import ROUTES
from services.registry.rules.fields import HEALTH, RESTRICTED
from services.registry.verbs import pictures as verbs
from services.registry.verbs.pictures import Whose
from shared.audit import audit
from shared.auth import Caller
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.refusal import Refusal
from shared.service import Runtime

router = APIRouter(prefix="/v1", tags=["visits"])

Takes = Annotated[Caller, Depends(gate("PUT /v1/pictures/{picture_id}"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/pictures/{picture_id}"))]
Drops = Annotated[Caller, Depends(gate("DELETE /v1/pictures/{picture_id}"))]

JPEG: Final = "image/jpeg"
BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": {"application/octet-stream": BINARY}}}
ALONE: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
ONE_OF = (422, "one_of", "ระบุการเยี่ยมหรือพิกัดอย่างใดอย่างหนึ่ง", "name the visit or the observation, one of the two")
_ONE_BY_ONE = ThreadPoolExecutor(1, "picture")
"""An unpacked picture takes tens of megabytes."""


@router.put("/pictures/{picture_id}", openapi_extra=BODY, responses=problems(400, 401, 403, 404, 409, 410, 413))
async def take(
    request: Request, caller: Takes, picture_id: UUID, visit_id: UUID | None = None, location_id: UUID | None = None
) -> PictureShown:
    """ส่งภาพ | A picture (JPEG, PNG, WebP; 1 MiB) of a visit or of an observation. Sent again it changes nothing.

    One that was removed meanwhile stays away (410 ``picture_gone``).

    It is drawn anew: what a telephone writes into a picture, such as where it was taken, is not kept.
    """
    runtime = runtime_of(request)
    if (visit_id is None) == (location_id is None):
        raise Refused(*ONE_OF, field="visit_id")
    whose = Whose(visit_id, location_id)
    person_id = await _about(runtime, caller, whose)
    known = await store.pictures.read_facts(runtime.pool, picture_id)
    if known is not None:
        return shown(verbs.the_same(known, whose))
    drawn = await _drawn(await request.body())
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await sent_for(work, caller, person_id)
        kept = await verbs.keep(work, person, picture_id, whose, drawn, caller.actor)
        await audit(work, caller, "add_picture", "person", person.id, {"picture_id": str(picture_id)}, area=person.area)
        return shown(kept)


async def _about(runtime: Runtime, caller: Caller, whose: Whose) -> UUID:
    """Whom the visit or observation is about.

    Raises:
        Refused: 404 there is none for this caller.

    """
    owner = await verbs.owner(runtime.pool, whose)
    if owner is None:
        raise refuse("not_found", field="visit_id" if whose.visit_id else "location_id")
    person = await person_for(runtime, caller, owner["person_id"])
    await must_be_sent(runtime.pool, caller, person.id)
    return person.id


async def _drawn(content: bytes) -> Drawn:
    try:
        return await asyncio.get_running_loop().run_in_executor(_ONE_BY_ONE, drawn_anew, content)
    except Refusal as refusal:
        raise Refused(422, refusal.code, refusal.th, refusal.en, field=refusal.field) from None


@router.get(
    "/pictures/{picture_id}", response_class=Response,
    responses={**problems(401, 403, 404), 200: {"content": {JPEG: BINARY}, "description": "the picture"}},
)  # fmt: skip
async def read(request: Request, caller: Reads, picture_id: UUID) -> Response:
    """ดูภาพ | One picture, for whoever may read the visit or the place it belongs to."""
    runtime = runtime_of(request)
    row = await store.pictures.read(runtime.pool, picture_id)
    if row is None:
        raise refuse("not_found")
    person, seen = await open_person(runtime, caller, row["person_id"], HEALTH if row["visit_id"] else RESTRICTED)
    if row["visit_id"]:
        visit = await store.visits.read_visit(runtime.pool, row["visit_id"])
        may = caller.role in ROUTES["GET /v1/persons/{person_id}/visits"].roles
        if not may or not visit or not await not_protected(runtime.pool, seen, [visit]):
            raise refuse("not_found")
    detail = {"picture_id": str(picture_id), "classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "read_picture", "person", person.id, detail, area=person.area)
    return Response(ring().open_bytes(row["image"], "picture", row["id"], "image"), media_type=JPEG, headers=ALONE)


@router.delete("/pictures/{picture_id}", status_code=204, responses=problems(401, 403, 404, 409))
async def drop(request: Request, caller: Drops, picture_id: UUID) -> None:
    """ลบภาพ | A picture that should not have been taken, of somebody else for example, goes for good."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await store.pictures.read_facts(work.db, picture_id)
        if row is None:
            raise refuse("not_found")
        person = await own_held_for(work, caller, row["person_id"])
        await store.pictures.drop(work.db, picture_id, work.now)
        detail = {"picture_id": str(picture_id)}
        await audit(work, caller, "drop_picture", "person", person.id, detail, area=person.area)
