"""Drawing rows: once per change and language for all pages of this process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson

from services.console.live import Frame
from services.console.rules.board import CallRow, Thing, UnitRow, call_row, unit_row
from services.console.store import board
from services.console.web import render
from shared.database import Pool
from shared.refusal import Refusal
from shared.thai.areas import area as place

KEPT = 4000
LOOK = {
    "intake.call.received.v1", "intake.call.unanswered.v1", "intake.call.handed_over.v1", "intake.call.closed.v1",
    "intake.call.withdrawn.v1", "dispatch.trip.queued.v1", "dispatch.trip.unassigned.v1",
    "dispatch.trip.at_risk.v1", "dispatch.assignment.delayed.v1", "dispatch.assignment.proposed.v1",
    "dispatch.assignment.accepted.v1", "dispatch.assignment.en_route.v1", "dispatch.assignment.expired.v1",
}  # fmt: skip
"""After these the alarms and the queue may be others: pages ask anew."""
FRESH = {"intake.call.updated.v1", "intake.call.triaged.v1", "intake.call.erased.v1"}
"""After these what a page knows of a call's names and places is old."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One drawn row as JSON, and whose it is."""

    area: str
    kind: str
    json: bytes


class Painter:
    """Draws what frames have changed. The newest drawing of each row is kept until the row changes again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: OrderedDict[tuple[UUID, str], tuple[int, bytes]] = OrderedDict()

    async def paint(self, frame: Frame, lang: str) -> Sequence[Piece]:
        """The pieces of a frame in one language; who asks second waits for the first."""
        task: asyncio.Task[list[Piece]] | None = frame.kept.get(lang)
        if task is None:
            task = frame.kept[lang] = asyncio.create_task(self._paint(frame, lang))
        return await asyncio.shield(task)

    async def _paint(self, frame: Frame, lang: str) -> list[Piece]:
        call_ids = {change.call_id for change in frame.changes if change.noun != "unit"}
        areas = sorted({change.area for change in frame.changes})
        things = await board.of_calls(self._pool, list(call_ids)) if call_ids else []
        unit_ids = {change.id for change in frame.changes if change.noun == "unit"}
        moved = {change.id for change in frame.changes if change.noun == "assignment"}
        unit_ids |= {
            UUID(each.state["unit_id"]) for each in things if each.id in moved and each.state.get("unit_id")
        }  # fmt: skip
        fresh = {change.call_id for change in frame.changes if change.type in FRESH}
        pieces = [self._call(row, mark, lang, row.id in fresh) for row, mark in rows_of(things)]
        if unit_ids:
            units = {each.id: each for each in await board.units_by_id(self._pool, list(unit_ids))}
            work = await board.work_of_units(self._pool, areas, list(unit_ids))
            ends = await board.last_ends(self._pool, list(unit_ids))
            homes = {each.id: each.area for each in units.values()}
            drawn = unit_rows(unit_ids, units, work, ends)
            pieces += [Piece(homes.get(row.id, areas[0]), "units", unit_json(row, lang)) for row in drawn]
            there = {
                (UUID(each.state["unit_id"]), each.area)
                for each in things
                if each.id in moved and each.state.get("unit_id")
            }
            pieces += [
                Piece(area, "units", orjson.dumps({"id": str(unit_id), "lent": True}))
                for unit_id, area in sorted(there, key=str) if homes.get(unit_id, area) != area
            ]  # fmt: skip
        pieces += [Piece(each.area, "look", b"1") for each in frame.changes if each.type in LOOK]
        return pieces

    def _call(self, row: CallRow, mark: int, lang: str, fresh: bool) -> Piece:
        key = (row.id, lang)
        kept = self._kept.get(key)
        if kept is None or kept[0] != mark or fresh:
            kept = self._kept[key] = (mark, call_json(row, lang, fresh=fresh))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return Piece(row.area, "calls", kept[1])


def rows_of(things: Iterable[Thing]) -> list[tuple[CallRow, int]]:
    """The calls among these things, each with the position of its last change."""
    found = []
    for _, of_call in groupby(sorted(things, key=lambda each: each.call_id), key=lambda each: each.call_id):
        known = list(of_call)
        if row := call_row(known):
            found.append((row, max(each.position for each in known)))
    return found


def unit_rows(
    unit_ids: Iterable[UUID], units: dict[UUID, Thing], work: Sequence[Thing], ends: dict[UUID, datetime]
) -> list[UnitRow]:
    """The rows of these units. ``work``: what is not over; ``ends``: when the last that is over was."""
    by_unit: dict[str, list[Thing]] = {}
    for each in work:
        by_unit.setdefault(str(each.state.get("unit_id")), []).append(each)
    return [unit_row(each, units.get(each), by_unit.get(str(each), ()), ends.get(each)) for each in unit_ids]


def call_json(row: CallRow, lang: str, *, fresh: bool = False) -> bytes:
    """``{id, html | null, fresh}``: html null takes the row off the board."""
    return orjson.dumps({"id": str(row.id), "html": None if row.over else call_html(row, lang), "fresh": fresh})


def call_html(row: CallRow, lang: str) -> str:
    return render("board/call.html", lang, row=row, amphoe=_amphoe(row.amphoe, lang))


def unit_json(row: UnitRow, lang: str) -> bytes:
    return orjson.dumps(
        {"id": str(row.id), "state": row.availability, "order": row.order, "html": unit_html(row, lang)}
    )


def unit_html(row: UnitRow, lang: str) -> str:
    return render("board/unit_state.html", lang, unit=row)


def _amphoe(code: str | None, lang: Any) -> str | None:
    try:
        return place(code).name(lang) if code else None
    except Refusal:
        return None
