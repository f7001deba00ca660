"""Households: founded, moved into and out of, and the groups they are looked after for."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.registry import store
from services.registry.bodies import GroupBody, HouseholdBody, MemberBody
from services.registry.keys import ring
from services.registry.store.people import Row
from services.registry.verbs.areas import must_exist
from shared.errors import Refused, refuse
from shared.thai.dates import local_day
from shared.work import Work, new_id

REFUSALS = {
    "lives_elsewhere": (409, "อยู่ในครัวเรือนอื่น ให้ย้ายออกก่อน", "they live in another household: have them leave it first"),
    "lives_here": (409, "อยู่ในครัวเรือนนี้แล้ว", "they live here already"),
    "has_head": (409, "ครัวเรือนนี้มีหัวหน้าแล้ว", "this household has a head already"),
    "not_there": (409, "ไม่ได้อยู่ในครัวเรือนนี้ ณ วันนั้น", "they do not live there on that day"),
    "in_group_already": (409, "อยู่ในกลุ่มนี้อยู่แล้ว", "it is in this group already"),
    "other_area": (409, "อยู่คนละเทศบาล", "they belong to different municipalities"),
}  # fmt: skip


def _refuse(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


async def found(work: Work, body: HouseholdBody, area: str) -> UUID:
    """A new household, its members those who are named."""
    household_id = new_id()
    told = body.address
    detail = ring().seal(told.detail, "household", household_id, "detail") if told and told.detail else None
    key_id = ring().current if detail else None
    code = told.told("current").area_code if told else None
    await must_exist(work.db, [code] if code else [], "address.area_code")
    values = (area, code, detail, key_id, body.exercise)
    await store.households.write(work.db, household_id, values, work.now)
    row = await store.households.lock(work.db, household_id, None)
    assert row is not None  # noqa: S101 just written
    for member in body.members:
        await move_in(work, row, member)
    return household_id


async def move_in(work: Work, household: Row, body: MemberBody) -> None:
    """Somebody lives there from a day on; they live in one household at a time.

    Raises:
        Refused: 404 there is no such person; 409 they live there or elsewhere, or there is a head already.

    """
    person = await store.people.lock_person(work.db, body.person_id)
    if person is None or person["erased_at"] is not None:
        raise refuse("not_found", field="person_id")
    if person["area"] != household["area"] or person["exercise"] != household["exercise"]:
        raise _refuse("other_area", "person_id")
    lives_in = await store.households.lives_in(work.db, body.person_id)
    if lives_in:
        raise _refuse("lives_here" if household["id"] in lives_in else "lives_elsewhere", "person_id")
    if body.head and await store.households.has_head(work.db, household["id"]):
        raise _refuse("has_head", "head")
    from_on = body.from_on or local_day(work.now)
    values = (new_id(), household["id"], body.person_id, body.role, body.head, from_on)
    await store.households.add_member(work.db, values)


async def move_out(work: Work, household: Row, person_id: UUID, until_on: date | None) -> None:
    """Somebody lived there until a day.

    Raises:
        Refused: 409 they do not live there, or came later.

    """
    if not await store.households.leave(work.db, household["id"], person_id, until_on or local_day(work.now)):
        raise _refuse("not_there", "until_on")


async def join(work: Work, household: Row, body: GroupBody) -> UUID:
    """The household into a group.

    Raises:
        Refused: 409 it is in it.

    """
    group_id = new_id()
    from_on = body.from_on or local_day(work.now)
    values = (group_id, household["id"], body.group, body.evidence, from_on, body.until_on)
    if not await store.households.add_group(work.db, values):
        raise _refuse("in_group_already", "group")
    return group_id


async def leave_group(work: Work, household: Row, group_id: UUID, until_on: date | None) -> None:
    """The household out of a group.

    Raises:
        Refused: 404 it is in no such group on that day.

    """
    last = until_on or local_day(work.now)
    if not await store.households.end_group(work.db, household["id"], group_id, last):
        raise refuse("not_found")
