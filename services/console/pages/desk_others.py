"""What the other desks are doing: who has taken which ringing line, and who writes a call that is not taken yet.

Of a sheet the others learn who writes it and since when, and not a word of what stands on it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.console import desk
from services.console.live import hub_of
from services.console.pages.desk import AtDesk
from services.console.pages.live import AGAIN_MS, CHECKED_AGAIN, HEADERS, still_may
from services.console.people import Person
from services.console.store import desks
from services.console.web import backend, page, runtime
from shared.work import now_utc

router = APIRouter(prefix="/desk", include_in_schema=False)
SHOWN = timedelta(minutes=30)
"""A sheet whose page has been silent for longer is nobody's work any more; its draft stays on its computer."""
SILENT = timedelta(seconds=100)
"""Pages that are not looked at may speak once a minute only."""
IDLE = timedelta(seconds=60)
DAY_S = 86_400


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AnswerBody(Body):
    """``rang_at``: when it rang last; ``over``: though somebody else has taken it."""

    ring: UUID
    rang_at: AwareDatetime
    over: bool = False


class WritingBody(Body):
    """``begun_s``, ``idle_s``: how long ago the sheet was begun, and the last key pressed."""

    key: UUID
    begun_s: Annotated[int, Field(ge=0, le=DAY_S)] = 0
    idle_s: Annotated[int, Field(ge=0, le=DAY_S)] = 0


class EndBody(Body):
    key: UUID


# --- ringing lines ---------------------------------------------------------------


@router.get("/ringing")
async def ringing(request: Request, person: AtDesk) -> Response:
    """Who rings now, as a part of the page, and who of the desks has taken which line."""
    told = await backend(request).get(person, "intake", "/v1/ringing", purpose="emergency")
    items = told["items"]
    taken = {row["ringing_id"]: row for row in await _lines(request, [UUID(each["id"]) for each in items])}
    lines = [_line(each, taken.get(UUID(each["id"])), person) for each in items]
    return page(request, "desk/ringing.html", lines=lines)


async def _lines(request: Request, ids: list[UUID]) -> list[Any]:
    return await desks.lines(runtime(request).pool, ids) if ids else []


def _line(ringing: Mapping[str, Any], taken: Any, person: Person) -> dict[str, Any]:
    """``by``: who has taken it, None where it waits; a number that rang again waits again."""
    rang_at = ringing.get("rang_again_at") or ringing["rang_at"]
    if taken is None or taken["answered_at"] < datetime.fromisoformat(rang_at):
        return {**ringing, "last_rang_at": rang_at, "by": None, "mine": False}
    by = {name: taken[name] for name in ("name", "role", "answered_at")}
    return {**ringing, "last_rang_at": rang_at, "by": by, "mine": taken["session_id"] == person.session_id}


@router.post("/answer")
async def answer(request: Request, person: AtDesk, body: AnswerBody) -> JSONResponse:
    """Take a ringing line: the first who does has it, and every desk sees so. ``{mine, by}``."""
    pool = runtime(request).pool
    mine = await desks.answer(pool, person, body.ring, body.rang_at, now_utc(), over=body.over)
    if mine:
        hub_of(runtime(request)).nudge_desks()
        return JSONResponse({"mine": True, "by": person.name})
    rows = await desks.lines(pool, [body.ring])
    return JSONResponse({"mine": False, "by": rows[0]["name"] if rows else ""})


# --- sheets that are being written -----------------------------------------------


@router.post("/writing")
async def write(request: Request, person: AtDesk, body: WritingBody) -> Response:
    """A sign of life of a sheet that is being written."""
    now = now_utc()
    sheet = desks.Sheet(body.key, now - timedelta(seconds=body.begun_s), now - timedelta(seconds=body.idle_s))
    if await desks.write(runtime(request).pool, person, sheet, now):
        hub_of(runtime(request)).nudge_desks()
    return Response(status_code=204)


@router.post("/writing/end")
async def end(request: Request, _: AtDesk, body: EndBody) -> Response:
    """It was cleared."""
    await desk.sheet_ended(request, str(body.key))
    return Response(status_code=204)


@router.get("/writing")
async def writing(request: Request, person: AtDesk) -> Response:
    """Who else is writing a call, as a part of the page."""
    now = now_utc()
    rows = await desks.writing(runtime(request).pool, now - SHOWN)
    others = [row for row in rows if row["session_id"] != person.session_id and _near(person, row["areas"])]
    sheets = [{**row, "silent": now - row["seen_at"] > SILENT, "idle": now - row["typed_at"] > IDLE} for row in others]
    return page(request, "desk/writing.html", sheets=sheets)


def _near(person: Person, areas: list[str]) -> bool:
    """Whether they work for a municipality that this person sees."""
    return "*" in areas or any(map(person.sees, areas))


# --- as it happens ---------------------------------------------------------------


@router.get("/live")
async def live(request: Request, person: AtDesk) -> StreamingResponse:
    """``desk``: lines and sheets are to be looked at again; nothing else, so that a desk need not hear the board."""
    return StreamingResponse(_told(request, person), media_type="text/event-stream", headers=HEADERS)


async def _told(request: Request, person: Person) -> AsyncIterator[bytes]:
    yield f"retry: {AGAIN_MS}\n\n".encode()
    checked = now_utc()
    async for news in hub_of(runtime(request)).listen_to_desks():
        if not news and now_utc() - checked > CHECKED_AGAIN:
            checked = now_utc()
            if not await still_may(request, person):
                return
        yield b"event: desk\ndata: {}\n\n" if news else b": beat\n\n"
