"""Who there is in an area: crews with their phones and LINE, units, stations, hospitals; read through the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from karuna.simulate.doors import Doors, Json
from shared.auth import Role
from shared.geo import Point, distance_m

HOSPITALS = frozenset({"hospital", "clinic", "health_centre"})


@dataclass(frozen=True, slots=True)
class Member:
    """A crew member as the simulation knows them."""

    id: UUID
    kind: str
    line: str | None
    phone: str | None


@dataclass(slots=True)
class Cast:
    """``bases`` maps a unit to the point of its station."""

    members: dict[UUID, Member] = field(default_factory=dict)
    by_line: dict[str, Member] = field(default_factory=dict)
    by_phone: dict[str, Member] = field(default_factory=dict)
    bases: dict[UUID, Point] = field(default_factory=dict)
    hospitals: dict[UUID, Point] = field(default_factory=dict)
    facilities: dict[UUID, Point] = field(default_factory=dict)

    def nearest_hospital(self, place: Point) -> tuple[UUID, Point] | None:
        return min(self.hospitals.items(), key=lambda each: distance_m(place, each[1]), default=None)


def digits(phone: str) -> str:
    """The last nine digits: 0812345678, +66812345678 and 66812345678 are one phone."""
    return "".join(sign for sign in phone if sign.isdigit())[-9:]


async def read_cast(doors: Doors) -> Cast:
    """Everybody and everything the dispatcher's board shows.

    Raises:
        DoorClosed: dispatch does not answer.

    """
    cast, area = Cast(), {"area": doors.area}
    for row in await doors.all("dispatch", "/v1/crew", Role.DISPATCHER, **area):
        member = Member(UUID(row["id"]), row["kind"], row["line_user_id"], row["phone"])
        cast.members[member.id] = member
        if member.line:
            cast.by_line[member.line] = member
        if member.phone:
            cast.by_phone[digits(member.phone)] = member
    stations = {
        row["id"]: Point(row["lon"], row["lat"])
        for row in await doors.all("dispatch", "/v1/stations", Role.DISPATCHER, **area)
    }
    for row in await board(doors):
        if row["station_id"] in stations:
            cast.bases[UUID(row["id"])] = stations[row["station_id"]]
    for row in await doors.all("dispatch", "/v1/facilities", Role.DISPATCHER, **area):
        place = Point(row["lon"], row["lat"])
        cast.facilities[UUID(row["id"])] = place
        if row["kind"] in HOSPITALS:
            cast.hospitals[UUID(row["id"])] = place
    return cast


async def board(doors: Doors) -> list[Json]:
    """Every unit and what it does."""
    return await doors.all("dispatch", "/v1/units", Role.DISPATCHER, area=doors.area)


async def own_trips(doors: Doors, member: Member) -> list[Json]:
    """What a crew member's phone shows: the open trips they are asked for or work on."""
    found: dict[str, Any] = await doors.read("dispatch", "/v1/trips", Role.CREW, crew_id=member.id)
    items: list[Json] = found["items"]
    return items
