"""Calls that belong together: duplicates and relations, linked and unlinked by people."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from services.intake import state
from services.intake.store import calls as store
from services.intake.verbs.common import CONFLICT, INVALID, Row, by_of, next_status
from services.intake.verbs.watch import unwatch, watch, watched
from shared.errors import Refused
from shared.events.intake import CallLinked, CallUnlinked
from shared.events.words import CallLink
from shared.work import Work, is_unique

DUPLICATE = "duplicate"

ITSELF = ("itself", "สายเดียวกันเชื่อมกับตัวเองไม่ได้", "a call cannot be linked with itself")
LINKED_ALREADY = ("linked_already", "สายนี้เชื่อมไว้แล้ว ให้ยกเลิกการเชื่อมเดิมก่อน", "it is linked already: unlink it first")
NOT_LINKED = ("not_linked", "สองสายนี้ไม่ได้เชื่อมกัน", "these calls are not linked")
LEADER_FOLLOWS = (
    "leader_follows", "สายหลักที่เลือกเป็นสายซ้ำของสายอื่นอยู่ ให้เชื่อมกับสายหลักตัวจริง",
    "the call you chose is itself a duplicate: link with its leading call",
)  # fmt: skip
IS_LEADER = (
    "is_leader", "สายนี้เป็นสายหลักของสายซ้ำอื่นอยู่ ให้เชื่อมในทิศทางกลับกัน",
    "this call leads other duplicates: link the other way round",
)  # fmt: skip
OTHER_OVER = ("other_over", "สายหลักที่เลือกสิ้นสุดแล้ว", "the call you chose is over")


async def held_pair(work: Work, call_id: UUID, other_id: UUID) -> tuple[Row | None, Row | None]:
    """Both calls, locked in the order of their ids, so that two links at once cannot deadlock."""
    found = {each: await store.lock_call(work.db, each) for each in sorted({call_id, other_id})}
    return found[call_id], found[other_id]


async def link(work: Work, call: Row, other: Row, kind: str) -> None:
    """``other`` leads where ``call`` is its duplicate: this call then needs no trips of its own.

    Raises:
        Refused: 409 or 422, they cannot be linked in this way.

    """
    if call["id"] == other["id"]:
        raise Refused(INVALID, *ITSELF, field="other_call_id")
    if kind == DUPLICATE:
        await _check_leadership(work, call, other)
    try:
        await store.add_link(work.db, call["id"], other["id"], kind, work.now, work.cause.actor)
    except asyncpg.UniqueViolationError as problem:
        if is_unique(problem, "link_one_leader") or is_unique(problem, "link_once"):
            raise Refused(CONFLICT, *LINKED_ALREADY) from None
        raise
    leading = other["id"] if kind == DUPLICATE else None
    for one, two in ((call, other), (other, call)):
        event = CallLinked(
            other_call_id=two["id"], link=CallLink(kind), leading_call_id=leading, at=work.now, by=by_of(work.cause)
        )
        work.say(one["id"], event, state.origin_of(one))
    if kind == DUPLICATE:
        await unwatch(work, call["id"])


async def _check_leadership(work: Work, call: Row, other: Row) -> None:
    next_status(call, "link")
    if other["status"] != "open":
        raise Refused(CONFLICT, *OTHER_OVER)
    if await leader_of(work, other["id"]) is not None:
        raise Refused(CONFLICT, *LEADER_FOLLOWS)
    if await store.followers(work.db, call["id"]):
        raise Refused(CONFLICT, *IS_LEADER)


async def leader_of(work: Work, call_id: UUID) -> UUID | None:
    """The leading call, where this one is a duplicate."""
    for row in await store.read_links(work.db, call_id):
        if row["link"] == DUPLICATE and row["call_id"] == call_id:
            leader: UUID = row["other_call_id"]
            return leader
    return None


async def unlink(work: Work, call: Row, other: Row, kind: str, watchdog_s: int) -> None:
    """They do not belong together after all; a former duplicate needs its own trips again, and is watched again.

    Raises:
        Refused: 409, they are not linked, or the duplicate is over: nobody would come.

    """
    one, two = call, other
    if not await store.end_link(work.db, one["id"], two["id"], kind, work.now, work.cause.actor):
        one, two = other, call
        if not await store.end_link(work.db, one["id"], two["id"], kind, work.now, work.cause.actor):
            raise Refused(CONFLICT, *NOT_LINKED)
    if kind == DUPLICATE:
        next_status(one, "unlink")
    for this, that in ((one, two), (two, one)):
        event = CallUnlinked(other_call_id=that["id"], link=CallLink(kind), at=work.now, by=by_of(work.cause))
        work.say(this["id"], event, state.origin_of(this))
    if kind == DUPLICATE and watched(one):
        await watch(work, one, watchdog_s, since=work.now)


async def orphaned(work: Work, leader: Row, watchdog_s: int) -> None:
    """The leading call was withdrawn, but others told of the same thing and still wait: the first of them leads now."""
    waiting = await store.followers(work.db, leader["id"])
    for follower in waiting:
        await unlink(work, follower, leader, DUPLICATE, watchdog_s)
    for follower in waiting[1:]:
        await link(work, follower, waiting[0], DUPLICATE)
