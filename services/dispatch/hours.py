"""When units can be counted on: by the roster, their duty, their loans, due rests, and where they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.dispatch.fleet import Member
from services.dispatch.policy import policy_of
from services.dispatch.rules import rests
from services.dispatch.rules.rests import Rest
from services.dispatch.store import runs, shares, shifts
from shared.database import Connection
from shared.thai.dates import local_day

STILL_OUT = timedelta(hours=1)
"""Whoever is on a run now is not counted on before this."""
AHEAD = timedelta(hours=32)
"""Further on nobody looks for what a unit that is out is needed for next."""

Hours = tuple[datetime, datetime]


async def rostered_of(db: Connection, area: str, on: date) -> dict[UUID, list[Hours]]:
    """Unit → its shifts of the day."""
    made: dict[UUID, list[Hours]] = {}
    for shift in await shifts.shifts_of(db, area, on):
        if not shift.dropped:
            made.setdefault(shift.unit_id, []).append((shift.from_at, shift.until_at))
    return made


async def rests_of(
    db: Connection, area: str, on: date, now: datetime, members: Mapping[UUID, Member],
    rostered: Mapping[UUID, Sequence[Hours]],
) -> dict[UUID, tuple[Rest, ...]]:  # fmt: skip
    """Unit → what rest its crew must still have on that day; nothing where the municipality keeps none free."""
    rules = policy_of(area).pack
    if not rules.rest_min:
        return {}
    due = {
        unit_id: rests.due(rules, str(unit_id), rostered.get(unit_id, ()), on, on_duty=member.facts.duty == "on_duty")
        for unit_id, member in members.items()
    }
    since = min((rest.begins[0] for each in due.values() for rest in each), default=now)
    begun = [unit_id for unit_id, each in due.items() if each] if since < now else []
    busy = await runs.busy_since(db, begun, since, now)
    return {unit_id: tuple(rests.still_due(each, busy.get(unit_id, ()), now)) for unit_id, each in due.items()}


def hours_of(
    members: Mapping[UUID, Member], on: date, span: Hours, now: datetime, marks: Mapping[UUID, Any],
    rostered: Mapping[UUID, Sequence[Hours]], lent: Mapping[UUID, datetime],
) -> dict[UUID, Hours]:  # fmt: skip
    """When units can be counted on: by the roster, until their duty ends, once they are back from where they are now.

    A unit of which no roster speaks is there all day; one that is ``lent`` is its borrower's until then.
    """
    made = {unit_id: (min(each)[0], max(until for _, until in each)) for unit_id, each in rostered.items()}
    for unit_id, member in members.items():
        until = member.until_at if member.facts.duty == "on_duty" else None
        if until is not None and until > now and local_day(until) == on:
            first, last = made.get(unit_id, span)
            made[unit_id] = (first, until if unit_id not in made else max(last, until))
    for unit_id, row in marks.items():
        if row["out"]:
            first, last = made.get(unit_id, span)
            back = max(row["back_at"] or now, now + STILL_OUT)
            made[unit_id] = (max(first, back), max(last, back))
    for unit_id, until in lent.items():
        first, last = made.get(unit_id, span)
        back = until if until > now else now + STILL_OUT  # its time is over, it finishes what it has begun there
        made[unit_id] = (max(first, back), max(last, back))
    return made


async def free_by(db: Connection, area: str, member: Member, now: datetime) -> datetime:
    """When a unit that is on a run must be at its base again: its duty ends, or a ride or a rest is due."""
    on, far = local_day(now), now + AHEAD
    held = await runs.promised_by(db, [member.id], (now - AHEAD, far), exercise=member.facts.exercise)
    rostered = await rostered_of(db, area, on)
    rests_due = await rests_of(db, area, on, now, {member.id: member}, rostered)
    share = await shares.of_unit(db, member.id)
    shift_ends = [until for begins, until in rostered.get(member.id, ()) if begins <= now < until]
    ends: list[datetime] = [
        far, *(row["starts_at"] for row in held if row["run_status"] == "planned"),
        *(rest.begins[1] for rest in rests_due.get(member.id, ())),
        *([member.until_at] if member.until_at else shift_ends), *([share.until_at] if share else ()),
    ]  # fmt: skip
    return min(ends)
