"""Where simulated vehicles are, how they move, and the positions they report, as a tracker in the vehicle would."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from karuna.simulate.doors import DoorClosed, Doors
from karuna.simulate.pace import Pace, between, drive_s
from shared.auth import Role
from shared.geo import Point

TICK_S = 5.0
QUICKEST_TICK_S = 0.5
STANDING_S = 60.0
"""A vehicle that stands says so this often, so that its position does not grow stale."""
LIST = 500


@dataclass(slots=True)
class _Drive:
    start: Point
    end: Point
    began_s: float
    takes_s: float

    def at(self, now_s: float) -> Point:
        return between(self.start, self.end, (now_s - self.began_s) / self.takes_s if self.takes_s else 1.0)


class Driving:
    """The vehicles of one area. ``sent`` counts the positions."""

    def __init__(self, doors: Doors, pace: Pace) -> None:
        self._doors, self._pace = doors, pace
        self._places: dict[UUID, Point] = {}
        self._drives: dict[UUID, _Drive] = {}
        self._told: dict[UUID, float] = {}
        self.sent = 0

    def stands(self, unit_id: UUID, place: Point) -> None:
        """Say where a vehicle is, unless that is known."""
        self._places.setdefault(unit_id, place)

    def place(self, unit_id: UUID) -> Point | None:
        drive = self._drives.get(unit_id)
        return drive.at(time.monotonic()) if drive is not None else self._places.get(unit_id)

    async def go(self, unit_id: UUID, end: Point, *, urgent: bool) -> None:
        """Drive there; the vehicle stays where it is when the drive is cancelled."""
        start = self.place(unit_id) or end
        takes_s = drive_s(start, end, urgent=urgent) / self._pace.work
        self._drives[unit_id] = _Drive(start, end, time.monotonic(), takes_s)
        try:
            await asyncio.sleep(takes_s)
        finally:
            self._places[unit_id] = self.place(unit_id) or end
            self._drives.pop(unit_id, None)
            self._told.pop(unit_id, None)  # say at once where it stopped

    async def report(self) -> None:
        """Send positions until cancelled: of those that move at every tick, of the others now and then."""
        tick_s = max(QUICKEST_TICK_S, TICK_S / self._pace.work)
        while True:
            fixes = self._due(time.monotonic(), datetime.now(UTC))
            for first in range(0, len(fixes), LIST):
                await self._send(fixes[first : first + LIST])
            await asyncio.sleep(tick_s)

    def _due(self, now_s: float, now: datetime) -> list[dict[str, Any]]:
        fixes = []
        for unit_id in list(self._places):
            moves = unit_id in self._drives
            place = self.place(unit_id)
            if place is None or (not moves and now_s - self._told.get(unit_id, -STANDING_S) < STANDING_S):
                continue
            self._told[unit_id] = now_s
            fixes.append(
                {
                    "unit_id": str(unit_id),
                    "lat": round(place.lat, 6),
                    "lon": round(place.lon, 6),
                    "at": now.isoformat(),
                    "accuracy_m": 8,
                    "speed_kmh": 40 if moves else 0,
                }
            )
        return fixes

    async def _send(self, fixes: list[dict[str, Any]]) -> None:
        """A position that is lost is followed by the next: nobody tries again."""
        try:
            answer = await self._doors.ask(
                "POST", "dispatch", "/v1/positions", Role.DISPATCHER, json={"positions": fixes}, tries=1
            )
        except DoorClosed:
            return
        if answer.is_success:
            self.sent += len(fixes)
