"""A day of booked rides for the bench: fifty vans of fourteen riders each, on roads, and riders who ask for a place."""

from __future__ import annotations

import csv
import math
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.town import CENTRE_LAT, CENTRE_LON, SAMPLE
from services.dispatch.store import assignments, runs, trips, units
from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from shared.database import Connection, connect
from shared.thai.dates import BANGKOK
from shared.work import new_id

AREA = "ridestown"
VANS, EACH = 50, 14
FIRST_HOUR = 6
GRID, SPACING_M = 70, 200.0
NORTH, EAST = 1 / 111_200, 1 / 106_700
"""Degrees per metre, at this latitude."""
NEAR_M, TOWN_M = 1_500.0, 5_500.0

STATION = "insert into station values ($1, $2, 'ฐานทดสอบ', null, $3, $4, null, true, $5)"
VEHICLE = """
insert into vehicle (id, area, kind, name, station_id, seats, wheelchairs, stretchers, equipment, active, exercise,
                     changed_at)
values ($1, $2, 'ambulance', 'รถทดสอบ', $3, 3, 1, 0, '{}', true, false, $4)
"""
CREW = """
insert into crew (id, area, kind, name, phone, language, organisation, skills, active, exercise, changed_at)
values ($1, $2, 'staff', 'ผู้ทดสอบ', '0812345678', 'th', null, $3, true, false, $4)
"""
UNIT = """
insert into unit (id, area, call_sign, station_id, level, volunteer, exercise, active, usual_vehicle_id,
                  usual_crew_ids, changed_at)
values ($1, $2, $3, $4, 'fr', false, false, true, $5, $6, $7)
"""
PROMISE = "update trip set status = 'planned', pickup_at = $2 where id = $1"
SKILLS = ("driving", "lifting", "first_aid", "emt_b")


@dataclass(slots=True)
class RidesTown:
    """``asking``: booked rides that nobody serves yet, half of them from doors where the vans stop anyway."""

    on: date
    asking: list[UUID]


def write_pack(areas: Path) -> None:
    """The sample's settings under another name, with streets: a grid of 14 km, slower and quicker ones."""
    folder = areas / AREA
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("areas.geojson"))
    text = (SAMPLE / "area.toml").read_text("utf-8")
    text = text.replace('slug = "kalasin"', f'slug = "{AREA}"').replace('case_prefix = "KLS"', 'case_prefix = "RID"')
    (folder / "area.toml").write_text(text, "utf-8")
    (folder / "policies.toml").write_text('[dispatch]\ndefault_mode = "auto"\nbooked_mode = "auto"\n', "utf-8")
    with (folder / "roads.csv").open("w", newline="", encoding="utf-8") as file:
        sheet = csv.writer(file)
        sheet.writerow(["from_lon", "from_lat", "to_lon", "to_lat", "speed_km_h"])
        sheet.writerows(_streets(random.Random("streets")))


def _streets(dice: random.Random) -> Iterator[tuple[float, ...]]:
    def crossing(row: int, column: int) -> tuple[float, float]:
        return _place((column - GRID / 2) * SPACING_M, (row - GRID / 2) * SPACING_M)

    for row in range(GRID):
        for column in range(GRID):
            for other in ((row + 1, column), (row, column + 1)):
                if max(other) < GRID:
                    yield (*crossing(row, column), *crossing(*other), dice.choice((25, 35, 45)))


def _place(east_m: float, north_m: float) -> tuple[float, float]:
    return CENTRE_LON + east_m * EAST, CENTRE_LAT + north_m * NORTH


async def fill(dsn: str, on: date, asking: int) -> RidesTown:
    """Vans that have promised an hour of the day to each of their riders, and riders who ask."""
    db = await connect(dsn)
    try:
        dice = random.Random("rides")
        doors = list[tuple[float, float]]()
        async with db.transaction():
            for number in range(VANS):
                await _van(db, dice, number, on, doors)
        made = [_trip(dice, on, _door(dice, doors), dice.choice(doors), _noon(on, dice.uniform(0, 10)))
                for _ in range(asking)]  # fmt: skip
        await trips.insert(db, made)
        await db.execute("analyze")
    finally:
        await db.close()
    return RidesTown(on, [trip.id for trip in made])


def _noon(on: date, hours: float) -> datetime:
    at = datetime.combine(on, time(FIRST_HOUR), BANGKOK) + timedelta(hours=hours + 1)
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _door(dice: random.Random, doors: list[tuple[float, float]]) -> tuple[float, float]:
    return dice.choice(doors) if dice.random() < 0.5 else _around(dice, (0.0, 0.0), TOWN_M)[0]


def _around(
    dice: random.Random, middle_m: tuple[float, float], far_m: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """A place around another, as degrees and as metres from the town's centre."""
    angle, away = dice.uniform(0, 2 * math.pi), far_m * math.sqrt(dice.random())
    metres = (middle_m[0] + away * math.cos(angle), middle_m[1] + away * math.sin(angle))
    return _place(*metres), metres


async def _van(db: Connection, dice: random.Random, number: int, on: date, doors: list[tuple[float, float]]) -> None:
    now = datetime.now(UTC)
    home, base_m = _around(dice, (0.0, 0.0), TOWN_M - 2 * NEAR_M)
    station, vehicle, unit = new_id(), new_id(), new_id()
    crew = [new_id(), new_id()]
    await db.execute(STATION, station, AREA, *home, now)
    await db.execute(VEHICLE, vehicle, AREA, station, now)
    for member in crew:
        await db.execute(CREW, member, AREA, dict.fromkeys(SKILLS), now)
    await db.execute(UNIT, unit, AREA, f"V{number}", station, vehicle, crew, now)
    await units.refresh_facts(db, unit)
    for hour in range(EACH):
        pickup, drop = (_around(dice, base_m, NEAR_M)[0] for _ in range(2))
        doors += [pickup, drop]
        starts_at = datetime.combine(on, time(FIRST_HOUR + hour), BANGKOK).astimezone(UTC)
        at = starts_at + timedelta(minutes=12)
        trip = _trip(dice, on, pickup, drop, at)
        await trips.insert(db, [trip])
        await db.execute(PROMISE, trip.id, at)
        await _promise(db, trip, unit, crew, starts_at, at)


async def _promise(
    db: Connection, trip: Trip, unit: UUID, crew: list[UUID], starts_at: datetime, at: datetime
) -> None:  # fmt: skip
    run, there = new_id(), at + timedelta(minutes=20)
    window = (starts_at, there + timedelta(minutes=10))
    await runs.insert_planned(db, run, unit, AREA, window, exercise=False, override_reason=None)
    made = Assignment(
        id=new_id(), trip_id=trip.id, run_id=run, unit_id=unit, area=AREA, role="primary", way="offer",
        status="accepted", crew_ids=crew, attempt=1, asked_at=trip.received_at, start_at=starts_at, pickup_at=at,
        dropoff_at=there,
    )  # fmt: skip
    await assignments.insert(db, made)


def _trip(
    dice: random.Random, on: date, pickup: tuple[float, float], drop: tuple[float, float], latest_at: datetime
) -> Trip:  # fmt: skip
    facts: dict[str, Any] = {
        "id": new_id(), "call_id": new_id(), "patient_id": new_id(), "person_id": None, "leg": "outbound",
        "outbound_id": None, "area": AREA, "amphoe": None, "protected": False, "exercise": False, "back_entry": False,
        "kind": "transfer", "lane": "booked", "severity": "green", "severity_scheme": "cbd", "status": "requested",
        "received_at": datetime.now(UTC), "on_day": on, "now_at": None, "details": {}, "facility_id": None,
        "pickup_earliest_at": latest_at - timedelta(minutes=60), "pickup_latest_at": latest_at,
        "arrive_by_at": latest_at + timedelta(minutes=60),
        "need": {"mobility": dice.choice(("walking", "walking", "assisted", "wheelchair"))},
        "pickup_lon": pickup[0], "pickup_lat": pickup[1], "drop_lon": drop[0], "drop_lat": drop[1],
    }  # fmt: skip
    return Trip(**facts)
