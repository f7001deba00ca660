"""Community cards: what each community can rely on, who has it, and what of it is near."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, told, views
from services.registry.api.community_models import (
    Cards,
    CardShown,
    CommunityCard,
    EntriesFound,
    EntryBody,
    EntryFound,
    EntrySearch,
    EntryShown,
    OnCard,
    PlaceShown,
)
from services.registry.api.gate import area_for, areas_of, gate, held_for, runtime_of
from services.registry.api.reach import places_of
from services.registry.rules.community import Entry, found
from services.registry.rules.locations import packed, unpacked
from services.registry.store.people import Row
from services.registry.values import AREA_CODE, read_own_phone
from services.registry.verbs.areas import community_code
from shared.audit import audit
from shared.auth import Caller
from shared.database import Connection
from shared.errors import refuse
from shared.openapi import problems

router = APIRouter(prefix="/v1/community", tags=["community"])

Lists = Annotated[Caller, Depends(gate("GET /v1/community/cards"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/community"))]
Searches = Annotated[Caller, Depends(gate("POST /v1/community/search"))]
Puts = Annotated[Caller, Depends(gate("PUT /v1/community/{entry_id}"))]
Ends = Annotated[Caller, Depends(gate("DELETE /v1/community/{entry_id}"))]
Slug = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
Limit = Annotated[int, Query(ge=1, le=100)]

MOST_SOUGHT = 5_000
"""How many entries one search opens: a municipality has hundreds. Where there are more, the answer says so."""
Texts = Mapping[str, str]


@router.get("/cards", responses=problems(401, 403, 404))
async def cards(
    request: Request,
    caller: Lists,
    area: Slug = None,
    area_code: Annotated[str | None, Query(pattern=AREA_CODE)] = None,
) -> Cards:
    """บัตรข้อมูลชุมชนทั้งหมด | Every community with a card: how much of each kind, and how old the oldest entry is."""
    pool = runtime_of(request).pool
    areas = areas_of(caller) if area is None else [area_for(caller, area)]
    rows = await store.community.read_cards(pool, areas, await places_of(pool, caller, area_code))
    every = groupby(rows, key=lambda row: (row["area"], row["community"]))
    return Cards(items=[_card(*key, list(kinds)) for key, kinds in every])


def _card(area: str, community: str, rows: list[Row]) -> CardShown:
    kinds = [
        OnCard(kind=views.label("community_kind", row["kind"]), entries=row["entries"], things=row["things"])
        for row in rows
    ]
    return CardShown(area=area, community=community, kinds=kinds, checked_at=min(row["checked_at"] for row in rows))


@router.get("", responses=problems(401, 403, 404))
async def read(
    request: Request,
    caller: Reads,
    area: Slug = None,
    kind: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$")] = None,
    name: Annotated[str | None, Query(max_length=60, pattern=r"^[^\x00]+$")] = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> CommunityCard:
    """บัตรข้อมูลชุมชน | What a community (``name``: its code, or as it is written) can rely on: people, skills, boats."""
    pool = runtime_of(request).pool
    areas = areas_of(caller) if area is None else [area_for(caller, area)]
    names = [name, *[await community_code(pool, one, name) for one in areas or ()]] if name else None
    rows = await store.community.read_entries(pool, areas, kind, _cards_of(caller, names), cursor, limit)
    ids, where = [row["id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "read_community", "community", ids or None, area=where or None)
    texts = await told.of(pool, ids)
    items = [EntryShown(**_entry(row, texts.get(row["id"], {}))) for row in rows]
    return CommunityCard(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


def _cards_of(caller: Caller, names: list[str] | None) -> list[str] | None:
    """Which communities' cards: those that were named, of those to which the caller is held; None: every one."""
    if not caller.places:
        return names
    return sorted(one for one in caller.places if names is None or one in names)


def _keeps(caller: Caller, community: str) -> bool:
    """Who is held to places keeps the cards of these, by their codes."""
    return not caller.places or community in caller.places


@router.post("/search", responses=problems(400, 401, 403, 404, 413))
async def search(request: Request, caller: Searches, body: EntrySearch) -> EntriesFound:
    """ใครมีอะไร ใกล้ที่นี่ | Who has a boat, a key, a skill, the nearest first; whoever is answered is written down."""
    pool = runtime_of(request).pool
    areas = areas_of(caller) if body.area is None else [area_for(caller, body.area)]
    inside = await places_of(pool, caller, body.area_code)
    rows = await store.community.read_entries(pool, areas, body.kind, inside, None, MOST_SOUGHT + 1)
    unread = len(rows) > MOST_SOUGHT
    texts = await told.of(pool, [row["id"] for row in rows])
    entries = [_sought(row, texts.get(row["id"], {})) for row in rows]
    at = body.point.point() if body.point else None
    near = found(entries, body.words or "", at, body.within_m)
    by_id = {row["id"]: row for row in rows}
    kept = [by_id[one.id] for one in near[: body.limit]]
    ids, where = [row["id"] for row in kept], [row["area"] for row in kept]
    await audit(pool, caller, "search_community", "community", ids or None, {"found": len(near)}, area=where or None)
    items = [
        EntryFound(distance_m=one.distance_m, **_entry(by_id[one.id], texts.get(one.id, {})))
        for one in near[: body.limit]
    ]
    return EntriesFound(items=items, more=unread or len(near) > body.limit)


def _sought(row: Row, texts: Texts) -> Entry:
    kind = views.label("community_kind", row["kind"])
    point = texts.get("point")
    return Entry(row["id"], (texts.get("what", ""), kind.th, kind.en), unpacked(point) if point else None)


def _entry(row: Row, texts: Texts) -> dict[str, Any]:
    point = unpacked(texts["point"]) if "point" in texts else None
    return {
        "kind": views.label("community_kind", row["kind"]),
        "point": PlaceShown(lon=point.lon, lat=point.lat) if point else None,
        **{field: texts.get(field) for field in ("what", "name", "phone")},
        **{name: row[name] for name in ("id", "area", "community", "count", "person_id", "checked_at")},
    }


@router.put("/{entry_id}", responses=problems(400, 401, 403, 404, 413))
async def put(request: Request, caller: Puts, entry_id: UUID, body: EntryBody) -> EntryShown:
    """บันทึกข้อมูลชุมชน | Write or confirm one entry of a community's card."""
    runtime = runtime_of(request)
    area = area_for(caller, body.area)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person_id = (await held_for(work, caller, body.person_id)).id if body.person_id else None
        community = await community_code(work.db, area, body.community)
        if not _keeps(caller, community):
            raise refuse("not_found", field="community")
        facts = (entry_id, area, community, body.kind, body.count, person_id, work.now)
        before = await store.community.read_entry(work.db, entry_id)
        if before is not None and not _keeps(caller, before["community"]):
            raise refuse("not_found")
        fresh = await store.community.put_entry(work.db, facts)
        if fresh is None or (fresh and await _is_others(work.db, entry_id)):
            raise refuse("not_found")
        phone = read_own_phone(body.phone) if body.phone else None
        point = packed(body.point.point()) if body.point else None
        texts = {"what": body.what, "name": body.name, "phone": phone, "point": point}
        await store.told.drop(work.db, [entry_id])
        await store.told.put(work.db, told.rows(entry_id, person_id, texts))
        await audit(work, caller, "put_community", "community", entry_id, {"kind": body.kind}, area=area)
        row = await store.community.read_entry(work.db, entry_id)
        shown = await told.of(work.db, [entry_id])
    assert row is not None  # noqa: S101 written in this transaction
    return EntryShown(**_entry(row, shown.get(entry_id, {})))


async def _is_others(db: Connection, entry_id: UUID) -> bool:
    """Something else has this id: ``told`` knows its texts by id alone, so an entry by it would wipe them out."""
    return bool(await store.told.read(db, [entry_id])) or not await store.aggregates.is_free(db, entry_id)


@router.delete("/{entry_id}", status_code=204, responses=problems(401, 403, 404))
async def end(request: Request, caller: Ends, entry_id: UUID) -> None:
    """ไม่มีแล้ว | It is not there any more; who it was is forgotten."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await store.community.read_entry(work.db, entry_id)
        if row is None or not caller.may_see(row["area"]) or not _keeps(caller, row["community"]):
            raise refuse("not_found")
        await store.community.end_entry(work.db, entry_id, work.now)
        await store.told.drop(work.db, [entry_id])
        await audit(work, caller, "end_community", "community", entry_id, area=row["area"])
