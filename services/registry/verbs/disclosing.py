"""Making somebody secret, or not any more: one asks, another agrees. The table holds what is said; the law is below."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.rules.identity import SECRET_GROUPS
from services.registry.store.people import Row
from services.registry.verbs import duplicates, people
from shared.errors import Refused, refuse
from shared.work import Work, new_id

REFUSALS = {
    "asked_already": (409, "มีคำขอของบุคคลนี้รออนุมัติอยู่แล้ว", "a request for this person waits already"),
    "nothing_to_do": (409, "เป็นเช่นนั้นอยู่แล้ว", "it is so already"),
    "decided_already": (409, "ตัดสินคำขอนี้ไปแล้ว", "this request has been decided already"),
    "own_request": (403, "ผู้ขออนุมัติเองไม่ได้ ต้องเป็นอีกคนหนึ่ง", "another person than who asked must agree"),
    "in_secret_group": (409, "ยังอยู่ในกลุ่มที่ต้องปกปิด ให้ออกจากกลุ่มก่อน", "they are in a secret group still: end that first"),
}


def _refuse(code: str) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en)


async def ask(work: Work, person_id: UUID, wanted: str, reason: str, asked_by: str) -> UUID:
    """Ask that somebody be secret, or not any more. Nothing changes until another person agrees.

    Raises:
        Refused: 409 it is so already, or a request waits, or a secret group keeps them secret.

    """
    row = await store.people.lock_person(work.db, person_id)
    if row is None or row["erased_at"] is not None:
        raise refuse("not_found")
    if (row["disclosure"] == "secret") == (wanted == "secret"):
        raise _refuse("nothing_to_do")
    if wanted != "secret" and await store.details.in_secret_group(work.db, person_id, sorted(SECRET_GROUPS)):
        raise _refuse("in_secret_group")
    request_id = new_id()
    if not await store.details.ask(work.db, (request_id, person_id, wanted, reason, asked_by, work.now)):
        raise _refuse("asked_already")
    return request_id


async def decide(work: Work, request_id: UUID, areas: Sequence[str] | None, by: str, *, approve: bool) -> Row:
    """Agree or refuse; agreed, every record of the person is secret, or shown again, and the others hear of it.

    Raises:
        Refused: 404 no such request; 403 who asked decides for themselves; 409 decided before, or a secret group.

    """
    person_id = await store.people.whose(work.db, request_id)
    if person_id is None:
        raise refuse("not_found")
    held = {row["id"]: row for row in await store.links.hold(work.db, [person_id])}
    asked = await store.details.lock_asked(work.db, request_id, areas)
    if asked is None:
        raise refuse("not_found")
    if asked["approved"] is not None:
        raise _refuse("decided_already")
    if asked["asked_by"] == by:
        raise _refuse("own_request")
    if approve and asked["wanted"] == "secret":
        await store.people.make_secret(work.db, person_id, work.now)
    elif approve:
        if await store.details.in_secret_group(work.db, person_id, sorted(SECRET_GROUPS)):
            raise _refuse("in_secret_group")
        await store.details.show(work.db, person_id, work.now)
    await store.details.decide(work.db, request_id, by, work.now, approved=approve)
    if approve:
        # Said as of a secret person both times: that somebody was secret is nobody's business either.
        said = people.protected(people.origin_of(records.opened(held[person_id], ring())))
        await people.tell_state(work, person_id, said, fields=["disclosure"])
        for one in held:
            await duplicates.look(work, one)
    return asked
