"""Records that may be one person's: the queue, its decisions, and linking and unlinking what somebody found."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, views
from services.registry.answers import Linked, LinkPage, LinkShown, Pairs, PairShown, Reviewed, Unlinked
from services.registry.api.gate import AreaCode, areas_of, gate, narrowed, own_held_for, places_for, runtime_of
from services.registry.api.persons import BAD_CURSOR
from services.registry.api.reach import within_reach
from services.registry.bodies import LinkBody, ReviewBody, UnlinkBody
from services.registry.store.people import Row
from services.registry.verbs import linking
from shared.audit import audit
from shared.auth import Caller
from shared.database import Connection, Pool
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["duplicates"])

Lists = Annotated[Caller, Depends(gate("GET /v1/duplicates"))]
ListsLinks = Annotated[Caller, Depends(gate("GET /v1/links"))]
Reviews = Annotated[Caller, Depends(gate("POST /v1/duplicates/{pair_id}/review"))]
Links = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/link"))]
Unlinks = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/unlink"))]


@router.get("/duplicates", responses=problems(401, 403))
async def list_pairs(
    request: Request,
    caller: Lists,
    area_code: AreaCode = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Pairs:
    """คู่ที่อาจเป็นคนเดียวกัน | Pairs that nobody has reviewed yet, the likeliest first.

    ``area_code``: of whom either record says that they live there.
    """
    runtime = runtime_of(request)
    after = views.read_pair_cursor(cursor) if cursor is not None else None
    if cursor is not None and after is None:
        raise Refused(*BAD_CURSOR, field="cursor")
    places = await places_for(runtime, caller, area_code)
    page = await store.links.read_open(runtime.pool, areas_of(caller), after, limit, places)
    rows = await _whole(runtime.pool, caller, page)
    ids = [row[side] for row in rows for side in ("one_id", "other_id")]
    people = {row["id"]: row for row in await store.people.read_hits(runtime.pool, ids)}
    areas = [people[one]["area"] for one in ids]
    detail = {"pairs": len(rows), **narrowed(area_code)}
    await audit(runtime.pool, caller, "review_list", "person", ids or None, detail, area=areas or None)
    following = views.pair_cursor(page[-1]) if len(page) == limit else None
    return Pairs(items=[_shown(row, people) for row in rows], next=following)


async def _whole(db: Pool | Connection, caller: Caller, pairs: list[Row]) -> list[Row]:
    """Those of which the caller may know both sides: of one alone nothing can be decided."""
    known = await within_reach(db, caller, [pair[side] for pair in pairs for side in ("one_id", "other_id")])
    return [pair for pair in pairs if {pair["one_id"], pair["other_id"]} <= known]


@router.post("/duplicates/{pair_id}/review", responses=problems(400, 401, 403, 404, 409, 413))
async def review_pair(request: Request, caller: Reviews, pair_id: UUID, body: ReviewBody) -> Reviewed:
    """ตัดสินคู่ | One person's records are linked; a pair that was decided does not come back."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        pair = await store.links.read_pair(work.db, pair_id, areas_of(caller))
        if pair is None or not await _whole(work.db, caller, [pair]):
            raise refuse("not_found")
        survivor_id = await linking.review(work, pair, body.decision, body.survivor_id, body.reason)
        ids = [pair["one_id"], pair["other_id"]]
        told = {"decision": body.decision, **({"reason": body.reason} if body.reason else {})}
        await audit(work, caller, "review", "person", ids, told, area=pair["area"])
    return Reviewed(id=pair_id, decision=body.decision, survivor_id=survivor_id)


@router.get("/links", responses=problems(401, 403))
async def list_links(
    request: Request,
    caller: ListsLinks,
    area_code: AreaCode = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> LinkPage:
    """ระเบียนที่เชื่อมเป็นคนเดียวกัน | Links that stand, the newest first: what was taken for one can be taken apart."""
    runtime = runtime_of(request)
    places = await places_for(runtime, caller, area_code)
    rows = await store.links.read_links(runtime.pool, areas_of(caller), cursor, limit, places)
    ids = [row[side] for row in rows for side in ("person_id", "survivor_id")]
    people = {row["id"]: row for row in await store.people.read_hits(runtime.pool, ids)}
    areas = [people[one]["area"] for one in ids]
    detail = {"links": len(rows), **narrowed(area_code)}
    await audit(runtime.pool, caller, "list_links", "person", ids or None, detail, area=areas or None)
    today = local_day(now_utc())
    items = [
        LinkShown(
            id=row["id"],
            area=row["area"],
            linked_at=row["linked_at"],
            one=views.hit(people[row["person_id"]], today),
            survivor=views.hit(people[row["survivor_id"]], today),
        )
        for row in rows
    ]
    return LinkPage(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


@router.post("/persons/{person_id}/link", responses=problems(400, 401, 403, 404, 409, 413))
async def link_person(request: Request, caller: Links, person_id: UUID, body: LinkBody) -> Linked:
    """เชื่อมเป็นคนเดียวกัน | This record and the survivor's are one person's. Nothing is lost: it can be undone."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await store.links.hold(work.db, [person_id, body.survivor_id])
        person = await own_held_for(work, caller, person_id)
        await own_held_for(work, caller, body.survivor_id)
        stays = await linking.link(work, person_id, body.survivor_id, body.reason)
        await audit(work, caller, "link", "person", [person_id, body.survivor_id], area=person.area)
        rows = await store.links.records(work.db, stays)
    return Linked(survivor_id=stays, records=[row["id"] for row in rows])


@router.post("/persons/{person_id}/unlink", responses=problems(400, 401, 403, 404, 409, 413))
async def unlink_person(request: Request, caller: Unlinks, person_id: UUID, body: UnlinkBody | None = None) -> Unlinked:
    """แยกออกจากกัน | They are two people after all, each with what is theirs."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, person_id)
        one, other = await linking.unlink(work, person_id, (body or UnlinkBody()).reason)
        await audit(work, caller, "unlink", "person", [one, other], area=person.area)
    return Unlinked(id=one, other_id=other)


def _shown(pair: Row, people: dict[UUID, Row]) -> PairShown:
    today = local_day(now_utc())
    return PairShown(
        reasons=[views.label("duplicate_reason", code) for code in pair["reasons"]],
        one=views.hit(people[pair["one_id"]], today),
        other=views.hit(people[pair["other_id"]], today),
        **{name: pair[name] for name in ("id", "area", "score", "found_at")},
    )
