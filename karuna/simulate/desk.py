"""A simulated dispatcher: confirms proposals, books rides by hand, and hears by phone when somebody may be fetched."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from karuna.simulate.doors import DoorClosed, Doors, Json, code_of
from karuna.simulate.pace import AHEAD, CALL_IN, DESK, VISIT, Pace
from shared.auth import Role

ROUND_S = 4.0
BEST = 4
"""How many recommended units are tried for a ride before it waits for the next look."""
SOON = timedelta(seconds=20)
SILENT = timedelta(minutes=20)
"""How long a crew may leave the offer of a ride unanswered."""
WAITING = ("requested", "queued", "unassigned")
AGAIN = timedelta(seconds=30)
KEPT = 10_000


class Desk:
    """Runs until cancelled. ``counts`` tells what was done, ``told`` hears of trouble once."""

    def __init__(self, doors: Doors, pace: Pace, counts: Counter[str], *, told: Callable[[str], None] = print) -> None:
        self._doors, self._pace, self._counts, self._told = doors, pace, counts, told
        self._tried: dict[str, datetime] = {}
        self._visits: dict[str, datetime] = {}
        self._away = False

    async def run(self) -> None:
        while True:
            try:
                await self._look()
                self._away = False
            except DoorClosed as problem:
                if not self._away:
                    self._told(str(problem))
                self._away = True
            await asyncio.sleep(max(1.0, ROUND_S / self._pace.people))

    async def _look(self) -> None:
        for status in WAITING:
            for trip in await self._trips(status):
                if self._due(trip["id"]):
                    await self._decide(trip)
        for trip in await self._trips("planned"):
            await self._wait_no_longer(trip)
        for trip in await self._trips("awaiting_ready"):
            await self._fetch(trip)

    async def _trips(self, status: str) -> list[Json]:
        return await self._doors.all("dispatch", "/v1/trips", Role.DISPATCHER, area=self._doors.area, status=status)

    def _due(self, trip_id: str) -> bool:
        """Whether a trip may be looked at again; what is long ago is forgotten."""
        now = datetime.now(UTC)
        if now - self._tried.get(trip_id, now - AGAIN) < AGAIN:
            return False
        if len(self._tried) > KEPT:
            self._tried = {name: at for name, at in self._tried.items() if now - at < AGAIN}
        return True

    async def _decide(self, trip: Json) -> None:
        """A proposal is confirmed, a ride booked, who declined is talked to; the rest is the system's work."""
        proposed = [each for each in trip["assignments"] if each["status"] == "proposed"]
        asked = [each for each in trip["assignments"] if each["ended_at"] is None]
        if proposed:
            await self._pace.think(DESK)
            await self._assign(trip, UUID(proposed[0]["unit_id"]), {})
        elif trip["lane"] == "booked" and not asked and self._soon(trip):
            await self._pace.think(DESK)
            await self._book(trip)
        elif "nobody_willing" in trip["queue_reasons"] and not asked:
            await self._pace.think(CALL_IN)
            await self._talk_to(trip)
        else:
            return
        self._tried[trip["id"]] = datetime.now(UTC)

    async def _wait_no_longer(self, trip: Json) -> None:
        """A ride whose crew does not answer is taken from it: somebody else will be asked."""
        now = datetime.now(UTC)
        silent = max(SILENT / self._pace.people, timedelta(seconds=20))
        for each in trip["assignments"]:
            if each["status"] == "offered" and now - datetime.fromisoformat(each["asked_at"]) > silent:
                path = f"/v1/assignments/{each['id']}/release"
                await self._doors.ask("POST", "dispatch", path, Role.DISPATCHER, json={"reason": "replanned"})
                self._counts["silent ride taken back"] += 1

    async def _fitting(self, trip: Json) -> list[Json]:
        path = f"/v1/trips/{trip['id']}/recommendations"
        found = await self._doors.read("dispatch", path, Role.DISPATCHER, params={"limit": 20})
        return [each for each in found["items"] if each["eligible"]]

    async def _talk_to(self, trip: Json) -> None:
        """An emergency whose fitting units declined: the dispatcher rings the nearest of them and orders it again."""
        for each in (await self._fitting(trip))[:1]:
            await self._assign(trip, UUID(each["unit_id"]), {})

    async def _book(self, trip: Json) -> None:
        """The best fitting unit that has nothing against it; the way back is ordered at once."""
        fitting = [UUID(each["unit_id"]) for each in await self._fitting(trip) if not each["said_no"]]
        for unit_id in fitting[:BEST]:
            when = {} if trip["now_at"] is not None else {"start_at": self._start(trip).isoformat()}
            if await self._assign(trip, unit_id, when):
                return
        self._counts["no_unit_for_ride"] += 1

    def _soon(self, trip: Json) -> bool:
        """Rides of another day are booked on that day."""
        earliest = trip["pickup_earliest_at"]
        return earliest is None or datetime.fromisoformat(earliest) < datetime.now(UTC) + AHEAD

    def _start(self, trip: Json) -> datetime:
        """In time for the earliest pickup; when that has come, at once."""
        soon = datetime.now(UTC) + SOON / self._pace.work
        earliest = trip["pickup_earliest_at"]
        return max(soon, datetime.fromisoformat(earliest)) if earliest else soon

    async def _assign(self, trip: Json, unit_id: UUID, when: dict[str, Any]) -> bool:
        path, body = f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit_id), **when}
        answer = await self._doors.ask("POST", "dispatch", path, Role.DISPATCHER, json=body)
        self._counts["assigned by hand" if answer.is_success else f"not assigned: {code_of(answer)}"] += 1
        return answer.is_success

    async def _fetch(self, trip: Json) -> None:
        """A passenger without LINE rings when the visit is over."""
        outbound = await self._doors.read(
            "dispatch", "/v1/trips/search", Role.DISPATCHER, json={"ids": [trip["outbound_id"]]}
        )
        if not outbound["items"] or outbound["items"][0]["status"] != "completed":
            return
        now = datetime.now(UTC)
        over_at = self._visits.setdefault(
            trip["id"], now + timedelta(seconds=1.5 * self._pace.drawn(VISIT) / self._pace.work)
        )
        if now >= over_at:
            self._visits.pop(trip["id"], None)
            await self._doors.ask("POST", "dispatch", f"/v1/trips/{trip['id']}/ready", Role.DISPATCHER, json={})
            self._counts["ready by phone"] += 1
