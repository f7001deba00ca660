"""``/live``: what happens, as server-sent events.

``board``: ``{at, calls?: [{id, html, fresh}], units?: [{id, state, order, html} | {id, lent}], look?}`` (``lent``:
another municipality's, ask for the units again) · ``fixes``: unit → ``[lat, lon, at, speed_kmh, heading_deg]`` once a
second, null where it is not to be seen any more · ``beat``: ``{at, wrong, since}`` every five seconds ·
``look``: ask for alarms and queue again · ``reload``: draw the page anew. Who is signed out hears 401.
Source: HTML Standard, server-sent events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from services.console.live import Beat, Frame, Heard, Page, hub_of
from services.console.navigation import DESK
from services.console.painting import Painter, Piece
from services.console.people import Person
from services.console.web import runtime, signed_in, whoever
from shared.auth import Role
from shared.database import AWAY
from shared.work import now_utc

router = APIRouter(include_in_schema=False)

AGAIN_MS = 1000
"""How long the browser waits before it tries to reconnect."""
CHECKED_AGAIN = timedelta(seconds=30)
"""How long a stream goes on after its person was signed out: as long as a token does, see issuer.py."""
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
SEES = (*DESK, Role.AUDITOR)


@router.get("/live")
async def live(
    request: Request, person: Annotated[Person, Depends(signed_in(*SEES))],
    after: Annotated[int, Query(ge=0)] = 0, last: Annotated[str | None, Header(alias="last-event-id")] = None,
) -> StreamingResponse:  # fmt: skip
    """The events of the person's areas after a position; what the browser saw last counts more."""
    position = int(last) if last and last.isdecimal() and len(last) < 19 else after  # noqa: PLR2004 bigint
    return StreamingResponse(_told(request, person, position), media_type="text/event-stream", headers=HEADERS)


@router.get("/live/allowed", dependencies=[Depends(signed_in(*SEES))])
async def allowed() -> Response:
    """Whether the stream was refused because the person is signed out (401): a browser does not tell its script."""
    return Response(status_code=204)


async def _told(request: Request, person: Person, position: int) -> AsyncIterator[bytes]:
    yield f"retry: {AGAIN_MS}\n\n".encode()
    painter = painter_of(request)
    page = Page(frozenset(person.areas))
    checked = now_utc()
    async for what in hub_of(runtime(request)).listen(person.areas, position):
        if isinstance(what, Beat) and what.at - checked > CHECKED_AGAIN:
            checked = what.at
            if not await still_may(request, person):
                return
        if said := await _event(what, painter, page, person):
            yield said


async def still_may(request: Request, person: Person) -> bool:
    """A stream outlives the request that was allowed; a session that was revoked, or is another now, ends it."""
    try:
        found = await whoever(request)
    except AWAY:
        return True  # the page says itself that the database is away
    return found is not None and (found.role, found.areas) == (person.role, person.areas)


def painter_of(request: Request) -> Painter:
    parts = runtime(request).parts
    if "painter" not in parts:
        parts["painter"] = Painter(runtime(request).pool)
    painter: Painter = parts["painter"]
    return painter


async def _event(what: Heard, painter: Painter, page: Page, person: Person) -> bytes | None:
    if isinstance(what, Beat):
        beat = {"at": what.at, "wrong": what.wrong, "since": what.since}
        return _said("beat", orjson.dumps(beat), what.position)
    if isinstance(what, str):
        return _said(what, b"{}")
    if what.fixes:
        return fixes_of(what, page) if person.role in DESK else None
    key = (page.areas, person.lang)
    if key not in what.kept:
        what.kept[key] = _board(what, [p for p in await painter.paint(what, person.lang) if page.sees(p.area)])
    said: bytes = what.kept[key]
    return said


def _board(frame: Frame, pieces: Sequence[Piece]) -> bytes:
    parts = [b'"at":' + orjson.dumps(datetime.now(UTC))]
    drawn = {kind: b",".join(piece.json for piece in pieces if piece.kind == kind) for kind in ("calls", "units")}
    parts += [b'"%s":[%s]' % (kind.encode(), rows) for kind, rows in drawn.items() if rows]
    if any(piece.kind == "look" for piece in pieces):
        parts.append(b'"look":true')
    return _said("board", b"{" + b",".join(parts) + b"}", frame.position)


def fixes_of(frame: Frame, page: Page) -> bytes:
    if page.areas not in frame.kept:
        seen: dict[str, list[Any] | None] = {}
        for unit, fix in frame.fixes.items():
            if any(map(page.sees, fix["areas"])):
                seen[unit] = [fix.get(name) for name in ("lat", "lon", "at", "speed_kmh", "heading_deg")]
            elif any(map(page.sees, fix["left"])):
                seen[unit] = None
        frame.kept[page.areas] = _said("fixes", orjson.dumps(seen))
    said: bytes = frame.kept[page.areas]
    return said


def _said(event: str, data: bytes, position: int | None = None) -> bytes:
    number = b"" if position is None else b"id: %d\n" % position
    return number + b"event: %s\ndata: %s\n\n" % (event.encode(), data)
