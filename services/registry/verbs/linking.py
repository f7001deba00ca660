"""Two records are one person's, or are not after all. Nothing is rewritten: who is one follows from the links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.store.people import Row
from services.registry.verbs import duplicates, people
from shared.errors import Refused, refuse
from shared.events.base import Origin
from shared.events.registry import PersonLinked, PersonUnlinked
from shared.events.words import By
from shared.work import Work, new_id

REFUSALS = {
    "one_already": (409, "ทั้งสองเป็นบุคคลเดียวกันอยู่แล้ว", "they are one person already"),
    "other_area": (409, "อยู่คนละเทศบาล เชื่อมเป็นคนเดียวกันไม่ได้", "they belong to different municipalities"),
    "other_kind": (409, "คนหนึ่งเป็นบุคคลในการฝึกซ้อม", "one of them belongs to an exercise"),
    "not_linked": (409, "บุคคลนี้ไม่ได้เชื่อมกับผู้ใด", "this record is linked to nobody"),
    "others_linked": (
        409,
        "ระเบียนนี้เป็นหลัก ให้ระบุระเบียนที่จะแยกออก",
        "this record stands for the person: say which one of the others is to be taken out",
    ),
    "reviewed_already": (409, "ตัดสินคู่นี้ไปแล้ว", "this pair has been reviewed already"),
}


def _refuse(code: str, field: str | None = None, **facts: Any) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field, **facts)


async def link(work: Work, person_id: UUID, survivor_id: UUID, reason: str | None = None) -> UUID:
    """The records of the two are one person's from now on; returns the record that stands for them.

    Raises:
        Refused: 404 one of them is not there, or is secret; 409 they are one already, or of two municipalities.

    """
    held = {row["id"]: row for row in await store.links.hold(work.db, [person_id, survivor_id])}
    for one in (person_id, survivor_id):
        if one not in held or held[one]["erased_at"] is not None:
            raise refuse("not_found")
    if any(row["disclosure"] == "secret" for row in held.values()):
        raise refuse("not_found")
    if len({row["area"] for row in held.values()}) > 1:
        raise _refuse("other_area", "survivor_id")
    if len({row["exercise"] for row in held.values()}) > 1:
        raise _refuse("other_kind", "survivor_id")
    gone, stays = [await store.links.survivor(work.db, one) for one in (person_id, survivor_id)]
    if gone == stays:
        raise _refuse("one_already", "survivor_id")
    # While they are still two, every pair between them is answered.
    await store.links.decide(work.db, gone, stays, "link", work.now, again=True)
    await store.links.remember(work.db, new_id(), held[gone]["area"], (gone, stays), "link", work.now)
    await store.links.link(work.db, new_id(), gone, stays, work.now)
    said = people.origin_of(records.opened(held[gone], ring()))
    private = PersonLinked.Private(reason=reason)
    work.say(gone, PersonLinked(survivor_id=stays, at=work.now, by=By.PERSON, private=private), said)
    await people.tell_state(work, stays)
    return stays


async def unlink(work: Work, person_id: UUID, reason: str | None = None) -> tuple[UUID, UUID]:
    """Take a record, with those linked to it, out of the person it was linked to; returns both records.

    Raises:
        Refused: 409 it is linked to nobody, or stands for others: then one of those is to be named. So that a request
            which is sent again takes nobody else out.

    """
    held = {row["id"]: row for row in await store.links.hold(work.db, [person_id])}
    if await store.links.survivor(work.db, person_id) == person_id:
        linked = await store.links.linked_to(work.db, person_id)
        if linked:
            raise _refuse("others_linked", "person_id", records=[str(one) for one in linked])
        raise _refuse("not_linked", "person_id")
    survivor_id = await store.links.unlink(work.db, person_id, work.now)
    assert survivor_id is not None  # noqa: S101 held, and it is no survivor
    await store.links.decide(work.db, person_id, survivor_id, "distinct", work.now, again=True)
    await store.links.remember(
        work.db, new_id(), held[person_id]["area"], (person_id, survivor_id), "distinct", work.now
    )
    _say_unlinked(work, held[person_id], survivor_id, reason)
    for one in (survivor_id, person_id):
        await people.tell_state(work, one)
        await duplicates.look(work, one)
    return person_id, survivor_id


async def review(
    work: Work, pair: Row, decision: str, survivor_id: UUID | None, reason: str | None = None
) -> UUID | None:
    """Decide a pair: ``link`` (returns the survivor) or ``distinct``; it does not come back.

    Raises:
        Refused: 409 it was decided before; 404 ``survivor_id`` is neither of the two.

    """
    one, other = pair["one_id"], pair["other_id"]
    await store.links.hold(work.db, [one, other])
    held = await store.links.read_pair(work.db, pair["id"], None)
    if held is None:
        raise refuse("not_found")
    if held["decision"] is not None:
        raise _refuse("reviewed_already")
    if decision == "distinct":
        await store.links.decide(work.db, one, other, decision, work.now)
        return None
    if survivor_id is not None and survivor_id not in {one, other}:
        raise refuse("not_found", field="survivor_id")
    stays = survivor_id or await _fuller(work, one, other)
    return await link(work, other if stays == one else one, stays, reason)


async def _fuller(work: Work, one: UUID, other: UUID) -> UUID:
    """Which record stands for both where nobody says: the one with a number, else the one that was there first."""
    numbered = [
        who for who in (one, other) if any(row["value"] for row in await store.people.read_identifiers(work.db, who))
    ]
    return numbered[0] if len(numbered) == 1 else min(one, other)


async def mend(work: Work, gone: Sequence[UUID]) -> None:
    """Records of a person were erased: what was linked over them stays one person, and the others hear of it.

    To be called after the rows are wiped; it ends every link of theirs.
    """
    lost = set(gone)
    stood = [row for row in await store.links.forget(work.db, list(gone)) if row["stood"]]
    above = {row["person_id"]: row["survivor_id"] for row in stood}
    heads: dict[UUID, UUID | None] = {}
    for row in sorted(stood, key=lambda row: row["person_id"]):
        left, at = row["person_id"], row["survivor_id"]
        if left in lost:
            continue
        while at in lost and at in above:
            at = above[at]
        # Of those whose survivor is gone, too, the first stands for the others.
        head = at if at not in lost else heads.setdefault(at, None)
        rows = {one["id"]: one for one in await store.links.hold(work.db, [left])}
        _say_unlinked(work, rows[left], row["survivor_id"], "erased", By.SYSTEM)
        if head is None:
            heads[at] = left
        else:
            await store.links.link(work.db, new_id(), left, head, work.now)
            private = PersonLinked.Private(reason="erased")
            said = people.origin_of(records.opened(rows[left], ring()))
            work.say(left, PersonLinked(survivor_id=head, at=work.now, by=By.SYSTEM, private=private), said)
    touched = {row["person_id"] for row in stood} | {row["survivor_id"] for row in stood}
    for one in sorted(touched - lost):
        await people.tell_state(work, one)


def _say_unlinked(work: Work, row: Row, survivor_id: UUID, reason: str | None, by: By = By.PERSON) -> None:
    said: Origin = people.origin_of(records.opened(row, ring()))
    private = PersonUnlinked.Private(reason=reason)
    work.say(row["id"], PersonUnlinked(survivor_id=survivor_id, at=work.now, by=by, private=private), said)
