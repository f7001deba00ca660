"""Reviews with five whys and five looks, what is done about them, and the lessons for everybody."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator

from services.registry import store, told, views
from services.registry.answers import Answer, HistoryLine, Label
from services.registry.api.care_models import Note
from services.registry.api.case_gate import held_case
from services.registry.api.gate import AreaCode, area_for, areas_of, gate, narrowed, places_for, runtime_of
from services.registry.api.reach import must_reach
from services.registry.api.reports import EARLIEST, LATEST, REVERSED
from services.registry.rules.reviews import GENS, WHYS, Texts, missing, overdue
from services.registry.store.people import Row
from services.registry.values import Code, Line, Long, coded
from services.registry.verbs import reviews as verbs
from shared.audit import audit
from shared.auth import Caller
from shared.database import Connection, Pool
from shared.errors import Refused, TwoTongued, refuse
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Day, problems
from shared.thai.dates import day_bounds, local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["reviews"])

Opens = Annotated[Caller, Depends(gate("POST /v1/reviews"))]
Lists = Annotated[Caller, Depends(gate("GET /v1/reviews"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/reviews/{review_id}"))]
Writes = Annotated[Caller, Depends(gate("PUT /v1/reviews/{review_id}"))]
Approves = Annotated[Caller, Depends(gate("POST /v1/reviews/{review_id}/approve"))]
Closes = Annotated[Caller, Depends(gate("POST /v1/reviews/{review_id}/close"))]
Acts = Annotated[Caller, Depends(gate("POST /v1/reviews/{review_id}/actions"))]
Ends = Annotated[Caller, Depends(gate("POST /v1/review-actions/{action_id}/done"))]
Learns = Annotated[Caller, Depends(gate("GET /v1/lessons"))]
Counts = Annotated[Caller, Depends(gate("GET /v1/lessons/causes"))]
Limit = Annotated[int, Query(ge=1, le=100)]
KindCode = Annotated[Code, coded("kind")]
CauseCode = Annotated[Code, coded("root_cause")]
GenCode = Literal["place", "thing", "situation", "principle", "rule"]


class ReviewBody(Body):
    """Of a case, or of a call."""

    case_id: UUID | None = None
    call_id: UUID | None = None
    reason: Literal["case", "incident", "complaint"] = "case"
    title: Line = None

    @model_validator(mode="after")
    def _one_matter(self) -> Self:
        if (self.case_id is None) == (self.call_id is None):
            raise TwoTongued("ระบุเคสหรือการแจ้งอย่างใดอย่างหนึ่ง", "one of case_id and call_id is wanted", "one_thing")
        return self


class WritingBody(Body):
    """``whys``: each answers why of the one before. ``version``: the one that was read."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    whys: Annotated[list[Note], Field(max_length=WHYS)]
    gens: Annotated[dict[GenCode, Note], Field(max_length=len(GENS), default_factory=dict)]
    root_cause: CauseCode | None = None


class LessonBody(Body):
    """``lesson``: for everybody, so without names, addresses or anything by which somebody could be known.

    ``version``: what was read; left out, whatever stands now is approved.
    """

    lesson: Note
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    call_kinds: Annotated[list[KindCode], Field(max_length=6, default_factory=list)]


class ActionBody(Body):
    """``owner``: a role or an organisation."""

    what: Note
    owner: Long
    due_on: Day


class EvidenceBody(Body):
    """What shows that it was done: a text, or a reference."""

    evidence: Note


class ReviewMade(Answer):
    id: UUID


class ActionShown(Answer):
    id: UUID
    what: str | None
    owner: str
    due_on: date
    overdue: bool
    done_at: datetime | None
    done_by: str | None
    evidence: str | None


class ReviewLine(Answer):
    id: UUID
    area: str
    status: Label
    reason: Label
    case_id: UUID | None
    call_id: UUID | None
    title: str | None
    root_cause: Label | None
    opened_at: datetime
    open_actions: int
    overdue_actions: int


class ReviewPage(Answer):
    items: list[ReviewLine]
    next: UUID | None


class ReviewShown(ReviewLine):
    version: int
    whys: list[str]
    gens: dict[str, str]
    missing: list[str]
    lesson: str | None
    call_kinds: list[Label]
    opened_by: str
    approved_at: datetime | None
    approved_by: str | None
    closed_at: datetime | None
    actions: list[ActionShown]
    timeline: list[HistoryLine]


class LessonShown(Answer):
    review_id: UUID
    area: str
    lesson: str
    root_cause: Label
    call_kinds: list[Label]
    approved_on: date


class Lessons(Answer):
    items: list[LessonShown]
    next: UUID | None


class Cause(Answer):
    """``repeated``: found more than once in that time."""

    root_cause: Label
    reviews: int
    complaints: int
    repeated: bool
    last_at: datetime


class Causes(Answer):
    area: str
    from_on: date
    to_on: date
    items: list[Cause]


@router.post("/reviews", status_code=201, responses=problems(400, 401, 403, 404, 413))
async def open_review(request: Request, caller: Opens, body: ReviewBody) -> ReviewMade:
    """เปิดการทบทวน | Open a review of a case or a call."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        if body.case_id is not None:
            try:
                case = await held_case(work, caller, body.case_id)
            except Refused:
                raise refuse("not_found", field="case_id") from None
            about = verbs.about_case(case)
        else:
            assert body.call_id is not None  # noqa: S101 the body has one of them
            about = await verbs.about_call(work, body.call_id, areas_of(caller))
            await _must_reach(work.db, caller, {"person_id": None, "call_id": body.call_id})
        review_id = await verbs.open_review(work, about, body.reason, caller.actor, body.title)
        await audit(work, caller, "open", "review", review_id, {"reason": body.reason}, area=about.origin.area)
    assert review_id is not None  # noqa: S101 only a complaint that was told before opens none
    return ReviewMade(id=review_id)


@router.get("/reviews", responses=problems(401, 403))
async def list_reviews(
    request: Request,
    caller: Lists,
    status: Literal["open", "approved", "closed"] | None = None,
    area_code: AreaCode = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> ReviewPage:
    """การทบทวน | Reviews of one's municipalities, newest first; ``area_code``: of whom they are about."""
    pool, places = runtime_of(request).pool, await places_for(runtime_of(request), caller, area_code)
    rows = await store.reviews.read_reviews(pool, areas_of(caller), cursor, status, limit, places)
    ids, where = [row["id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "list", "review", ids or None, narrowed(area_code), area=where or None)
    texts = await told.of(pool, ids)
    actions = await store.reviews.read_actions(pool, ids)
    items = [
        ReviewLine.model_validate(_line(row, texts, [one for one in actions if one["review_id"] == row["id"]]))
        for row in rows
    ]
    return ReviewPage(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


def _status(row: Row) -> str:
    if row["closed_at"] is not None:
        return "closed"
    return "open" if row["approved_at"] is None else "approved"


def _line(row: Row, texts: dict[UUID, dict[str, str]], actions: list[Row]) -> dict[str, Any]:
    today = local_day(now_utc())
    late = [one for one in actions if overdue(one["due_on"], done=one["done_at"] is not None, today=today)]
    return {
        **{name: row[name] for name in ("id", "area", "case_id", "call_id", "opened_at")},
        "status": views.label("review_status", _status(row)),
        "reason": views.label("review_reason", row["reason"]),
        "title": texts.get(row["id"], {}).get("title"),
        "root_cause": views.label("root_cause", row["root_cause"]) if row["root_cause"] else None,
        "open_actions": sum(one["done_at"] is None for one in actions),
        "overdue_actions": len(late),
    }


@router.get("/reviews/{review_id}", responses=problems(401, 403, 404))
async def read_review(request: Request, caller: Reads, review_id: UUID) -> ReviewShown:
    """ดูการทบทวน | Whys, looks, actions, and what happened, in order."""
    pool = runtime_of(request).pool
    row = await store.reviews.read_review(pool, review_id, areas_of(caller))
    if row is None:
        raise refuse("not_found")
    await _must_reach(pool, caller, row)
    await audit(pool, caller, "read", "review", review_id, area=row["area"])
    actions = await store.reviews.read_actions(pool, [review_id])
    texts = await told.of(pool, [review_id, *(one["id"] for one in actions)])
    lines = await store.reviews.timeline(pool, row["call_id"], row["case_id"], areas_of(caller))
    written = Texts.unpacked(texts.get(review_id, {}))
    same = ("version", "lesson", "opened_by", "approved_at", "approved_by", "closed_at")
    return ReviewShown.model_validate({
        **_line(row, texts, actions),
        **{name: row[name] for name in same},
        "whys": list(written.whys),
        "gens": dict(written.gens),
        "missing": missing(written, row["root_cause"]),
        "call_kinds": [views.label("kind", code) for code in row["call_kinds"]],
        "actions": [_action(one, texts.get(one["id"], {})) for one in actions],
        "timeline": [views.history_line(line) for line in lines],
    })  # fmt: skip


def _action(row: Row, texts: dict[str, str]) -> ActionShown:
    late = overdue(row["due_on"], done=row["done_at"] is not None, today=local_day(now_utc()))
    same = {name: row[name] for name in ("id", "owner", "due_on", "done_at", "done_by")}
    return ActionShown(what=texts.get("what"), evidence=texts.get("evidence"), overdue=late, **same)


@router.put("/reviews/{review_id}", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def write_review(request: Request, caller: Writes, review_id: UUID, body: WritingBody) -> None:
    """เขียนการทบทวน | The whys and the looks, whole, on the version that was read."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await _locked(work, caller, review_id)
        await verbs.write(
            work,
            row,
            Texts(body.whys, {str(code): text for code, text in body.gens.items()}),
            body.root_cause,
            body.version,
        )
        await audit(work, caller, "write", "review", review_id, area=row["area"])


async def _locked(work: Any, caller: Caller, review_id: UUID) -> Row:
    """The review, held, its person first: an erasure forgets what was written of them, and comes before or after.

    Raises:
        Refused: 404 there is none for this caller.

    """
    person_id = await store.people.whose(work.db, review_id)
    if person_id is not None:
        await store.links.hold(work.db, [person_id])
    row = await store.reviews.lock_review(work.db, review_id, areas_of(caller))
    if row is None:
        raise refuse("not_found")
    await _must_reach(work.db, caller, row)
    return row


async def _must_reach(db: Connection | Pool, caller: Caller, review: Row | dict[str, Any]) -> None:
    """A review is there for whoever is held to places as its person is, or one of its call's.

    Raises:
        Refused: 404.

    """
    if caller.places:
        of_call = await store.reviews.people_of_call(db, review["call_id"])
        await must_reach(db, caller, [one for one in (review["person_id"], *of_call) if one is not None])


@router.post("/reviews/{review_id}/approve", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def approve(request: Request, caller: Approves, review_id: UUID, body: LessonBody) -> None:
    """อนุมัติ | The review is whole: its lesson is there for everybody."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await _locked(work, caller, review_id)
        await verbs.approve(work, row, body.lesson, body.call_kinds, caller.actor, body.version)
        await audit(work, caller, "approve", "review", review_id, area=row["area"])


@router.post("/reviews/{review_id}/close", status_code=204, responses=problems(401, 403, 404, 409))
async def close(request: Request, caller: Closes, review_id: UUID) -> None:
    """ปิดการทบทวน | Everything that was to be done is done."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await _locked(work, caller, review_id)
        await verbs.close(work, row)
        await audit(work, caller, "close", "review", review_id, area=row["area"])


@router.post(
    "/reviews/{review_id}/actions", status_code=201, response_model=ReviewMade,
    responses=problems(400, 401, 403, 404, 409, 413),
)  # fmt: skip
async def add_action(
    request: Request, caller: Acts, review_id: UUID, body: ActionBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """สิ่งที่ต้องทำ | What is done about it, by whom, until when."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            row = await _locked(work, caller, review_id)
            action_id = await verbs.act(work, row, body.what, body.owner, body.due_on)
            await audit(work, caller, "add_action", "review", review_id, area=row["area"])
            return 201, ReviewMade(id=action_id).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/review-actions/{action_id}/done", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def end_action(request: Request, caller: Ends, action_id: UUID, body: EvidenceBody) -> None:
    """ทำเสร็จพร้อมหลักฐาน | It was done, and this shows it."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        known = await store.reviews.read_action(work.db, action_id)
        if known is None:
            raise refuse("not_found")
        row = await _locked(work, caller, known["review_id"])
        action = await store.reviews.lock_action(work.db, action_id)
        if action is None:
            raise refuse("not_found")
        await verbs.done(work, action, row["person_id"], body.evidence, caller.actor)
        await audit(work, caller, "done", "review", row["id"], area=row["area"])


@router.get("/lessons", responses=problems(401, 403, 404))
async def lessons(
    request: Request,
    caller: Learns,
    q: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]+$")] = None,
    kind: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$")] = None,
    root_cause: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$")] = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> Lessons:
    """บทเรียน | What was learnt, by words, kind of call and cause."""
    pool = runtime_of(request).pool
    rows = await store.reviews.lessons(pool, areas_of(caller), q, kind, root_cause, cursor, limit)
    items = [
        LessonShown(
            review_id=row["id"],
            area=row["area"],
            lesson=row["lesson"],
            root_cause=views.label("root_cause", row["root_cause"]),
            call_kinds=[views.label("kind", code) for code in row["call_kinds"]],
            approved_on=local_day(row["approved_at"]),
        )
        for row in rows
    ]
    return Lessons(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


@router.get("/lessons/causes", responses=problems(401, 403, 404))
async def causes(
    request: Request,
    caller: Counts,
    from_on: Annotated[date, Query(alias="from", ge=EARLIEST, le=LATEST)],
    to_on: Annotated[date, Query(alias="to", ge=EARLIEST, le=LATEST)],
    area: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")] = None,
) -> Causes:
    """สาเหตุที่เกิดซ้ำ | Which causes come again, and how often."""
    if to_on < from_on:
        raise Refused(*REVERSED, field="to")
    wanted = area_for(caller, area)
    rows = await store.reviews.causes(runtime_of(request).pool, wanted, day_bounds(from_on)[0], day_bounds(to_on)[1])
    items = [
        Cause(
            root_cause=views.label("root_cause", row["root_cause"]),
            reviews=row["reviews"],
            complaints=row["complaints"],
            repeated=row["reviews"] > 1,
            last_at=row["last_at"],
        )
        for row in rows
    ]
    return Causes(area=wanted, from_on=from_on, to_on=to_on, items=items)
