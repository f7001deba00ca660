"""Resources as they are put, and crew members: registered, changed, erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.dispatch.store import resources, served, shifts, units
from services.dispatch.verbs import certificates
from services.dispatch.verbs.duty import go_off_duty
from services.dispatch.verbs.lives import missing
from shared.erasure import erase
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.dispatch import CrewChanged, CrewErased, CrewRegistered
from shared.work import Work

UNKNOWN_REFERENCE = {
    "station_id": ("ไม่มีฐานนี้ในพื้นที่", "there is no such station in this area"),
    "vehicle_id": ("ไม่มีรถนี้ในพื้นที่ หรือเลิกใช้แล้ว", "there is no such vehicle in this area, or it is not in use"),
    "crew_ids": ("ไม่มีเจ้าหน้าที่บางคนในพื้นที่ หรือเลิกปฏิบัติงานแล้ว", "not all are active crew members of this area"),
}


VEHICLE_SERVES = (
    409, "on_duty", "มีหน่วยอยู่ในเวรกับรถคันนี้ ให้ออกเวรหรือเปลี่ยนรถก่อนเลิกใช้",
    "a unit is on duty with this vehicle: take it off duty or change its vehicle first",
)  # fmt: skip
ERASED = (409, "erased", "ข้อมูลของเจ้าหน้าที่คนนี้ถูกลบแล้ว ใช้รหัสใหม่", "this member was erased: use a new id")


def unknown(field: str) -> Refused:
    """422: the body names something that is not there."""
    th, en = UNKNOWN_REFERENCE[field]
    return Refused(422, "unknown_reference", th, en, field=field)


async def put(work: Work, noun: str, resource_id: UUID, values: Mapping[str, Any]) -> bool | None:
    """Put a station, facility, vehicle or crew member: True made, False changed, None the same as before.

    Raises:
        Refused: 404 the id is another municipality's (or was erased), 409 it serves just now and is to be taken out of
            use, 422 an unknown station.

    """
    station_id = values.get("station_id")
    if station_id is not None and not await units.station_is_known(work.db, station_id, values["area"]):
        raise unknown("station_id")
    made = await resources.put(work.db, noun, (resource_id, *values.values(), work.now))
    if made is None and await resources.area_of(work.db, noun, resource_id) != values["area"]:
        raise missing(noun)
    if made is None and noun == "crew" and await resources.is_erased(work.db, resource_id):
        raise Refused(*ERASED, field="id")
    if made is not None:
        await AFTER[noun](work, resource_id, values, made)
    return made


async def _nothing_more(work: Work, resource_id: UUID, values: Mapping[str, Any], made: bool) -> None:
    """Stations and facilities are read where they are needed."""


async def _station_changed(work: Work, resource_id: UUID, _: Mapping[str, Any], made: bool) -> None:
    for unit_id in [] if made else await units.of_station(work.db, resource_id):
        await units.refresh_facts(work.db, unit_id)


async def _vehicle_changed(work: Work, resource_id: UUID, values: Mapping[str, Any], made: bool) -> None:
    """What the units with it can do.

    Raises:
        Refused: 409, one of them serves with a vehicle that is to be taken out of use.

    """
    for unit_id in [] if made else await units.with_vehicle(work.db, resource_id):
        unit = await units.read(work.db, unit_id)
        if unit is not None and unit["vehicle_id"] == resource_id and not values["active"]:
            raise Refused(*VEHICLE_SERVES, field="active")
        await units.refresh_facts(work.db, unit_id)


async def _crew_changed(work: Work, resource_id: UUID, values: Mapping[str, Any], made: bool) -> None:
    """Say what notify needs to reach this member, and refresh the unit they are on.

    Who is not active any more leaves it, as who is erased does: it goes on with the others, or off duty.

    Raises:
        Refused: 409, the unit of somebody who is to leave is on a run.

    """
    for unit_id in [] if made or values["active"] else await units.of_crew(work.db, resource_id):
        await go_off_duty(work, unit_id, without=resource_id)
    for unit_id in [] if made else await units.with_crew(work.db, resource_id):
        await units.refresh_facts(work.db, unit_id)
    kind: type[CrewRegistered | CrewChanged] = CrewRegistered if made else CrewChanged
    names = ("name", "phone", "line_user_id", "language", "quiet_from", "quiet_until", "organisation")
    private = {name: values[name] for name in names} | {"skills": tuple(sorted(values["skills"]))}
    event = kind(
        kind=values["kind"], active=values["active"], station_id=values["station_id"], at=work.now, private=private
    )
    origin = Origin(values["area"], resource_id, exercise=values["exercise"])
    work.say(resource_id, event, origin)
    await certificates.watch(work, resource_id, origin)


AFTER = {"station": _station_changed, "facility": _nothing_more, "vehicle": _vehicle_changed, "crew": _crew_changed}


async def leaves_after(work: Work, crew_id: UUID, minutes: int) -> None:
    """So long after being asked this member is on the road: ranked with the drive from now on.

    Raises:
        Refused: 404 there is no such member, or they do not serve any more.

    """
    row = await resources.leaving(work.db, crew_id)
    if row is None or not row["active"]:
        raise missing("crew")
    if await resources.set_leaving(work.db, crew_id, minutes, work.now):
        for unit_id in await units.with_crew(work.db, crew_id):
            await units.refresh_facts(work.db, unit_id)


async def erase_crew(work: Work, crew_id: UUID) -> None:
    """Blank what is personal of a member everywhere here, and tell the others to do the same. What they did stays.

    Raises:
        Refused: 404; 409 their unit is on a run.

    """
    row = await resources.crew_for_update(work.db, crew_id)
    if row is None:
        raise missing("crew")
    if row["erased_at"] is not None:
        return
    for unit_id in await units.of_crew(work.db, crew_id):
        await go_off_duty(work, unit_id, without=crew_id)
    await resources.wipe_crew(work.db, crew_id, work.now)
    await units.forget_crew(work.db, crew_id)
    await shifts.free_crew(work.db, crew_id, work.now)
    await served.leave_station(work.db, crew_id, work.now)
    await work.cancel(certificates.ENDS, crew_id)
    await erase(work, "crew", crew_id)
    work.say(crew_id, CrewErased(at=work.now), Origin(row["area"], crew_id, exercise=row["exercise"]))
