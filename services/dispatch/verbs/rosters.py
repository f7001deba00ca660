"""Rosters: shifts as they are put and dropped, and swaps between members."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.dispatch.rules.eligibility import CrewFacts
from services.dispatch.rules.roster import ACTS_OF_CREW, LONGEST_SHIFT, SWAPS, ended, last_day, swapped
from services.dispatch.store import served, shifts, units
from services.dispatch.store.shifts import Shift, Swap
from services.dispatch.verbs.crews import unknown
from services.dispatch.verbs.lives import missing
from services.dispatch.verbs.saying import by_of
from shared.codes.codes import code_list
from shared.errors import FieldProblem, Refused
from shared.events.base import Origin
from shared.events.dispatch import ShiftDropped, ShiftPlanned, SwapAnswered, SwapAsked
from shared.thai.dates import show_day
from shared.work import Work

REFUSALS = {
    "shift_over": (409, "เวรนี้จบแล้ว แก้ไขไม่ได้", "this shift is over: it stays as it was", "until_at"),
    "shift_begun": (409, "เวรนี้เริ่มแล้ว ยกเลิกไม่ได้ ให้แก้เวลาสิ้นสุดแทน",
                    "this shift has begun: change its end instead", "from_at"),
    "shift_too_long": (422, "เวรยาวเกิน 48 ชั่วโมง หรือจบก่อนเริ่ม", "a shift ends after it begins, within 48 hours",
                       "until_at"),
    "unit_elsewhere": (409, "หน่วยนี้มีเวรอื่นทับเวลานี้", "the unit has another shift at that time", "unit_id"),
    "crew_elsewhere": (409, "เจ้าหน้าที่บางคนมีเวรอื่นทับเวลานี้",
                       "somebody of this crew has another shift at that time", "crew_ids"),
    "not_in_shift": (409, "ผู้ให้เวรไม่ได้อยู่ในเวรนี้", "the member who gives the shift is not in it", "from_crew_id"),
    "in_shift": (409, "ผู้รับเวรอยู่ในเวรนี้แล้ว", "the member who takes the shift is in it", "to_crew_id"),
    "not_in_other": (409, "ผู้รับเวรไม่ได้อยู่ในเวรที่แลกกลับ", "the other is not in the shift given in return",
                     "for_shift_id"),
    "swap_open": (409, "เวรนี้ขอแลกไว้แล้ว", "a swap of this shift is asked for already", "shift_id"),
    "out_of_order": (409, "คำขอแลกเวรนี้ทำขั้นตอนนี้ไม่ได้แล้ว", "this swap stands differently meanwhile", "status"),
}  # fmt: skip


def refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Asking:
    """A swap as it is asked for."""

    id: UUID
    shift_id: UUID
    from_crew_id: UUID
    to_crew_id: UUID
    for_shift_id: UUID | None = None


async def put(work: Work, wanted: Shift) -> bool | None:
    """Put a shift: True made, False changed, None the same as before.

    Raises:
        Refused: 404 another municipality's; 409 it is over, or unit or crew are elsewhere; 422 what is unknown, a time
            that cannot be, or a certificate that has ended by then.

    """
    unit = await units.read(work.db, wanted.unit_id)
    if unit is None or unit["area"] != wanted.area:
        raise missing("unit")
    await shifts.lock(work.db, [wanted.id])
    before = await shifts.read(work.db, wanted.id)
    if before is not None and before.area != wanted.area:
        raise missing("shift")
    if not timedelta(0) < wanted.until_at - wanted.from_at <= LONGEST_SHIFT:
        raise refuse("shift_too_long")
    if (before is not None and before.until_at <= work.now) or wanted.until_at <= work.now:
        raise refuse("shift_over")
    crew = set(wanted.crew_ids)
    if crew and await units.known_crew(work.db, sorted(crew), wanted.area) != crew:
        raise unknown("crew_ids")
    wanted = replace(wanted, crew_ids=tuple(sorted(crew)), exercise=unit["exercise"])
    if before == wanted:
        return None
    await _check_certificates(work, wanted, unit["level"])
    try:
        async with work.db.transaction():
            await shifts.put(work.db, wanted, work.now)
    except asyncpg.ExclusionViolationError as problem:
        raise _elsewhere(problem) from problem
    await _withdraw_pointless(work, wanted)
    _say_planned(work, wanted)
    return before is None


def _elsewhere(problem: asyncpg.ExclusionViolationError) -> Refused:
    return refuse("unit_elsewhere" if problem.constraint_name == "shift_one_per_unit" else "crew_elsewhere")


async def _check_certificates(work: Work, shift: Shift, level: str) -> None:
    """Whoever may not work at the unit's level any more by then is refused, with name of skill and day."""
    members = await served.skills_of(work.db, list(shift.crew_ids))
    crew = [CrewFacts(str(member["id"]), member["skills"]) for member in members]
    over = ended(level, crew, last_day(shift.until_at))
    if not over:
        return
    skills, levels = code_list("skill"), code_list("unit_level")
    errors = tuple(
        FieldProblem(
            "crew_ids", "certificate_ended",
            f"ใบรับรอง {skills.label(each.skill)} หมดอายุ {show_day(each.last_on, 'th', 'short')} "
            f"ก่อนเวรนี้จบ จึงเข้าเวร{levels.label(level)}ไม่ได้",
            f"the certificate for {skills.label(each.skill, 'en')} ends {show_day(each.last_on, 'en', 'short')}, "
            f"before this shift does: not fit for {levels.label(level, 'en')}",
        )
        for each in over
    )  # fmt: skip
    raise Refused(422, "certificate_ended", errors[0].th, errors[0].en, errors=errors)


def _say_planned(work: Work, shift: Shift) -> None:
    event = ShiftPlanned(
        unit_id=shift.unit_id, kind=shift.kind, from_at=shift.from_at, until_at=shift.until_at,
        crew_ids=shift.crew_ids, at=work.now, by=by_of(work),
    )  # fmt: skip
    work.say(shift.id, event, Origin(shift.area, shift.id, exercise=shift.exercise))


async def drop(work: Work, shift_id: UUID) -> None:
    """Take a shift out of the roster; what was dropped before stays so.

    Raises:
        Refused: 404; 409 it has begun.

    """
    await shifts.lock(work.db, [shift_id])
    shift = await shifts.read(work.db, shift_id)
    if shift is None:
        raise missing("shift")
    if shift.dropped:
        return
    if shift.from_at <= work.now:
        raise refuse("shift_begun")
    await shifts.drop(work.db, shift_id, work.now)
    await _withdraw_pointless(work, replace(shift, crew_ids=()))
    event = ShiftDropped(
        unit_id=shift.unit_id, from_at=shift.from_at, until_at=shift.until_at, crew_ids=shift.crew_ids, at=work.now,
        by=by_of(work),
    )  # fmt: skip
    work.say(shift_id, event, Origin(shift.area, shift_id, exercise=shift.exercise))


async def _withdraw_pointless(work: Work, shift: Shift, but: UUID | None = None) -> None:
    """Swaps whose giver is no longer in the shift."""
    for swap in await shifts.open_swaps_of(work.db, shift.area, shift.id):
        giver = swap.from_crew_id if swap.shift_id == shift.id else swap.to_crew_id
        if swap.id != but and giver not in shift.crew_ids:
            await _move(work, swap, "withdrawn")


# --- swaps -------------------------------------------------------------------------------------------------------


async def ask(work: Work, asking: Asking) -> Swap:
    """One member asks another to take a shift.

    Raises:
        Refused: 404 a shift, or a member whom this area does not know; 409 as :data:`REFUSALS` say.

    """
    shift = await _shift(work, asking.shift_id)
    if await units.known_crew(work.db, [asking.to_crew_id], shift.area) != {asking.to_crew_id}:
        raise unknown("crew_ids")
    swap = Swap(
        asking.id, shift.area, shift.id, asking.from_crew_id, asking.to_crew_id, asking.for_shift_id, "asked", work.now
    )
    await _new_crews(work, swap)
    try:
        async with work.db.transaction():
            await shifts.ask_swap(work.db, swap)
    except asyncpg.UniqueViolationError as problem:
        raise refuse("swap_open") from problem
    work.say(swap.id, SwapAsked(**_facts(work, swap, shift)), Origin(swap.area, swap.id, exercise=shift.exercise))
    return swap


async def _shift(work: Work, shift_id: UUID) -> Shift:
    shift = await shifts.read(work.db, shift_id)
    if shift is None or shift.dropped:
        raise missing("shift")
    if shift.until_at <= work.now:
        raise refuse("shift_over")
    return shift


async def _new_crews(work: Work, swap: Swap) -> list[Shift]:
    """The shifts as they are after the swap.

    Raises:
        Refused: 404, 409: the swap is not possible (any more).

    """
    shift = await _shift(work, swap.shift_id)
    if swap.from_crew_id not in shift.crew_ids:
        raise refuse("not_in_shift")
    if swap.to_crew_id in shift.crew_ids:
        raise refuse("in_shift")
    after = [replace(shift, crew_ids=swapped(shift.crew_ids, swap.from_crew_id, swap.to_crew_id))]
    if swap.for_shift_id is not None:
        other = await _shift(work, swap.for_shift_id)
        if other.area != shift.area:
            raise missing("shift")
        if swap.to_crew_id not in other.crew_ids or swap.from_crew_id in other.crew_ids:
            raise refuse("not_in_other")
        after.append(replace(other, crew_ids=swapped(other.crew_ids, swap.to_crew_id, swap.from_crew_id)))
    return after


async def answer(work: Work, swap_id: UUID, act: str, crew_id: UUID | None) -> Swap:
    """The other agrees or declines, the asker withdraws, a supervisor approves or refuses; approved, crews change.

    ``crew_id``: the member who says it; None: somebody at the desk, for what was said to them.

    Raises:
        Refused: 404 no such swap, or not this member's to answer; 409 it stands differently; 422 a certificate ends.

    """
    swap = await shifts.lock_swap(work.db, swap_id)
    if swap is None or (crew_id is not None and crew_id != getattr(swap, ACTS_OF_CREW.get(act, "id"))):
        raise missing("swap")
    following = SWAPS.get(swap.status, {}).get(act)
    if following is None:
        raise refuse("out_of_order")
    if following == "approved":
        await _exchange(work, swap)
    return await _move(work, swap, following)


async def _exchange(work: Work, swap: Swap) -> None:
    await shifts.lock(work.db, [each for each in (swap.shift_id, swap.for_shift_id) if each is not None])
    after = await _new_crews(work, swap)
    for shift in after:
        unit = await units.read(work.db, shift.unit_id)
        await _check_certificates(work, shift, unit["level"] if unit else "transport")
    try:
        async with work.db.transaction():
            await shifts.recrew(work.db, [(shift.id, shift.crew_ids) for shift in after])
    except asyncpg.ExclusionViolationError as problem:
        raise _elsewhere(problem) from problem
    for shift in after:
        _say_planned(work, shift)
        await _withdraw_pointless(work, shift, but=swap.id)


async def _move(work: Work, swap: Swap, status: str) -> Swap:
    await shifts.move_swap(work.db, swap.id, status, work.now)
    shift = await shifts.read(work.db, swap.shift_id)
    event = SwapAnswered(**_facts(work, swap, shift), status=status, previous_status=swap.status)
    work.say(swap.id, event, Origin(swap.area, swap.id, exercise=shift is not None and shift.exercise))
    return await shifts.read_swap(work.db, swap.id) or swap


def _facts(work: Work, swap: Swap, shift: Shift | None) -> dict[str, object]:
    return {
        "shift_id": swap.shift_id, "for_shift_id": swap.for_shift_id, "from_crew_id": swap.from_crew_id,
        "to_crew_id": swap.to_crew_id, "from_at": shift.from_at if shift else None, "at": work.now, "by": by_of(work),
    }  # fmt: skip
