"""What this process knows of units: their abilities, kept by version, and where they are.

The abilities of a unit change with its crew and vehicle, a few times a day; a decision looks at all free units
of an area. So the database says who is free and in which version, and only new versions are read and unpacked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch.positions import KNOWN
from services.dispatch.rules.eligibility import CrewFacts, UnitFacts
from services.dispatch.rules.fairness import LATELY, burdens
from services.dispatch.store import served, units
from shared.database import Connection, Pool
from shared.geo import Point
from shared.work import Work


@dataclass(slots=True)
class Member:
    """A unit of the fleet as it is now. ``until_at``: it has said that its duty ends then."""

    id: UUID
    version: int
    volunteer: bool
    vehicle_id: UUID | None
    crew_ids: tuple[UUID, ...]
    call_sign: str
    area: str
    usual_crew_ids: tuple[UUID, ...]
    facts: UnitFacts
    until_at: datetime | None = None
    next_booking_at: datetime | None = None

    def located(self) -> Member:
        """With the last known position."""
        fix = KNOWN.last.get(self.id)
        if fix is not None and self.facts.position_at != fix.at:
            self.facts = replace(self.facts, position=fix.point, position_at=fix.at)
        return self


_members: dict[UUID, Member] = {}


Free = list[tuple[Member, bool]]
"""Units that may be asked at this moment, and whether each has a booked ride soon."""
FREE = "free units"


async def free(db: Connection, area: str, *, exercise: bool, now: datetime, soon: datetime) -> Free:
    """Every unit of the area that may be asked at this moment, and whether it has a booked ride before ``soon``."""
    rows = await units.free(db, area, exercise=exercise, at=now, until=soon)
    members = await _known(db, rows)
    return [(member, row["booked_soon"]) for member, row in zip(members, rows, strict=True)]


async def still_free(work: Work, area: str, *, exercise: bool, soon: datetime) -> Free:
    """The same for a decision, whose caller holds the area: read once for all that one transaction decides.

    Whoever is asked meanwhile is taken out (:func:`hold`); when somebody is let go it is read again (:func:`let_go`).
    """
    areas: dict[tuple[str, bool], Free] = work.seen.setdefault(FREE, {})
    key = (area, exercise)
    if key not in areas:
        areas[key] = await free(work.db, area, exercise=exercise, now=work.now, soon=soon)
    return areas[key]


def hold(work: Work, unit_id: UUID) -> None:
    """The unit was asked in this transaction: it is not free for what is decided after that."""
    areas: dict[tuple[str, bool], Free] = work.seen.get(FREE, {})
    for key, found in areas.items():
        areas[key] = [each for each in found if each[0].id != unit_id]


def let_go(work: Work) -> None:
    """Some unit may be free again: who is free is read anew."""
    work.seen.pop(FREE, None)


async def everyone(
    db: Connection | Pool, area: str, *, exercise: bool, now: datetime, serving: bool = False
) -> list[Member]:  # fmt: skip
    """Every active unit of the area, those that cannot go included; for a recommendation that explains.

    ``serving``: who serves it just now, without those lent and with those borrowed.
    """
    read = units.serving if serving else units.all_of
    rows = await read(db, area, exercise=exercise, at=now)
    found = await _known(db, rows)
    return [
        replace(member, facts=replace(member.facts, busy=row["busy"]), next_booking_at=row["next_booking_at"])
        for member, row in zip(found, rows, strict=True)
    ]


async def of_area(db: Connection | Pool, area: str, *, exercise: bool) -> list[Member]:
    """Every active unit of the area, whatever it does just now; for a day's plan."""
    return await _known(db, await units.of_area(db, area, exercise=exercise))


async def fairly(db: Connection | Pool, members: Sequence[Member], now: datetime) -> list[Member]:
    """The same, volunteers with what they gave of late: for rides that are shared out among them."""
    volunteers = [member.id for member in members if member.volunteer]
    if not volunteers:
        return list(members)
    burden_s = burdens(await served.given(db, volunteers, now - LATELY))
    return [
        replace(member, facts=replace(member.facts, burden_s=burden_s[member.id])) if member.volunteer else member
        for member in members
    ]


async def these(db: Connection | Pool, versions: Mapping[UUID, int]) -> list[Member]:
    """Units by id and version, whatever they are doing."""
    return await _known(db, [{"id": unit_id, "version": version} for unit_id, version in versions.items()])


async def one(db: Connection | Pool, unit_id: UUID) -> Member | None:
    row = await units.read(db, unit_id)
    return member_of(row).located() if row else None


async def _known(db: Connection | Pool, rows: Sequence[asyncpg.Record | Mapping[str, Any]]) -> list[Member]:
    new = [row["id"] for row in rows if (kept := _members.get(row["id"])) is None or kept.version != row["version"]]
    if new:
        for row in await units.by_ids(db, new):
            _members[row["id"]] = member_of(row)
    return [_members[row["id"]].located() for row in rows]


def member_of(row: asyncpg.Record) -> Member:
    """A row of ``unit`` unpacked."""
    facts = row["facts"]
    station = facts.get("station")
    return Member(
        id=row["id"],
        version=row["version"],
        volunteer=row["volunteer"],
        vehicle_id=row["vehicle_id"],
        crew_ids=tuple(row["crew_ids"]),
        call_sign=row["call_sign"],
        area=row["area"],
        usual_crew_ids=tuple(row["usual_crew_ids"]),
        facts=UnitFacts(
            id=str(row["id"]),
            vehicle_kind=facts.get("vehicle_kind", ""),
            level=row["level"],
            duty=row["duty"],
            crew=tuple(_crew(member) for member in facts.get("crew", ())),
            places=facts.get("places", {}),
            equipment=frozenset(facts.get("equipment", ())),
            clean=row["cleanliness"] == "clean",
            exercise=row["exercise"],
            station=Point(*station) if station else None,
            leaves_after_s=float(facts.get("leaves_after_s", 0)),
        ),
        until_at=row["until_at"],
    )


def _crew(facts: Mapping[str, Any]) -> CrewFacts:
    until = {skill: date.fromisoformat(day) if day else None for skill, day in facts["skills"].items()}
    return CrewFacts(facts["id"], until)


def forget() -> None:
    """Begin afresh, as a new process does."""
    _members.clear()
